"""The order of writing: every token of the text in its place, coloured by the step in which it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe, visible, word_label
from credit_viz.figures.layout import MONO, base_layout, plain_axis
from credit_viz.figures.rows import counted_positions
from credit_viz.figures.style import lane_color, surface
from credit_viz.trace.record import Trace

__all__ = ["OrderInfo", "OrderRun", "draw", "get_info"]

_BAND = 110  #: pixels per run


class OrderRun(NamedTuple):
    """The counted tokens of one run in text order; arrays are (n,)."""

    name: str
    positions: NDArray[np.int32]
    labels: tuple[str, ...]  #: safe for Plotly
    steps: NDArray[np.int32]  #: commit step
    in_order: float  #: share of neighbours of which the left one was not written later; 1 for a text of one token
    islands: int  #: runs of neighbours that were written in one step beside no earlier one


class OrderInfo(NamedTuple):
    """Several runs over the same positions and steps."""

    length: int  #: positions of the longest run
    span: int  #: steps of the longest run
    runs: tuple[OrderRun, ...]


def get_info(runs: Mapping[str, Trace]) -> OrderInfo:
    """Order of the counted positions (see `rows.counted_positions`)."""
    traces = runs.values()
    span = max(trace.forward_passes for trace in traces)
    length = max(trace.gen_length for trace in traces)
    return OrderInfo(length, span, tuple(_run(name, trace) for name, trace in runs.items()))


def _run(name: str, trace: Trace) -> OrderRun:
    places = counted_positions(trace)
    steps = trace.commit_step[places]
    labels = tuple(word_label(trace, int(trace.token_ids[place])) for place in places)
    in_order = float((steps[:-1] <= steps[1:]).mean()) if len(steps) > 1 else 1.0
    return OrderRun(name, places, labels, steps, in_order, _islands(steps))


def _islands(steps: NDArray[np.int32]) -> int:
    """Runs of equal neighbours both of whose outer neighbours are later or missing."""
    ends = np.flatnonzero(np.diff(steps)) + 1
    values = steps[np.concatenate([[0], ends])] if len(steps) else steps
    padded = np.pad(values.astype(np.int64), 1, constant_values=np.iinfo(np.int32).max)
    return int(((padded[:-2] >= values) & (padded[2:] >= values)).sum())


def draw(info: OrderInfo, theme: str = "light") -> go.Figure:
    """One band per run; the strongest colour was written first in its run."""
    figure = go.Figure([_band(info, lane, theme) for lane in range(len(info.runs))])
    names = [f"{safe(visible(run.name))}<br>{counted(run.islands, 'island')}" for run in info.runs]
    count = len(names)
    figure.update_layout(
        **base_layout(theme, "", _BAND * count + 90),
        barmode="overlay",
        showlegend=False,
        xaxis=plain_axis(theme, "position") | {"range": [-0.5, max(info.length, 1) - 0.5], "showgrid": False},
        yaxis=plain_axis(theme, "")
        | {
            "range": [count - 0.5, -0.5],
            "tickvals": list(range(count)),
            "ticktext": names,
            "showgrid": False,
        },
    )
    return figure


def _band(info: OrderInfo, lane: int, theme: str) -> go.Bar:
    run, colors = info.runs[lane], surface(theme)
    late = (run.steps - run.steps.min(initial=info.span)) / max(1, int(np.ptp(run.steps)) if len(run.steps) else 1)
    ink = [colors["card"] if share < 0.5 else colors["text"] for share in late]
    return go.Bar(
        x=run.positions,
        y=np.full(len(run.steps), -0.9),
        base=lane + 0.45,
        width=0.92,
        text=list(run.labels),
        textangle=-90,
        textposition="inside",
        insidetextanchor="middle",
        textfont={"family": MONO, "color": ink},
        marker={
            "color": [_mixed(lane_color(lane, theme), colors["line"], float(share)) for share in late],
            "line": {"width": 0},
        },
        customdata=run.steps,
        hovertemplate="<b>%{text}</b> at position %{x}<br>written in step %{customdata}<extra></extra>",
    )


def _mixed(one: str, other: str, share: float) -> str:
    """A colour between two of the form "#rrggbb"; share 0 is the first."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
