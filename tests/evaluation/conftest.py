"""Shared by the evaluation's tests: the embedded model, the harness's index (read once), and its loggers kept quiet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from lm_eval.tasks import TaskManager

from credit_viz.evaluation import tasks as task_room
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model


@pytest.fixture(scope="session")
def embedded() -> DiffusionLM:
    """The embedded model."""
    return load_model(device="cpu")


@pytest.fixture(autouse=True)
def quiet_harness() -> Iterator[None]:
    """The harness warns about much that is meant."""
    logger = logging.getLogger("lm_eval")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


@pytest.fixture(scope="session")
def harness_index() -> TaskManager:
    """Everything the harness knows; reading it takes seconds."""
    return TaskManager()


@pytest.fixture
def indexed(harness_index: TaskManager, monkeypatch: pytest.MonkeyPatch) -> TaskManager:
    """`load_tasks` finds the harness's tasks without reading the index again."""

    def shared(include_defaults: bool) -> Any:
        return harness_index if include_defaults else TaskManager(include_defaults=False)

    monkeypatch.setattr(task_room, "TaskManager", shared)
    return harness_index
