"""The page. The only room that imports gradio; knows backends, traces and the lab, no tensors and no models.

The names below are fetched on first use: modules that need no gradio can be imported without it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credit_viz.web.page import build_app, launch
    from credit_viz.web.space import space_laboratory

__all__ = ["build_app", "launch", "space_laboratory"]

_HOMES: Mapping[str, str] = MappingProxyType({"build_app": "page", "launch": "page", "space_laboratory": "space"})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'credit_viz.web' has no attribute {name!r}; public: {', '.join(__all__)}")
    return getattr(import_module(f"credit_viz.web.{_HOMES[name]}"), name)
