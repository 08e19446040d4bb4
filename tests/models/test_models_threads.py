"""Entry points give a small model one thread, and leave the choice to whoever made one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from credit_viz.models.base import DiffusionLM
from credit_viz.models.threads import fit_threads


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Two threads before the test, what there was after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_model_gets_one_thread(peaky: DiffusionLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert fit_threads(peaky) is peaky
    assert torch.get_num_threads() == 1


def test_a_number_of_threads_that_was_asked_for_stays(peaky: DiffusionLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    fit_threads(peaky)
    assert torch.get_num_threads() == 2
