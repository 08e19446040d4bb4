"""Hierarchy decoding: the best token of every gap, and all that are sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_hierarchy
from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.scores import decide, raw_scores
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["HIERARCHY_SWEEP", "Hierarchy", "HierarchySettings", "high_knob", "low_knob"]

#: lower bounds worth trying, slowest first.
HIERARCHY_SWEEP = ("low", (0.9, 0.8, 0.62, 0.4, 0.2))


def high_knob() -> Any:
    """The bound for any token, with and without credit."""
    return knob(
        0.92,
        minimum=0.0,
        maximum=2.0,
        slider=(0.5, 1.0),
        step=0.01,
        role="bound for any token",
        symbol="τ",
        help="A token is written once its confidence is above this, wherever it stands.",
        unset="only the best of each gap",
    )


def low_knob() -> Any:
    """The bound for the best of a gap, with and without credit."""
    return knob(
        0.62,
        minimum=0.0,
        maximum=2.0,
        slider=(0.0, 1.0),
        step=0.01,
        role="bound for the best of a gap",
        symbol="τ₀",
        help="The most confident token of each unbroken row of masks is written once its confidence is above this.",
        unset="no bound",
    )


@dataclass(frozen=True)
class HierarchySettings(Settings):
    """Knobs of hierarchy decoding."""

    high: float | None = high_knob()
    low: float | None = low_knob()
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class Hierarchy(Decoder):
    """Each step writes the best token of every gap if p > low, every token with p > high, and at least one.

    A gap is an unbroken row of masks within the block: tokens written at once should not be neighbours, unless each
    is sure on its own.

    Source: hierarchical decoding of dInfer (arXiv 2510.08666), as in public copies of its class
    `HierarchyDecoder`: comparisons are strict, and equals within a gap go together. Two things differ: a guess of the
    mask token is never written (the best other guess of its gap stands in), and where nothing passes, ties go to the
    leftmost.

    Presets: "dInfer" are the bounds of its README, "dInfer class" and "dInfer command line" the defaults of its class
    and of its evaluation script.
    """

    settings: HierarchySettings = HierarchySettings()

    name: ClassVar[str] = "hierarchy"
    title: ClassVar[str] = "Hierarchy"
    rule: ClassVar[str] = "each step writes the best token of every gap if p > τ₀, and every token with p > τ"
    paper: ClassVar[str] = "dInfer, arXiv 2510.08666, hierarchical decoding"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = HIERARCHY_SWEEP
    settings_class: ClassVar[type[Settings]] = HierarchySettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {
            "dInfer": HierarchySettings(),
            "dInfer class": HierarchySettings(high=None, low=0.4),
            "dInfer command line": HierarchySettings(high=0.9, low=0.3),
        }
    )

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        """Write the best of every gap, and what is sure; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        masked, eligible = view.masked & view.active, view.eligible(scored.ids)
        high, low = self.settings.high, self.settings.low
        return decide(scored, accept_hierarchy(scored.p, scored.p, masked, eligible, high, low))
