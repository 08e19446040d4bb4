"""Vanilla decoding: low-confidence remasking with a fixed number of tokens per step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import torch

from credit_viz.decoding.acceptance import accept_quota
from credit_viz.decoding.base import Block, Decision, Decoder, View
from credit_viz.decoding.scores import decide, raw_scores
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import temperature_knob
from credit_viz.errors import SettingsError

__all__ = ["Quota", "Vanilla", "VanillaSettings", "share_out"]


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
    temperature: float = temperature_knob()


@dataclass(frozen=True)
class Quota:
    """Tokens still to be written per step of this block, first step first."""

    remaining: tuple[int, ...]


@dataclass(frozen=True)
class Vanilla(Decoder):
    """Each step writes the next few most confident tokens, however sure or unsure they are.

    Source: LLaDA (arXiv 2502.09992), section 2.4, "low-confidence remasking", semi-autoregressive over blocks; the
    remainder of tokens / steps goes to the first steps, as in the authors' code. Two things differ: steps that do not
    divide evenly over the blocks are allowed (the first blocks get one more), and a position whose best guess is the
    mask token waits instead of being "written" as a mask, which may take more steps than were asked for.
    """

    settings: VanillaSettings = VanillaSettings()

    name: ClassVar[str] = "vanilla"
    title: ClassVar[str] = "Vanilla"
    rule: ClassVar[str] = "each step writes a fixed number of the most confident tokens"
    paper: ClassVar[str] = "LLaDA, arXiv 2502.09992, section 2.4"
    group: ClassVar[str] = "Fixed schedule"
    settings_class: ClassVar[type[Settings]] = VanillaSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType({"LLaDA": VanillaSettings()})

    def start(self, block: Block) -> Quota:
        """Share the steps out over blocks, then the block's tokens over its steps.

        Raises:
            SettingsError: more steps than positions (some would write nothing) or fewer steps than blocks.
        """
        steps = self.settings.steps if self.settings.steps is not None else block.gen_length
        if not block.count <= steps <= block.gen_length:
            raise SettingsError(
                f"steps={steps} does not fit {block.gen_length} positions in {block.count} blocks; "
                f"valid: {block.count}..{block.gen_length}"
            )
        # a block-causal model may have blocks too short for their share of the steps
        own = min(block.length, share_out(steps, block.count)[block.index])
        return Quota(share_out(block.length, own))

    def step(self, view: View, state: Quota, rng: torch.Generator) -> Decision:
        """Write the quota's most confident positions; see `Decoder.step`."""
        scored = raw_scores(view, self.settings.temperature, rng)
        # past the schedule (positions had to wait for a committable guess): one token per step
        quota = state.remaining[0] if state.remaining else 1
        accepted = accept_quota(scored.p, view.eligible(scored.ids), quota)
        return replace(decide(scored, accepted), state=Quota(state.remaining[1:]))


def share_out(total: int, parts: int) -> tuple[int, ...]:
    """`total` as `parts` whole numbers that differ by at most one, the larger ones first."""
    base, rest = divmod(total, parts)
    return tuple(base + (part < rest) for part in range(parts))
