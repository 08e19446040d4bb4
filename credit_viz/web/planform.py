"""A sweep as the page's form asks for it, turned into a plan. Knows the lab's plans; no gradio, no model.

What a page sends is bounded before anything is made of it. While reading, and after a refusal, `PlanForm.field` says
which field of the form is at fault: "arms.1", "prompts", "jsonl", "tasks", "count", an option's name, or None for all.
"""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from credit_viz.decoding.options import CACHE_MODES
from credit_viz.errors import CreditVizError, PromptError, SettingsError, one_of
from credit_viz.lab import Arm, ModelSource, Plan, Prompt, TaskPrompts, parse_arm
from credit_viz.lab.plan import COMPARE_MODES
from credit_viz.lab.prompts import SPLITS, parse_prompts
from credit_viz.text import clean_text
from credit_viz.tiny.tasks import TASKS
from credit_viz.web.request import MAX_LENGTH

__all__ = ["Limits", "PlanForm", "form_of"]

_FIELDS = (
    "arms",
    "tasks",
    "prompts",
    "jsonl",
    "gen_length",
    "block_length",
    "seeds",
    "early_stop",
    "cache",
    "compare",
)
_TASK_FIELDS = ("tasks", "count", "split")


@dataclass(frozen=True)
class Limits:
    """What one sweep of a page may be, and how many there may be."""

    runs: int = 5_000
    arms: int = 12
    prompts: int = 200
    characters: int = 10_000  #: of a prompt
    arm_characters: int = 400
    file_characters: int = 1 << 20
    values: int = 16  #: of an option
    length: int = MAX_LENGTH  #: positions
    waiting: int = 8  #: sweeps in the queue
    kept: int = 64  #: finished sweeps of a page; the oldest go first


