"""How many tokens waited how long: one set of bars per run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import safe, visible
from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.rows import counted_positions
from credit_viz.figures.style import lane_color
from credit_viz.trace.record import Trace

__all__ = ["WaitHistogramInfo", "draw", "get_info"]

_MOST_BARS = 24


class WaitHistogramInfo(NamedTuple):
    """Counts of waits in R runs and B bins; bin b holds waits edges[b] <= wait < edges[b + 1]."""

    runs: tuple[str, ...]
    edges: NDArray[np.int32]  #: (B + 1,) steps
    counts: NDArray[np.int32]  #: (R, B) tokens
    means: tuple[float, ...]  #: steps


def get_info(runs: Mapping[str, Trace]) -> WaitHistogramInfo:
    """Waits of the counted positions (see `rows.counted_positions`), over the same bins in all runs."""
    waits = [trace.wait[counted_positions(trace)] for trace in runs.values()]
    longest = max((int(wait.max()) for wait in waits if len(wait)), default=0)
    width = -(-(longest + 1) // _MOST_BARS)
    edges = np.arange(0, longest + width + 1, width, dtype=np.int32)
    counts = np.array([np.histogram(wait, edges)[0] for wait in waits], np.int32)
    return WaitHistogramInfo(tuple(runs), edges, counts, tuple(trace.mean_wait for trace in runs.values()))


def draw(info: WaitHistogramInfo, theme: str = "light") -> go.Figure:
    """Bars side by side, in the runs' colours."""
    bins = np.arange(len(info.edges) - 1, dtype=np.int32)
    names = [_bin_name(int(a), int(b)) for a, b in zip(info.edges[:-1], info.edges[1:], strict=True)]
    figure = go.Figure()
    for lane, (name, counts, mean) in enumerate(zip(info.runs, info.counts, info.means, strict=True)):
        figure.add_bar(
            x=bins,
            y=counts,
            text=names,
            textposition="none",
            name=f"{safe(visible(name))}, mean {mean:.1f}",
            marker={"color": lane_color(lane, theme), "line": {"width": 0}},
            hovertemplate="%{y} tokens waited %{text} steps<extra></extra>",
        )
    every = -(-len(bins) // 8)
    figure.update_layout(
        **base_layout(theme, "", 320),
        barmode="group",
        bargap=0.25,
        showlegend=True,
        xaxis=plain_axis(theme, "steps from settled to written")
        | {"showgrid": False, "tickvals": bins[::every], "ticktext": names[::every], "tickangle": 0},
        yaxis=plain_axis(theme, "tokens"),
    )
    return figure


def _bin_name(start: int, end: int) -> str:
    return f"{start}" if end == start + 1 else f"{start}-{end - 1}"
