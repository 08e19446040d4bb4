"""Prompts of the tasks keep their checkers on the way to a worker: searches over tasks, in processes of their own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from credit_viz import lab
from credit_viz.errors import PromptError, SettingsError
from credit_viz.lab.prompts import Prompt
from credit_viz.lab.tuning import tune

TASKS = lab.TaskPrompts(("story", "json"), "train", count=3, seed=5)


def plan_of(*prompts: Prompt, **changes: object) -> lab.Plan:
    given = {"arms": (lab.Arm("threshold", {"threshold": (0.5, 0.9)}),), "prompts": prompts}
    return lab.Plan(**{**given, **changes})  # type: ignore[arg-type]


def test_a_plan_that_travels_still_knows_who_judges() -> None:
    drawn = tuple(dataclasses.replace(prompt, id=f"own-{prompt.id}") for prompt in TASKS.draw())
    plan = plan_of(*drawn, Prompt("mine", "text", "answer"), Prompt("free", "another"))
    again = lab.Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert [p.example for p in again.prompts] == [p.example for p in plan.prompts]
    for prompt in again.prompts[:3]:
        assert prompt.example is not None
        assert prompt.accepts(prompt.example.response) is True
    assert [p.judged for p in again.prompts] == [True] * 4 + [False]


@pytest.mark.parametrize("change", [{"place": 1}, {"place": 99}, {"place": -1}, {"text": "another"}])
def test_a_prompt_that_the_tasks_do_not_have_is_refused(change: dict[str, object]) -> None:
    data = TASKS.draw()[0].to_json()
    with pytest.raises(PromptError, match=r"prompt 'story-1' is not prompt -?\d+ of story, json with seed 5"):
        Prompt.from_json(data | change)
    with pytest.raises(SettingsError, match="no plan of a sweep"):
        lab.Plan.from_json(plan_of(*TASKS.draw()).to_json() | {"prompts": [data | {"place": "first"}]})


def test_a_search_over_tasks_is_judged_in_worker_processes(tmp_path: Path) -> None:
    """The checker decides there, not agreement with vanilla."""
    plan = plan_of(tasks=TASKS, options={"gen_length": 16, "block_length": 16})
    held_out = dataclasses.replace(plan, tasks=dataclasses.replace(TASKS, split="held-out"))
    found = tune(plan, held_out, tmp_path, lab.LocalCrew(1), margin=0.5, trials=1)
    assert found.judged
    assert "exact match" in found.sentence
