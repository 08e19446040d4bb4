"""Entropy-bounded decoding: write as many tokens at once as their summed entropy allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import accept_threshold, by_rank
from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.scores import Scored, decide, raw_scores
from credit_viz.decoding.settings import Settings, choice, knob
from credit_viz.decoding.threshold import temperature_knob

__all__ = ["EntropyBound", "EntropyBoundSettings", "carried_entropy"]


@dataclass(frozen=True)
class EntropyBoundSettings(Settings):
    """Knobs of entropy-bounded decoding."""

    gamma: float = knob(
        0.1,
        minimum=0.0,
        maximum=100.0,
        slider=(0.0, 1.0),
        step=0.01,
        role="entropy bound",
        symbol="γ",
        help="Entropy, in nats, that the tokens of one step may have together, the largest left out. 0 writes one "
        "token per step.",
    )
    order: str = choice(
        "entropy",
        ("entropy", "confidence", "margin"),
        role="order of writing",
        symbol="↓",
        help="Which tokens are added first: those of least entropy, the most probable, or those furthest ahead of the "
        "second best guess.",
    )
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class EntropyBound(Decoder):
    """Each step writes the longest prefix U of an order with sum H - max H <= gamma over U, at least one token.

    The left side bounds how far the tokens of a step can depend on each other, which writing them at once ignores.

    Source: EB-Sampler (arXiv 2505.24857), whose order is that of an error proxy: entropy, confidence or margin. No code
    of the authors was found; three details follow public implementations or are ours. The sum never falls as U grows,
    so the longest prefix is the largest. H is the entropy of the model's whole distribution, as recorded, while an
    implementation we read leaves the mask token out first. A temperature only adds noise to the draw; there it also
    divides the logits before H. Tokens are chosen within the active block.

    Presets: both ends of the range of gamma in public notes on the paper, not read in the paper itself.
    """

    settings: EntropyBoundSettings = EntropyBoundSettings()

    name: ClassVar[str] = "entropy-bound"
    title: ClassVar[str] = "Entropy bound"
    rule: ClassVar[str] = "each step writes the longest row of the surest tokens with Σ H − max H ≤ γ, at least one"
    paper: ClassVar[str] = "EB-Sampler, arXiv 2505.24857"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("gamma", (0.001, 0.01, 0.1, 0.3, 1.0))
    settings_class: ClassVar[type[Settings]] = EntropyBoundSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {"wide bound": EntropyBoundSettings(), "narrow bound": EntropyBoundSettings(gamma=0.001)}
    )

    @property
    def score(self) -> str:
        """What the step would carry were it to go as far as this token, with a minus."""
        return "−summed entropy"

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        """Write the longest prefix within the bound; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        eligible = view.eligible(scored.ids)
        score = -carried_entropy(self._rank(scored, view), view.predictions.entropy, eligible)
        return decide(scored, accept_threshold(score, score, eligible, -self.settings.gamma), score)

    def _rank(self, scored: Scored, view: View) -> Tensor:
        """(N,) what the order ranks by, larger first."""
        if self.settings.order == "entropy":
            return -view.predictions.entropy
        return scored.p if self.settings.order == "confidence" else scored.margin


def carried_entropy(rank: Tensor, entropy: Tensor, eligible: Tensor) -> Tensor:
    """(N,) sum H - max H over a position and all that come before it, nats.

    Args:
        rank: (N,) larger comes first, then whatever is not eligible; entropy: (N,) nats.
    """
    order = by_rank(rank, eligible).order
    ordered = entropy[order]
    # what one more token adds is the smaller of itself and the largest so far: no difference of sums, no rounding
    added = torch.minimum(ordered[1:], ordered.cummax(0).values[:-1])
    carried = torch.nn.functional.pad(added.cumsum(0), (1, 0))
    return torch.empty_like(carried).scatter_(0, order, carried)
