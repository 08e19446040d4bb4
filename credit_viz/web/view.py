"""The one component of ours: an empty element in which the page's own modules draw a run.

Its value is the latest packet of a run (an opaque string). It never holds markup: nothing of a value is ever rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

__all__ = ["TraceView"]

_MOUNT = """
const base = new URL(%r, document.baseURI).href;
import(base + "main.js").then((page) => page.mount({ element, base, server, props, watch }));
"""


class TraceView(gr.HTML):
    """Mounts web/static/main.js.

    Args:
        base: folder of the page's files, relative to the page.
        server_functions: what the page may ask for: packets, position, welcome.
    """

    def __init__(self, base: str, server_functions: list[Callable[..., Any]], **options: Any) -> None:
        super().__init__(
            value="",
            html_template="<div class='cv-mount'></div>",
            js_on_load=_MOUNT % base,
            apply_default_css=False,
            server_functions=server_functions,
            **options,
        )
