"""Acceptance rules: which scored positions are committed, and why. Knows tensors only.

Every rule takes scores and the positions that may be written, and says what had to be reached: the bar. A rule that
nothing passes writes the single best position, so that every step makes progress.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from credit_viz.trace.record import Reason

__all__ = [
    "Accepted",
    "Ranked",
    "accept_factor",
    "accept_margin",
    "accept_quota",
    "accept_threshold",
    "by_rank",
    "judged",
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
    forced = torch.zeros_like(eligible)
    forced[best] = True
    forced &= eligible & ~passed.any()
    by_confidence = torch.where(raw >= bar, int(Reason.CONFIDENT), int(Reason.CREDIT))
    reasons = torch.where(passed, by_confidence, 0) + forced * int(Reason.FORCED)
    return Accepted(passed | forced, reasons.to(torch.uint8), bar)


def accept_threshold(p: Tensor, raw: Tensor, eligible: Tensor, threshold: float) -> Accepted:
    """Commit every eligible position with p >= threshold; where none passes, the single best one.

    Args:
        p: (N,) probability that is compared; raw: (N,) probability of the same token before any credit.
        eligible: (N,) bool, masked positions whose winner may be committed.
        threshold: tau; above 1 nothing passes and every step writes one token.

    dInfer writes the fallback as tau' = min(tau, best - 1e-5), which commits several positions when their
    confidences lie within 1e-5 of the best; here ties go to the leftmost one.
    """
    return judged(p >= threshold, p, raw, eligible, torch.full_like(p, threshold))


def accept_margin(margin: Tensor, raw_margin: Tensor, eligible: Tensor, lead: float) -> Accepted:
    """Commit every eligible position whose winner leads the second best by `lead`; arguments as accept_threshold."""
    return judged(margin >= lead, margin, raw_margin, eligible, torch.full_like(margin, lead))


class Ranked(NamedTuple):
    """Positions from the best score to the worst, both (N,)."""

    score: Tensor  #: -inf where not eligible
    order: Tensor  #: positions; ties go to the leftmost


def by_rank(score: Tensor, eligible: Tensor) -> Ranked:
    """Rank eligible positions by score; the others come last."""
    return Ranked(*torch.where(eligible, score, -torch.inf).sort(descending=True, stable=True))


def accept_quota(score: Tensor, eligible: Tensor, quota: int) -> Accepted:
    """Commit the `quota` best eligible positions, however good they are: the bar is the last one's score."""
    commit = torch.zeros_like(eligible)
    commit[by_rank(score, eligible).order[:quota]] = True
    commit &= eligible
    reasons = commit.to(torch.uint8) * int(Reason.SCHEDULED)
    return Accepted(commit, reasons, torch.where(commit, score, torch.inf).amin().expand_as(score))


def accept_factor(p: Tensor, raw: Tensor, eligible: Tensor, factor: float) -> Accepted:
    """Commit the n most confident positions for the largest n with p(n) >= 1 - factor / (n + 1).

    Source: Fast-dLLM (arXiv 2505.22618), section 3.3, the factor strategy: the more tokens are written at once, the
    surer the least sure of them must be. The bar of a position is what its own rank asks for.
    """
    ranked, order = by_rank(p, eligible)
    ranks = torch.arange(1, len(p) + 1, device=p.device, dtype=p.dtype)
    asked = 1 - factor / (ranks + 1)
    bar = torch.empty_like(p).scatter_(0, order, asked)
    count = (ranked >= asked).cumprod(0).sum()
    passed = torch.empty_like(eligible).scatter_(0, order, ranks <= count)
    return judged(passed, p, raw, eligible, bar)
