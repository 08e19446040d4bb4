"""One position over the steps: confidence, fused confidence, and the bar that credit makes easier to pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.errors import SettingsError
from credit_viz.figures.labels import safe, token_label, visible
from credit_viz.figures.layout import base_layout, marks, plain_axis, ticks_of_steps
from credit_viz.figures.rows import counted_positions
from credit_viz.figures.style import lane_color, reason_did, reason_mark
from credit_viz.trace.explain import effective_threshold
from credit_viz.trace.record import Trace

__all__ = ["PositionInfo", "PositionRun", "draw", "get_info"]

Floats = NDArray[np.float32]


class PositionRun(NamedTuple):
    """One run at the position; arrays are (n,), one entry per recorded step."""

    name: str
    token: str  #: label of what stands there in the end, "" for a mask
    steps: NDArray[np.int32]
    guesses: tuple[str, ...]  #: labels of the raw top-1
    confidence: Floats  #: of the raw top-1
    fused: Floats  #: of the token the decoder would write; where it takes one back, the confidence
    score: Floats  #: what was held against the bar, where that is another number than fused; else empty
    score_name: str
    enough: Floats  #: confidence that would have done, the bar itself for other scores; NaN where nothing was judged
    settled: int
    events: tuple[tuple[int, int], ...]  #: (step, Reason) of everything that happened, in order


class PositionInfo(NamedTuple):
    """A position in all runs; positions count from 0."""

    position: int
    span: int  #: steps of the longest run
    runs: tuple[PositionRun, ...]


def get_info(runs: Mapping[str, Trace], position: int | None = None) -> PositionInfo:
    """Numbers of one position; by default the token of the text that waited longest in the first run.

    Raises:
        SettingsError: there is no such position.
    """
    first = next(iter(runs.values()))
    place = _longest_wait(first) if position is None else position
    shortest = min(trace.gen_length for trace in runs.values())
    if not 0 <= place < shortest:
        raise SettingsError(f"position={place} is out of range; valid: 0..{shortest - 1}")
    lanes = tuple(_run(name, trace, place) for name, trace in runs.items())
    return PositionInfo(place, max(trace.forward_passes for trace in runs.values()), lanes)


def _longest_wait(trace: Trace) -> int:
    """The counted position that waited longest; 0 where nothing was written."""
    places = counted_positions(trace)
    return int(places[trace.wait[places].argmax()]) if len(places) else 0


def _run(name: str, trace: Trace, place: int) -> PositionRun:
    cells = np.flatnonzero(trace.positions == place)
    here = trace.event_positions == place
    held, taken_back = int(trace.token_ids[place]), trace.winner_ids[cells] == trace.info.mask_id
    fused = np.where(taken_back, trace.confidence[cells], trace.fused[cells])
    score = trace.channels["score"][cells] if "score" in trace.channels else np.zeros(0, np.float32)
    return PositionRun(
        name=name,
        token="" if held == trace.info.mask_id else token_label(trace, held),
        steps=trace.cell_steps[cells],
        guesses=tuple(token_label(trace, int(i)) for i in trace.candidate_ids[cells, 0]),
        confidence=trace.confidence[cells],
        fused=fused,
        score=score,
        score_name=trace.info.score,
        enough=_enough(trace, cells),
        settled=int(trace.converge_step[place]),
        events=tuple(zip(trace.event_steps[here].tolist(), trace.event_reasons[here].tolist(), strict=True)),
    )


def _enough(trace: Trace, cells: NDArray[np.intp]) -> Floats:
    """The recorded bar, lowered by the boost; empty for runs that recorded none."""
    if "bar" not in trace.channels:
        return np.zeros(0, np.float32)
    bar, boost = trace.channels["bar"][cells], trace.cells("boost")[cells]
    if "score" not in trace.channels:
        bar = np.array([effective_threshold(*pair) for pair in zip(bar, boost, strict=True)], np.float32)
    return np.where(np.isfinite(bar), bar, np.float32(np.nan))


def draw(info: PositionInfo, theme: str = "light") -> go.Figure:
    """Solid: confidence. Dashed: fused confidence, where it differs. Dotted: confidence that would have been enough."""
    figure = go.Figure()
    for lane, run in enumerate(info.runs):
        figure.add_traces(_lines(run, lane_color(lane, theme)))
    for run in info.runs:
        figure.add_traces(_marks(run))
    figure.update_layout(
        **base_layout(theme, "", 340),
        showlegend=True,
        xaxis=plain_axis(theme, "step (forward pass)")
        | {"range": [0.5, max(info.span, 1) + 0.5], "tickvals": ticks_of_steps(info.span), "showgrid": False},
        yaxis=plain_axis(theme, f"probability at position {info.position}")
        | {"range": [-0.03, 1.05], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
    )
    return figure


def _lines(run: PositionRun, color: str) -> list[go.Scatter]:
    name = safe(visible(run.name))
    token = f" wrote {run.token}" if run.token else ""
    lines = [
        go.Scatter(
            x=run.steps,
            mode="lines+markers",
            legendgroup=name,
            y=run.confidence,
            name=f"{name}{token}",
            text=run.guesses,
            line={"color": color, "width": 2},
            marker={"size": 5},
            hovertemplate="step %{x}: %{y:.3f} for <b>%{text}</b><extra></extra>",
        )
    ]
    if not np.array_equal(run.fused, run.confidence):
        lines.append(_line(run, f"{name} fused", run.fused, {"color": color, "width": 2, "dash": "dash"}, "fused"))
    if len(run.score) and not np.array_equal(run.score, run.fused, equal_nan=True):
        look = {"color": color, "width": 1.5, "dash": "dashdot"}
        lines.append(_line(run, f"{name} score", run.score, look, safe(run.score_name)))
    if np.isfinite(run.enough).any():
        look = {"color": color, "width": 1.5, "dash": "dot", "shape": "hvh"}
        # a bar that was judged once is no line
        tick = {"symbol": "line-ew", "size": 8, "line": {"color": color, "width": 1.5}}
        lines.append(_line(run, f"{name} bar", run.enough, look, "enough:").update(mode="lines+markers", marker=tick))
    return lines


def _line(run: PositionRun, name: str, values: Floats, look: Mapping[str, object], words: str) -> go.Scatter:
    hover = f"{words} %{{y:.3f}}<extra></extra>"
    group = safe(visible(run.name))
    return go.Scatter(
        x=run.steps,
        y=values,
        mode="lines",
        legendgroup=group,
        showlegend=False,  # the figure's help says which line is which
        name=name,
        line=look,
        hovertemplate=hover,
    )


def _marks(run: PositionRun) -> list[go.Scatter]:
    """Settled, and everything that happened, on the curve of confidence."""
    placed = [(run.settled, "settled", "settled", 14)] if run.settled else []
    placed += [(step, reason_mark(reason), reason_did(reason), 9) for step, reason in run.events]
    found: list[go.Scatter] = []
    for step, name, words, size in placed:
        at = np.flatnonzero(run.steps == step)
        if len(at):
            text = f"{safe(visible(run.name))}: {words} in step {step}"
            found += marks(name, run.steps[at], run.confidence[at], size, [text])
    return found
