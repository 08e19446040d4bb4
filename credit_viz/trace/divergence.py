"""Where two runs part: the first place with two different tokens, and the first with a token in one run only.

Pure numpy over two traces of the same length; both are read on one clock, and a run that has ended stays as it ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.errors import TraceError
from credit_viz.trace.record import Trace

__all__ = ["Divergence", "OrderDifference", "first_divergence", "first_order_difference"]

Ints = NDArray[np.int32]


class Divergence(NamedTuple):
    """The first step after which the canvases of two runs hold different tokens at the same position.

    A mask holds no token, so a position counts from the step in which the later of the two runs wrote it. Of several
    such positions it is the leftmost. Steps count from 1; 0 is the canvas before the first, with its given tokens.
    """

    step: int
    position: int
    tokens: tuple[int, int]  #: ids that stand there after the step, in this run and in the other
    written: tuple[int, int]  #: step in which each was written; 0 where it was given


class OrderDifference(NamedTuple):
    """The first step after which a position holds a token in one run and a mask in the other; the leftmost one."""

    step: int
    position: int
    holder: int  #: 0: this run has written it, 1: the other


def first_divergence(trace: Trace, other: Trace) -> Divergence | None:
    """See `Divergence`; None where no position ever held two different tokens.

    Raises:
        TraceError: the runs differ in length, so that their positions are not the same places.
    """
    for step, (ours, theirs) in _side_by_side(trace, other):
        differ = (ours != theirs) & (ours != trace.info.mask_id) & (theirs != other.info.mask_id)
        if differ.any():
            place = int(differ.argmax())
            written = _last_write(trace, place, step), _last_write(other, place, step)
            return Divergence(step, place, (int(ours[place]), int(theirs[place])), written)
    return None


def first_order_difference(trace: Trace, other: Trace) -> OrderDifference | None:
    """See `OrderDifference`; None where both runs wrote the same positions in the same steps.

    Raises:
        TraceError: the runs differ in length.
    """
    for step, (ours, theirs) in _side_by_side(trace, other):
        ahead = ours != trace.info.mask_id
        differ = ahead != (theirs != other.info.mask_id)
        if differ.any():
            place = int(differ.argmax())
            return OrderDifference(step, place, 0 if ahead[place] else 1)
    return None


def _side_by_side(trace: Trace, other: Trace) -> Iterator[tuple[int, tuple[Ints, Ints]]]:
    """(step, both (L,) canvases after it), from step 0 to the end of the longer run; the arrays are reused."""
    if trace.gen_length != other.gen_length:
        raise TraceError(
            f"runs of {trace.gen_length} and {other.gen_length} positions cannot be compared; valid: equal lengths"
        )
    canvases = trace.canvas(0), other.canvas(0)
    yield 0, canvases
    for step in range(1, max(trace.forward_passes, other.forward_passes) + 1):
        for canvas, run in zip(canvases, (trace, other), strict=True):
            start, end = np.searchsorted(run.event_steps, [step, step + 1])
            canvas[run.event_positions[start:end]] = run.event_ids[start:end]
        yield step, canvases


def _last_write(trace: Trace, place: int, step: int) -> int:
    """Step of the last write of a position up to a step; 0 where it was given."""
    steps = trace.event_steps[(trace.event_positions == place) & (trace.event_steps <= step)]
    return int(steps[-1]) if len(steps) else 0
