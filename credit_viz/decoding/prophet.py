"""Prophet: once the guesses have settled, write all that is left at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from credit_viz.decoding.base import Block, Decision, Needs, View
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.vanilla import Quota, Vanilla, VanillaSettings
from credit_viz.trace.record import Reason

__all__ = ["Prophet", "ProphetSettings", "ProphetState"]

#: shares of the steps at which the asked gap falls, as in the authors' code.
_EARLY, _MIDDLE = 0.33, 0.67


def _gap_knob(default: float, when: str, symbol: str) -> Any:
    return knob(
        default,
        minimum=0.0,
        maximum=100.0,
        slider=(0.0, 15.0),
        step=0.5,
        role=f"gap that ends the run, {when}",
        symbol=symbol,
        help=f"Mean lead of the best guess over the second, in logits, at which everything is written: {when}.",
    )


@dataclass(frozen=True)
class ProphetSettings(VanillaSettings):
    """Knobs of vanilla decoding, and the gap to wait for in each third of its steps."""

    gap_early: float = _gap_knob(7.5, "first third of the steps", "g₁")
    gap_middle: float = _gap_knob(5.0, "second third of the steps", "g₂")
    gap_late: float = _gap_knob(2.5, "last third of the steps", "g₃")


@dataclass(frozen=True)
class ProphetState:
    """The block's schedule, and how far the run has come."""

    quota: Quota
    passes: int  #: of the whole run


@dataclass(frozen=True)
class Prophet(Vanilla):
    """Vanilla decoding that stops waiting once the mean gap between the two best logits is large enough.

    Source: Prophet (arXiv 2508.19982), as in public copies of the authors' code: after each forward pass and before
    that step's own writes, the mean gap is held against a bar that falls with the share of the steps that are done (7.5
    below .33, 5 below .67, then 2.5); once it is reached, every mask of every block is filled with its best guess.

    Differences: their code takes the mean over five positions of an answer whose place is known from forced tokens;
    no answer's place is known here, so the mean is over all positions that are still masked. A guess that must not be
    written (the mask token) has a gap of 0, and its position stays masked in the jump.

    Presets: "Prophet" are the code's own numbers, on one token per step.
    """

    settings: ProphetSettings = ProphetSettings()

    name: ClassVar[str] = "prophet"
    title: ClassVar[str] = "Prophet"
    rule: ClassVar[str] = "as vanilla, until the best guesses lead by a wide gap: then all that is left is written"
    paper: ClassVar[str] = "Prophet, arXiv 2508.19982"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("gap_early", (30.0, 20.0, 15.0, 10.0, 7.5))
    settings_class: ClassVar[type[Settings]] = ProphetSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType({"Prophet": ProphetSettings()})

    @property
    def score(self) -> str:
        """What the order ranks by, and what ends the run."""
        return f"{super().score}; in the step that writes all the rest, the mean gap in logits"

    @property
    def needs(self) -> Needs:
        """It looks at all blocks, and may write in all of them."""
        return super().needs._replace(whole=True)

    def start(self, block: Block) -> Any:
        """The block's schedule; see `Vanilla.start`."""
        return ProphetState(super().start(block), 0 if block.before is None else block.before.passes)

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Write everything if the guesses have settled, else as vanilla; see `Decoder.step`."""
        base = super().step(view, state.quota, rng)
        predictions = view.predictions
        values = predictions.gather(predictions.topk(2))
        gap = (values[:, 0] - values[:, 1]).masked_fill(predictions.blocked(predictions.top_ids), 0)
        mean = torch.where(view.masked, gap, 0).sum() / view.masked.sum()
        bar = self._bar((state.passes + 1) / (self.settings.steps or len(view.masked)))
        jump = mean >= bar
        answered = jump & view.masked & ~predictions.blocked(predictions.top_ids)
        return replace(
            base,
            state=ProphetState(base.state, state.passes + 1),
            winner_ids=torch.where(jump, predictions.top_ids, base.winner_ids),
            winner_p=torch.where(jump, predictions.top_p, base.winner_p),
            fused=torch.where(jump, predictions.top_p, base.fused),
            commit=torch.where(jump, answered, base.commit),
            reasons=torch.where(jump, answered * int(Reason.ANSWERED), base.reasons).to(torch.uint8),
            channels={
                **base.channels,
                "bar": torch.where(jump, bar, base.channels["bar"]),
                "score": torch.where(jump, mean, base.channels.get("score", base.fused)),
                "gap": gap,
            },
        )

    def _bar(self, progress: float) -> float:
        settings = self.settings
        return (
            settings.gap_early
            if progress < _EARLY
            else settings.gap_middle
            if progress < _MIDDLE
            else settings.gap_late
        )
