"""Trace Credit joined to DiffusionGemma's own rule. Experimental, and no part of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch

from credit_viz.decoding.base import View
from credit_viz.decoding.credit import CreditKnobs
from credit_viz.decoding.ledger import Ledger
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.settings import Settings
from credit_viz.decoding.uniform_entropy import Scaled, UniformEntropy, UniformEntropySettings, UniformState

__all__ = ["UniformCredit", "UniformCreditSettings"]


@dataclass(frozen=True)
class UniformCreditSettings(CreditKnobs, UniformEntropySettings):
    """Knobs of the rule, and of the credit that is joined to it."""


@dataclass(frozen=True)
class UniformCredit(UniformEntropy):
    """The rule for random tokens on logits that credit has lifted. Experimental, not in the paper.

    Source: the credit of CreditDecoding (arXiv 2510.06133, sections 4.1 and 4.2), the rule of `UniformEntropy`. Every
    position of the block, written or not, awards its raw top-1 in every step, and credit is fused into the scaled
    logits before entropy, draw and best guess. Guesses that keep winning so have less entropy, and more of them are
    accepted at once. Nothing is written for good before the block's last step: what credit can save is steps, since
    steady guesses of little entropy end the block earlier. The model is told its own scaled logits, without credit. The
    fused probabilities of a trace are those of the model's logits with credit, without the temperature.

    Presets: "no history" is the control with beta = 0.
    """

    settings: UniformCreditSettings = UniformCreditSettings()

    name: ClassVar[str] = "uniform-credit"
    title: ClassVar[str] = "Credit on new noise (experimental, not in the paper)"
    rule: ClassVar[str] = "the rule for random tokens on logits that credit has lifted; a steady block ends earlier"
    paper: ClassVar[str] = "in the spirit of CreditDecoding, arXiv 2510.06133; not in the paper"
    settings_class: ClassVar[type[Settings]] = UniformCreditSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType({"no history": UniformCreditSettings(beta=0.0)})

    def _fuse(self, view: View, state: UniformState, plain: Predictions) -> Scaled:
        """Award the raw top-1 everywhere, and lift the scaled logits."""
        raw, settings = view.predictions, self.settings
        alpha, beta = settings.strengths(view)
        if state.scaled is None or state.scaled.fusion is None:
            ledger = Ledger.empty(len(view.masked), view.masked.device, raw.dtype)
        else:
            ledger = state.scaled.fusion.ledger
        fusion = ledger.award(raw.top_ids, raw.top_p**settings.gamma, ~view.given, beta).fuse(raw, alpha)
        slots = fusion.ledger.ids.clamp(min=0).long()
        boost = torch.where(fusion.ledger.ids < 0, 0.0, fusion.boost)
        lifted = plain.logits.scatter_add(1, slots, boost)
        return Scaled(plain, Predictions(lifted, plain.mask_id, plain.token_limit, with_entropy=True), fusion)
