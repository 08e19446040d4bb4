"""Threshold decoding: write every token that is sure enough."""

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

__all__ = ["Threshold", "ThresholdSettings", "temperature_knob", "threshold_knob"]


def threshold_knob(default: float) -> Any:
    """The acceptance threshold, shared by all decoders that have one."""
    return knob(
        default,
        minimum=0.0,
        maximum=2.0,
        slider=(0.5, 1.0),
        step=0.01,
        role="acceptance threshold",
        symbol="τ",
        help="A token is written once its confidence reaches this. Above 1 nothing passes: one token per step.",
    )


def temperature_knob() -> Any:
    """The sampling temperature, shared by all decoders."""
    return knob(
        0.0,
        minimum=0.0,
        maximum=2.0,
        slider=(0.0, 1.0),
        step=0.05,
        role="sampling temperature",
        symbol="T",
        help="0 always takes the most probable token; higher values add Gumbel noise drawn from the seed.",
    )


@dataclass(frozen=True)
class ThresholdSettings(Settings):
    """Knobs of threshold decoding."""

    threshold: float = threshold_knob(0.9)
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class Threshold(Decoder):
    """Each step writes every token with p >= tau; if there is none, the most confident one.

    Source: Fast-dLLM (arXiv 2505.22618), section 3.3, confidence-aware parallel decoding. Their code reads the
    probabilities from a float64 softmax over the vocabulary; here one float32 normalizer gives the same commits.
    A guess of the mask token is never written; theirs would be.

    Presets: Fast-dLLM is that paper's threshold. LLaDA2.0 is that model's own (arXiv 2512.15745): strictly more than
    0.95, and at least its fixed number per step, which is one; they differ from this rule in nothing but p = 0.95.
    """

    settings: ThresholdSettings = ThresholdSettings()

    name: ClassVar[str] = "threshold"
    title: ClassVar[str] = "Threshold"
    rule: ClassVar[str] = "each step writes every token with p ≥ τ, at least one"
    paper: ClassVar[str] = "Fast-dLLM, arXiv 2505.22618, section 3.3"
    settings_class: ClassVar[type[Settings]] = ThresholdSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {"Fast-dLLM": ThresholdSettings(), "LLaDA2.0": ThresholdSettings(threshold=0.95)}
    )

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        """Write what is sure enough; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        eligible = view.eligible(scored.ids)
        return decide(scored, accept_threshold(scored.p, scored.p, eligible, self.settings.threshold))
