"""What a sweep decodes: own texts, a JSON Lines file, or the embedded model's tasks, and who judges the answers.

Knows prompts and checkers. Does not know models or decoders.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from credit_viz.errors import PromptError, SettingsError, one_of
from credit_viz.text import clean_text
from credit_viz.tiny.tasks import TASKS, Example, held_out_example, is_held_out

__all__ = ["SPLITS", "Prompt", "TaskPrompts", "parse_prompts", "read_prompts"]

SPLITS = ("train", "held-out")
_PATIENCE = 500  #: prompts drawn in a row that are there already, until there seem to be no others
_FIELDS = ("id", "prompt", "answer")


class Drawn(NamedTuple):
    """Where a prompt of the tasks comes from, so that another process can draw it with its checker again."""

    tasks: TaskPrompts
    place: int  #: among the prompts of that draw


@dataclass(frozen=True)
class Prompt:
    """One prompt. Its answer is right if the checker of its task says so, or if it equals `answer` word for word.

    Args:
        id: how tables call it.
        text: sent through the model's chat template.
        answer: the right answer, if there is exactly one; blanks at the ends and between words do not count.
    """

    id: str
    text: str
    answer: str | None = None
    example: Example | None = field(default=None, repr=False)  #: a prompt of the embedded model's tasks
    drawn: Drawn | None = field(default=None, repr=False, compare=False)  #: where an example is from

    @property
    def judged(self) -> bool:
        """Whether an answer to it can be right or wrong."""
        return self.example is not None or self.answer is not None

    @property
    def task(self) -> str | None:
        """The family of tasks that it is from."""
        return self.example.task if self.example else None

    def accepts(self, text: str) -> bool | None:
        """Whether a text is the right answer; None where nobody can say.

        Nobody stops a checker: one that never returns holds its worker up until the sweep is stopped.
        """
        if self.example is not None:
            return self.example.accepts(text)
        return None if self.answer is None else text.split() == self.answer.split()

    def content(self) -> dict[str, str | None]:
        """What a result depends on: the text, and what it is held against."""
        return {"text": self.text, "answer": self.answer, "task": self.task}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads them back equal."""
        own = {"id": self.id, "text": self.text, "answer": self.answer}
        return own if self.drawn is None else own | {"tasks": self.drawn.tasks.to_json(), "place": self.drawn.place}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`; a prompt of the tasks is drawn again, so that it has its checker.

        Raises:
            PromptError: the tasks have another prompt at this place.
        """
        own = cls(data["id"], data["text"], data["answer"])
        if "tasks" not in data:
            return own
        tasks, place = TaskPrompts.from_json(data["tasks"]), data["place"]
        again = _draw(tasks)
        if not 0 <= place < len(again) or again[place].text != own.text:
            raise PromptError(
                f"prompt {own.id!r} is not prompt {place} of {', '.join(tasks.tasks)} with seed {tasks.seed}"
            )
        return replace(own, example=again[place].example, drawn=Drawn(tasks, place))


@dataclass(frozen=True)
class TaskPrompts:
    """Prompts of the embedded model's tasks, drawn from a seed, the families taking turns.

    All families, held out, with the seed of the model card are the prompts of the model card.

    Raises:
        SettingsError: an unknown task or split, or no prompts.
    """

    tasks: tuple[str, ...] = tuple(TASKS)
    split: str = "held-out"
    count: int = 50
    seed: int = 20_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(dict.fromkeys(self.tasks)))
        for task in self.tasks:
            if task not in TASKS:
                raise SettingsError(one_of("task", task, TASKS))
        if self.split not in SPLITS:
            raise SettingsError(one_of("split", self.split, SPLITS))
        if not self.tasks or self.count < 1:
            raise SettingsError(f"{self.count} prompts of {len(self.tasks)} tasks; valid: 1 or more of each")

    def draw(self) -> tuple[Prompt, ...]:
        """Different prompts, the same in every process; more of them begin with the same ones.

        Raises:
            SettingsError: a family does not have so many.
        """
        return _draw(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads them back equal."""
        return asdict(self) | {"tasks": list(self.tasks)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        return cls(**{**data, "tasks": tuple(data["tasks"])})


@lru_cache(maxsize=8)
def _draw(tasks: TaskPrompts) -> tuple[Prompt, ...]:
    """See `TaskPrompts.draw`."""
    rng = random.Random(tasks.seed)
    found: dict[str, Prompt] = {}
    repeats = 0
    while len(found) < tasks.count:
        place = len(found)
        task = tasks.tasks[place % len(tasks.tasks)]
        example = held_out_example(task, rng) if tasks.split == "held-out" else _training_example(task, rng)
        repeats = repeats + 1 if example.prompt in found else 0
        if repeats == _PATIENCE:
            raise SettingsError(
                f"{tasks.count:,} prompts of {', '.join(tasks.tasks)} were asked for, and {task} has no others after "
                f"{place:,}; valid: up to {place:,}"
            )
        name = f"{task}-{place // len(tasks.tasks) + 1}"
        found.setdefault(example.prompt, Prompt(name, example.prompt, example=example, drawn=Drawn(tasks, place)))
    return tuple(found.values())


def _training_example(task: str, rng: random.Random) -> Example:
    """The next example of one family that training may meet."""
    while True:
        example = TASKS[task].sample(rng)
        if not is_held_out(example.prompt):
            return example


def read_prompts(path: str | Path) -> tuple[Prompt, ...]:
    """Prompts of a JSON Lines file: {"prompt": ...} per line, optional "answer" and "id".

    Raises:
        PromptError: the file cannot be read, holds no prompts, or a line is not one; the message names the line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"cannot read prompts from {path}: {error}") from error
    return parse_prompts(text, path.stem, str(path))


def parse_prompts(text: str, stem: str, where: str) -> tuple[Prompt, ...]:
    """As `read_prompts`, from a text that is there already.

    Args:
        stem: prompts without an id are called by it and by their line.
        where: what messages call the text.

    Raises:
        PromptError: there are no prompts, or a line is not one.
    """
    # JSON may hold what Python, but no other program, takes for the end of a line
    filled = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    found = [_prompt(line, f"{stem}-{number}", f"{where}, line {number}") for number, line in filled]
    if not found:
        raise PromptError(f'{where} holds no prompts; valid: one {{"prompt": "..."}} per line')
    return tuple(found)


def _prompt(line: str, name: str, where: str) -> Prompt:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PromptError(f"{where} is no JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("prompt"), str):
        raise PromptError(f'{where} has no text "prompt"; valid: {{"prompt": "...", "answer": "..."}}')
    for unknown in data.keys() - {*_FIELDS}:
        raise PromptError(f"{where}: {one_of('field', unknown, _FIELDS)}")
    answer, given = data.get("answer"), data.get("id", name)
    if not isinstance(answer, (str, int, float, type(None))) or not isinstance(given, (str, int)) or answer != answer:
        raise PromptError(f"{where} has an answer or id that is neither text nor number")
    right = None if answer is None else clean_text(str(answer))
    return Prompt(clean_text(str(given)), clean_text(data["prompt"]), right)
