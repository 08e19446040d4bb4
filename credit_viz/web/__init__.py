"""The page. The only room that imports gradio; knows backends and traces, no tensors and no models.

The names below are fetched on first use: modules that need no gradio can be imported without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_viz.web.page import build_app, launch

__all__ = ["build_app", "launch"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'credit_viz.web' has no attribute {name!r}; public: {', '.join(__all__)}")
    return getattr(import_module("credit_viz.web.page"), name)
