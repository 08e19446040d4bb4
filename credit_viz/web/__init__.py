"""The page. The only room that imports gradio; knows backends and traces, no tensors and no models."""

from __future__ import annotations

from credit_viz.web.page import build_app, launch

__all__ = ["build_app", "launch"]
