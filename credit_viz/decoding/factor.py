"""Factor decoding: the more tokens a step writes, the surer each must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from credit_viz.decoding.acceptance import accept_factor
from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.scores import decide, raw_scores
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["FACTOR_SWEEP", "Factor", "FactorSettings", "factor_knob"]

#: factors worth trying, slowest first.
FACTOR_SWEEP = ("factor", (0.1, 0.25, 0.5, 1.0, 1.5))


def factor_knob() -> Any:
    """The factor, with and without credit."""
    return knob(
        1.0,
        minimum=0.0,
        maximum=16.0,
        slider=(0.0, 2.0),
        step=0.05,
        role="factor",
        symbol="f",
        help="How unsure the tokens of one step may be together: n tokens pass while the least sure of them has "
        "p ≥ 1 − f / (n + 1). 0 asks for certainty.",
    )


@dataclass(frozen=True)
class FactorSettings(Settings):
    """Knobs of factor decoding."""

    factor: float = factor_knob()
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class Factor(Decoder):
    """Each step writes the n most confident tokens, n as large as p(n) >= 1 - f / (n + 1) allows, at least one.

    Source: Fast-dLLM (arXiv 2505.22618), section 3.3, factor-based decoding: the prefix rule, as read in public notes
    on the paper, with equality passing as in the authors' code. Their loop has a quirk that ours has not: where every
    position but the last passes, the last one is written as well, however unsure it is, so that of two masks both
    always go. A guess of the mask token is never written; theirs would be.

    Presets: "Fast-dLLM" is the default of the authors' code and, second-hand, of their README.
    """

    settings: FactorSettings = FactorSettings()

    name: ClassVar[str] = "factor"
    title: ClassVar[str] = "Factor"
    rule: ClassVar[str] = "each step writes the n surest tokens, while the n-th has p ≥ 1 − f / (n + 1), at least one"
    paper: ClassVar[str] = "Fast-dLLM, arXiv 2505.22618, section 3.3"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = FACTOR_SWEEP
    settings_class: ClassVar[type[Settings]] = FactorSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType({"Fast-dLLM": FactorSettings()})

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        """Write the longest prefix that is sure enough; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        return decide(scored, accept_factor(scored.p, scored.p, view.eligible(scored.ids), self.settings.factor))
