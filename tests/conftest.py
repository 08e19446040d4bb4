"""Shared fixtures: one thread, no network, the checkpoint fixtures, and two hypothesis profiles.

HYPOTHESIS_PROFILE=thorough runs thousands of examples per property instead of sixty.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from credit_viz.models.base import DiffusionLM

# before anything imports the hub client, which reads it once
os.environ["HF_HUB_OFFLINE"] = "1"
# processes that test at the same time each have ports of their own: gradio leaks a socket for every port it finds taken
# (set, not set by default: the workers of xdist inherit what their parent has set)
os.environ["GRADIO_SERVER_PORT"] = str(10_000 + os.getpid() % 200 * 100)
# tests share helpers as `tests.support`, also when pytest is not started as a module
sys.path.insert(0, str(Path(__file__).parents[1]))

FIXTURES = Path(__file__).parent / "fixtures"

_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}
settings.register_profile("fast", max_examples=60, derandomize=True, database=None, **_SHARED)  # type: ignore[arg-type]
settings.register_profile("thorough", max_examples=5000, **_SHARED)  # type: ignore[arg-type]
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors are fastest, and the same everywhere, on one thread."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Folder of the checkpoint fixtures."""
    return FIXTURES


@pytest.fixture(scope="session")
def peaky() -> DiffusionLM:
    """A tiny random LLaDA checkpoint with confident guesses, in the published layout."""
    from credit_viz.models.loading import load_model

    return load_model(FIXTURES / "llada_peaky", device="cpu", dtype="float32")
