"""Tasks by name: this project's own, or the harness's, whose data come from the hub. Knows the harness's index.

What cannot be compared is refused before anything is fetched or decoded: unknown names, tasks that score likelihoods
(nothing is decoded there, so decoders cannot differ), and tasks that run generated code without consent.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from datasets.exceptions import DatasetsError
from lm_eval.api.group import Group
from lm_eval.api.task import Task
from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED
from lm_eval.tasks import TaskManager

from credit_viz.errors import BackendError, SettingsError
from credit_viz.evaluation.benchmarks import benchmark_of
from credit_viz.evaluation.local_tasks import local_names, local_task

__all__ = ["TaskSet", "load_tasks"]

_CODE_CONSENT = "HF_ALLOW_CODE_EVAL"  #: the metric behind HumanEval asks for its own consent, in the environment


@dataclass(frozen=True)
class TaskSet:
    """Loaded tasks, as the harness's `evaluate` takes them."""

    tasks: Mapping[str, Task]  #: every leaf
    groups: Mapping[str, Group]
    names: tuple[str, ...]  #: what was asked for, groups followed by their direct children

    def documents(self, limit: int | None) -> int:
        """Number of prompts, at most `limit` per task."""
        sizes = (len(task.eval_docs) for task in self.tasks.values())
        return sum(size if limit is None else min(size, limit) for size in sizes)

    def leaves(self, name: str) -> list[str]:
        """Tasks that belong to a name: itself, or all tasks of a group."""
        return [task.task_name for task in self.groups[name].get_all_tasks()] if name in self.groups else [name]


def load_tasks(names: Sequence[str], *, run_unsafe_code: bool = False) -> TaskSet:
    """Find and load tasks.

    Args:
        names: local tasks, the harness's tasks, groups and tags, or paths of its YAML files.
        run_unsafe_code: consent to run code that a model wrote, on this machine.

    Raises:
        SettingsError: a name is unknown or cannot be compared. BackendError: a task's data cannot be had.
    """
    manager = TaskManager(include_defaults=any(name not in local_names() for name in names))
    for name in names:
        _check(name, manager, run_unsafe_code)
    if run_unsafe_code:
        os.environ[_CODE_CONSENT] = "1"
    # some tasks shuffle while they load: seeded as the harness's own entry point does it
    random.seed(DEFAULT_RANDOM_SEED)
    np.random.seed(DEFAULT_OTHER_SEED)  # noqa: NPY002
    built = [item for name in names for item in _load(name, manager)]
    try:
        found = manager.load(built)
    except ValueError as error:
        raise SettingsError(f"tasks overlap: {error}; valid: each task once") from error
    groups = found.get("groups", {})
    shown = [name for item in built for name in _with_children(item)]
    return TaskSet(found["tasks"], groups, tuple(dict.fromkeys(shown)))


def _check(name: str, manager: TaskManager, run_unsafe_code: bool) -> None:
    """Refuse what can be refused from the index alone."""
    if name in local_names() or (name not in manager.task_index and Path(name).is_file()):
        return
    if name not in manager.task_index:
        raise SettingsError(_unknown(name, manager))
    for task, config in _leaves(name, manager.task_index):
        if config.get("output_type", "generate_until") != "generate_until":
            raise SettingsError(_no_decoding(name, task))
        if config.get("unsafe_code") and not run_unsafe_code:
            raise SettingsError(_needs_consent(task))


def _leaves(name: str, index: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Names and settings of all tasks behind a name, as far as the index knows them."""
    entry = index.get(name)
    if entry is None:
        return
    members = (entry.cfg or {}).get("task")
    if entry.tags and entry.cfg is None:
        members = sorted(entry.tags)
    if not isinstance(members, list):
        yield name, entry.cfg or {}
        return
    for member in members:
        yield from _member_leaves(member, index)


def _member_leaves(member: Any, index: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The same for one entry of a group: a name, or a name with changed settings, or a group written in place."""
    if isinstance(member, str):
        yield from _leaves(member, index)
        return
    inner = member.get("task", member.get("group"))
    for part in inner if isinstance(inner, list) else [inner]:
        for task, config in _member_leaves(part, index):
            yield task, {**config, **{k: v for k, v in member.items() if k in ("output_type", "unsafe_code")}}


def _load(name: str, manager: TaskManager) -> list[Task | Group]:
    """Load one name's data; a tag is several tasks."""
    if name in local_names():
        return [local_task(name)]
    try:
        loaded = manager.load([name])
    # a task's module may need a package of its own, or refuse to be imported without consent
    except (OSError, DatasetsError, ImportError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BackendError(f"task {name!r} cannot be had: {reason}") from error
    for task in loaded["tasks"].values():
        if task.OUTPUT_TYPE != "generate_until":
            raise SettingsError(_no_decoding(name, task.task_name))
    top = loaded["groups"].get(name)
    return [top] if top is not None else list(loaded["tasks"].values())


def _with_children(item: Task | Group) -> list[str]:
    return [item.name, *item.child_names] if isinstance(item, Group) else [item.task_name]


def _unknown(name: str, manager: TaskManager) -> str:
    known = benchmark_of(name)
    if known is not None:
        if known.task is None:
            return f"lm-evaluation-harness {version('lm_eval')} has no task for {known.name}"
        return f"unknown task {name!r}; {known.name} is called {known.task} there"
    close = get_close_matches(name, [*local_names(), *manager.all_tasks], n=5)
    return f"unknown task {name!r}; " + (f"close to it: {', '.join(close)}" if close else "see credit-viz eval --list")


def _no_decoding(name: str, task: str) -> str:
    known = benchmark_of(name)
    hint = f"; valid here: {known.task}" if known is not None and known.task not in (None, name) else ""
    what = repr(name) if name == task else f"{name!r} (its part {task!r})"
    return f"task {what} scores likelihoods: nothing is decoded, so decoders cannot be compared on it{hint}"


def _needs_consent(task: str) -> str:
    return f"task {task!r} runs code that the model wrote, on this machine; allow it with --confirm-run-unsafe-code"
