"""A model of microseconds, a plan for it, and a checkpoint that worker processes can load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from credit_viz.lab import Arm, InlineCrew, ModelSource, Plan
from credit_viz.models.loading import load_model
from tests.support import MockModel

FIXTURES = Path(__file__).parents[1] / "fixtures"
PEAKY = FIXTURES / "llada_peaky"


class LabModel(MockModel):
    """A mock that has weights to be told apart by, and counts the prompts it was given."""

    def __init__(self, seed: int = 0, **options: Any) -> None:
        super().__init__(seed, **options)
        self.network = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(self.network.weight, float(seed))
        torch.nn.init.zeros_(self.network.bias)


@pytest.fixture
def mock() -> Any:
    return LabModel()


@pytest.fixture(scope="module")
def here() -> Iterator[InlineCrew]:
    """The model of the workers, in this process."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield InlineCrew(load_model(PEAKY, device="cpu", dtype="float32"))
    torch.set_num_threads(before)


def small_plan(**changes: Any) -> Plan:
    """Six settings on three prompts, at two block lengths."""
    given: dict[str, Any] = {
        "arms": (Arm("vanilla", {"steps": (4, 8)}), Arm("credit", {"alpha": (0, 0.7), "threshold": (0.5, 0.9)})),
        "prompts": ("one", "two", "three"),
        "options": {"gen_length": 8, "block_length": (4, 8)},
    }
    return Plan(**{**given, **changes})


def peaky_plan(**changes: Any) -> Plan:
    """As `small_plan`, for worker processes."""
    return small_plan(model=ModelSource(str(FIXTURES / "llada_peaky"), device="cpu", dtype="float32"), **changes)
