"""The controls of a setting with credit that a sweep already has, so that a lower bar is not taken for memory.

    without credit    alpha = 0, or the decoder of the acceptance rule alone, with the same knobs of the rule
    no history        beta = 0: credit is forgotten after every step, so a guess only lifts itself: a lower bar
    as few passes     the rule alone, with its own knob turned until about as few passes are needed

`attribution.py` runs these where a sweep lacks them. Knows plans and tables.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credit_viz.decoding import DECODERS
from credit_viz.decoding.settings import knobs
from credit_viz.lab.listed import Listed
from credit_viz.lab.numbers import told
from credit_viz.lab.paired import Ended, Measure, Pairs

__all__ = ["AS_FEW", "NO_HISTORY", "WITHOUT", "Control", "controls_of", "grants_credit", "rule_alone"]

WITHOUT, NO_HISTORY, AS_FEW = "without credit", "no history", "as few passes"
_CREDIT_KNOBS = frozenset({"alpha", "beta", "gamma"})
_ABOUT = 0.1  #: share of a setting's passes that "about as few" may be off


@dataclass(frozen=True)
class Control:
    """One control of one of two settings, on the pairs that are compared and on which the control ended, too."""

    of: int  #: 0: of the first setting, 1: of the second
    role: str  #: WITHOUT, NO_HISTORY or AS_FEW
    number: int | None  #: of the control in the sweep; None: it is not there
    name: str  #: of the control; "" where it is not there
    passes: Measure | None  #: of the setting and the control: what the control needs more; None: no run of it
    quality: Measure | None  #: likewise: by how much the control is better
    why: str


def grants_credit(side: Listed) -> bool:
    """Whether credit does anything in it."""
    values = side.setting.values
    return values.keys() >= _CREDIT_KNOBS and values["alpha"] != 0


def controls_of(
    ended: Ended, settings: Mapping[int, Listed], pairs: Pairs, number: int, of: int, quality: str | None
) -> tuple[Control, ...]:
    """The controls of a setting, in the order of the module; none where it grants no credit.

    Args:
        ended: the runs of the sweep.
        settings: all of the sweep, from `listed`.
        pairs: that are compared.
        number, of: the setting, and which of the two it is.
        quality: column that says how good the texts are; None: nothing does.
    """
    side = settings[number]
    if not grants_credit(side):
        return ()
    search = _Search(ended, settings, pairs, side, of, quality)
    found = [search.without_credit()]
    if side.setting.values["beta"] != 0:  # else it is its own control
        found.append(search.no_history())
    return (*found, search.as_few_passes())


@dataclass(frozen=True)
class _Search:
    """The sweep around one setting."""

    ended: Ended
    settings: Mapping[int, Listed]
    pairs: Pairs
    side: Listed
    of: int
    quality: str | None

    def without_credit(self) -> Control:
        """The rule alone at the same bar."""
        alone = self._alone(turned=False)
        if not alone:
            return self._missing(WITHOUT, "the same setting with alpha=0")
        return self._there(WITHOUT, alone[0], "The same bar without credit.")

    def no_history(self) -> Control:
        """Only a lower bar."""
        wanted = dict(self.side.setting.values) | {"beta": 0.0}
        for other in self._neighbours():
            if other.setting.decoder == self.side.setting.decoder and dict(other.setting.values) == wanted:
                return self._there(
                    NO_HISTORY,
                    other,
                    "Credit is forgotten after every step, so a guess lifts only itself: a lower bar.",
                )
        return self._missing(NO_HISTORY, "the same setting with beta=0")

    def as_few_passes(self) -> Control:
        """The fair rival."""
        gaps = {other.number: self._gap(other) for other in self._alone(turned=True)}
        known = {number: gap for number, gap in gaps.items() if gap == gap}
        if not known:
            return self._missing(AS_FEW, "the rule alone at other bars")
        nearest = self._there(AS_FEW, self.settings[min(known, key=known.__getitem__)], "")
        assert nearest.passes is not None
        more = told(nearest.passes.difference)
        if min(known.values()) > _ABOUT * nearest.passes.values[0]:
            return self._missing(
                AS_FEW, f"the rule alone with about as few passes; {nearest.name} comes nearest, {more}"
            )
        return dataclasses.replace(nearest, why=f"The rule alone with about as few passes: {more}.{nearest.why}")

    def _neighbours(self) -> list[Listed]:
        """All settings with the same options, in the order of the plan."""
        return [other for other in self.settings.values() if other.options == self.side.options]

    def _alone(self, turned: bool) -> list[Listed]:
        """Settings of the acceptance rule without credit; `turned`: its own knob may have another value."""
        decoder, own = self.side.setting.decoder, _rule(self.side)
        if turned:
            own.pop(DECODERS[decoder].sweep[0])
        found = []
        for other in self._neighbours():
            plain = rule_alone(decoder) == other.setting.decoder
            weightless = other.setting.decoder == decoder and other.setting.values["alpha"] == 0
            if (plain or weightless) and own.items() <= _rule(other).items():
                found.append(other)
        return found

    def _beside(self, other: Listed) -> Pairs:
        """The setting and another one, on what is compared."""
        return self.ended.pairs(self.side.number, other.number, self.pairs.codes)

    def _gap(self, other: Listed) -> float:
        """How far its mean passes are from the setting's; nan where it has none."""
        means = self._beside(other).by_prompt("forward_passes")
        return abs(float((means[:, 1] - means[:, 0]).mean())) if len(means) else math.nan

    def _there(self, role: str, other: Listed, why: str) -> Control:
        pairs = self._beside(other)
        passes = pairs.measure("forward_passes")
        quality = pairs.measure(self.quality) if self.quality else None
        if passes is None:
            why += " It has no runs on these prompts yet."
        elif pairs.prompts < self.pairs.prompts:
            why += f" On {pairs.prompts} of these prompts."
        return Control(self.of, role, other.number, other.name, passes, quality, why)

    def _missing(self, role: str, what: str) -> Control:
        return Control(self.of, role, None, "", None, None, f"Not in this sweep: {what}.")


def _rule(side: Listed) -> dict[str, Any]:
    """Knobs of the acceptance rule."""
    return {name: value for name, value in side.setting.values.items() if name not in _CREDIT_KNOBS}


def rule_alone(decoder: str) -> str | None:
    """The decoder that has the same rule and no credit: its knobs are the same, but for those of credit."""
    wanted = _knob_names(decoder) - _CREDIT_KNOBS
    return next((name for name in DECODERS if _knob_names(name) == wanted), None)


def _knob_names(decoder: str) -> set[str]:
    return {knob.name for knob in knobs(DECODERS[decoder].settings_class)}
