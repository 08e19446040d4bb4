"""Mean step of writing along the text, against the mean step in which the answer had settled.

After Fig. 1 of CreditDecoding (arXiv 2510.06133): the settled step (converge step) is the earliest step in which a
token could have been written without guessing wrong on the way. Means over bins of the text are all the smoothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import safe, visible
from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.rows import counted_positions
from credit_viz.figures.style import lane_color
from credit_viz.trace.record import Trace

__all__ = ["DecodingStepInfo", "DecodingStepRun", "draw", "get_info"]

Floats = NDArray[np.float64]

_LEAST_BINS, _MOST_BINS = 4, 16
_TOKENS_PER_BIN = 3  #: at least, where texts are long enough


class DecodingStepRun(NamedTuple):
    """One line; arrays are (B,), NaN where a bin holds no token."""

    name: str
    traces: int  #: runs that were averaged
    counts: NDArray[np.int64]  #: tokens
    written: Floats  #: mean commit step
    settled: Floats  #: mean converge step
    mean_written: float  #: over all tokens; NaN without any
    mean_settled: float


class DecodingStepInfo(NamedTuple):
    """Bin b of B holds tokens whose place in the text is in [b, b + 1) / B; the r-th of n tokens is at place r / n."""

    bins: int
    runs: tuple[DecodingStepRun, ...]


def get_info(runs: Mapping[str, Trace | Sequence[Trace]]) -> DecodingStepInfo:
    """Means over the counted positions (see `rows.counted_positions`) of one run, or of several, to a line."""
    groups = {name: [run] if isinstance(run, Trace) else list(run) for name, run in runs.items()}
    tokens = [sum(len(counted_positions(trace)) for trace in group) for group in groups.values()]
    fewest = min((count for count in tokens if count), default=0)  # the line of fewest tokens fills every bin
    bins = max(_LEAST_BINS, min(_MOST_BINS, fewest // _TOKENS_PER_BIN))
    return DecodingStepInfo(bins, tuple(_run(name, group, bins) for name, group in groups.items()))


def _run(name: str, group: Sequence[Trace], bins: int) -> DecodingStepRun:
    places = [counted_positions(trace) for trace in group]
    written = np.concatenate([trace.commit_step[here] for trace, here in zip(group, places, strict=True)])
    settled = np.concatenate([trace.converge_step[here] for trace, here in zip(group, places, strict=True)])
    bin_of = np.concatenate([np.arange(len(here)) * bins // max(1, len(here)) for here in places])
    counts = np.bincount(bin_of, minlength=bins)
    means = [_mean(np.bincount(bin_of, values, bins).astype(np.float64), counts) for values in (written, settled)]
    totals = [float(values.mean()) if len(values) else float("nan") for values in (written, settled)]
    return DecodingStepRun(name, len(group), counts, means[0], means[1], totals[0], totals[1])


def _mean(sums: Floats, counts: NDArray[np.int64]) -> Floats:
    means = np.full(len(sums), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def draw(info: DecodingStepInfo, theme: str = "light") -> go.Figure:
    """Solid: written. Dashed: settled."""
    figure = go.Figure()
    for lane, run in enumerate(info.runs):
        figure.add_traces(_lines(run, lane_color(lane, theme)))
    ticks = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["start", "¼", "½", "¾", "end"], "range": [-0.02, 1.02]}
    figure.update_layout(
        **base_layout(theme, "", 360),
        showlegend=True,
        xaxis=plain_axis(theme, "place in the text") | {"showgrid": False} | ticks,
        yaxis=plain_axis(theme, "mean step (forward pass)") | {"rangemode": "tozero"},
    )
    return figure


def _lines(run: DecodingStepRun, color: str) -> list[go.Scatter]:
    name = safe(visible(run.name))
    bins = len(run.counts)
    shared = {
        "x": (np.arange(bins) + 0.5) / bins,
        "legendgroup": name,
        "connectgaps": True,
        "text": run.counts,
    }
    hover = "mean of tokens: %{text}<br>%{y:.1f}<extra></extra>"
    return [
        go.Scatter(
            **shared,
            y=run.written,
            mode="lines+markers",
            name=f"{name}: written, mean {run.mean_written:.1f}",
            line={"color": color, "width": 2},
            marker={"size": 5},
            hovertemplate=f"written, {hover}",
        ),
        go.Scatter(
            **shared,
            y=run.settled,
            mode="lines",
            name=f"settled, mean {run.mean_settled:.1f}",
            line={"color": color, "width": 1.5, "dash": "dash"},
            hovertemplate=f"settled, {hover}",
        ),
    ]
