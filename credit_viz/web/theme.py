"""Gradio's own parts (prompt box, buttons) in the page's colours and the reader's own fonts."""

from __future__ import annotations

from typing import Any

import gradio as gr

from credit_viz.web.catalogue import style

__all__ = ["page_theme"]

_SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
_MONO = ["ui-monospace", "SF Mono", "Menlo", "Consolas", "monospace"]


def page_theme() -> gr.themes.Base:
    """The theme; nothing of it is fetched from outside."""
    surface: dict[str, Any] = style()["surface"]
    light, dark = surface["light"], surface["dark"]
    theme = gr.themes.Base(
        font=[gr.themes.Font(name) for name in _SANS], font_mono=[gr.themes.Font(name) for name in _MONO]
    )
    return theme.set(
        body_background_fill=light["page"],
        body_background_fill_dark=dark["page"],
        body_text_color=light["text"],
        body_text_color_dark=dark["text"],
        body_text_color_subdued=light["quiet"],
        body_text_color_subdued_dark=dark["quiet"],
        background_fill_primary=light["card"],
        background_fill_primary_dark=dark["card"],
        block_background_fill=light["card"],
        block_background_fill_dark=dark["card"],
        border_color_primary=light["line"],
        border_color_primary_dark=dark["line"],
    )
