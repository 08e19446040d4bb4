"""Trace Credit with the margin rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_threshold
from credit_viz.decoding.base import Decision, View
from credit_viz.decoding.credit import CreditDecoder, CreditKnobs, credit_presets
from credit_viz.decoding.margin import MARGIN_SWEEP, margin_knob
from credit_viz.decoding.scores import decide
from credit_viz.decoding.settings import Settings
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["CreditMargin", "CreditMarginSettings"]


@dataclass(frozen=True)
class CreditMarginSettings(CreditKnobs):
    """Knobs of credit with the margin rule."""

    margin: float = margin_knob()
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class CreditMargin(CreditDecoder):
    """The margin rule on fused probabilities: what leads the second best by m is written.

    Source: a combination in the spirit of CreditDecoding (arXiv 2510.06133), which joins credit to other rules; not
    checked against any combination of the paper's. The rule is that of `margin`.

    Presets: the credit half as in `credit`; tuning-free as read in public notes on the paper, not in the paper itself.
    """

    settings: CreditMarginSettings = CreditMarginSettings()

    name: ClassVar[str] = "credit-margin"
    title: ClassVar[str] = "Credit + margin"
    rule: ClassVar[str] = "the margin rule on confidences that credit has lifted"
    paper: ClassVar[str] = "in the spirit of CreditDecoding, arXiv 2510.06133, with Dream's order as a threshold"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = MARGIN_SWEEP
    settings_class: ClassVar[type[Settings]] = CreditMarginSettings
    presets: ClassVar[Mapping[str, Settings]] = credit_presets(CreditMarginSettings())

    @property
    def score(self) -> str:
        """The lead over the second best, after credit."""
        return "fused margin"

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Award, fuse, accept; see `Decoder.step`."""
        scored = self.scores(view, state, rng)
        margin, raw_margin = scored.margin, scored.raw_p - view.predictions.rival_p(scored.ids)
        accepted = accept_threshold(margin, raw_margin, view.eligible(scored.ids), self.settings.margin)
        return decide(scored, accepted, margin)
