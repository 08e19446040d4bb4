"""How long each token waited: a bar from settled to its last write, over a faint map of confidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures import heatmap
from credit_viz.figures.layout import base_layout, map_height, position_axis, row_marks, step_axis
from credit_viz.figures.style import lane_color, strength
from credit_viz.trace.record import Trace

__all__ = ["WaitingInfo", "draw", "get_info"]


class WaitingInfo(NamedTuple):
    """Bars of one run. Arrays hold only positions that were written, W of L."""

    map: heatmap.HeatmapInfo  #: the faint map below
    positions: NDArray[np.int32]  #: (W,)
    starts: NDArray[np.int32]  #: (W,) step in which the position settled
    lengths: NDArray[np.int32]  #: (W,) steps from settled to written
    mean_wait: float  #: steps


def get_info(trace: Trace, lane: int = 0, span: int = 0) -> WaitingInfo:
    """Bars of a run, finished or not."""
    positions = np.flatnonzero(trace.commit_step > 0).astype(np.int32)
    return WaitingInfo(
        map=heatmap.get_info(trace, "confidence", lane, span),
        positions=positions,
        starts=trace.converge_step[positions],
        lengths=trace.wait[positions],
        mean_wait=trace.mean_wait,
    )


def draw(info: WaitingInfo, theme: str = "light") -> go.Figure:
    """Bars in the lane's colour; a token that never waited is a dot alone."""
    rows = info.map.rows
    faint = heatmap.heatmap(info.map, theme, show_scale=False).update(opacity=strength("waiting"))
    color = lane_color(info.map.lane, theme)
    bars = go.Bar(
        orientation="h",
        base=info.starts,
        x=info.lengths,
        y=info.positions,
        width=0.5,
        marker={"color": color, "line": {"width": 0}},
        hoverinfo="text",
        hovertext=[rows.hover[int(place)] for place in info.positions],
        showlegend=False,
    )
    size = 8 if len(rows.labels) <= 80 else 5
    figure = go.Figure([faint, bars, *row_marks(rows, size, with_settled=False)])
    figure.update_layout(
        **base_layout(theme, f"{rows.title}, mean wait {info.mean_wait:.1f}", map_height(len(rows.labels)), color),
        xaxis=step_axis(theme, info.map.span),
        yaxis=position_axis(theme, rows.labels),
        shapes=heatmap.borders(rows, theme),
    )
    return figure
