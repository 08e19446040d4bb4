"""Trace Credit with the hierarchy rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_hierarchy
from credit_viz.decoding.base import Decision, View
from credit_viz.decoding.credit import CreditDecoder, CreditKnobs, credit_presets
from credit_viz.decoding.hierarchy import HIERARCHY_SWEEP, high_knob, low_knob
from credit_viz.decoding.scores import decide
from credit_viz.decoding.settings import Settings
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["CreditHierarchy", "CreditHierarchySettings"]


@dataclass(frozen=True)
class CreditHierarchySettings(CreditKnobs):
    """Knobs of credit with the hierarchy rule."""

    high: float | None = high_knob()
    low: float | None = low_knob()
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class CreditHierarchy(CreditDecoder):
    """The hierarchy rule on fused probabilities: the best of every gap above one bound, all above another.

    Source: a combination in the spirit of CreditDecoding (arXiv 2510.06133), which joins credit to other rules; not
    checked against any combination of the paper's, and dInfer's own command line offers credit for its threshold
    decoder only. The rule is that of `hierarchy`.

    Presets: the credit half as in `credit`; tuning-free as read in public notes on the paper, not in the paper itself.
    """

    settings: CreditHierarchySettings = CreditHierarchySettings()

    name: ClassVar[str] = "credit-hierarchy"
    title: ClassVar[str] = "Credit + hierarchy"
    rule: ClassVar[str] = "the hierarchy rule on confidences that credit has lifted"
    paper: ClassVar[str] = "in the spirit of CreditDecoding, arXiv 2510.06133, with dInfer's hierarchy"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = HIERARCHY_SWEEP
    settings_class: ClassVar[type[Settings]] = CreditHierarchySettings
    presets: ClassVar[Mapping[str, Settings]] = credit_presets(CreditHierarchySettings())

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Award, fuse, accept; see `Decoder.step`."""
        scored = self.scores(view, state, rng)
        masked, eligible = view.masked & view.active, view.eligible(scored.ids)
        high, low = self.settings.high, self.settings.low
        return decide(scored, accept_hierarchy(scored.p, scored.raw_p, masked, eligible, high, low))
