"""A statistic at every position and step, as a heatmap with marks of what happened."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import guess_grid
from credit_viz.figures.layout import CELLS, NAMED_ROWS, base_layout, map_height, position_axis, row_marks, step_axis
from credit_viz.figures.rows import Rows, get_rows
from credit_viz.figures.style import Scale, lane_color, map_scale, strength, surface
from credit_viz.trace.record import Trace

__all__ = ["HeatmapInfo", "borders", "colorbar", "draw", "get_info", "heatmap"]


class HeatmapInfo(NamedTuple):
    """One statistic of one run: L positions, T steps."""

    name: str  #: as `Trace.cells` knows it
    lane: int
    span: int  #: steps of the longest run beside this one
    rows: Rows
    values: NDArray[np.float32]  #: (L, T), NaN where nothing was recorded
    guesses: NDArray[np.object_]  #: (L, T) label of the raw top-1, "" where nothing was recorded
    scale: Scale


def get_info(trace: Trace, name: str, lane: int = 0, span: int = 0) -> HeatmapInfo:
    """Numbers of the heatmap `name`: confidence, fused, credit, boost, entropy, flips, margin or a decoder's channel.

    Raises:
        TraceError: unknown name; the message lists the valid ones.
    """
    return HeatmapInfo(
        name=name,
        lane=lane,
        span=max(span, trace.forward_passes),
        rows=get_rows(trace),
        values=trace.grid(name),
        guesses=guess_grid(trace),
        scale=map_scale(name),
    )


def draw(info: HeatmapInfo, theme: str = "light") -> go.Figure:
    """The heatmap with its marks."""
    size = 7 if len(info.rows.labels) <= 80 else 4
    figure = go.Figure([heatmap(info, theme), *row_marks(info.rows, size)])
    figure.update_layout(
        **base_layout(theme, info.rows.title, map_height(len(info.rows.labels)), lane_color(info.lane, theme)),
        xaxis=step_axis(theme, info.span),
        yaxis=position_axis(theme, info.rows.labels),
        shapes=borders(info.rows, theme),
    )
    return figure


def heatmap(info: HeatmapInfo, theme: str, show_scale: bool = True) -> go.Heatmap:
    """The coloured cells alone; every colour scale is fixed, whatever the run holds."""
    steps = info.values.shape[1]
    shown = "customdata" if info.scale.kind == "log1p" else "z"  # what is drawn is the value itself on a linear scale
    row = "token" if len(info.rows.labels) <= NAMED_ROWS else "position"  # a named tick hides its number
    return go.Heatmap(
        z=info.scale.height(info.values),
        **CELLS,
        zmin=info.scale.minimum,
        zmax=info.scale.top,
        colorscale=info.scale.colorscale,
        opacity=strength(info.name),
        hoverongaps=False,
        text=info.guesses.tolist() if steps else None,
        customdata=info.values if shown == "customdata" else None,
        hovertemplate=f"step %{{x}}, {row} %{{y}}<br>best guess <b>%{{text}}</b>{_told(info, shown)}<extra></extra>",
        showscale=show_scale,
        colorbar=colorbar(info.scale, theme),
    )


def colorbar(scale: Scale, theme: str) -> dict[str, object]:
    """A small one at the upper right."""
    return {
        "tickvals": scale.height(np.array(scale.ticks, np.float32)),
        "ticktext": scale.tick_texts,
        "tickfont": {"size": 11, "color": surface(theme)["quiet"]},
        "ticklabelposition": "outside top",
        "orientation": "h",
        "thickness": 8,
        "outlinewidth": 0,
        "lenmode": "pixels",
        "len": 140,
        "x": 1,
        "xanchor": "right",
        "xpad": 12,
        "y": 1,
        "yanchor": "bottom",
        "ypad": 6,
    }


def _told(info: HeatmapInfo, shown: str) -> str:
    """The value in words; a map of named values shows nothing that its colours do not."""
    if info.scale.names:
        return ""
    return f"<br>{info.name} %{{{shown}:.2f}}{' ' if info.scale.unit else ''}{info.scale.unit}"


def borders(rows: Rows, theme: str) -> list[dict[str, object]]:
    """Quiet lines between blocks."""
    line = {"color": surface(theme)["quiet"], "width": 1, "dash": "dot"}
    across: dict[str, object] = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "line": line}
    return [across | {"y0": edge, "y1": edge} for edge in rows.borders]
