"""Do both ends of the recorded bounds lead to the same writes, and everything between them too? Knows decisions."""

from __future__ import annotations

import torch
from torch import Tensor

from credit_viz.decoding.base import Decision, View
from credit_viz.whatif.recorded import NotRecorded

__all__ = ["agreed"]

_DIGITS = "the recorded guesses are too few to tell whether it is written"


def agreed(view: View, lower: Decision, upper: Decision, start: int) -> None:
    """Raise where the record leaves open what is written.

    Rules are monotone in each score: a score is held against a bar, or ranked. So between two ends with the same writes
    nothing else can be written, as long as no written position can change ranks with one that is not written.

    Args:
        start: position of the first in view.

    Raises:
        NotRecorded: names the first position in doubt.
    """
    written = lower.commit | upper.commit
    differ = (lower.commit != upper.commit) | (
        written & ((lower.winner_ids != upper.winner_ids) | (lower.reasons != upper.reasons))
    )
    _none(differ, start)
    low, high = _score(lower), _score(upper)
    judged = view.eligible(lower.winner_ids) | view.eligible(upper.winner_ids)
    _none(judged & (low.isnan() | high.isnan()), start)
    _none(_may_change_ranks(torch.minimum(low, high), torch.maximum(low, high), lower.commit, judged), start)
    open_ = view.masked & view.active
    if not (lower.commit & view.masked).any() and open_.any():
        # the loop then writes the best other guess
        p, _ = view.predictions.best_committable()
        _none(open_ & p.isnan(), start)


def _score(decision: Decision) -> Tensor:
    """(N,) what was held against the bar or ranked."""
    return decision.channels.get("score", decision.fused)


def _may_change_ranks(low: Tensor, high: Tensor, commit: Tensor, judged: Tensor) -> Tensor:
    """(N,) bool: written positions whose bounds overlap with those of one that is not."""
    vague = low != high
    overlap = (low[:, None] <= high) & (low <= high[:, None])
    pair = (commit & judged)[:, None] & (judged & ~commit) & (vague[:, None] | vague)
    return (pair & overlap).any(1)


def _none(doubtful: Tensor, start: int) -> None:
    places = doubtful.nonzero()
    if len(places):
        raise NotRecorded(_DIGITS, start + int(places[0]))
