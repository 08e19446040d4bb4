"""Scores: what a decoder makes of the model's predictions before any rule accepts them. Knows tensors only.

The plain scores are here; credit.py and dense_credit.py transform them. Rules are in acceptance.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import Accepted
from credit_viz.decoding.base import Decision, View

__all__ = ["Scored", "decide", "raw_scores"]


@dataclass(frozen=True)
class Scored:
    """The winner of each of N positions under some scores."""

    state: Any  #: of the transformation, for the next step
    ids: Tensor  #: (N,) int64
    raw_p: Tensor  #: (N,) probability of the winner before the transformation
    p: Tensor  #: (N,) and after it
    runner_up: Callable[[], Tensor]  #: (N,) transformed probability of the second best token; costs a pass
    channels: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def margin(self) -> Tensor:
        """(N,) lead of the winner over the second best, negative where sampling drew another token than the best."""
        return self.p - self.runner_up()


def raw_scores(view: View, temperature: float, rng: torch.Generator) -> Scored:
    """The model's own probabilities; with a temperature the winner is a Gumbel sample."""
    predictions = view.predictions
    ids, p = predictions.sample(temperature, rng)
    return Scored(None, ids, p, p, lambda: predictions.rival_p(ids))


def decide(scored: Scored, accepted: Accepted, score: Tensor | None = None, **channels: Tensor) -> Decision:
    """The decision that follows from scores and what a rule accepted of them.

    Args:
        score: (N,) what the rule compared, where that is not the probability `scored.p`.
        channels: further (N,) statistics to record.
    """
    compared = {} if score is None or score is scored.p else {"score": score}
    recorded = {**scored.channels, "bar": accepted.bar, **compared, **channels}
    return Decision(scored.state, scored.ids, scored.raw_p, scored.p, accepted.commit, accepted.reasons, recorded)
