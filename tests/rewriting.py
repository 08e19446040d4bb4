"""A decoder that changes its mind: takes tokens back, edits others, and is as small as one can be. For tests only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import accept_threshold
from credit_viz.decoding.base import Block, Decision, Decoder, Needs, View
from credit_viz.decoding.scores import decide, raw_scores
from credit_viz.decoding.settings import Settings, choice, knob
from credit_viz.decoding.threshold import threshold_knob
from credit_viz.trace.record import Reason

__all__ = ["Fickle"]


@dataclass(frozen=True)
class FickleSettings(Settings):
    """One knob of each kind."""

    threshold: float = threshold_knob(0.6)
    keep: float | None = knob(
        0.3,
        minimum=0.0,
        maximum=1.0,
        step=0.05,
        role="keeping",
        symbol="k",
        help="A written token below this is taken back.",
        unset="half the threshold",
    )
    habit: str = choice(
        "both", ("both", "take back", "edit"), role="habit", symbol="h", help="How it changes its mind."
    )


class Memory(NamedTuple):
    """What the decoder remembers of N positions."""

    mine: Tensor  #: (N,) bool, written by this decoder
    doubted: Tensor  #: (N,) bool, rewritten once already


@dataclass(frozen=True)
class Fickle(Decoder):
    """Threshold decoding that looks back at every token it wrote, once."""

    settings: FickleSettings = FickleSettings()

    name: ClassVar[str] = "fickle"
    title: ClassVar[str] = "Fickle"
    rule: ClassVar[str] = "each step also takes back or edits what it wrote"
    paper: ClassVar[str] = "none"
    group: ClassVar[str] = "Takes back"
    settings_class: ClassVar[type[Settings]] = FickleSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {"editor": FickleSettings(keep=None, habit="edit"), "doubter": FickleSettings(keep=0.9, habit="take back")}
    )

    @property
    def needs(self) -> Needs:
        """It rewrites."""
        return Needs(rewrites=True, settle=2)

    def start(self, block: Block) -> Memory:
        """Nothing written yet."""
        none = torch.zeros(block.length, dtype=torch.bool, device=block.device)
        return Memory(none, none)

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Write what passes, then doubt what stands."""
        scored = raw_scores(view, 0.0, rng)
        settings: FickleSettings = self.settings
        decision = decide(scored, accept_threshold(scored.p, scored.p, view.eligible(scored.ids), settings.threshold))
        keep = settings.threshold / 2 if settings.keep is None else settings.keep
        mine = state.mine & ~view.masked & ~state.doubted
        held = view.predictions.probability(view.ids[:, None])[:, 0]
        better = (scored.ids != view.ids) & (scored.p >= settings.threshold) & ~view.predictions.blocked(scored.ids)
        edit = mine & better & (settings.habit != "take back")
        back = mine & ~edit & (held < keep) & (settings.habit != "edit")
        reasons = torch.where(back, int(Reason.REMASKED), torch.where(edit, int(Reason.EDITED), decision.reasons))
        return replace(
            decision,
            state=Memory(state.mine | decision.commit, state.doubted | back | edit),
            winner_ids=torch.where(back, view.predictions.mask_id, scored.ids),
            commit=decision.commit | back | edit,
            reasons=reasons.to(torch.uint8),
            channels={"bar": torch.where(view.masked, decision.channels["bar"], keep)},
        )
