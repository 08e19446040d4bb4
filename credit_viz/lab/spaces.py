"""Which settings of a decoder a sweep tries: a grid or random draws, as data. Knows decoders and their knobs."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import Any, Self

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.settings import Knob, knobs
from credit_viz.errors import SettingsError, one_of
from credit_viz.text import value_text

__all__ = ["Arm", "Span", "Value", "setting_names"]

Value = float | int | str | None

_MOST_VALUES = 100_000  #: of one range: as many as a sweep has runs


@dataclass(frozen=True)
class Span:
    """`count` values evenly from low to high, both included; without a count anything in between, for random draws.

    Raises:
        SettingsError: the ends are no numbers or the wrong way round, or fewer than two values, or far too many.
    """

    low: float
    high: float
    count: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise SettingsError(f"range {self.low:g}..{self.high:g} is empty; valid: LOW..HIGH with LOW below HIGH")
        if self.count is not None and (not isinstance(self.count, int) or not 2 <= self.count <= _MOST_VALUES):
            span = f"{self.low:g}..{self.high:g}"
            raise SettingsError(f"range {span}/{self.count} asks for {self.count} values; valid: 2 to {_MOST_VALUES:,}")

    def values(self) -> tuple[float, ...]:
        """The values of a span that has a count."""
        assert self.count is not None
        return tuple(map(self.at, range(self.count)))

    def at(self, place: int) -> float:
        """One of these values, without the noise of binary fractions."""
        assert self.count is not None
        width = (self.high - self.low) / (self.count - 1)
        return float(f"{self.low + width * place:.12g}")


@dataclass(frozen=True)
class Arm:
    """One decoder and the values that its knobs take: every combination, or `draws` random ones.

    Args:
        decoder: a name in `DECODERS`.
        knobs: knob -> one value, several, or a `Span`; what is not named stays as the preset or the default has it.
        preset: named settings to start from.
        draws: this many settings, each knob drawn by itself and evenly: a search, not a grid. More draws of the same
            seed begin with the same settings.
        seed: of the draws.

    Raises:
        SettingsError: an unknown decoder, preset or knob, a value out of range, or a grid with a span without count.
    """

    decoder: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    draws: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        make_decoder(self.decoder, preset=self.preset)
        described = {knob.name: knob for knob in knobs(DECODERS[self.decoder].settings_class)}
        if self.draws is not None and (not isinstance(self.draws, int) or self.draws < 1):
            raise SettingsError(f"{self.decoder}: {self.draws!r} random settings; valid: 1 or more")
        try:
            spaces = {name: _space(name, given, described) for name, given in self.knobs.items()}
            if self.draws is None:
                _refuse_open(spaces)
        except SettingsError as error:
            raise SettingsError(f"{self.decoder}: {error}") from error
        object.__setattr__(self, "knobs", MappingProxyType(spaces))

    @classmethod
    def swept(cls, decoder: str, preset: str | None = None, knobs: Mapping[str, Any] | None = None) -> Self:
        """The knob that trades forward passes for quality, over the values that its decoder names."""
        if decoder not in DECODERS:
            raise SettingsError(one_of("decoder", decoder, DECODERS))
        name, values = DECODERS[decoder].sweep
        return cls(decoder, {name: values, **(knobs or {})}, preset)

    @classmethod
    def of(cls, decoder: str, values: Mapping[str, Value]) -> Self:
        """A single setting; values: of every knob, of which those are named that are not at their default."""
        defaults = {knob.name: knob.default for knob in knobs(DECODERS[decoder].settings_class)}
        return cls(decoder, {name: value for name, value in values.items() if value != defaults[name]})

    @property
    def size(self) -> int:
        """How many settings, equal ones counted each."""
        if self.draws is not None:
            return self.draws
        return math.prod(space.count or 0 if isinstance(space, Span) else len(space) for space in self.knobs.values())

    def settings(self) -> Iterator[dict[str, Value]]:
        """Every knob's value, one setting after the other: the last knob named changes fastest."""
        for chosen in self._drawn() if self.draws is not None else self._grid():
            yield make_decoder(self.decoder, chosen, self.preset).settings.to_dict()

    def _grid(self) -> Iterator[dict[str, Value]]:
        axes = [space.values() if isinstance(space, Span) else space for space in self.knobs.values()]
        for values in product(*axes):
            yield dict(zip(self.knobs, values, strict=True))

    def _drawn(self) -> Iterator[dict[str, Value]]:
        assert self.draws is not None
        whole = {knob.name for knob in knobs(DECODERS[self.decoder].settings_class) if knob.integer}
        rng = random.Random(self.seed)
        for _ in range(self.draws):
            yield {name: _draw(space, name in whole, rng) for name, space in self.knobs.items()}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads them back equal."""
        spaces = {name: vars(space) if isinstance(space, Span) else list(space) for name, space in self.knobs.items()}
        return {
            "decoder": self.decoder,
            "knobs": spaces,
            "preset": self.preset,
            "draws": self.draws,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        spaces = {name: Span(**space) if isinstance(space, Mapping) else space for name, space in data["knobs"].items()}
        return cls(**{**data, "knobs": spaces})


def _space(name: str, given: Any, described: Mapping[str, Knob]) -> tuple[Value, ...] | Span:
    """What a knob may be, checked."""
    if name not in described:
        raise SettingsError(one_of("knob", name, described))
    knob = described[name]
    if isinstance(given, Span):
        if knob.choices:
            raise SettingsError(f"{name} has no range; valid: {knob.range_text}")
        for end in (given.low, given.high):
            knob.check(end)
        if knob.integer and given.count is not None:
            for value in given.values():
                knob.check(value)
        return given
    values = given if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    if not values:
        raise SettingsError(f"{name} has no values; valid: {knob.range_text}")
    return tuple(dict.fromkeys(knob.check(value) for value in values))


def _refuse_open(spaces: Mapping[str, tuple[Value, ...] | Span]) -> None:
    for name, space in spaces.items():
        if isinstance(space, Span) and space.count is None:
            text = f"{name}={space.low:g}..{space.high:g}"
            raise SettingsError(f"{text} does not say how many values; valid: {text}/5, or random draws")


def _draw(space: tuple[Value, ...] | Span, whole: bool, rng: random.Random) -> Value:
    if not isinstance(space, Span):
        return space[rng.randrange(len(space))]
    if space.count is not None:
        return space.at(rng.randrange(space.count))
    if whole:
        return rng.randint(math.ceil(space.low), math.floor(space.high))
    return float(f"{space.low + (space.high - space.low) * rng.random():.6g}")


def setting_names(settings: Sequence[tuple[str, Mapping[str, Value]]]) -> list[str]:
    """Name of each (decoder, settings): its knobs that differ from their defaults, or that vary among its decoder's."""
    varying: dict[str, set[str]] = {}
    seen: dict[tuple[str, str], Value] = {}
    for decoder, values in settings:
        defaults = {knob.name: knob.default for knob in knobs(DECODERS[decoder].settings_class)}
        told = varying.setdefault(decoder, set())
        told |= {k for k, v in values.items() if v != defaults[k] or seen.setdefault((decoder, k), v) != v}
    return [
        " ".join([decoder, *(f"{k}={value_text(v)}" for k, v in values.items() if k in varying[decoder])])
        for decoder, values in settings
    ]
