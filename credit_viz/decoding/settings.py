"""Knobs: settings that validate themselves and describe themselves to people. Knows no tensors and no decoder.

A decoder's settings are a frozen dataclass whose fields are declared with `knob(...)`. The same metadata draws the
sliders of the page, the flags of the command line and the messages for bad values.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Self, cast

from credit_viz.errors import SettingsError, one_of

__all__ = ["Knob", "Settings", "choice", "knob", "knobs"]


@dataclass(frozen=True)
class Knob:
    """What a person needs to know about one setting: a number in a range, or one of `choices`.

    `minimum` and `maximum` are the valid range, `slider` the part of it worth dragging; `default_text` is the default
    in words; `unset` says what None means, and is empty where None is not valid.
    """

    name: str
    default: float | int | str | None
    minimum: float
    maximum: float
    step: float
    role: str
    symbol: str
    help: str
    slider: tuple[float, float]
    integer: bool
    default_text: str
    unset: str = ""
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> float | int | str | None:
        """The value as the knob's own type.

        Raises:
            SettingsError: no such choice; or not a number, not finite, not whole where it must be, or out of range.
        """
        if value is None and self.unset:
            return None
        if self.choices:
            if not isinstance(value, str) or value not in self.choices:
                raise SettingsError(one_of(self.name, value, self.choices))
            return value
        if isinstance(value, bool) or not isinstance(value, Real) or value != value:
            raise SettingsError(f"{self.name}={reprlib.repr(value)} is not a number; valid: {self.range_text}")
        number = cast(float, value)
        # compared before it becomes a float, which a huge integer cannot
        if not self.minimum <= number <= self.maximum:
            raise SettingsError(f"{self.name}={reprlib.repr(value)} is out of range; valid: {self.range_text}")
        number = float(number)
        if not self.integer:
            return number
        if not number.is_integer():
            raise SettingsError(f"{self.name}={reprlib.repr(value)} is not a whole number; valid: {self.range_text}")
        return int(number)

    @property
    def range_text(self) -> str:
        """Valid values in words, e.g. "0..1"."""
        if self.choices:
            return ", ".join(self.choices)
        optional = f" or unset: {self.unset}" if self.unset else ""
        return f"{self.minimum:g}..{self.maximum:g}{optional}"


def knob(
    default: float | int | None,
    *,
    minimum: float,
    maximum: float,
    step: float,
    role: str,
    symbol: str,
    help: str,
    slider: tuple[float, float] | None = None,
    integer: bool = False,
    unset: str = "",
) -> Any:
    """Declare one numeric setting of a `Settings` dataclass; arguments as in `Knob`."""
    described = {
        "minimum": minimum,
        "maximum": maximum,
        "step": step,
        "role": role,
        "symbol": symbol,
        "help": help,
        "slider": slider or (minimum, maximum),
        "integer": integer,
        "default_text": unset if default is None else f"{default:g}",
        "unset": unset,
    }
    return field(default=default, metadata={"knob": described})


def choice(default: str, choices: tuple[str, ...], *, role: str, symbol: str, help: str) -> Any:
    """Declare a setting that is one of a few words; arguments as in `Knob`."""
    described = {
        "minimum": 0.0,
        "maximum": 0.0,
        "step": 0.0,
        "role": role,
        "symbol": symbol,
        "help": help,
        "slider": (0.0, 0.0),
        "integer": False,
        "default_text": default,
        "choices": choices,
    }
    return field(default=default, metadata={"knob": described})


def knobs(settings: type[Settings] | Settings) -> tuple[Knob, ...]:
    """Every knob of a settings class, in declaration order."""
    return tuple(
        Knob(name=f.name, default=f.default, **f.metadata["knob"])  # type: ignore[arg-type]
        for f in dataclasses.fields(settings)
    )


@dataclass(frozen=True)
class Settings:
    """Base of all decoder settings: values are checked against their knobs on creation.

    Raises:
        SettingsError: a value is out of range; the message names the knob, the value and the range.
    """

    def __post_init__(self) -> None:
        for described in knobs(self):
            object.__setattr__(self, described.name, described.check(getattr(self, described.name)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Settings from plain values; unset knobs take their defaults.

        Raises:
            SettingsError: a name is unknown (the message lists the valid ones) or a value is out of range.
        """
        names = [described.name for described in knobs(cls)]
        for name in values:
            if name not in names:
                raise SettingsError(one_of("setting", name, names))
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `from_mapping` takes them."""
        return dataclasses.asdict(self)

    def replace(self, **changes: Any) -> Self:
        """A copy with some knobs changed."""
        return dataclasses.replace(self, **changes)
