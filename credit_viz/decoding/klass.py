"""KLASS: write what is sure and has stopped changing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import judged, just_above
from credit_viz.decoding.base import Block, Decision, Decoder, Needs, View
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.scores import decide, raw_scores
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import threshold_knob

__all__ = ["Klass", "KlassSettings", "KlassState"]


@dataclass(frozen=True)
class KlassSettings(Settings):
    """Knobs of KLASS."""

    threshold: float = threshold_knob(0.9)
    divergence: float = knob(
        0.01,
        minimum=0.0,
        maximum=10.0,
        slider=(0.0, 0.1),
        step=0.001,
        role="largest change that is still stable",
        symbol="ε",
        help="A guess is stable in a pass if its whole distribution moved less than this (KL divergence, nats).",
    )
    passes: int = knob(
        2,
        minimum=1,
        maximum=64,
        slider=(1, 8),
        step=1,
        integer=True,
        role="passes it must be stable",
        symbol="n",
        help="How many passes in a row a guess must have been stable before it may be written.",
    )


@dataclass(frozen=True)
class KlassState:
    """What the passes so far said of the positions from the active block on, (M,) = L - start of them."""

    start: int  #: first position of the active block
    passes: int = 0  #: of this block
    last: Predictions | None = None  #: of the last pass; None before the first
    divergence: Tensor | None = None  #: (M,) how far the last pass moved, nats
    stable: Tensor | None = None  #: (M,) passes in a row that moved less than epsilon

    def seen(self, now: Predictions, limit: float) -> KlassState:
        """Memory after one more pass."""
        if self.last is None or self.stable is None:
            unknown = torch.full_like(now.top_p, torch.nan)
            return KlassState(self.start, 1, now, unknown, torch.zeros_like(unknown))
        divergence = now.divergence(self.last)
        stable = torch.where(divergence < limit, self.stable + 1, 0)
        return KlassState(self.start, self.passes + 1, now, divergence, stable)

    def moved_to(self, start: int) -> KlassState:
        """The same memory, for a later block."""
        skip = start - self.start
        if self.last is None or self.stable is None:
            return KlassState(start)
        return KlassState(start, 0, self.last.rows(skip, len(self.stable)), None, self.stable[skip:])


@dataclass(frozen=True)
class Klass(Decoder):
    """Each step writes every token with p > tau whose distribution changed by less than epsilon n times in a row.

    Source: KLASS (arXiv 2511.05664), as in the authors' code for LLaDA: the change is KL(now || before) over the full
    vocabulary, measured at every position that is not yet behind the active block, also while its block waits; the
    first passes of a block (n - 1 of them) write by the rule nowhere. Where nothing is ready the single most confident
    token is written, which is their "top u" with u = 1, as their scripts run it.

    Differences: log-probabilities are floored at that of 1e-12, where they add 1e-12 to the probability; there is no
    temperature, which in their code would also blur what is compared.

    Memory: the logits of the previous pass from the active block on, as the model gave them: L x V numbers at most
    (256 positions of LLaDA in bfloat16: 65 MB), and one more pass over them per step.

    Presets: "KLASS" are their code's defaults; "LLaDA GSM8K" and "LLaDA MATH" are from their scripts.
    """

    settings: KlassSettings = KlassSettings()

    name: ClassVar[str] = "klass"
    title: ClassVar[str] = "KLASS"
    rule: ClassVar[str] = "each step writes every token with p > τ that has stopped changing, at least one"
    paper: ClassVar[str] = "KLASS, arXiv 2511.05664"
    settings_class: ClassVar[type[Settings]] = KlassSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {
            "KLASS": KlassSettings(),
            "LLaDA GSM8K": KlassSettings(threshold=0.6, divergence=0.015),
            "LLaDA MATH": KlassSettings(threshold=0.6, divergence=0.01),
        }
    )

    @property
    def needs(self) -> Needs:
        """Changes are measured in blocks that are not active yet, too."""
        return Needs(whole=True)

    def start(self, block: Block) -> KlassState:
        """What the block before has learned about this one."""
        before: KlassState | None = block.before
        return KlassState(block.start) if before is None else before.moved_to(block.start)

    def step(self, view: View, state: KlassState, rng: torch.Generator) -> Decision:
        """Measure the change, then write what is sure and stable; see `Decoder.step`."""
        after = state.seen(view.predictions.rows(state.start, len(view.masked)), self.settings.divergence)
        scored = replace(raw_scores(view, 0.0, rng), state=after)
        divergence, stable = (_with_behind(values, state.start) for values in (after.divergence, after.stable))
        ready = (stable >= self.settings.passes) & (after.passes >= self.settings.passes)
        # while a guess is not stable, no probability is enough
        bar = torch.full_like(scored.p, torch.inf).masked_fill_(
            ready, just_above(self.settings.threshold, scored.p.dtype)
        )
        bar = bar.masked_fill_(~view.active, torch.nan)
        accepted = judged(scored.p >= bar, scored.p, scored.p, view.eligible(scored.ids), bar)
        return decide(scored, accepted, divergence=divergence, stable=stable)


def _with_behind(values: Tensor | None, count: int) -> Tensor:
    """Values of all positions: nothing is remembered of those behind the active block."""
    assert values is not None
    return torch.nn.functional.pad(values, (count, 0), value=torch.nan)
