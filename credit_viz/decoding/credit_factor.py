"""Trace Credit with the factor rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_factor
from credit_viz.decoding.base import Decision, View
from credit_viz.decoding.credit import CreditDecoder, CreditKnobs, credit_presets
from credit_viz.decoding.factor import FACTOR_SWEEP, factor_knob
from credit_viz.decoding.scores import decide
from credit_viz.decoding.settings import Settings
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["CreditFactor", "CreditFactorSettings"]


@dataclass(frozen=True)
class CreditFactorSettings(CreditKnobs):
    """Knobs of credit with the factor rule."""

    factor: float = factor_knob()
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class CreditFactor(CreditDecoder):
    """The factor rule on fused probabilities: the n best pass while the n-th has p >= 1 - f / (n + 1).

    Source: a combination in the spirit of CreditDecoding (arXiv 2510.06133), which joins credit to other rules; not
    checked against any combination of the paper's. The rule is that of `factor`.

    Presets: the credit half as in `credit`; tuning-free as read in public notes on the paper, not in the paper itself.
    """

    settings: CreditFactorSettings = CreditFactorSettings()

    name: ClassVar[str] = "credit-factor"
    title: ClassVar[str] = "Credit + factor"
    rule: ClassVar[str] = "the factor rule on confidences that credit has lifted"
    paper: ClassVar[str] = "in the spirit of CreditDecoding, arXiv 2510.06133, with Fast-dLLM's factor"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = FACTOR_SWEEP
    settings_class: ClassVar[type[Settings]] = CreditFactorSettings
    presets: ClassVar[Mapping[str, Settings]] = credit_presets(CreditFactorSettings())

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Award, fuse, accept; see `Decoder.step`."""
        scored = self.scores(view, state, rng)
        return decide(scored, accept_factor(scored.p, scored.raw_p, view.eligible(scored.ids), self.settings.factor))
