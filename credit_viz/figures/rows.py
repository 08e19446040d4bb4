"""One line per position: what each token was, what happened to it when, and why. Shared by all maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe, token_label, visible, word_label
from credit_viz.figures.style import EVENT_MARKS, reason_did, reason_mark, reason_words
from credit_viz.trace.record import Reason, Trace

__all__ = ["Places", "Rows", "counted_positions", "get_rows"]


class Places(NamedTuple):
    """Cells with the same mark, both (M,); steps count from 1."""

    steps: NDArray[np.int32]
    positions: NDArray[np.int32]


class Rows(NamedTuple):
    """Positions of one run; arrays are (L,), steps count from 1 and 0 means never."""

    title: str  #: decoder and model, for people
    labels: tuple[str, ...]  #: final tokens, safe for Plotly; "·" where nothing stands
    hover: tuple[str, ...]  #: safe for Plotly
    settled: NDArray[np.int32]
    written: NDArray[np.int32]  #: for good
    events: Mapping[str, Places]  #: every event, by its mark: one of EVENT_MARKS
    borders: tuple[float, ...]  #: between blocks, in positions


def get_rows(trace: Trace) -> Rows:
    """Rows of a run, finished or not."""
    ids = trace.token_ids.tolist()
    block = trace.info.block_length
    return Rows(
        title=f"{safe(visible(trace.info.decoder))}: {counted(trace.forward_passes, 'step')}",
        labels=tuple("·" if i == trace.info.mask_id else word_label(trace, i) for i in ids),
        hover=tuple(_hover(trace, place, token_label(trace, i, 40)) for place, i in enumerate(ids)),
        settled=trace.converge_step,
        written=trace.commit_step,
        events=_events(trace),
        borders=tuple(edge - 0.5 for edge in range(block, trace.gen_length, block)),
    )


def counted_positions(trace: Trace) -> NDArray[np.int32]:
    """(n,) positions that count for waiting and order: text, or all written ones where there is no text."""
    counted_here = trace.content_mask if trace.content_mask.any() else trace.commit_step > 0
    return np.flatnonzero(counted_here).astype(np.int32)


def _events(trace: Trace) -> Mapping[str, Places]:
    marks = np.array([reason_mark(reason) for reason in trace.event_reasons.tolist()], object)
    found = {name: marks == name for name in EVENT_MARKS}
    return {name: Places(trace.event_steps[here], trace.event_positions[here]) for name, here in found.items()}


def _hover(trace: Trace, place: int, label: str) -> str:
    if place in trace.info.fixed:
        return f"<b>{label}</b> at position {place}<br>given before the run"
    written, wait = int(trace.commit_step[place]), int(trace.wait[place])
    story = _story(trace, place)
    if not written:
        return f"position {place}: not written{story}"
    return (
        f"<b>{label}</b> at position {place}<br>settled in step {trace.converge_step[place]}, written in step {written}"
        f"<br>waited {counted(wait, 'step')}<br>{reason_words(int(trace.reason[place]))}{_changed(trace, place)}{story}"
    )


def _changed(trace: Trace, place: int) -> str:
    if not trace.winner_changed[place]:
        return ""
    return "<br>credit changed the winner" if "credit" in trace.channels else "<br>not the model's best guess"


def _story(trace: Trace, place: int) -> str:
    """All that happened to a token, where it was more than one thing."""
    events = np.flatnonzero(trace.event_positions == place)
    if len(events) < 2:
        return ""
    told = (_told(trace, int(event)) for event in events)
    return "<br>" + ", ".join(told)


def _told(trace: Trace, event: int) -> str:
    token = int(trace.event_ids[event])
    what = "" if token == trace.info.mask_id else f" {token_label(trace, token)}"
    reason = int(trace.event_reasons[event])
    by_hand = "written by hand" if what else "taken back by hand"
    return f"step {trace.event_steps[event]}: {by_hand if reason == Reason.INTERVENED else reason_did(reason)}{what}"
