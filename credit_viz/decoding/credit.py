"""CreditDecoding: remember how long a guess has kept winning, and write it sooner.

`credit_scores` is the transformation of scores; `Credit` joins it to the threshold rule, as the paper does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import accept_threshold
from credit_viz.decoding.base import Block, Candidates, Decision, Decoder, View
from credit_viz.decoding.ledger import Fusion, Ledger
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.scores import Scored, decide
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob, threshold_knob

__all__ = [
    "Credit",
    "CreditDecoder",
    "CreditKnobs",
    "CreditSettings",
    "CreditState",
    "credit_presets",
    "credit_scores",
]

_TUNING_FREE = "1 − the masked share of the text"


@dataclass(frozen=True)
class CreditKnobs(Settings):
    """Knobs of Trace Credit, shared by every decoder that fuses it.

    Alpha and beta that are not set are tuning-free (arXiv 2510.06133, section 4.3): 1 - mask ratio. Which ratio the
    paper does not say where we could read it: it is taken as the masked share of the whole generated region before
    this step's commits, so that it falls once from 1 to 0 per run and not once per block.
    """

    alpha: float | None = knob(
        0.70,
        minimum=0.0,
        maximum=10.0,
        slider=(0.0, 2.0),
        step=0.05,
        role="fusion strength",
        symbol="α",
        help="How much credit counts: logits gain α · log(1 + credit). 0 gives credit no weight.",
        unset=_TUNING_FREE,
    )
    beta: float | None = knob(
        0.80,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        role="decay",
        symbol="β",
        help="What is kept of old credit per step. 0 forgets everything: the no-history control.",
        unset=_TUNING_FREE,
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

    def strengths(self, view: View) -> tuple[float, float]:
        """Alpha and beta in this step."""
        alpha, beta = (1 - view.mask_ratio if value is None else value for value in (self.alpha, self.beta))
        return alpha, beta


_Knobs = TypeVar("_Knobs", bound=CreditKnobs)


def credit_presets(defaults: _Knobs) -> Mapping[str, _Knobs]:
    """Settings of the credit half that any acceptance rule can be joined to; `Credit` names their sources."""
    return MappingProxyType(
        {
            "dInfer": defaults,
            "tuning-free": defaults.replace(alpha=None, beta=None, gamma=1.0),
            "no history": defaults.replace(beta=0.0),
        }
    )


@dataclass(frozen=True)
class CreditSettings(CreditKnobs):
    """Knobs of CreditDecoding."""

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


def credit_scores(
    view: View, state: CreditState, knobs: CreditKnobs, temperature: float, rng: torch.Generator
) -> Scored:
    """Award this step's top-1, fuse credit into the scores, and name the winner.

    Source: CreditDecoding (arXiv 2510.06133), sections 4.1 (Trace Credit) and 4.2 (fusion).
    """
    predictions = view.predictions
    alpha, beta = knobs.strengths(view)
    ledger = state.ledger
    if ledger is None:
        ledger = Ledger.empty(len(view.masked), view.masked.device, predictions.dtype)
    ledger = ledger.award(predictions.top_ids, predictions.top_p**knobs.gamma, view.masked & view.active, beta)
    fusion = ledger.fuse(predictions, alpha)
    return _greedy(predictions, fusion) if temperature == 0 else _sampled(predictions, fusion, temperature, rng)


def _greedy(predictions: Predictions, fusion: Fusion) -> Scored:
    """The winner sits in a slot, so all its numbers are one gather away."""
    slot = fusion.winner_slots()[:, None]
    ids = fusion.ledger.ids.gather(1, slot)[:, 0].long()
    # positions that were never masked in this block have no slot: they have no winner either
    ids = torch.where(ids < 0, predictions.top_ids, ids)
    raw_p, boost = fusion.raw_p.gather(1, slot), fusion.boost.gather(1, slot)
    credit = fusion.ledger.credit.gather(1, slot)[:, 0]
    return _scored(predictions, fusion, ids, raw_p[:, 0], fusion.fused_p(raw_p, boost)[:, 0], credit, boost[:, 0])


def _sampled(predictions: Predictions, fusion: Fusion, temperature: float, rng: torch.Generator) -> Scored:
    """With temperature the winner is a Gumbel sample of the fused logits, and may be any token."""
    scores = predictions.gumbel(temperature, rng)
    slots = fusion.ledger.ids.clamp(min=0).long()
    boost = torch.where(fusion.ledger.ids < 0, 0.0, fusion.boost).to(scores.dtype)
    ids = scores.scatter_add_(1, slots, boost).argmax(-1, keepdim=True)
    credit, fused = fusion.candidates(predictions, ids)
    raw_p = predictions.probability(ids)[:, 0]
    boost_of_winner = fusion.alpha * torch.log1p(credit[:, 0])
    return _scored(predictions, fusion, ids[:, 0], raw_p, fused[:, 0], credit[:, 0], boost_of_winner)


def _scored(
    predictions: Predictions, fusion: Fusion, ids: Tensor, raw_p: Tensor, fused: Tensor, credit: Tensor, boost: Tensor
) -> Scored:
    channels = {"credit": credit, "boost": boost}
    return Scored(CreditState(fusion), ids, raw_p, fused, lambda: fusion.rival_p(predictions, ids), channels)


@dataclass(frozen=True)
class CreditDecoder(Decoder):
    """What all decoders that fuse Trace Credit share: a subclass says which rule accepts the fused scores."""

    group: ClassVar[str] = "Trace Credit"

    @property
    def score(self) -> str:
        """The probability after credit."""
        return "fused probability"

    def start(self, block: Block) -> Any:
        """No credit yet."""
        return CreditState()

    def scores(self, view: View, state: Any, rng: torch.Generator) -> Scored:
        """Fused scores of this step."""
        return credit_scores(view, state, self.settings, self.settings.temperature, rng)

    def candidates(self, predictions: Predictions, ids: Tensor, decision: Decision) -> Candidates:
        """Credit and fused probability from the decision's ledger."""
        fusion: Fusion = decision.state.fusion
        return fusion.candidates(predictions, ids)


@dataclass(frozen=True)
class Credit(CreditDecoder):
    """Each step's top-1 earns credit; credit lifts its logit; what then passes tau is written.

    Source: CreditDecoding (arXiv 2510.06133), sections 4.1 and 4.2; the authors' code is
    `CreditThresholdParallelDecoder` in inclusionAI/dInfer. Per masked position of the active block and step:
    C <- beta C (not on the first step, where there is none), C[top-1] <- C[top-1] + p^gamma,
    logits + alpha log(1 + C), commit the fused argmax where its fused probability >= tau, else the best one.

    Differences: credit is kept exactly but sparsely (ledger.py); state is made per block of each run, while dInfer's
    decoder object can hand credit on to the next prompt after an early stop.

    Presets: "dInfer" are that class's defaults with the command line's threshold; "paper" (section 5.1) and
    "tuning-free" (section 4.3: alpha = beta = 1 - mask ratio, gamma 1) as read in public notes on the paper, not in the
    paper itself; "no history" is the control with beta = 0.
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
            **credit_presets(CreditSettings()),
            "paper": CreditSettings(alpha=0.65, beta=0.70, gamma=0.20, threshold=0.95),
        }
    )

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Award, fuse, accept; see `Decoder.step`."""
        scored = self.scores(view, state, rng)
        eligible = view.eligible(scored.ids)
        return decide(scored, accept_threshold(scored.p, scored.raw_p, eligible, self.settings.threshold))
