"""Rules that turn scores into commits. Shared by every decoder that accepts by threshold. Knows tensors only."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from credit_viz.trace.record import Reason

__all__ = ["Accepted", "accept_threshold"]


class Accepted(NamedTuple):
    """Outcome of an acceptance rule, both (N,)."""

    commit: Tensor  #: bool
    reasons: Tensor  #: uint8 values of Reason, 0 where not committed


def accept_threshold(fused: Tensor, raw: Tensor, eligible: Tensor, threshold: float) -> Accepted:
    """Commit every eligible position with fused >= threshold; where none passes, the single best one.

    Args:
        fused: (N,) probability that is compared; raw: (N,) probability of the same token before any credit.
        eligible: (N,) bool, masked positions whose winner may be committed.
        threshold: tau; above 1 nothing passes and every step writes one token.

    dInfer writes the fallback as tau' = min(tau, best - 1e-5), which commits several positions when their
    confidences lie within 1e-5 of the best; here ties go to the leftmost one.
    """
    passed = eligible & (fused >= threshold)
    # argmax takes the first among equals; -1 keeps ineligible positions out, also when fused is 0
    best = torch.where(eligible, fused, -1.0).argmax()
    forced = torch.zeros_like(eligible)
    forced[best] = True
    forced &= eligible & ~passed.any()
    by_confidence = torch.where(raw >= threshold, int(Reason.CONFIDENT), int(Reason.CREDIT))
    reasons = torch.where(passed, by_confidence, 0) + forced * int(Reason.FORCED)
    return Accepted(passed | forced, reasons.to(torch.uint8))
