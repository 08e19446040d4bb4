"""When each token converged, when it was committed, and what lies between. Pure numpy over a Trace.

Definitions (steps from 1; "raw top-1" is the most probable token before any credit):

* commit step: the step of the last write of a position, if a token stands there in the end. A decoder that takes back
  and edits writes more often: what it wrote when is the list of events, and this is when it was written for good.
* first-hit step: the first recorded step up to commit whose raw top-1 is the token finally committed.
* converge step: the first step from which on the raw top-1 is the committed token at every recorded step up to
  and including commit. Where the committed token is not the raw top-1 at commit, converge = commit.
  (A position whose token can still change goes on being recorded after a write, so an edited token converges when
  the model last changed its mind, and one that was taken back and written again waits from its last stable guess,
  while it stood too.)
* wait: commit - converge. Flips: how often the raw top-1 changed from one recorded step to the next, also after commit.
* winner changed: the token was not the raw top-1 of the step that wrote it for good.
* by hand: the last write of a position was a person's. It counts as a commit, but no decoder decided it: converge =
  commit, so that it waited for nothing, no winner changed, and it is no token of the decoder's (tokens per forward,
  content). Once the decoder writes there again, also the same token, that is a commit as any other; what was taken back
  by hand so waits from its last stable guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from credit_viz.trace.record import Trace

__all__ = [
    "canvas",
    "commit_step",
    "converge_step",
    "final_ids",
    "first_hit_step",
    "flipped",
    "flips",
    "reasons",
    "stood",
    "winner_changed",
]

Ints = NDArray[np.int32]


def canvas(trace: Trace, step: int) -> Ints:
    """(L,) tokens after a step (0: before the first); the mask id where nothing stands."""
    ids = np.full(trace.gen_length, trace.info.mask_id, np.int32)
    ids[[*trace.info.fixed.keys()]] = [*trace.info.fixed.values()]
    until = np.searchsorted(trace.event_steps, step, side="right")
    ids[trace.event_positions[:until]] = trace.event_ids[:until]  # repeated indices: the last write wins
    return ids


def final_ids(trace: Trace) -> Ints:
    """(L,) canvas after the last event; the mask id where nothing stands."""
    return canvas(trace, trace.forward_passes)


def stood(trace: Trace) -> Ints:
    """(E,) token that each event found at its position; the mask id where nothing stood."""
    order = np.argsort(trace.event_positions, kind="stable")  # by position, each in the order of writing
    places, ids = trace.event_positions[order], trace.event_ids[order]
    before = np.full(len(ids), trace.info.mask_id, np.int32)
    again = places[1:] == places[:-1]
    before[1:][again] = ids[:-1][again]
    found = np.empty_like(before)
    found[order] = before
    return found


def commit_step(trace: Trace) -> Ints:
    """(L,) step of the last write, 0 where a position is masked or was given."""
    steps = np.zeros(trace.gen_length, np.int32)
    steps[trace.event_positions] = trace.event_steps
    steps[final_ids(trace) == trace.info.mask_id] = 0
    return steps


def reasons(trace: Trace) -> NDArray[np.uint8]:
    """(L,) Reason of the last write, 0 where a position is still masked."""
    values = np.zeros(trace.gen_length, np.uint8)
    values[trace.event_positions] = trace.event_reasons
    values[trace.commit_step == 0] = 0
    return values


def _agreeing(trace: Trace) -> NDArray[np.bool_]:
    """(N,) True where a cell's raw top-1 is the token its position finally holds."""
    return np.asarray(trace.candidate_ids[:, 0] == trace.token_ids[trace.positions])


def first_hit_step(trace: Trace) -> Ints:
    """(L,) first recorded step that guessed the final token, 0 where none did."""
    hits = _agreeing(trace) & (trace.cell_steps <= trace.commit_step[trace.positions])
    steps = np.zeros(trace.gen_length, np.int32)
    # written backwards, so that the earliest hit stays
    steps[trace.positions[hits][::-1]] = trace.cell_steps[hits][::-1]
    return steps


def converge_step(trace: Trace) -> Ints:
    """(L,) see the module docstring; equals commit where nothing was recorded before it."""
    before_commit = trace.cell_steps <= trace.commit_step[trace.positions]
    wrong = ~_agreeing(trace) & before_commit
    last_wrong = np.zeros(trace.gen_length, np.int32)
    last_wrong[trace.positions[wrong]] = trace.cell_steps[wrong]
    first_right = _first_recorded_after(trace, last_wrong)
    waited = (first_right > 0) & ~trace.by_hand
    return np.where(waited, np.minimum(first_right, trace.commit_step), trace.commit_step).astype(np.int32)


def _first_recorded_after(trace: Trace, last_wrong: Ints) -> Ints:
    """(L,) first recorded step later than `last_wrong`, 0 where there is none."""
    later = trace.cell_steps > last_wrong[trace.positions]
    steps = np.zeros(trace.gen_length, np.int32)
    steps[trace.positions[later][::-1]] = trace.cell_steps[later][::-1]
    return steps


def flipped(trace: Trace) -> NDArray[np.bool_]:
    """(N,) True where a cell's raw top-1 is not that of the record before it at the same position."""
    order = np.lexsort((trace.cell_steps, trace.positions))
    position, top = trace.positions[order], trace.candidate_ids[order, 0]
    found = np.zeros(len(order), bool)
    found[order[1:]] = (position[1:] == position[:-1]) & (top[1:] != top[:-1])
    return found


def flips(trace: Trace) -> Ints:
    """(L,) changes of the raw top-1 between consecutive records of the same position."""
    return np.bincount(trace.positions[flipped(trace)], minlength=trace.gen_length).astype(np.int32)


def winner_changed(trace: Trace) -> NDArray[np.bool_]:
    """(L,) the token that a decoder wrote was not the raw top-1 of the step that wrote it."""
    at_commit = trace.cell_steps == trace.commit_step[trace.positions]
    changed = np.zeros(trace.gen_length, bool)
    changed[trace.positions[at_commit]] = ~_agreeing(trace)[at_commit]
    return changed & ~trace.by_hand
