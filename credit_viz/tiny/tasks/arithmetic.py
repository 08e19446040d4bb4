"""Sums in words, solved in steps: each step shows its equation and hands its result to the next.

Numbers stay within 0..99 because each is one token; changes stay within 1..9 because a model this small knows
its sums by heart. The prompts of the held-out set are new, the single sums in them are not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from credit_viz.tiny.tasks import words
from credit_viz.tiny.tasks.base import Example
from credit_viz.tiny.tasks.phrases import Part, matches, pick, render

GAINS = (("buys", "buying"), ("finds", "finding"), ("gets", "getting"), ("wins", "winning"))
LOSSES = (("gives away", "giving away"), ("loses", "losing"), ("sells", "selling"))
START_RANGE = (10, 60)
CHANGE_RANGE = (1, 9)
# Every number that a second step can start from.
EXERCISE_RANGE = (1, 69)
STYLES = ("after", "so")


@dataclass(frozen=True)
class Change:
    """One event: `sign` is +1 or -1, `amount` is positive."""

    verb: str
    gerund: str
    sign: int
    amount: int

    @property
    def operator(self) -> str:
        return "+" if self.sign > 0 else "-"

    def after(self, before: int) -> int:
        """What there is once it has happened."""
        return before + self.sign * self.amount


@dataclass(frozen=True)
class Sum:
    """The facts of a prompt: one or two changes to a starting number."""

    name: str
    item: str
    start: int
    changes: tuple[Change, ...]
    joined: bool

    @property
    def prompt(self) -> str:
        subject = words.pronoun(self.name)
        first, *rest = self.changes
        head = f"{self.name} has {self.start} {self.item}"
        if self.joined:
            told = f"{head} and {first.verb} {first.amount}."
            told += "".join(f" Then {subject} {c.verb} {c.amount}." for c in rest)
        else:
            told = f"{head}. {subject.capitalize()} {first.verb} {first.amount}"
            told += "".join(f" and then {c.verb} {c.amount}" for c in rest) + "."
        return f"{told} How many {self.item} now?"

    @property
    def answer(self) -> int:
        return self.start + sum(c.sign * c.amount for c in self.changes)


def _step(change: Change, before: int, subject: str, style: str, first: bool) -> str:
    equation = f"{before} {change.operator} {change.amount} = {change.after(before)}"
    if style == "after":
        return f"After {change.gerund} {change.amount}, {subject} has {equation}. "
    lead = subject.capitalize() if first else f"Then {subject}"
    return f"{lead} {change.verb} {change.amount}, so {equation}. "


def _wordings(told: Sum, style: str) -> Sequence[Part]:
    """The opening settles the style of the steps; the closing sentence is free."""
    subject = words.pronoun(told.name)
    opening = f"{told.name} starts with" if style == "after" else f"At first {told.name} has"
    parts: list[Part] = [f"{opening} {told.start} {told.item}. "]
    value = told.start
    for index, change in enumerate(told.changes):
        parts.append(_step(change, value, subject, style, index == 0))
        value = change.after(value)
    parts.append(pick(f"So {told.name} has {value} {told.item} now.", f"The answer is {value} {told.item}."))
    return parts


@dataclass(frozen=True)
class ArithmeticExample(Example):
    task: ClassVar[str] = "arithmetic"
    told: Sum

    def accepts(self, text: str) -> bool:
        """Every step must be right, not only the last number."""
        return any(matches(_wordings(self.told, style), text) for style in STYLES)


def _draw_change(before: int, rng: random.Random) -> Change:
    """A change that leaves something countable: nobody has -3 cookies."""
    while True:
        sign = rng.choice((1, -1))
        verb, gerund = rng.choice(GAINS if sign > 0 else LOSSES)
        change = Change(verb, gerund, sign, rng.randint(*CHANGE_RANGE))
        if change.after(before) >= 0:
            return change


def _draw_changes(start: int, rng: random.Random) -> tuple[Change, ...]:
    first = _draw_change(start, rng)
    if rng.random() < 1 / 3:
        return (first,)
    return first, _draw_change(first.after(start), rng)


@dataclass(frozen=True)
class EquationExample(Example):
    """One equation: the shortest way to learn a sum."""

    task: ClassVar[str] = "arithmetic"

    def accepts(self, text: str) -> bool:
        return text == self.response


def exercise(rng: random.Random) -> EquationExample:
    name, before = rng.choice(words.NAMES), rng.randint(*EXERCISE_RANGE)
    change = _draw_change(before, rng)
    told = f"{name} has {before} {change.operator} {change.amount}"
    return EquationExample(f"{told}.", f"{told} = {change.after(before)}.")


def sample(rng: random.Random) -> ArithmeticExample:
    start = rng.randint(*START_RANGE)
    told = Sum(
        name=rng.choice(words.NAMES),
        item=rng.choice(words.ITEMS),
        start=start,
        changes=_draw_changes(start, rng),
        joined=rng.random() < 0.5,
    )
    return ArithmeticExample(told.prompt, render(_wordings(told, rng.choice(STYLES)), rng), told)
