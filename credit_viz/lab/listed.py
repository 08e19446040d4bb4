"""The settings of a plan by their numbers, what sets two of them apart, and what they are called. Knows plans only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from credit_viz.decoding import DECODERS
from credit_viz.decoding.options import RunOptions
from credit_viz.decoding.settings import knobs
from credit_viz.lab.plan import OPTIONS, Plan, Setting
from credit_viz.text import value_text

__all__ = ["Difference", "Listed", "differences", "listed", "told_apart"]

_NONE = "–"  #: value of a knob that a decoder does not have


class Listed(NamedTuple):
    """A setting with its options."""

    number: int  #: see `SweepResult.frame`
    setting: Setting
    options: RunOptions  #: with the first seed
    name: str  #: of the setting alone


class Difference(NamedTuple):
    """A knob or an option that two settings do not have in common."""

    knob: str
    values: tuple[str, str]
    shared: bool  #: both have it, with different values


def listed(plan: Plan) -> dict[int, Listed]:
    """Every setting with each of the options but the seed, by number."""
    names = plan.names()
    settings = {setting.content: setting for setting in (plan.reference, *plan.settings)}
    found: dict[int, Listed] = {}
    for (content, options), number in plan.numbers().items():
        found.setdefault(number, Listed(number, settings[content], options, names[content]))
    return found


def differences(first: Listed, second: Listed) -> tuple[Difference, ...]:
    """The decoder, knobs in the order of the decoders, then options."""
    return tuple(_differences(first, second))


def _differences(first: Listed, second: Listed) -> Iterator[Difference]:
    one, other = first.setting, second.setting
    if one.decoder != other.decoder:
        yield Difference("decoder", (one.decoder, other.decoder), True)
    meanings = _meanings(one.decoder), _meanings(other.decoder)
    for knob in dict.fromkeys((*one.values, *other.values)):
        own, its = (value_text(side.values[knob]) if knob in side.values else _NONE for side in (one, other))
        if meanings[0].get(knob) == meanings[1].get(knob):
            if own != its:
                yield Difference(knob, (own, its), True)
            continue
        if knob in one.values:
            yield Difference(knob, (own, _NONE), False)
        if knob in other.values:
            yield Difference(knob, (_NONE, its), False)
    for option in OPTIONS:
        pair = [str(getattr(side.options, option)) for side in (first, second)]
        if option != "seed" and pair[0] != pair[1]:
            yield Difference(option, (pair[0], pair[1]), True)


def _meanings(decoder: str) -> Mapping[str, str]:
    """What each knob is: two decoders may give one name to different things."""
    return {knob.name: knob.role for knob in knobs(DECODERS[decoder].settings_class)}


def told_apart(first: Listed, second: Listed) -> tuple[str, str]:
    """Short names: of one decoder's settings only what differs, of two decoders' the settings' own names."""
    apart = differences(first, second)
    names = []
    for place, side in enumerate((first, second)):
        if first.setting.decoder == second.setting.decoder:
            own = [f"{d.knob}={d.values[place]}" for d in apart if d.knob in side.setting.values]
            name = " ".join([side.setting.decoder, *own])
        else:
            name = side.name
        options = [f"{d.knob.replace('_', ' ')} {d.values[place]}" for d in apart if d.knob in OPTIONS]
        names.append(", ".join([name, *options]))
    return names[0], names[1]
