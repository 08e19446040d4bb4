"""Who computes a page's sweeps: workers beside the embedded model, else the served model; both can be stopped."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from credit_viz.backend.sweeps import LocalSweeps
from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab import InlineCrew, LocalCrew, ModelSource, Plan, sweep
from credit_viz.models.loading import load_model
from tests.lab.conftest import FIXTURES, LabModel, peaky_plan, small_plan


def of(model: Any) -> LocalSweeps:
    return LocalSweeps(model, ModelSource())


def test_the_embedded_model_is_loaded_by_workers() -> None:
    sweeps = of(load_model(device="cpu"))
    assert sweeps.in_processes
    assert isinstance(sweeps.crew(), LocalCrew)
    assert sweeps.crew() is not sweeps.crew(), "each sweep has its own"
    assert 1 <= sweeps.workers <= 8
    assert LocalSweeps(sweeps.served, ModelSource(), most_workers=1).workers == 1
    assert sweeps.loading_seconds > 0
    assert sweeps.seconds_per_position
    assert sweeps.seconds_per_position > 0
    assert sweeps.model["name"] == "embedded"


def test_any_other_model_computes_itself(tmp_path: Path) -> None:
    sweeps = of(load_model(FIXTURES / "llada_peaky", device="cpu", dtype="float32"))
    assert not sweeps.in_processes
    assert (sweeps.workers, sweeps.loading_seconds) == (1, 0.0)
    crew = sweeps.crew()
    assert isinstance(crew, InlineCrew)
    crew.stop()
    result = sweep(peaky_plan(prompts=("one",)), tmp_path, crew)
    assert result.missing == 0
    assert result.manifest["model"]["name"] == sweeps.model["name"]
    assert result.manifest["model"]["weights"] == sweeps.model["weights"]


def test_how_fast_a_large_model_is_takes_too_long_to_find_out() -> None:
    model = LabModel(max_positions=400)
    assert of(model).seconds_per_position
    model.info = dataclasses.replace(model.info, parameters=10**9)
    assert of(model).seconds_per_position is None


def test_a_plan_is_checked_on_the_served_model() -> None:
    sweeps = of(LabModel())
    sweeps.check(small_plan())
    with pytest.raises(SettingsError, match="unknown cache mode for this model"):
        sweeps.check(small_plan(options={"gen_length": 8, "block_length": 8, "cache": "block"}))


@pytest.mark.slow
def test_workers_wake_up_when_they_are_stopped(tmp_path: Path) -> None:
    """Before the model is there, and whatever they wait for."""
    plan = Plan(peaky_plan().arms, ("one",), model=peaky_plan().model, options={"gen_length": 8, "block_length": 8})
    crew = LocalSweeps(load_model(device="cpu"), ModelSource(), most_workers=2).crew()
    crew.stop()
    with pytest.raises(BackendError, match="stopped"):
        sweep(plan, tmp_path / "first", crew)
    crew = LocalSweeps(load_model(device="cpu"), ModelSource(), most_workers=2).crew()
    told: list[str] = []

    def run() -> None:
        try:
            sweep(plan, tmp_path / "second", crew)
        except BackendError as error:
            told.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    crew.stop()
    thread.join(300)
    assert told == ["the sweep was stopped"]
