"""What a task is: prompts drawn from a seed, a right answer to learn from, and a checker for any answer.

Knows how training and held-out prompts are told apart. Does not know tokens, models or any single task.
"""

from __future__ import annotations

import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

HELD_OUT_ONE_IN = 50


@dataclass(frozen=True)
class Example(ABC):
    """One prompt with one right answer. Subclasses carry the facts a checker needs."""

    prompt: str
    response: str
    task: ClassVar[str]

    @abstractmethod
    def accepts(self, text: str) -> bool:
        """Whether `text` is a right answer: any right wording counts, not only `response`."""


@dataclass(frozen=True)
class Task:
    """A family of prompts.

    `weight` is its share of the training examples (the weights sum to 1). `exercise`, where there is one, draws
    an easier example with one fact or one sum; it stands in for `exercise_share` of the family's training
    examples and never appears among held-out prompts.
    """

    name: str
    weight: float
    sample: Callable[[random.Random], Example]
    exercise: Callable[[random.Random], Example] | None = None
    exercise_share: float = 0.0


def is_held_out(prompt: str) -> bool:
    """A property of the prompt alone: no list is kept, and training can never meet a held-out prompt."""
    digest = hashlib.blake2b(prompt.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % HELD_OUT_ONE_IN == 0
