"""Margin decoding: write every token that is far enough ahead of the second best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_threshold
from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.scores import decide, raw_scores
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["MARGIN_SWEEP", "Margin", "MarginSettings", "margin_knob"]

#: margins worth trying, slowest first.
MARGIN_SWEEP = ("margin", (0.98, 0.9, 0.8, 0.6, 0.4))


def margin_knob() -> Any:
    """The acceptance margin, with and without credit."""
    return knob(
        0.8,
        minimum=0.0,
        maximum=2.0,
        slider=(0.0, 1.0),
        step=0.01,
        role="acceptance margin",
        symbol="m",
        help="A token is written once its confidence leads the second best guess by this. Above 1 nothing passes: one "
        "token per step.",
    )


@dataclass(frozen=True)
class MarginSettings(Settings):
    """Knobs of margin decoding."""

    margin: float = margin_knob()
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class Margin(Decoder):
    """Each step writes every token with p1 - p2 >= m; if there is none, the one furthest ahead.

    Source: no paper; p1 - p2 orders tokens in Dream (arXiv 2508.15487), here it is held against a bar, as the plain
    rule beside `credit-margin`. The default is the margin that p >= 0.9 guarantees.
    """

    settings: MarginSettings = MarginSettings()

    name: ClassVar[str] = "margin"
    title: ClassVar[str] = "Margin"
    rule: ClassVar[str] = "each step writes every token that leads the second best by p₁ − p₂ ≥ m, at least one"
    paper: ClassVar[str] = "Dream's order (arXiv 2508.15487) as a threshold"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = MARGIN_SWEEP
    settings_class: ClassVar[type[Settings]] = MarginSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType({"as sure as 0.9": MarginSettings()})

    @property
    def score(self) -> str:
        """The lead over the second best."""
        return "margin"

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        """Write what is far enough ahead; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        margin = scored.margin
        accepted = accept_threshold(margin, margin, view.eligible(scored.ids), self.settings.margin)
        return decide(scored, accepted, margin)
