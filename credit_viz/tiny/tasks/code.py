"""Small Python functions over a list: eight things to do, seven ways to choose elements, a dozen list names.

An answer is right if it RUNS right: the sandbox executes it on a few lists and the results are compared.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

from credit_viz.tiny.tasks import words
from credit_viz.tiny.tasks.base import Example
from credit_viz.tiny.tasks.phrases import Part, pick, render
from credit_viz.tiny.tasks.sandbox import RefusedError, run_function

Value = int | bool | list[int]
CASES = ((3, -4, 7, 10, -1, 0, 2, 8), (), (6, 1, -3, -8, 9, 4), (12, 6), (5,))


@dataclass(frozen=True)
class Condition:
    """`said` stands before the noun ("even prices") or, with `after` set, behind it ("prices above 7")."""

    name: str
    said: str
    after: bool
    test: str
    opposite: str
    number: int
    # Functions are equal only to themselves; two draws of the same condition are the same condition.
    holds: Callable[[int], bool] = field(compare=False)

    def of(self, noun: str) -> str:
        return f"{noun} {self.said}" if self.after else f"{self.said} {noun}"

    def around(self) -> tuple[int, ...]:
        """A list whose elements lie on both sides of the condition, whatever its number is."""
        n = self.number
        return (n, n + 1, n - 1, 2 * n, 3 * n + 1, -n)


def conditions(number: int, divisor: int) -> tuple[Condition, ...]:
    """All conditions, with these numbers where they take one."""
    n, d = number, divisor
    return (
        Condition("even", "even", False, "% 2 == 0", "% 2 != 0", 2, lambda v: v % 2 == 0),
        Condition("odd", "odd", False, "% 2 == 1", "% 2 != 1", 2, lambda v: v % 2 == 1),
        Condition("positive", "positive", False, "> 0", "<= 0", 0, lambda v: v > 0),
        Condition("negative", "negative", False, "< 0", ">= 0", 0, lambda v: v < 0),
        Condition("above", f"above {n}", True, f"> {n}", f"<= {n}", n, lambda v: v > n),
        Condition("below", f"below {n}", True, f"< {n}", f">= {n}", n, lambda v: v < n),
        Condition("divisible", f"divisible by {d}", True, f"% {d} == 0", f"% {d} != 0", d, lambda v: v % d == 0),
    )


@dataclass(frozen=True)
class Action:
    """What to do with the chosen elements: how it is asked, and what the result must be."""

    name: str
    asked: str
    result: Callable[[list[int], int], Value]


# `result` gets the chosen elements and the length of the whole list.
ACTIONS = (
    Action("sum", "sums the {} in a list", lambda chosen, _: sum(chosen)),
    Action("count", "counts the {} in a list", lambda chosen, _: len(chosen)),
    Action("keep", "keeps the {} of a list", lambda chosen, _: chosen),
    Action("multiply", "multiplies the {} in a list", lambda chosen, _: prod(chosen)),
    Action("double", "doubles the {} of a list", lambda chosen, _: [2 * v for v in chosen]),
    Action("square", "squares the {} of a list", lambda chosen, _: [v * v for v in chosen]),
    Action("any", "checks for {} in a list", lambda chosen, _: bool(chosen)),
    Action("all", "checks that all {} of a list", lambda chosen, size: len(chosen) == size),
)


@dataclass(frozen=True)
class Request:
    """The facts of a prompt."""

    action: Action
    condition: Condition
    noun: str
    lead: str

    @property
    def prompt(self) -> str:
        if self.action.name == "all":
            return f"{self.lead} checks that all {self.noun} in a list are {self.condition.said}."
        return f"{self.lead} {self.action.asked.format(self.condition.of(self.noun))}."


def _short(request: Request, x: str) -> list[Part]:
    """The one-line body."""
    noun, name = request.noun, request.action.name
    test, loop = f"{x} {request.condition.test}", f"for {x} in {noun}"
    lists = {"keep": x, "double": f"{x} * 2", "square": f"{x} * {x}"}
    if name in lists:
        return [f"return [{lists[name]} {loop} if {test}]"]
    if name in ("any", "all"):
        return [f"return {name}({test} {loop})"]
    if name == "count":
        return [f"return len([{x} {loop} if {test}])"]
    return [f"return sum({x} {loop} if {test})"]


def _search(request: Request, x: str) -> list[Part]:
    """The loop that leaves as soon as the answer is known."""
    found = request.action.name == "any"
    test = request.condition.test if found else request.condition.opposite
    head = f"for {x} in {request.noun}:\n        if {x} {test}:\n"
    return [f"{head}            return {found}\n    return {not found}"]


def _loop(request: Request, x: str, rng: random.Random) -> list[Part]:
    """The loop that gathers a result. The name drawn for the result is used to the end."""
    name, noun = request.action.name, request.noun
    start, names, update = {
        "sum": ("0", ("total", "result"), f"+= {x}"),
        "count": ("0", ("count", "total"), "+= 1"),
        "multiply": ("1", ("product", "result"), f"*= {x}"),
        "keep": ("[]", ("result", "kept"), f".append({x})"),
        "double": ("[]", ("result", "kept"), f".append({x} * 2)"),
        "square": ("[]", ("result", "kept"), f".append({x} * {x})"),
    }[name]
    held = rng.choices(names, (2, 1))[0]
    gap = "" if update.startswith(".") else " "
    return [
        f"{held} = {start}\n    for {x} in {noun}:\n        if {x} {request.condition.test}:\n"
        f"            {held}{gap}{update}\n    return {held}"
    ]


def _function(request: Request, rng: random.Random) -> Sequence[Part]:
    x = rng.choices(("x", "n"), (2, 1))[0]
    head = f"def {request.action.name}_{request.condition.name}({request.noun}):\n    "
    if request.action.name != "multiply" and rng.random() < 0.35:
        return [head, *_short(request, x)]
    body = _search(request, x) if request.action.name in ("any", "all") else _loop(request, x, rng)
    return [head, *body]


@dataclass(frozen=True)
class CodeExample(Example):
    task: ClassVar[str] = "code"
    request: Request

    def accepts(self, text: str) -> bool:
        return all(self._right(text, case) for case in (*CASES, self.request.condition.around()))

    def _right(self, text: str, case: tuple[int, ...]) -> bool:
        chosen = [value for value in case if self.request.condition.holds(value)]
        expected = self.request.action.result(chosen, len(case))
        try:
            found = run_function(text, case)
        except RefusedError:
            return False
        return type(found) is type(expected) and found == expected


LEADS = pick("Write a Python function that", "Write Python code that", weights=(2, 1))


def sample(rng: random.Random) -> CodeExample:
    request = Request(
        action=rng.choice(ACTIONS),
        condition=rng.choice(conditions(rng.randint(1, 60), rng.randint(3, 9))),
        noun=rng.choice(words.LISTS),
        lead=render([LEADS], rng),
    )
    return CodeExample(request.prompt, render(_function(request, rng), rng), request)
