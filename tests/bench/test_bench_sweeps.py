"""The sweeps of the bench: every way does the same runs, and the section says what it compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from credit_viz.bench import sweeps
from credit_viz.bench.__main__ import main
from credit_viz.bench.timing import turns
from credit_viz.lab import Arm, InlineCrew, Plan, TaskPrompts
from credit_viz.lab.plan import MAX_RUNS
from credit_viz.models.loading import load_model

SMALL = Plan(
    (Arm("vanilla", {"steps": 8}), Arm("credit", {"threshold": (0.5, 0.9)})),
    tasks=TaskPrompts(("story", "json"), count=2),
    options={"gen_length": 16, "block_length": 16},
)


@pytest.fixture
def crews(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[str, int]]]:
    """Sweeps stay in this process; the list says which crews were asked for."""
    model = load_model(device="cpu")
    asked: list[tuple[int, dict[str, int]]] = []

    def crew(workers: int, **how: int) -> Any:
        asked.append((workers, how))
        return InlineCrew(model, **how)

    monkeypatch.setattr(sweeps, "LocalCrew", crew)
    monkeypatch.setattr(sweeps, "usual_plan", lambda _: SMALL)
    return asked


def test_all_ways_do_the_same_runs(crews: list[tuple[int, dict[str, int]]]) -> None:
    laps = sweeps.measure(load_model(device="cpu"), SMALL, 1)
    assert list(laps) == ["loop", "loop of two threads", "sweep", "nothing remembered", "one worker", "batches"]
    assert len({lap.passes for name, lap in laps.items() if name != "batches"}) == 1
    assert all(lap.seconds > 0 for lap in laps.values())
    assert crews == [(2, {}), (2, {"memory": 0}), (1, {}), (2, {})]
    assert torch.get_num_threads() == 1, "as before"


@pytest.mark.usefixtures("crews")
def test_the_section_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--rounds", "1", "--only", "sweeps"]) == 0
    (section,) = json.loads(capsys.readouterr().out)["sections"]
    assert section["title"] == "6 runs of 3 settings on 2 prompts, 2 workers"
    rows = {row["name"]: row for row in section["rows"]}
    data = section["data"]
    assert rows["sweep / loop, runs per second"]["value"] == data["loop"]["seconds"] / data["sweep"]["seconds"]
    assert rows["sweep / loop, runs per second"]["aim"] == ">= 1.7"
    assert rows["start of the workers"]["value"] == 1e3 * data["sweep"]["start"]


@pytest.mark.parametrize("prompts", [1, 10])
def test_the_usual_plan(prompts: int) -> None:
    plan = sweeps.usual_plan(prompts)
    assert sum(1 for _ in plan.runs()) == plan.size == prompts * len(plan.settings) < MAX_RUNS
    assert {setting.decoder for setting in plan.settings} == {"vanilla", "threshold", "credit"}


def test_turns_begin_with_another_one_each_round() -> None:
    assert [*turns(["a", "b", "c"], 4)] == [*"abc", *"bca", *"cab", *"abc"]
