"""Acceptance rules: which scored positions are committed, and why. Knows tensors only.

Every rule takes scores and the positions that may be written, and says what had to be reached: the bar. A rule that
nothing passes writes the single best position, so that every step makes progress.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from credit_viz.trace.record import Reason

__all__ = [
    "Accepted",
    "Ranked",
    "accept_factor",
    "accept_hierarchy",
    "accept_quota",
    "accept_threshold",
    "by_rank",
    "judged",
    "just_above",
]


class Accepted(NamedTuple):
    """Outcome of an acceptance rule, all (N,)."""

    commit: Tensor  #: bool
    reasons: Tensor  #: uint8 values of Reason, 0 where not committed
    bar: Tensor  #: what the score had to reach for a commit, at every position


def judged(passed: Tensor, score: Tensor, raw: Tensor, eligible: Tensor, bar: Tensor) -> Accepted:
    """What passed, or the single best; with the reason for each.

    Args:
        passed: (N,) bool, positions that pass the rule; counted where eligible.
        score: (N,) what the rule compared, larger is better; raw: (N,) the same before any credit.
        eligible: (N,) bool, masked positions whose winner may be committed.
        bar: (N,) what score had to reach.
    """
    passed = eligible & passed
    # argmax takes the first among equals; -inf keeps ineligible positions out
    best = torch.where(eligible, score, -torch.inf).argmax()
    # compared and not indexed: an index from the device would have to be waited for
    forced = (torch.arange(len(eligible), device=eligible.device) == best) & eligible & ~passed.any()
    by_confidence = torch.where(raw >= bar, int(Reason.CONFIDENT), int(Reason.CREDIT))
    reasons = torch.where(passed, by_confidence, 0) + forced * int(Reason.FORCED)
    return Accepted(passed | forced, reasons.to(torch.uint8), bar)


def accept_threshold(score: Tensor, raw: Tensor, eligible: Tensor, threshold: float) -> Accepted:
    """Commit every eligible position with score >= threshold; where none passes, the single best one.

    Args:
        score: (N,) what is compared: a probability, a margin; raw: (N,) the same of that token before any credit.
        eligible: (N,) bool, masked positions whose winner may be committed.
        threshold: tau; for a probability above 1 nothing passes and every step writes one token.

    dInfer writes the fallback as tau' = min(tau, best - 1e-5), which commits several positions when their
    confidences lie within 1e-5 of the best; here ties go to the leftmost one.
    """
    return judged(score >= threshold, score, raw, eligible, torch.full_like(score, threshold))


class Ranked(NamedTuple):
    """Positions from the best score to the worst, both (N,)."""

    score: Tensor  #: -inf where not eligible
    order: Tensor  #: positions; ties go to the leftmost


def by_rank(score: Tensor, eligible: Tensor) -> Ranked:
    """Rank eligible positions by score; the others come last."""
    return Ranked(*torch.where(eligible, score, -torch.inf).sort(descending=True, stable=True))


def accept_quota(score: Tensor, eligible: Tensor, quota: int) -> Accepted:
    """Commit the `quota` best eligible positions, however good they are.

    The bar is the score of the last one written. Ties go to the left, so to its right more than that is asked for.
    """
    commit = torch.zeros_like(eligible)
    commit[by_rank(score, eligible).order[:quota]] = True
    commit &= eligible
    places = torch.arange(len(score), device=score.device)
    last_score = torch.where(commit, score, torch.inf).amin()
    last_place = torch.where(commit & (score == last_score), places, -1).amax()
    bar = torch.where(
        places > last_place, torch.nextafter(last_score, torch.full_like(last_score, torch.inf)), last_score
    )
    return Accepted(commit, commit.to(torch.uint8) * int(Reason.SCHEDULED), bar)


def accept_factor(p: Tensor, raw: Tensor, eligible: Tensor, factor: float) -> Accepted:
    """Commit the n most confident positions for the largest n with p(n) >= 1 - factor / (n + 1).

    The more tokens are written at once, the surer the least sure of them must be: bars rise with the rank while
    confidences fall, so what passes is a prefix. The bar of a position is what its own rank asks for.
    """
    order = by_rank(p, eligible).order
    ranks = torch.arange(1, len(p) + 1, device=p.device, dtype=p.dtype)
    bar = torch.empty_like(p).scatter_(0, order, 1 - factor / (ranks + 1))
    return judged(p >= bar, p, raw, eligible, bar)


def accept_hierarchy(
    p: Tensor, raw: Tensor, masked: Tensor, eligible: Tensor, high: float | None, low: float | None
) -> Accepted:
    """Commit the best of every run of consecutive masked positions if p > low, and everything with p > high.

    The comparisons are strict; equals within a run pass together. Without a high bound only the best of each run
    pass, without a low bound all of these do.

    Args:
        masked: (N,) bool, which positions make up the runs; the other arguments are as in `accept_threshold`.
    """
    starts = masked & ~torch.nn.functional.pad(masked, (1, 0))[:-1]
    runs = starts.cumsum(0)
    rivals = (runs[:, None] == runs) & eligible & ~torch.eye(len(p), dtype=torch.bool, device=p.device)
    best_rival = torch.where(rivals, p, 0.0).amax(1)
    bar = best_rival if low is None else best_rival.clamp(min=just_above(low, p.dtype))
    if high is not None:
        bar = bar.clamp(max=just_above(high, p.dtype))
    return judged(p >= bar, p, raw, eligible, bar)


def just_above(bound: float, dtype: torch.dtype) -> float:
    """The least number that is greater, so that "more than the bound" reads "at least the bar"."""
    kind = np.float64 if dtype == torch.float64 else np.float32
    return float(np.nextafter(kind(bound), kind(np.inf)))
