"""What the page asks about sweeps: answers in plain JSON, refusals in words beside the field that they mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit_viz.errors import PromptError, SettingsError
from credit_viz.lab import Arm, Plan, Span
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.planform import Limits
from credit_viz.web.questions import Questions
from credit_viz.web.runs import RunStore
from tests.web.labs import ASKED, PATIENCE, RUNS, SteppedSweeps, job_of, wait_for

LIMITS = Limits(runs=40, arms=3, prompts=4, characters=30, file_characters=400, arm_characters=60, values=3, length=16)


@pytest.fixture(scope="module")
def backend() -> SteppedSweeps:
    return SteppedSweeps()


@pytest.fixture(scope="module")
def laboratory(backend: SteppedSweeps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    found = Laboratory(backend, tmp_path_factory.mktemp("lab"), limits=LIMITS)
    yield found
    found.close()


@pytest.fixture(scope="module")
def asks(laboratory: Laboratory) -> dict[str, Any]:
    """The questions by name, as the page calls them."""
    return {question.__name__: question for question in Questions(RunStore(), lambda _: (), laboratory).functions()}


def test_without_a_laboratory_nobody_can_ask() -> None:
    names = [question.__name__ for question in Questions(RunStore(), lambda _: ()).functions()]
    assert not [name for name in names if name.startswith("lab_")]


def test_a_sweep_as_the_page_sees_it(asks: dict[str, Any], laboratory: Laboratory, backend: SteppedSweeps) -> None:
    listed = asks["lab_sweeps"]({})
    assert listed["can_start"]
    assert listed["form"]["limits"]["runs"] == 40
    assert listed["form"]["workers"] == 1
    assert listed["form"]["defaults"]["tasks"] is None, "the tasks are the embedded model's"
    assert asks["lab_outlook"]({"plan": dict(ASKED)}) == {"runs": 12, "settings": 4, "prompts": 3, "seconds": 26.0}
    backend.allow()
    sweep = asks["lab_start"]({"plan": dict(ASKED), "title": "  A \n title "})["sweep"]
    wait_for(lambda: job_of(laboratory, sweep).over)
    status = asks["lab_status"]({"sweep": sweep})
    assert (status["state"], status["done"], status["total"], status["failed"]) == ("done", RUNS, RUNS, 0)
    (entry,) = asks["lab_sweeps"]({"mine": [sweep]})["sweeps"]
    assert entry["title"] == "A title"
    assert entry["can_race"]
    json.dumps([listed, status, entry], allow_nan=False)
    assert asks["lab_table"]({"sweep": sweep})["version"] == RUNS
    assert asks["lab_cancel"]({"sweep": sweep}) == status
    assert asks["lab_delete"]({"sweep": sweep}) == {}
    assert set(asks["lab_status"]({"sweep": sweep})) == {"error"}


def test_a_sweep_without_a_title_is_called_by_its_decoders(asks: dict[str, Any], backend: SteppedSweeps) -> None:
    backend.allow()
    for title in ({}, {"title": ""}, {"title": None}):
        sweep = asks["lab_start"]({"plan": dict(ASKED)} | title)["sweep"]
        titles = {entry["id"]: entry["title"] for entry in asks["lab_sweeps"]({"mine": [sweep]})["sweeps"]}
        assert titles[sweep] == "vanilla, credit: 3 prompts"
    assert "no text" in asks["lab_start"]({"plan": dict(ASKED), "title": 5})["error"]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"arms": None}, "arms", "no list"),
        ({"arms": []}, "arms", "a sweep of no decoder"),
        ({"arms": ["credit"] * 4}, "arms", "4 decoders; valid: up to 3"),
        ({"arms": ["credit", 5]}, "arms.1", "arm 5 is no decoder"),
        ({"arms": ["credit", "nothing"]}, "arms.1", "unknown decoder 'nothing'"),
        ({"arms": ["vanilla", "credit: alpha=-3"]}, "arms.1", "alpha=-3 is out of range"),
        ({"arms": ["credit: alpha=" + "1," * 60]}, "arms.0", "up to 60 characters"),
        ({"arms": ["credit: alpha=0..1"]}, "arms.0", "does not say how many values"),
        ({"arms": ["credit: alpha=0..1/1000"]}, None, "a page starts up to 40"),
        ({"prompts": []}, "prompts", "a sweep of no prompt"),
        ({"prompts": "text"}, "prompts", "no list"),
        ({"prompts": ["a"] * 5}, "prompts", "5 prompts; valid: up to 4"),
        ({"prompts": ["a", "  "]}, "prompts", "prompt 2 is '  '"),
        ({"prompts": ["a", ["b"]]}, "prompts", "prompt 2 is ['b']"),
        ({"prompts": ["a" * 31]}, "prompts", "31 characters; valid: up to 30"),
        ({"jsonl": 5}, "jsonl", "too long"),
        ({"jsonl": "x" * 401}, "jsonl", "valid: up to 400 characters"),
        ({"jsonl": ""}, "jsonl", "the file holds no prompts"),
        ({"jsonl": '{"prompt": "a"}\nnothing'}, "jsonl", "the file, line 2 is no JSON"),
        ({"jsonl": '{"prompt": "a"}\n' * 5}, "jsonl", "the file holds 5 prompts"),
        ({"jsonl": '{"prompt": "%s"}' % ("a" * 31)}, "jsonl", "31 characters"),
        ({"jsonl": '{"prompt": "a", "id": 1}'}, "prompts", "two prompts are called '1'"),
        ({"tasks": "story"}, "tasks", "no object"),
        ({"tasks": {"tasks": ["story"], "count": 10**9}}, "count", "valid: whole numbers 1..4"),
        ({"tasks": {"tasks": ["story"], "count": True}}, "count", "count=True"),
        ({"tasks": {"tasks": ["nothing"]}}, "tasks", "unknown task 'nothing'"),
        ({"tasks": {"tasks": [[]]}}, "tasks", "unknown task"),
        ({"tasks": {"tasks": [], "count": 2}}, "tasks", "of 0 tasks"),
        ({"tasks": {"tasks": ["story"], "split": "test"}}, "tasks", "unknown split 'test'"),
        ({"tasks": {"tasks": ["story"], "seed": 1}}, "tasks", "unknown field of tasks 'seed'"),
        ({"gen_length": 8}, "gen_length", "no list"),
        ({"gen_length": [0]}, "gen_length", "gen_length=0 is out of range; valid: whole numbers 1..16"),
        ({"gen_length": [8.5]}, "gen_length", "gen_length=8.5"),
        ({"gen_length": ["8"]}, "gen_length", "gen_length='8'"),
        ({"gen_length": [1, 2, 3, 4]}, "gen_length", "4 values; valid: up to 3"),
        ({"block_length": [5]}, "block_length", "gen_length=8 is not divisible by block_length=5"),
        ({"block_length": []}, "block_length", "block_length has no values"),
        ({"seeds": [-1]}, "seeds", "seeds=-1"),
        ({"cache": ["none", "all"]}, "cache", "unknown cache mode 'all'"),
        ({"cache": [{}]}, "cache", "unknown cache mode"),
        ({"early_stop": "no"}, "early_stop", "early_stop='no'"),
        ({"compare": []}, "compare", "unknown compare mode"),
        ({"gen_length": [16, 16, 16], "seeds": [1, 2, 3], "prompts": ["a"] * 4}, None, "up to 48 runs"),
        ({"nothing": 1}, None, "unknown field of plan 'nothing'"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    asks: dict[str, Any], change: dict[str, Any], field: str | None, words: str
) -> None:
    for name in ("lab_outlook", "lab_start"):
        told = asks[name]({"plan": {**ASKED, **change}})
        assert words in told["error"]
        assert told["field"] == field
        assert len(told["error"]) < 1000


@pytest.mark.parametrize(
    "change",
    [
        {"arms": ["credit: alpha=0..2/100000, threshold=0.5..1/100000"]},
        {"arms": ["credit: alpha=0..2, random 999999999999999999"]},
        {"arms": ["credit: alpha=0..2/100000, random 41"], "prompts": ["one"]},
        {"arms": ["credit: alpha=0..2/1000"], "prompts": ["\n" * 29 + str(n) for n in range(4)]},
    ],
)
def test_a_huge_plan_is_refused_before_anything_is_made_of_it(
    asks: dict[str, Any], backend: SteppedSweeps, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    monkeypatch.setattr(Plan, "runs", None)
    monkeypatch.setattr(Arm, "settings", None)
    monkeypatch.setattr(Span, "values", None)
    monkeypatch.setattr(backend, "check", None)
    for name in ("lab_outlook", "lab_start"):
        error = asks[name]({"plan": {**ASKED, **change}})["error"]
        assert "a page starts up to 40, a shell more: credit-viz sweep" in error
        assert len(error) < 700
        assert "\n" not in error


def test_a_draw_from_many_values_makes_one_of_them(asks: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Span, "values", None)
    told = asks["lab_outlook"]({"plan": {**ASKED, "arms": ["credit: alpha=0..2/100000, random 5"]}})
    assert told["settings"] == 5


def test_so_many_plans_are_read_at_once_and_no_more(
    asks: dict[str, Any], backend: SteppedSweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go = threading.Semaphore(0), threading.Event()

    def slow(_: Any) -> None:
        reading.release()
        assert go.wait(PATIENCE)

    monkeypatch.setattr(backend, "check", slow)
    monkeypatch.setattr("credit_viz.web.labquestions._TURN", 0.01)
    with ThreadPoolExecutor(2) as pool:
        first = [pool.submit(asks["lab_outlook"], {"plan": dict(ASKED)}) for _ in range(2)]
        assert all(reading.acquire(timeout=PATIENCE) for _ in first)
        for name in ("lab_outlook", "lab_start"):
            told = asks[name]({"plan": dict(ASKED)})
            assert told == {
                "error": "the server is busy with the plans of others; valid: ask again in a moment",
                "field": None,
            }
        go.set()
        assert [future.result()["runs"] for future in first] == [RUNS, RUNS]
    assert asks["lab_outlook"]({"plan": dict(ASKED)})["runs"] == RUNS


def test_what_does_not_fit_the_model_is_said(
    asks: dict[str, Any], backend: SteppedSweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(error: Exception) -> None:
        def check(_: Any) -> None:
            raise error

        monkeypatch.setattr(backend, "check", check)

    refuse(PromptError("prompt '1' has 9000 tokens"))
    assert asks["lab_outlook"]({"plan": dict(ASKED)}) == {"error": "prompt '1' has 9000 tokens", "field": "prompts"}
    refuse(SettingsError("credit needs shadow positions"))
    assert asks["lab_start"]({"plan": dict(ASKED)}) == {"error": "credit needs shadow positions", "field": None}


def test_a_refused_sweep_leaves_nothing_behind(asks: dict[str, Any]) -> None:
    before = len(asks["lab_sweeps"]({})["sweeps"])
    asks["lab_start"]({"plan": {**ASKED, "arms": ["nothing"]}})
    assert len(asks["lab_sweeps"]({})["sweeps"]) == before


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
QUESTIONS = ("lab_sweeps", "lab_outlook", "lab_status", "lab_cancel", "lab_delete", "lab_start", "lab_table")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(QUESTIONS), asked=anything)
def test_whatever_is_asked_is_answered(asks: dict[str, Any], name: str, asked: Any) -> None:
    told = asks[name](asked)
    assert isinstance(told, dict)
    json.dumps(told, allow_nan=False)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from([*ASKED, "tasks", "jsonl", "seeds", "cache", "early_stop"]), value=anything)
def test_whatever_a_field_holds_is_answered(asks: dict[str, Any], field: str, value: Any) -> None:
    told = asks["lab_outlook"]({"plan": {**ASKED, field: value}})
    assert set(told) in ({"error", "field"}, {"runs", "settings", "prompts", "seconds"})


def test_a_public_page_does_not_say_what_others_do(backend: SteppedSweeps, tmp_path: Path) -> None:
    laboratory = Laboratory(backend, tmp_path, public=True)
    questions = Questions(RunStore(), lambda _: (), laboratory).functions()
    asks = {question.__name__: question for question in questions}
    sweep = asks["lab_start"]({"plan": dict(ASKED)})["sweep"]
    assert asks["lab_sweeps"]({})["sweeps"] == []
    assert [entry["id"] for entry in asks["lab_sweeps"]({"mine": [sweep, "other", 5]})["sweeps"]] == [sweep]
    laboratory.close()