class PlanForm:
    """Reads one plan."""

    def __init__(self, limits: Limits, model: ModelSource) -> None:
        self.field: str | None = None
        self._limits = limits
        self._model = model

    def read(self, asked: Any) -> Plan:
        """The plan that a page asks for, not too large for a page.

        Raises:
            SettingsError, PromptError: the message names the value and what is valid.
        """
        given = _object("plan", asked, _FIELDS)
        arms = tuple(self._arms(given.get("arms")))
        prompts = (*self._texts(given.get("prompts")), *self._file(given.get("jsonl")))
        tasks = self._tasks(given.get("tasks"))
        compare = self._compare(given.get("compare", "auto"))
        options = self._options(given)
        # what is still to be found wrong: nothing there, or lengths that do not fit each other
        self._at("arms" if not arms else "prompts" if not prompts and tasks is None else "block_length")
        plan = Plan(arms, prompts, tasks, options, self._model, compare)
        try:
            _ = plan.all_prompts
        except CreditVizError as error:  # too few to be drawn, or two of one name
            self._at("count" if isinstance(error, SettingsError) else "prompts")
            raise
        self._at(None)
        return plan

    def _at(self, field: str | None) -> None:
        self.field = field

    def _arms(self, given: Any) -> Iterator[Arm]:
        self._at("arms")
        limits = self._limits
        for number, text in enumerate(_list("arms", given, limits.arms, "decoders")):
            self._at(f"arms.{number}")
            if not isinstance(text, str) or not text.strip() or len(text) > limits.arm_characters:
                raise SettingsError(
                    f"arm {reprlib.repr(text)} is no decoder with its knobs; valid: a text of up to "
                    f"{limits.arm_characters} characters, such as credit: alpha=0..2/5"
                )
            yield parse_arm(text)

    def _texts(self, given: Any) -> Iterator[Prompt]:
        self._at("prompts")
        for number, text in enumerate(_list("prompts", [] if given is None else given, self._limits.prompts, ""), 1):
            if not isinstance(text, str) or not text.strip():
                raise PromptError(f"prompt {number} is {reprlib.repr(text)}; valid: a text")
            yield self._short(Prompt(str(number), clean_text(text)))

    def _file(self, given: Any) -> Sequence[Prompt]:
        self._at("jsonl")
        if given is None:
            return ()
        limits = self._limits
        if not isinstance(given, str) or len(given) > limits.file_characters:
            raise PromptError(f"the file of prompts is too long; valid: up to {limits.file_characters:,} characters")
        found = parse_prompts(given, "file", "the file")
        if len(found) > limits.prompts:
            raise PromptError(f"the file holds {len(found)} prompts; valid: up to {limits.prompts}")
        return [self._short(prompt) for prompt in found]

    def _short(self, prompt: Prompt) -> Prompt:
        if len(prompt.text) > self._limits.characters:
            raise PromptError(
                f"prompt {prompt.id!r} has {len(prompt.text):,} characters; valid: up to {self._limits.characters:,}"
            )
        return prompt

    def _tasks(self, given: Any) -> TaskPrompts | None:
        self._at("tasks")
        if given is None:
            return None
        asked = _object("tasks", given, _TASK_FIELDS)
        names = _list("tasks", asked.get("tasks"), len(TASKS), "tasks")
        for name in names:
            _among("task", name, TASKS)
        split = _among("split", asked.get("split", "held-out"), SPLITS)
        self._at("count")
        count = _whole("count", asked.get("count", 20), 1, self._limits.prompts)
        self._at("tasks")
        return TaskPrompts(tuple(names), split, count)

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        limits = self._limits
        found: dict[str, Any] = {}
        ranges = {"gen_length": (1, limits.length), "block_length": (1, limits.length), "seeds": (0, 2**31 - 1)}
        for name, (low, high) in ranges.items():
            self._at(name)
            if name in given:
                values = _list(name, given[name], limits.values, "values")
                found["seed" if name == "seeds" else name] = [_whole(name, value, low, high) for value in values]
        self._at("cache")
        if "cache" in given:
            modes = _list("cache", given["cache"], len(CACHE_MODES), "modes")
            found["cache"] = [_among("cache mode", mode, CACHE_MODES) for mode in modes]
        self._at("early_stop")
        found["early_stop"] = given.get("early_stop", False)
        if not isinstance(found["early_stop"], bool):
            raise SettingsError(f"early_stop={reprlib.repr(found['early_stop'])} is not valid; valid: true or false")
        return found

    def _compare(self, given: Any) -> str:
        self._at("compare")
        return _among("compare mode", given, COMPARE_MODES)


def _object(name: str, given: Any, fields: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise SettingsError(f"{name} {reprlib.repr(given)} is no object; valid: {', '.join(fields)} by name")
    for field in given:
        _among(f"field of {name}", field, fields)
    return given


def _list(name: str, given: Any, most: int, what: str) -> list[Any]:
    if not isinstance(given, list):
        raise SettingsError(f"{name} {reprlib.repr(given)} is no list; valid: up to {most} {what or name}")
    if len(given) > most:
        raise SettingsError(f"{len(given)} {what or name}; valid: up to {most}")
    return given


def _among(kind: str, given: Any, valid: Collection[str]) -> str:
    if not isinstance(given, str) or given not in valid:
        raise SettingsError(one_of(kind, given, valid))
    return given


def _whole(name: str, given: Any, low: int, high: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
        raise SettingsError(f"{name}={reprlib.repr(given)} is out of range; valid: whole numbers {low}..{high:,}")
    return given


def form_of(limits: Limits, *, tasks: bool) -> dict[str, Any]:
    """What a form offers and how it begins, in plain JSON types.

    Args:
        tasks: whether it begins with prompts of the embedded model's tasks, which say little about another model.
    """
    return {
        "tasks": list(TASKS),
        "splits": list(SPLITS),
        "caches": list(CACHE_MODES),
        "compare": list(COMPARE_MODES),
        "limits": vars(limits),
        "defaults": {
            "tasks": {"tasks": list(TASKS), "count": 20, "split": "held-out"} if tasks else None,
            "compare": "auto",
        },
    }
