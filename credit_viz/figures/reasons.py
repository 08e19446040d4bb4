"""Why fewer passes: tokens of each run by the reason they were written for, beside what the run cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import plotly.graph_objects as go

from credit_viz.figures.labels import counted, safe, visible
from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.style import mark, reason_fill, reason_mark, reason_name, surface
from credit_viz.trace.reasons import written_by
from credit_viz.trace.record import Reason, Trace

__all__ = ["ReasonsInfo", "ReasonsRun", "draw", "get_info"]

_BAND = 64  #: pixels per run
#: patterns of style.json as Plotly calls them; "pale" is one of opacity
_PATTERNS = {"hatched": "/", "dotted": "."}
_PALE = 0.35


class ReasonsRun(NamedTuple):
    """What one run cost, and why its tokens were written."""

    name: str
    passes: int  #: forward passes
    tokens_per_pass: float
    mean_wait: float  #: steps
    redundant_guesses: int
    counts: Mapping[Reason, int]  #: tokens by the reason of their last write; only reasons that occur


class ReasonsInfo(NamedTuple):
    """Several runs."""

    most: int  #: tokens of the run that wrote most of them
    reasons: tuple[Reason, ...]  #: that occur in any run, in order
    runs: tuple[ReasonsRun, ...]


def get_info(runs: Mapping[str, Trace]) -> ReasonsInfo:
    """Counts of `trace.reasons.written_by`, with the metrics of the runs."""
    found = tuple(_run(name, trace) for name, trace in runs.items())
    reasons = sorted({reason for run in found for reason in run.counts})
    return ReasonsInfo(max((sum(run.counts.values()) for run in found), default=0), tuple(reasons), found)


def _run(name: str, trace: Trace) -> ReasonsRun:
    counts = {Reason[reason.upper()]: count for reason, count in written_by(trace).items() if count}
    costs = (trace.forward_passes, trace.tokens_per_forward, trace.mean_wait, trace.redundant_guesses)
    return ReasonsRun(name, *costs, counts)


def draw(info: ReasonsInfo, theme: str = "light") -> go.Figure:
    """One stacked bar per run from a common edge, with its numbers."""
    count = len(info.runs)
    figure = go.Figure([_stack(info, reason, theme) for reason in info.reasons])
    figure.update_layout(
        **base_layout(theme, "", _BAND * count + 110),
        legend_traceorder="normal",
        barmode="stack",
        bargap=0.4,
        showlegend=True,
        xaxis=plain_axis(theme, "tokens") | {"range": [0, 1.004 * max(info.most, 1)]},
        yaxis=plain_axis(theme, "")
        | {
            "range": [count - 0.5, -0.5],
            "tickvals": list(range(count)),
            "ticktext": [_label(run) for run in info.runs],
            "showgrid": False,
        },
    )
    return figure


def _label(run: ReasonsRun) -> str:
    cost = f"{counted(run.passes, 'pass', 'passes')}, {run.tokens_per_pass:.2f} tokens each"
    waits = f"waited {run.mean_wait:.1f}, redundant {run.redundant_guesses}"
    return f"<b>{safe(visible(run.name))}</b><br>{cost}<br>{waits}"


def _stack(info: ReasonsInfo, reason: Reason, theme: str) -> go.Bar:
    counts = [run.counts.get(reason, 0) for run in info.runs]
    pale = reason_fill(reason) == "pale"
    ink = surface(theme)["text"] if pale else mark(reason_mark(reason))["outline"]
    return go.Bar(
        orientation="h",
        y=list(range(len(counts))),
        x=counts,
        name=reason_name(reason),
        text=[count or "" for count in counts],
        textposition="inside",
        textangle=0,
        insidetextanchor="middle",
        insidetextfont={"color": ink},
        marker=_marker(reason),
        hovertemplate=f"{reason_name(reason)}: %{{x}}<extra></extra>",
    )


def _marker(reason: Reason) -> dict[str, Any]:
    """As the maps mark it; what shares a mark is told apart by its filling."""
    style, fill = mark(reason_mark(reason)), reason_fill(reason)
    color, outline = style["color"], style["outline"]
    shape = {"shape": _PATTERNS.get(fill, ""), "size": 6, "solidity": 0.2}
    return {
        "color": color,
        "opacity": _PALE if fill == "pale" else 1,
        "line": {"color": outline, "width": 1},
        "pattern": shape | {"fgcolor": outline, "bgcolor": color},
    }
