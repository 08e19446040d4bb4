"""Editing: fill masks that are sure enough, and replace written tokens once another is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch

from credit_viz.decoding.acceptance import accept_threshold, just_above
from credit_viz.decoding.base import Decision, Decoder, Needs, View
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import threshold_knob
from credit_viz.trace.record import Reason

__all__ = ["Editing", "EditingSettings"]


@dataclass(frozen=True)
class EditingSettings(Settings):
    """Knobs of editing."""

    threshold: float = threshold_knob(0.95)
    edit_threshold: float = knob(
        0.9,
        minimum=0.0,
        maximum=2.0,
        slider=(0.0, 1.0),
        step=0.01,
        role="editing threshold",
        symbol="τₑ",
        help="A written token is replaced once another one's confidence exceeds this. 0: by any that wins; 1: never.",
    )
    settle: int = knob(
        16,
        minimum=1,
        maximum=64,
        slider=(1, 32),
        step=1,
        integer=True,
        role="settling passes",
        symbol="k",
        help="Passes a block may go on editing after its last mask; it ends with the first that changes nothing.",
    )


@dataclass(frozen=True)
class Editing(Decoder):
    """Each step fills every mask with p > tau, at least one, and replaces written tokens that another beats.

    Source: LLaDA2.1's generation code, read in public copies. From one forward pass: a masked position is filled if
    p > tau (the best one if none passes); a token that this block has written is replaced if another one wins its
    position with p > tau_e. A block without a mask goes on until a pass changes nothing, at most 16 passes; so every
    block costs at least one pass without a mask.

    Differences: nothing is ever edited to the mask token or to an id without a text; early stop looks only between
    blocks, as theirs does, but asks for no mask before the end of the text instead of none in the canvas. Theirs runs
    on a block-causal model whose blocks count from the start of the prompt: with such a model so do ours.

    Presets: "LLaDA2.1" are the defaults of its generate function; "quality" and "speed" are from its model card.
    All three as read in public notes and copies, not in the card itself.
    """

    settings: EditingSettings = EditingSettings()

    name: ClassVar[str] = "editing"
    title: ClassVar[str] = "Editing"
    rule: ClassVar[str] = "each step writes every token with p > τ, and replaces written ones that another beats"
    paper: ClassVar[str] = "LLaDA2.1, generation code"
    group: ClassVar[str] = "Can change its mind"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("threshold", (0.99, 0.95, 0.9, 0.7, 0.5))
    settings_class: ClassVar[type[Settings]] = EditingSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {
            "LLaDA2.1": EditingSettings(),
            "quality": EditingSettings(threshold=0.7, edit_threshold=0.5),
            "speed": EditingSettings(threshold=0.5, edit_threshold=0.0),
        }
    )

    @property
    def needs(self) -> Needs:
        """It replaces tokens, also in passes after the last mask."""
        return Needs(rewrites=True, settle=self.settings.settle)

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        """Fill and edit; see `Decoder.step`."""
        ids, p, settings = view.predictions.top_ids, view.predictions.top_p, self.settings
        fill_bar, edit_bar = (just_above(bar, p.dtype) for bar in (settings.threshold, settings.edit_threshold))
        filled = accept_threshold(p, p, view.eligible(ids), fill_bar)
        other = view.rewritable & (ids != view.ids)
        edited = other & (p >= edit_bar) & ~view.predictions.blocked(ids)
        # where the guess already stands there is nothing to reach
        asked = torch.where(view.masked, filled.bar, torch.where(other, edit_bar, torch.nan))
        reasons = torch.where(edited, int(Reason.EDITED), filled.reasons).to(torch.uint8)
        return Decision(None, ids, p, p, filled.commit | edited, reasons, {"bar": asked})
