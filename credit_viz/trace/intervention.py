"""A change by hand: what a person writes into a run, or takes back. Knows plain numbers; what they may be is checked
where the run is (`credit_viz.decoding.interventions`).
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any

from credit_viz.errors import SettingsError

__all__ = ["MAX_INTERVENTIONS", "Intervention"]

MAX_INTERVENTIONS = 64  #: of one run


@dataclass(frozen=True)
class Intervention:
    """A token that is written by hand right after what the decoder has written in a step, or taken back.

    Raises:
        SettingsError: a value is no whole number, or too small.
    """

    step: int  #: from 1
    position: int  #: of the generated region, from 0
    token: int | None  #: id; None: the position becomes a mask again

    def __post_init__(self) -> None:
        """Numbers of other libraries become Python's."""
        for name, least in (("step", 1), ("position", 0), ("token", 0)):
            value = getattr(self, name)
            if name == "token" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
                valid = f"a whole number from {least} on" + (", or nothing to take one back" if name == "token" else "")
                raise SettingsError(f"a change by hand with {name} {reprlib.repr(value)}; valid: {valid}")
            object.__setattr__(self, name, int(value))

    @classmethod
    def from_json(cls, data: object) -> Intervention:
        """From {"step": 5, "position": 12, "token": 1234}, with null to take a token back.

        Raises:
            SettingsError: another shape, or a value that is not valid.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(data, Mapping) or set(data) != set(names):
            raise SettingsError(f"a change by hand is {reprlib.repr(data)}; valid: an object with {', '.join(names)}")
        values: Mapping[str, Any] = data
        return cls(**values)

    def __str__(self) -> str:
        return f"change by hand at position {self.position} after step {self.step}"
