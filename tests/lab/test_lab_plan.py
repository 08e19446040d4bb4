"""Plans: what they expand to, their limits, and keys that are the same everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding.settings import knobs
from credit_viz.errors import PromptError, SettingsError
from credit_viz.lab.columns import KINDS
from credit_viz.lab.plan import OPTIONS, ModelSource, Plan, Run
from credit_viz.lab.prompts import Prompt, TaskPrompts
from credit_viz.lab.spaces import Arm, Span
from tests.lab.conftest import small_plan
from tests.lab.test_lab_spaces import arms

ROOT = Path(__file__).parents[2]
MODEL = {"name": "m", "weights": "0"}


@given(st.lists(arms(), min_size=1, max_size=3), st.integers(1, 3), st.sampled_from(["auto", "always", "never"]))
def test_every_run_once(chosen: list[Arm], prompts: int, compare: str) -> None:
    plan = Plan(
        (*chosen, chosen[0]),
        tuple(Prompt(str(i), f"text {i}", "x" if i % 2 else None) for i in range(prompts)),
        options={"gen_length": 8, "block_length": (4, 8), "seed": [0, 1, 0]},
        compare=compare,
    )
    runs = list(plan.runs())
    keys = {run.key(MODEL, 1) for run in runs}
    assert len(keys) == len(runs) <= plan.size
    wanted = {json.dumps([arm.decoder, values]) for arm in chosen for values in arm.settings()}
    reference = json.dumps([plan.reference.decoder, plan.reference.values])
    for prompt in plan.all_prompts:
        compared = compare == "always" or (compare == "auto" and not prompt.judged)
        for options in plan.run_options:
            own = [run for run in runs if run.prompt == prompt and run.options == options]
            found = {json.dumps([run.setting.decoder, run.setting.values]) for run in own}
            assert found == (wanted | {reference} if compared else wanted)
            assert {run.likelihood for run in own} == {compared}
    assert len(plan.run_options) == 4


@given(st.lists(arms(draws=st.one_of(st.none(), st.integers(1, 3))), min_size=1, max_size=2))
def test_json_brings_a_plan_back(chosen: list[Arm]) -> None:
    plan = small_plan(arms=tuple(chosen), tasks=TaskPrompts(("code",), count=2), model=ModelSource("x", dtype="auto"))
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert [r.key(MODEL, 1) for r in again.runs()] == [r.key(MODEL, 1) for r in plan.runs()]
    prompts = {prompt.id: prompt for prompt in again.all_prompts}
    for run in plan.runs():
        assert Run.from_json(json.loads(json.dumps(run.to_json())), prompts).key(MODEL, 1) == run.key(MODEL, 1)


def test_keys_are_the_same_in_every_process() -> None:
    plan = small_plan(
        tasks=TaskPrompts(("json", "story"), count=3), arms=(Arm("credit", {"alpha": Span(0, 2)}, draws=3),)
    )
    code = (
        "import sys, json; from credit_viz.lab import Plan; plan = Plan.from_json(json.load(sys.stdin)); "
        f"print(*(run.key({MODEL!r}, 1) for run in plan.runs()))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(plan.to_json()),
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            timeout=300,
        )
        assert done.stdout.split() == [run.key(MODEL, 1) for run in plan.runs()]


def test_everything_that_decides_a_result_is_in_its_key() -> None:
    (base,) = Plan((Arm("threshold"),), ("a",), compare="never").runs()
    others = [
        base._replace(prompt=Prompt("1", "b")),
        base._replace(prompt=Prompt("1", "a", "answer")),
        base._replace(likelihood=True),
        *Plan((Arm("threshold", {"threshold": 0.8}),), ("a",), compare="never").runs(),
        *Plan((Arm("margin"),), ("a",), compare="never").runs(),
        *Plan((Arm("threshold"),), ("a",), options={"seed": 1}, compare="never").runs(),
        *Plan((Arm("threshold"),), ("a",), options={"early_stop": True}, compare="never").runs(),
        *Plan((Arm("threshold"),), ("a",), options={"cache": "dual"}, compare="never").runs(),
    ]
    keys = {base.key(MODEL, 1), base.key(MODEL, 2), base.key({"name": "m", "weights": "1"}, 1)}
    keys |= {run.key(MODEL, 1) for run in others}
    assert len(keys) == 3 + len(others)
    assert base._replace(prompt=Prompt("another name", "a")).key(MODEL, 1) == base.key(MODEL, 1)


def test_a_huge_grid_is_refused_at_once() -> None:
    spaces = {"alpha": Span(0, 2, 100), "beta": Span(0, 1, 100), "threshold": Span(0, 1, 100)}
    plan = Plan((Arm("credit", spaces),), tasks=TaskPrompts(count=10))
    assert plan.size == 10_000_000
    with pytest.raises(SettingsError, match="has up to 10,000,000 runs; valid: up to 100,000"):
        plan.check_size()
    plan.check_size(10**7)


def test_equal_prompts_are_one_and_names_are_unique() -> None:
    plan = small_plan(prompts=("a", "a", "b"))
    assert [p.id for p in plan.all_prompts] == ["1", "3"]
    with pytest.raises(PromptError, match="two prompts are called '1'; give one another id"):
        _ = small_plan(prompts=("a", Prompt("1", "b"))).all_prompts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ()}, "a sweep of no decoder"),
        ({"prompts": ()}, "a sweep of no prompt"),
        ({"options": {"gen_len": 8}}, "unknown option 'gen_len'; valid: block_length"),
        ({"options": {"top_k": 8}}, "unknown option 'top_k'"),
        ({"options": {"seed": ()}}, "seed has no values"),
        ({"options": {"gen_length": 12, "block_length": (4, 8)}}, "gen_length=12 is not divisible by block_length=8"),
        ({"options": {"cache": "dula"}}, "unknown cache mode 'dula'"),
        ({"compare": "sometimes"}, "unknown compare mode 'sometimes'; valid: always, auto, never"),
        ({"batch": 0}, "batch=0 is out of range"),
        ({"batch": True}, "batch=True is out of range"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((SettingsError, PromptError), match=message):
        small_plan(**changes)


@pytest.mark.parametrize(
    "data", [{}, {"arms": 3}, small_plan().to_json() | {"options": 3}, small_plan().to_json() | {"arms": [{}]}]
)
def test_a_damaged_plan(data: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="no plan of a sweep"):
        Plan.from_json(data)


def test_columns_of_results_meet_no_knob_and_no_option() -> None:
    from credit_viz.decoding import DECODERS

    names = {knob.name for decoder in DECODERS.values() for knob in knobs(decoder.settings_class)} | {*OPTIONS}
    assert not names & {*KINDS, "setting", "decoder", "prompt", "task", "token_agreement", "text_agreement", "key"}
