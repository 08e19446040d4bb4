"""Trace Credit with a fixed number of tokens per step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_quota
from credit_viz.decoding.base import Decision, View
from credit_viz.decoding.credit import CreditDecoder, CreditKnobs, credit_presets
from credit_viz.decoding.scores import decide
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["CreditTopN", "CreditTopNSettings"]


@dataclass(frozen=True)
class CreditTopNSettings(CreditKnobs):
    """Knobs of credit with a fixed number of tokens per step."""

    count: int = knob(
        2,
        minimum=1,
        maximum=4096,
        slider=(1, 16),
        step=1,
        integer=True,
        role="tokens per step",
        symbol="n",
        help="Each step writes this many tokens, those of the highest fused confidence, however sure they are.",
    )
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class CreditTopN(CreditDecoder):
    """Each step writes the n tokens of the highest fused probability: credit changes which, and never how many.

    Source: a combination in the spirit of CreditDecoding (arXiv 2510.06133), which joins credit to other rules; not
    checked against any combination of the paper's. Without credit it is `vanilla` with as many steps as n asks for.

    Presets: the credit half as in `credit`; tuning-free as read in public notes on the paper, not in the paper itself.
    """

    settings: CreditTopNSettings = CreditTopNSettings()

    name: ClassVar[str] = "credit-top-n"
    title: ClassVar[str] = "Credit + top n"
    rule: ClassVar[str] = "each step writes the n most confident tokens, once credit has lifted confidences"
    paper: ClassVar[str] = "in the spirit of CreditDecoding, arXiv 2510.06133, with LLaDA's fixed schedule"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("count", (1, 2, 4, 8))
    settings_class: ClassVar[type[Settings]] = CreditTopNSettings
    presets: ClassVar[Mapping[str, Settings]] = credit_presets(CreditTopNSettings())

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Award, fuse, accept; see `Decoder.step`."""
        scored = self.scores(view, state, rng)
        return decide(scored, accept_quota(scored.p, view.eligible(scored.ids), self.settings.count))
