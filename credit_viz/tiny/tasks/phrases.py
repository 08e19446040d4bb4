"""A text with alternatives: drawn when training data is made, matched when an answer is checked.

One structure serves both, so the checker accepts exactly what the generator can say. Knows nothing of tasks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Pick:
    """One of several wordings that are equally right."""

    options: tuple[str, ...]
    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.options or len(self.options) != len(self.weights):
            raise ValueError(f"{len(self.options)} options need as many weights, got {len(self.weights)}")


Part = str | Pick


def pick(*options: str, weights: tuple[int, ...] | None = None) -> Pick:
    """Short form: equal weights unless given."""
    return Pick(options, weights if weights is not None else (1,) * len(options))


def render(parts: Sequence[Part], rng: random.Random) -> str:
    """Draw one wording."""
    return "".join(part if isinstance(part, str) else rng.choices(part.options, part.weights)[0] for part in parts)


def matches(parts: Sequence[Part], text: str) -> bool:
    """Whether `text` is one of the wordings, character for character."""
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else f"(?:{'|'.join(map(re.escape, part.options))})" for part in parts
    )
    return re.fullmatch(pattern, text) is not None
