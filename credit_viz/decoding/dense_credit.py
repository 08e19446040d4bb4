"""Credit for every token of the vocabulary, not only for the winner: for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.base import Block, Candidates, Decision, View
from credit_viz.decoding.credit import Credit, CreditKnobs, CreditSettings, credit_presets
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.scores import Scored
from credit_viz.decoding.settings import Settings

__all__ = ["DenseCredit", "DenseState", "dense_scores"]


@dataclass(frozen=True)
class DenseState:
    """Credit of every token, and the last fusion with it; None before the first step."""

    credit: Tensor | None = None  #: (N, V)
    fused: Predictions | None = None  #: reading of the fused logits


def dense_scores(view: View, state: DenseState, knobs: CreditKnobs, temperature: float, rng: torch.Generator) -> Scored:
    """C <- beta C + p^gamma for every token of a masked position; the winner under logits + alpha log(1 + C)."""
    predictions = view.predictions
    alpha, beta = knobs.strengths(view)
    p = predictions.probability_of(predictions.logits.to(predictions.dtype))
    award = p.pow(knobs.gamma) * (view.masked & view.active)[:, None]
    credit = award if state.credit is None else state.credit * beta + award
    boosted = predictions.logits.to(predictions.dtype) + alpha * torch.log1p(credit)
    fused = Predictions(boosted, predictions.mask_id, predictions.token_limit)
    ids, fused_p = fused.sample(temperature, rng)
    raw_p, own = p.gather(1, ids[:, None])[:, 0], credit.gather(1, ids[:, None])[:, 0]
    channels = {"credit": own, "boost": alpha * torch.log1p(own)}
    return Scored(DenseState(credit, fused), ids, raw_p, fused_p, lambda: fused.rival_p(ids), channels)


@dataclass(frozen=True)
class DenseCredit(Credit):
    """As `credit`, but every token of the vocabulary earns p^gamma in every step, not the top-1 alone.

    Source: CreditDecoding (arXiv 2510.06133) argues for the top-1 alone; what every token would earn is our reading of
    the alternative, for comparison. It keeps one number per position and vocabulary entry, and costs a step several
    passes over the vocabulary.

    Presets: as in `credit`; tuning-free as read in public notes on the paper, not in the paper itself.
    """

    name: ClassVar[str] = "dense-credit"
    title: ClassVar[str] = "Credit for every token"
    rule: ClassVar[str] = "every token earns credit for its probability, not only the winner; written once fused p ≥ τ"
    paper: ClassVar[str] = "for comparison with CreditDecoding, arXiv 2510.06133, section 4.1"
    presets: ClassVar[Mapping[str, Settings]] = credit_presets(CreditSettings())

    def start(self, block: Block) -> DenseState:
        """No credit yet."""
        return DenseState()

    def scores(self, view: View, state: Any, rng: torch.Generator) -> Scored:
        """Fused scores of this step."""
        return dense_scores(view, state, self.settings, self.settings.temperature, rng)

    def candidates(self, predictions: Predictions, ids: Tensor, decision: Decision) -> Candidates:
        """Credit and fused probability from the decision's credit."""
        state: DenseState = decision.state
        assert state.credit is not None
        assert state.fused is not None
        return Candidates(state.credit.gather(1, ids), state.fused.probability(ids))
