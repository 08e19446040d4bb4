"""One position over the steps: confidence, fused confidence, and the threshold that credit makes easier to pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.errors import SettingsError
from credit_viz.figures.labels import safe, token_label, visible
from credit_viz.figures.layout import base_layout, marks, plain_axis, ticks_of_steps
from credit_viz.figures.style import lane_color
from credit_viz.trace.record import Trace

__all__ = ["PositionInfo", "PositionRun", "draw", "effective_threshold", "get_info"]

Floats = NDArray[np.float32]


class PositionRun(NamedTuple):
    """One run at the position; arrays are (n,), one entry per recorded step."""

    name: str
    token: str  #: label of what was written, "" where nothing was
    steps: NDArray[np.int32]
    guesses: tuple[str, ...]  #: labels of the raw top-1
    confidence: Floats  #: of the raw top-1
    fused: Floats  #: of the token the decoder would write
    threshold: float | None  #: tau, None for decoders without one
    effective: Floats  #: raw confidence that would do, see `effective_threshold`; empty without a threshold
    settled: int
    written: int


class PositionInfo(NamedTuple):
    """A position in all runs; positions count from 0."""

    position: int
    span: int  #: steps of the longest run
    runs: tuple[PositionRun, ...]


def effective_threshold(threshold: float, boost: Floats) -> Floats:
    """Raw confidence that passes once a guess has earned `boost` nats: tau / (tau + (1 - tau) exp(boost)).

    Exact where no other token of the position holds credit. A threshold of 1 or more does not fall.
    """
    if threshold >= 1:
        return np.full(len(boost), threshold, np.float32)
    return np.asarray(threshold / (threshold + (1 - threshold) * np.exp(boost)), np.float32)


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
    """Position of the text (of the padding where there is none) that waited longest."""
    counted = trace.content_mask if trace.content_mask.any() else trace.commit_step > 0
    return int(np.where(counted, trace.wait, -1).argmax())


def _run(name: str, trace: Trace, place: int) -> PositionRun:
    cells = np.flatnonzero(trace.positions == place)
    threshold = trace.info.settings.get("threshold")
    boost = trace.cells("boost")[cells]
    written = int(trace.commit_step[place])
    return PositionRun(
        name=name,
        token=token_label(trace, int(trace.token_ids[place])) if written else "",
        steps=trace.cell_steps[cells],
        guesses=tuple(token_label(trace, int(i)) for i in trace.candidate_ids[cells, 0]),
        confidence=trace.confidence[cells],
        fused=trace.fused[cells],
        threshold=threshold,
        effective=np.zeros(0, np.float32) if threshold is None else effective_threshold(threshold, boost),
        settled=int(trace.converge_step[place]),
        written=written,
    )


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
    shared = {"x": run.steps, "mode": "lines", "legendgroup": name}
    hover = "step %{x}: %{y:.3f} for <b>%{text}</b><extra></extra>"
    lines = [
        go.Scatter(
            **shared | {"mode": "lines+markers"},
            y=run.confidence,
            name=f"{name}{token}",
            text=run.guesses,
            line={"color": color, "width": 2},
            marker={"size": 5},
            hovertemplate=hover,
        )
    ]
    if not np.array_equal(run.fused, run.confidence):
        dash = {"color": color, "width": 2, "dash": "dash"}
        text = f"{name} fused"
        lines.append(
            go.Scatter(**shared, y=run.fused, name=text, line=dash, hovertemplate="fused %{y:.3f}<extra></extra>")
        )
    if run.threshold is not None:
        dot = {"color": color, "width": 1.5, "dash": "dot", "shape": "hv"}
        text = f"{name} threshold"
        enough = "a confidence of %{y:.3f} would do<extra></extra>"
        lines.append(go.Scatter(**shared, y=run.effective, name=text, line=dot, hovertemplate=enough))
    return lines


def _marks(run: PositionRun) -> list[go.Scatter]:
    """Settled and written, on the curve of confidence."""
    found: list[go.Scatter] = []
    for name, step, size in (("settled", run.settled, 14), ("written", run.written, 9)):
        at = np.flatnonzero(run.steps == step)
        if step and len(at):
            text = f"{safe(visible(run.name))}: {name} in step {step}"
            found += marks(name, run.steps[at], run.confidence[at], size, [text])
    return found
