"""What the page asks for, as JSON, turned into a RunRequest. Knows the backend contract; no gradio, no model."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from credit_viz.backend.base import LaneRequest, RunRequest
from credit_viz.errors import PromptError, SettingsError
from credit_viz.trace.intervention import MAX_INTERVENTIONS, Intervention

__all__ = ["MAX_BYTES", "MAX_GIVEN", "MAX_LANES", "MAX_LENGTH", "Choice", "default_choice", "parse_choice", "ticket_of"]

MAX_LANES = 4
MAX_LENGTH = 4096
MAX_BYTES = 64 << 20  #: of trace files that are opened at once
MAX_GIVEN = 64  #: given texts of a run
_INTEGERS = {"gen_length": (1, MAX_LENGTH), "block_length": (1, MAX_LENGTH), "seed": (0, 2**31 - 1)}


@dataclass(frozen=True)
class Choice:
    """Everything but the prompt."""

    lanes: tuple[LaneRequest, ...]
    gen_length: int = 64
    block_length: int = 32
    seed: int = 0
    early_stop: bool = False
    cache: str = "none"
    infill: bool = False
    given: tuple[tuple[int, str], ...] = ()

    def request(self, prompt: str) -> RunRequest:
        """The run to start."""
        return RunRequest(
            prompt=prompt,
            lanes=self.lanes,
            gen_length=self.gen_length,
            block_length=self.block_length,
            seed=self.seed,
            early_stop=self.early_stop,
            cache=self.cache,
            infill=self.infill,
            given=self.given,
        )


def default_choice(settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Choice:
    """What runs when nobody chose: vanilla beside CreditDecoding. settings: knobs by decoder that suit the model."""
    lanes = (LaneRequest(name, dict(settings.get(name, {}))) for name in ("vanilla", "credit"))
    return Choice(lanes=tuple(lanes))


def parse_choice(text: str) -> Choice:
    """A choice from the page's JSON; "" means the default.

    Raises:
        SettingsError: not JSON, or a value of the wrong kind; the message names it.
    """
    if not text:
        return default_choice()
    data = _object(text)
    numbers = {name: _integer(data, name, *bounds) for name, bounds in _INTEGERS.items() if name in data}
    return Choice(
        lanes=_lanes(data.get("lanes")),
        early_stop=data.get("early_stop") is True,
        cache=str(data.get("cache", "none")),
        infill=data.get("infill") is True,
        given=_given(data.get("given", [])),
        **numbers,
    )


def ticket_of(text: str) -> str:
    """The page's own name for a run, by which it cancels it; "" where it has none or its choice is no JSON."""
    try:
        return str(_object(text).get("ticket", ""))[:64] if text else ""
    except SettingsError:
        return ""


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"the run's settings are not JSON: {error}") from error
    if not isinstance(data, dict):
        raise SettingsError(f"the run's settings are a {type(data).__name__}; valid: an object")
    return data


def _finite(text: str) -> float:
    """A number that the page can read back: its JSON knows no others."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number")
    return number


def _lanes(data: object) -> tuple[LaneRequest, ...]:
    if not isinstance(data, list) or not 1 <= len(data) <= MAX_LANES:
        count = len(data) if isinstance(data, list) else 0
        raise SettingsError(f"a run of {count} decoders; valid: 1 to {MAX_LANES}")
    return tuple(_lane(entry) for entry in data)


def _lane(entry: object) -> LaneRequest:
    settings = entry.get("settings", {}) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(settings, dict):
        raise SettingsError(f"lane {reprlib.repr(entry)}; valid: an object with decoder and settings")
    return LaneRequest(str(entry.get("decoder", "")), settings, _interventions(entry.get("interventions", [])))


def _interventions(data: object) -> tuple[Intervention, ...]:
    """Changes by hand; their number is looked at before any of them."""
    if not isinstance(data, list) or len(data) > MAX_INTERVENTIONS:
        found = f"{len(data)} changes by hand" if isinstance(data, list) else f"changes by hand {reprlib.repr(data)}"
        raise SettingsError(f"{found} in one lane; valid: a list of up to {MAX_INTERVENTIONS}")
    return tuple(map(Intervention.from_json, data))


def _given(data: object) -> tuple[tuple[int, str], ...]:
    """[position, text] pairs."""
    if not isinstance(data, list) or len(data) > MAX_GIVEN:
        found = f"{len(data)} given texts" if isinstance(data, list) else f"given texts {reprlib.repr(data)}"
        raise PromptError(f"{found}; valid: a list of up to {MAX_GIVEN}")
    for pair in data:
        whole = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], int) and isinstance(pair[1], str)
        if not whole or isinstance(pair[0], bool) or not 0 <= pair[0] < MAX_LENGTH:
            raise PromptError(f"given text {reprlib.repr(pair)}; valid: [position from 0 on, text]")
    return tuple((position, text) for position, text in data)


def _integer(data: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"{name}={reprlib.repr(value)}; valid: a whole number, {low}..{high}")
    return value
