"""What all figures share: fonts, margins, axes and marks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.rows import Places, Rows
from credit_viz.figures.style import mark, surface

__all__ = [
    "CELLS",
    "FONT",
    "MONO",
    "NAMED_ROWS",
    "base_layout",
    "map_height",
    "marks",
    "plain_axis",
    "position_axis",
    "row_marks",
    "step_axis",
    "ticks_of_steps",
]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, monospace"
_ROW = 15  #: pixels per position while tokens are named
NAMED_ROWS = 72  #: more positions than this are numbered instead of named
_TALLEST = 900  #: pixels
#: where the cells of a map lie: steps from 1 across, positions from 0 down
CELLS: Mapping[str, int] = MappingProxyType({"x0": 1, "dx": 1, "y0": 0, "dy": 1})
#: shapes of marks as Plotly calls them
_SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "dot": "circle",
        "cross": "x",
        "diamond": "diamond",
        "square": "square",
        "up": "triangle-up",
        "down": "triangle-down",
    }
)


def base_layout(theme: str, title: str, height: int, color: str | None = None) -> dict[str, Any]:
    """Layout without axes; color: of the title, for figures that show one run."""
    colors = surface(theme)
    return {
        "template": None,
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
        "paper_bgcolor": colors["card"],
        "plot_bgcolor": colors["card"],
        "font": {"family": FONT, "size": 13, "color": colors["text"]},
        "title": {
            "text": title,
            "font": {"size": 15, "color": color or colors["text"]},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "pad": {"b": 8, "l": 8},
        },
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "align": "left"},
        "dragmode": False,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "left", "x": 0},
    }


def plain_axis(theme: str, title: str) -> dict[str, Any]:
    """An axis with quiet lines."""
    colors = surface(theme)
    return {
        "title": {"text": title, "font": {"size": 12, "color": colors["quiet"]}, "standoff": 6},
        "tickfont": {"size": 11, "color": colors["quiet"]},
        "gridcolor": colors["line"],
        "zeroline": False,
        "ticks": "",
        "automargin": True,
        "fixedrange": True,
    }


def step_axis(theme: str, span: int) -> dict[str, Any]:
    """x: steps 1..span, the same for all runs of a page."""
    axis = plain_axis(theme, "step (forward pass)")
    return axis | {"range": [0.5, max(span, 1) + 0.5], "showgrid": False, "tickvals": ticks_of_steps(span)}


def ticks_of_steps(span: int) -> list[int]:
    """About eight whole steps, from 1."""
    size = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if span <= 9 * size)
    return [1, *range(max(size, 2), span + 1, size)]


def position_axis(theme: str, labels: tuple[str, ...]) -> dict[str, Any]:
    """y: positions from the top, named by their final tokens while there is room for them."""
    count = len(labels)
    axis = plain_axis(theme, "") | {"range": [count - 0.5, -0.5], "showgrid": False}
    if count > NAMED_ROWS:
        axis["title"]["text"] = "position"
        return axis
    font = {"family": MONO, "size": 11, "color": surface(theme)["text"]}
    return axis | {"tickvals": list(range(count)), "ticktext": list(labels), "tickfont": font}


def map_height(count: int) -> int:
    """Pixels for `count` positions."""
    return min(_TALLEST, max(240, _ROW * count + 110))


def _dots(name: str, places: Places, hover: tuple[str, ...], size: int) -> list[go.Scatter]:
    """A mark at given cells, with their rows' texts under the pointer; "settled" is silent."""
    text = None if name == "settled" else [hover[int(row)] for row in places.positions]
    return marks(name, places.steps, places.positions, size, text)


def row_marks(rows: Rows, size: int, with_settled: bool = True) -> list[go.Scatter]:
    """Every event of a run, and where tokens settled; a kind that never happened draws nothing."""
    settled = np.flatnonzero(rows.settled > 0).astype(np.int32)
    found = _dots("settled", Places(rows.settled[settled], settled), rows.hover, size + 2) if with_settled else []
    for name, places in rows.events.items():
        if len(places.steps) or name == "written":
            found += _dots(name, places, rows.hover, size)
    return found


def marks(
    name: str, x: NDArray[Any], y: NDArray[Any], size: int, hovertext: list[str] | None = None
) -> list[go.Scatter]:
    """A mark of style.json at given places; silent under the pointer without a text."""
    style = mark(name)
    place = {"x": x, "y": y, "mode": "markers", "showlegend": False, "hovertext": hovertext}
    place["hoverinfo"] = "skip" if hovertext is None else "text"
    if style["shape"] == "tick":  # two ticks: a line symbol has no outline of its own
        return [
            go.Scatter(**place, marker={"symbol": "line-ns", "size": size, "line": {"width": width, "color": color}})
            for width, color in ((4, style["outline"]), (2, style["color"]))
        ]
    symbol = _SYMBOLS[style["shape"]]
    outline = {"width": 1, "color": style["outline"]}
    return [go.Scatter(**place, marker={"symbol": symbol, "size": size, "color": style["color"], "line": outline})]
