"""Which setting of a sweep a text names. Knows plans and the notation of arms.

    credit: threshold=0.9, alpha=0.7               as `sweep --arm` has it, with one value per knob
    credit: threshold=0.9, block_length=32         an option of the runs, where the sweep has several values of it
    17                                             its number, as in the tables of the sweep

Knobs that are not named are free. Of several settings that fit, the one counts whose other knobs are at their defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from credit_viz.decoding import make_decoder
from credit_viz.errors import SettingsError, one_of
from credit_viz.lab.listed import Listed, differences, listed
from credit_viz.lab.notation import parse_arm
from credit_viz.lab.plan import OPTIONS, Plan
from credit_viz.lab.spaces import Arm, Value
from credit_viz.text import value_text

__all__ = ["find_setting"]

_MOST_TOLD = 8  #: values that a message lists


def find_setting(plan: Plan, text: str, options: Mapping[str, str] | None = None) -> int:
    """The number of a setting.

    Args:
        text: see the module.
        options: values of options as written, where the text does not name them.

    Raises:
        SettingsError: none fits, or several do; the message says what is there, or what tells them apart.
    """
    settings = listed(plan)
    if text.strip().isdecimal():
        numbers = {str(number): number for number in settings}  # int() refuses very long ones
        if text.strip() not in numbers:
            raise SettingsError(f"setting {text.strip()} is not in this sweep; valid: 0 to {max(settings)}")
        return numbers[text.strip()]
    words, own = _without_options(text)
    arm = parse_arm(words)
    if arm.draws is not None or arm.size != 1:
        raise SettingsError(f"{text.strip()!r} names {arm.size} settings; valid: one value per knob")
    preset = make_decoder(arm.decoder, preset=arm.preset).settings.to_dict()
    named = {} if arm.preset is None else preset
    named |= {knob: value for knob, (value,) in _values(arm).items()}
    there = [each for each in settings.values() if each.setting.decoder == arm.decoder]
    if not there:
        raise SettingsError(
            one_of("decoder of this sweep", arm.decoder, {e.setting.decoder for e in settings.values()})
        )
    for knob, value in named.items():
        there = _having(text, there, knob, value_text(value), partial(_knob, knob))
    for option, value in (dict(options or {}) | own).items():
        there = _having(text, there, option, value, partial(_option, option))
    there = _nearest_defaults(there, preset) or there
    if len(there) > 1:
        raise SettingsError(
            f"{text.strip()!r} names {len(there)} settings of this sweep, which differ in {_apart(there)}"
        )
    return there[0].number


def _knob(name: str, each: Listed) -> Any:
    return each.setting.values[name]


def _option(name: str, each: Listed) -> Any:
    return getattr(each.options, name)


def _values(arm: Arm) -> dict[str, tuple[Value, ...]]:
    """Of an arm with one setting: its spaces are lists of one value."""
    return {knob: tuple(space) for knob, space in arm.knobs.items()}


def _without_options(text: str) -> tuple[str, dict[str, str]]:
    """An arm's text, and the options that were named in it."""
    head, colon, rest = text.partition(":" if ":" in text else ",")
    kept, options = [], {}
    for part in rest.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name in OPTIONS:
            options[name] = value
        elif part.strip():
            kept.append(part)
    return f"{head}{colon}{','.join(kept)}" if kept else head, options


def _nearest_defaults(settings: list[Listed], defaults: Mapping[str, Any]) -> list[Listed]:
    """Those that have the default of every knob of which they have several values."""
    names = settings[0].setting.values
    varying = [name for name in names if len({each.setting.values[name] for each in settings}) > 1]
    return [each for each in settings if all(each.setting.values[name] == defaults[name] for name in varying)]


def _having(text: str, settings: list[Listed], name: str, wanted: str, value: Callable[[Listed], Any]) -> list[Listed]:
    """Those with this value of a knob or option."""
    found = [each for each in settings if value_text(value(each)).lower() == wanted.lower()]
    if not found:
        known = dict.fromkeys(value_text(value(each)) for each in settings)
        raise SettingsError(
            f"no setting of this sweep is {text.strip()!r}: {name} is {_some(known)} there, not {wanted}"
        )
    return found


def _apart(settings: list[Listed]) -> str:
    """What several settings do not have in common, with its values."""
    first, *others = settings
    values: dict[str, dict[str, None]] = {}
    for other in others:
        for knob, pair, _ in differences(first, other):
            values.setdefault(knob, {}).update(dict.fromkeys(pair))
    return "; ".join(f"{knob}: {_some(told)}" for knob, told in values.items())


def _some(values: Iterable[str]) -> str:
    every = list(values)
    left = len(every) - _MOST_TOLD
    return ", ".join(every[:_MOST_TOLD]) + (f" and {left} more" if left > 0 else "")
