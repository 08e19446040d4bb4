"""Vanilla decoding: a fixed number of tokens per step, in one of four orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import accept_quota
from credit_viz.decoding.base import Block, Decision, Decoder, Needs, View
from credit_viz.decoding.scores import Scored, decide, raw_scores
from credit_viz.decoding.settings import Settings, choice, knob
from credit_viz.decoding.threshold import temperature_knob
from credit_viz.errors import SettingsError

__all__ = ["Quota", "Vanilla", "VanillaSettings", "share_out"]

_RANDOM = "random"
#: orders and what each ranks by, in words.
_ORDERS: Mapping[str, str] = MappingProxyType(
    {"confidence": "probability", _RANDOM: "random number", "entropy": "−entropy", "margin": "margin"}
)


@dataclass(frozen=True)
class VanillaSettings(Settings):
    """Knobs of vanilla decoding."""

    steps: int | None = knob(
        None,
        minimum=1,
        maximum=4096,
        slider=(1, 256),
        step=1,
        integer=True,
        role="denoising steps",
        symbol="S",
        help="Forward passes for the whole text, shared out over its blocks. Fewer steps write more tokens at once.",
        unset="one token per step",
    )
    order: str = choice(
        "confidence",
        tuple(_ORDERS),
        role="order of writing",
        symbol="↓",
        help="Which tokens go first: the most probable, any, those of least entropy, or those furthest ahead of the "
        "second best guess.",
    )
    guidance: float = knob(
        0.0,
        minimum=0.0,
        maximum=10.0,
        slider=(0.0, 3.0),
        step=0.1,
        role="guidance scale",
        symbol="w",
        help="Pushes the guesses away from what the model says without the prompt. 0 is off; above, each forward pass "
        "computes two canvases.",
    )
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class Quota:
    """Tokens still to be written per step of this block, first step first."""

    remaining: tuple[int, ...]


@dataclass(frozen=True)
class Vanilla(Decoder):
    """Each step writes the next few tokens of an order, however sure or unsure they are.

    Source: LLaDA (arXiv 2502.09992), section 2.4, "low-confidence remasking", semi-autoregressive over blocks; the
    remainder of tokens / steps goes to the first steps, as in the authors' code, and so does guidance: u + (w + 1)
    (c - u), where u are the logits without the prompt; every number here is one of the guided logits. Two things
    differ: steps that do not divide evenly over the blocks are allowed (the first blocks get one more), and a position
    whose best guess is the mask token waits instead of being "written" as a mask, which may take more steps than were
    asked for.

    The orders entropy and margin are Dream's (arXiv 2508.15487). Dream has no blocks and a schedule of its own, which
    may write nothing in a step; ours is LLaDA's fixed number per step. Dream computes entropy and margin after
    temperature and top-p; ours are those of the model's probabilities, the margin that of the token drawn over the best
    other one. Dream can also draw the order at a temperature (alg_temp), which is left out.

    Presets: LLaDA and "random order" are the two orders of LLaDA's code, one token per step; Dream's orders are given
    the same schedule.
    """

    settings: VanillaSettings = VanillaSettings()

    name: ClassVar[str] = "vanilla"
    title: ClassVar[str] = "Vanilla"
    rule: ClassVar[str] = "each step writes a fixed number of tokens, the most confident first or in another order"
    paper: ClassVar[str] = "LLaDA, arXiv 2502.09992, section 2.4"
    group: ClassVar[str] = "Fixed schedule"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("steps", (64, 32, 16, 8))
    settings_class: ClassVar[type[Settings]] = VanillaSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {
            "LLaDA": VanillaSettings(),
            "random order": VanillaSettings(order=_RANDOM),
            "Dream entropy": VanillaSettings(order="entropy"),
            "Dream margin": VanillaSettings(order="margin"),
        }
    )

    @property
    def score(self) -> str:
        """What the order ranks by."""
        return _ORDERS[self.settings.order]

    @property
    def needs(self) -> Needs:
        """Guidance, where it is on."""
        return Needs(guidance=self.settings.guidance)

    def start(self, block: Block) -> Quota:
        """Share the steps out over blocks, then the block's tokens over its steps.

        Raises:
            SettingsError: more steps than positions (some would write nothing) or fewer steps than blocks.
        """
        steps = self.settings.steps
        if steps is None:
            return Quota(share_out(block.length, block.length))
        if not block.count <= steps <= block.gen_length:
            raise SettingsError(
                f"steps={steps} does not fit {block.gen_length} positions in {block.count} blocks; "
                f"valid: {block.count}..{block.gen_length}"
            )
        # a block-causal model may have blocks too short for their share of the steps
        own = min(block.length, share_out(steps, block.count)[block.index])
        return Quota(share_out(block.length, own))

    def step(self, view: View, state: Quota, rng: torch.Generator) -> Decision:
        """Write the first of the order, as many as the quota says; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        score = self._rank(scored, view, rng)
        # past the schedule (positions had to wait for a committable guess): one token per step
        quota = state.remaining[0] if state.remaining else 1
        accepted = accept_quota(score, view.eligible(scored.ids), quota)
        return replace(decide(scored, accepted, score), state=Quota(state.remaining[1:]))

    def _rank(self, scored: Scored, view: View, rng: torch.Generator) -> Tensor:
        """(N,) what the order ranks by, larger first."""
        if self.settings.order == "confidence":
            return scored.p
        if self.settings.order == "entropy":
            return -view.predictions.entropy
        if self.settings.order == "margin":
            return scored.margin
        return torch.rand(scored.p.shape, dtype=scored.p.dtype, device=scored.p.device, generator=rng)


def share_out(total: int, parts: int) -> tuple[int, ...]:
    """`total` as `parts` whole numbers that differ by at most one, the larger ones first."""
    base, rest = divmod(total, parts)
    return tuple(base + (part < rest) for part in range(parts))
