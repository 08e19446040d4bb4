"""CreditDecoding: remember how long a guess has kept winning, and write it sooner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import accept_threshold
from credit_viz.decoding.base import Block, Candidates, Decision
from credit_viz.decoding.ledger import Fusion, Ledger
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob, threshold_knob

__all__ = ["Credit", "CreditSettings", "CreditState"]


@dataclass(frozen=True)
class CreditSettings(Settings):
    """Knobs of CreditDecoding."""

    alpha: float = knob(
        0.70,
        minimum=0.0,
        maximum=10.0,
        slider=(0.0, 2.0),
        step=0.05,
        role="fusion strength",
        symbol="α",
        help="How much credit counts: logits gain α · log(1 + credit). 0 is plain threshold decoding.",
    )
    beta: float = knob(
        0.80,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        role="decay",
        symbol="β",
        help="What is kept of old credit per step. 0 forgets everything: the no-history control.",
    )
    gamma: float = knob(
        0.20,
        minimum=0.0,
        maximum=10.0,
        slider=(0.0, 2.0),
        step=0.05,
        role="concavity",
        symbol="γ",
        help="A winning guess of probability p earns p^γ: the smaller γ, the more an unsure guess earns.",
    )
    threshold: float = threshold_knob(0.9)
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class CreditState:
    """The last fusion, with its ledger; None before the first step: the ledger's dtype comes with the logits."""

    fusion: Fusion | None = None

    @property
    def ledger(self) -> Ledger | None:
        """Credits so far."""
        return None if self.fusion is None else self.fusion.ledger


@dataclass(frozen=True)
class Credit:
    """Each step's top-1 earns credit; credit lifts its logit; what then passes tau is written.

    Source: CreditDecoding (arXiv 2510.06133), sections 4.1 and 4.2; the authors' code is
    `CreditThresholdParallelDecoder` in inclusionAI/dInfer. Per masked position of the active block and step:
    C <- beta C (not on the first step, where there is none), C[top-1] <- C[top-1] + p^gamma,
    logits + alpha log(1 + C), commit the fused argmax where its fused probability >= tau, else the best one.

    Differences: credit is kept exactly but sparsely (ledger.py); state is made per block of each run, while dInfer's
    decoder object can hand credit on to the next prompt after an early stop.

    Presets: "dInfer" are that class's defaults with the command line's threshold; "paper" is section 5.1 as read in
    public notes on the paper, not in the paper itself; "no history" is the control with beta = 0.
    """

    settings: CreditSettings = CreditSettings()

    name: ClassVar[str] = "credit"
    title: ClassVar[str] = "CreditDecoding"
    rule: ClassVar[str] = (
        "guesses that keep winning earn credit, which lifts their confidence; written once fused p ≥ τ"
    )
    paper: ClassVar[str] = "CreditDecoding, arXiv 2510.06133, sections 4.1-4.2"
    settings_class: ClassVar[type[Settings]] = CreditSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {
            "dInfer": CreditSettings(),
            "paper": CreditSettings(alpha=0.65, beta=0.70, gamma=0.20, threshold=0.95),
            "no history": CreditSettings(beta=0.0),
        }
    )

    def start(self, block: Block) -> CreditState:
        """No credit yet."""
        return CreditState()

    def step(self, predictions: Predictions, masked: Tensor, state: CreditState, rng: torch.Generator) -> Decision:
        """Award, fuse, accept; see `Decoder.step`."""
        knobs = self.settings
        ledger = state.ledger
        if ledger is None:
            ledger = Ledger.empty(len(masked), masked.device, predictions.dtype)
        ledger = ledger.award(predictions.top_ids, predictions.top_p**knobs.gamma, masked, knobs.beta)
        fusion = ledger.fuse(predictions, knobs.alpha)
        if knobs.temperature == 0:
            return self._decide(predictions, masked, fusion, fusion.winner_slots()[:, None])
        return self._decide_sampled(predictions, masked, fusion, rng)

    def _decide(self, predictions: Predictions, masked: Tensor, fusion: Fusion, slot: Tensor) -> Decision:
        """Greedy: the winner sits in a slot, so all its numbers are one gather away. slot: (N, 1)."""
        ids = fusion.ledger.ids.gather(1, slot)[:, 0].long()
        credit, boost = fusion.ledger.credit.gather(1, slot), fusion.boost.gather(1, slot)
        raw_p = fusion.raw_p.gather(1, slot)
        # positions that were never masked in this block have no slot: they have no winner either
        ids = torch.where(ids < 0, predictions.top_ids, ids)
        fused = fusion.fused_p(raw_p, boost)[:, 0]
        return self._accept(predictions, masked, fusion, ids, raw_p[:, 0], fused, credit[:, 0], boost[:, 0])

    def _decide_sampled(
        self, predictions: Predictions, masked: Tensor, fusion: Fusion, rng: torch.Generator
    ) -> Decision:
        """With temperature the winner is a Gumbel sample of the fused logits, and may be any token."""
        scores = predictions.gumbel(self.settings.temperature, rng)
        slots = fusion.ledger.ids.clamp(min=0).long()
        boost = torch.where(fusion.ledger.ids < 0, 0.0, fusion.boost).to(scores.dtype)
        ids = scores.scatter_add_(1, slots, boost).argmax(-1, keepdim=True)
        credit, fused = fusion.candidates(predictions, ids)
        raw_p = predictions.probability(ids)[:, 0]
        boost_of_winner = self.settings.alpha * torch.log1p(credit[:, 0])
        return self._accept(predictions, masked, fusion, ids[:, 0], raw_p, fused[:, 0], credit[:, 0], boost_of_winner)

    def _accept(
        self,
        predictions: Predictions,
        masked: Tensor,
        fusion: Fusion,
        ids: Tensor,
        raw_p: Tensor,
        fused: Tensor,
        credit: Tensor,
        boost: Tensor,
    ) -> Decision:
        eligible = masked & ~predictions.blocked(ids)
        accepted = accept_threshold(fused, raw_p, eligible, self.settings.threshold)
        channels = {"credit": credit, "boost": boost}
        state = CreditState(fusion)
        return Decision(state, ids, raw_p, fused, accepted.commit, accepted.reasons, channels)

    def candidates(self, predictions: Predictions, ids: Tensor, decision: Decision) -> Candidates:
        """Credit and fused probability from the decision's ledger."""
        fusion: Fusion | None = decision.state.fusion
        assert fusion is not None
        return fusion.candidates(predictions, ids)
