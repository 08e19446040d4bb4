"""Figures as JSON, for a browser to draw: the same picture that Python would make."""

from __future__ import annotations

from collections.abc import Mapping

from credit_viz.figures import draw
from credit_viz.trace.record import Trace

__all__ = ["figures_json"]


def figures_json(name: str, runs: Mapping[str, Trace], theme: str = "light") -> str:
    """`draw` as a JSON list of Plotly figures, without what only shows under a pointer: it is large.

    Raises:
        SettingsError: unknown figure.
    """
    figures = draw(name, runs, theme)
    for figure in figures:
        figure.update_traces(text=None, customdata=None, selector={"type": "heatmap"})
    return f"[{','.join(figure.to_json(validate=False) for figure in figures)}]"
