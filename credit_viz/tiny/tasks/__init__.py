"""The four task families and how prompts are drawn from them.

Knows the registry and the split into training and held-out prompts. Does not know tokens or models.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType

from credit_viz.tiny.tasks import arithmetic, code, json_extraction, story
from credit_viz.tiny.tasks.base import Example, Task, is_held_out

__all__ = ["TASKS", "Example", "Task", "held_out", "held_out_example", "is_held_out", "sample_training"]

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task("story", 0.17, story.sample),
            Task("arithmetic", 0.50, arithmetic.sample, arithmetic.exercise, 0.4),
            Task("json", 0.14, json_extraction.sample, json_extraction.exercise, 0.4),
            Task("code", 0.19, code.sample),
        )
    }
)


def sample_training(rng: random.Random) -> Example:
    """One training example; a held-out prompt is never returned."""
    tasks = list(TASKS.values())
    while True:
        task = rng.choices(tasks, [task.weight for task in tasks])[0]
        easy = task.exercise is not None and rng.random() < task.exercise_share
        example = task.exercise(rng) if easy and task.exercise else task.sample(rng)
        if not is_held_out(example.prompt):
            return example


def held_out_example(task: str, rng: random.Random) -> Example:
    """The next example of one family whose prompt training never meets."""
    while True:
        example = TASKS[task].sample(rng)
        if is_held_out(example.prompt):
            return example


def held_out(count: int, seed: int) -> list[Example]:
    """`count` different prompts that training never meets, the families taking turns."""
    rng = random.Random(seed)
    names = list(TASKS)
    found: dict[str, Example] = {}
    while len(found) < count:
        example = held_out_example(names[len(found) % len(names)], rng)
        found.setdefault(example.prompt, example)
    return list(found.values())
