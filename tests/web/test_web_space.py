"""The lab on a Space: small sweeps of one worker that visitors do not see of each other; on ZeroGPU none."""

from __future__ import annotations

from typing import Any

import pytest

from credit_viz import web
from credit_viz.backend.sweeps import LocalSweeps
from credit_viz.models.loading import load_model
from credit_viz.web.labquestions import LabQuestions
from credit_viz.web.space import space_laboratory


@pytest.fixture(scope="module")
def model() -> Any:
    return load_model(device="cpu")


def test_a_space_computes_few_and_small_sweeps(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    laboratory = space_laboratory(model)
    assert isinstance(laboratory.backend, LocalSweeps)
    assert laboratory.backend.in_processes
    assert laboratory.backend.workers == 1
    told = LabQuestions(laboratory).lab_sweeps({})
    assert told["can_start"]
    assert told["form"]["limits"]["runs"] <= 1000
    assert told["form"]["defaults"]["tasks"]["tasks"], "the embedded model has tasks"
    (study,) = told["sweeps"]
    assert study["id"] == "study"
    assert study["can_race"]
    plan = {"arms": ["credit: alpha=0..2/9, beta=0..0.9/9"], "tasks": {"tasks": ["story"], "count": 50}}
    assert "a page starts up to" in LabQuestions(laboratory).lab_outlook({"plan": plan})["error"]


def test_on_zero_gpu_the_lab_is_there_to_look_at(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    told = LabQuestions(space_laboratory(model)).lab_sweeps({})
    assert not told["can_start"]
    assert [sweep["id"] for sweep in told["sweeps"]] == ["study"]


def test_public_names_come_from_their_modules() -> None:
    assert web.space_laboratory is space_laboratory
    with pytest.raises(AttributeError, match="no attribute 'nothing'; public: build_app, launch, space_laboratory"):
        web.nothing  # noqa: B018
