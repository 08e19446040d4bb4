"""Settled against written: one dot per pair of steps. Dots on the diagonal never waited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import safe, visible
from credit_viz.figures.layout import base_layout, plain_axis, ticks_of_steps
from credit_viz.figures.rows import counted_positions
from credit_viz.figures.style import lane_color, surface
from credit_viz.trace.record import Trace

__all__ = ["SettledWrittenInfo", "SettledWrittenRun", "draw", "get_info"]

Ints = NDArray[np.int32]

_DOT = 5  #: pixels across for one token; area grows with the number of tokens
_LARGEST = 26  #: pixels


class SettledWrittenRun(NamedTuple):
    """Tokens of one run by their two steps; arrays are (P,), by settled and then by written."""

    name: str
    settled: Ints  #: converge step
    written: Ints  #: commit step
    counts: Ints  #: tokens


class SettledWrittenInfo(NamedTuple):
    """Tokens of several runs."""

    span: int  #: last step in which a token was written, at least 8
    runs: tuple[SettledWrittenRun, ...]


def get_info(runs: Mapping[str, Trace]) -> SettledWrittenInfo:
    """Pairs of steps of the counted positions (see `rows.counted_positions`)."""
    drawn = tuple(_run(name, trace) for name, trace in runs.items())
    return SettledWrittenInfo(max(8, *(int(run.written.max(initial=0)) for run in drawn)), drawn)


def _run(name: str, trace: Trace) -> SettledWrittenRun:
    places = counted_positions(trace)
    pairs = np.stack([trace.converge_step[places], trace.commit_step[places]], 1)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    return SettledWrittenRun(name, unique[:, 0], unique[:, 1], counts.astype(np.int32))


def draw(info: SettledWrittenInfo, theme: str = "light") -> go.Figure:
    """Dots in the runs' colours over the diagonal; the area of a dot is its number of tokens."""
    ends = [0.5, info.span + 0.5]
    line = {"color": surface(theme)["quiet"], "width": 1, "dash": "dot"}
    figure = go.Figure(go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    for lane, run in enumerate(info.runs):
        figure.add_trace(_dots(run, lane_color(lane, theme)))
    axis = {"range": ends, "tickvals": ticks_of_steps(info.span)}
    figure.update_layout(
        **base_layout(theme, "", 420),
        showlegend=True,
        xaxis=plain_axis(theme, "settled in step") | axis,
        yaxis=plain_axis(theme, "written in step") | axis,
    )
    return figure


def _dots(run: SettledWrittenRun, color: str) -> go.Scatter:
    return go.Scatter(
        x=run.settled,
        y=run.written,
        mode="markers",
        name=safe(visible(run.name)),
        text=run.counts,
        marker={
            "color": color,
            "opacity": 0.55,
            "size": np.minimum(_DOT * np.sqrt(run.counts), _LARGEST),
            "line": {"color": color, "width": 1},
        },
        hovertemplate="settled in step %{x}, written in step %{y}<br>tokens: %{text}<extra></extra>",
    )
