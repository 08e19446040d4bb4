"""The one component of ours: an empty element in which the page's own modules draw a run.

Its value is the latest packet of a run (an opaque string). It never holds markup: nothing of a value is ever rendered.
A function and not a subclass of gr.HTML, because Gradio writes a stub file beside the source of every subclass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

__all__ = ["trace_view"]

_MOUNT = """
const base = new URL("%s", document.baseURI).href;
import(base + "main.js").then((page) => page.mount({ element, base, server, props, watch }));
"""


def trace_view(base: str, server_functions: Sequence[Callable[..., Any]]) -> gr.HTML:
    """Mounts web/static/main.js.

    Args:
        base: folder of the page's files, relative to the page.
        server_functions: what the page may ask for, see `credit_viz.web.questions`.
    """
    return gr.HTML(
        value="",
        html_template="<div class='cv-mount'></div>",
        js_on_load=_MOUNT % base,
        apply_default_css=False,
        server_functions=list(server_functions),
        elem_id="view",
    )
