"""Tables, intervals and the front, by value; results on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab import Arm, InlineCrew, Plan, Prompt, SweepResult, sweep
from credit_viz.lab.columns import KINDS, agreement, failed_row
from credit_viz.lab.result import METRICS, tidy
from credit_viz.tiny.statistics import mean_interval, resample
from tests.lab.conftest import small_plan
from tests.lab.test_lab_running import assert_equal

MODEL = {"name": "m"}


def plan_of(settings: int, prompts: int, seeds: int = 1, **changes: Any) -> Plan:
    """As many threshold settings, on prompts with an answer."""
    own = tuple(Prompt(f"p{i}", f"text {i}", "right") for i in range(prompts))
    values = tuple(round(0.5 + 0.01 * i, 2) for i in range(settings))
    options = {"gen_length": 4, "block_length": 4, "seed": tuple(range(seeds))}
    return Plan((Arm("threshold", {"threshold": values}),), own, options=options, **changes)


def result_of(plan: Plan, numbers: list[tuple[int, int]]) -> SweepResult:
    """A result from (forward passes, exact match) of each run, in the order of the plan."""
    rows = {}
    kinds: dict[str, Any] = {"int": 1, "float": 1.0, "text": "t", "ids": [1, 2, -1, -1]}
    for run, (passes, right) in zip(plan.runs(), numbers, strict=True):
        told = {"forward_passes": passes, "exact_match": right, "failed": None}
        rows[run.key(MODEL, 1)] = {name: told[name] if name in told else kinds[kind] for name, kind in KINDS.items()}
    return SweepResult({"plan": plan.to_json(), "model": MODEL, "format": 1}, tidy(plan, MODEL, rows))


def test_means_average_seeds_first_and_resample_prompts() -> None:
    rng = np.random.default_rng(0)
    plan = plan_of(2, 5, seeds=3)
    numbers = [(int(p), int(r)) for p, r in zip(rng.integers(1, 9, 30), rng.integers(0, 2, 30), strict=True)]
    result = result_of(plan, numbers)
    table = result.table()
    assert table[["setting", "prompts", "runs", "failed"]].to_numpy().tolist() == [
        ["threshold threshold=0.5", 5, 15, 0],
        ["threshold threshold=0.51", 5, 15, 0],
    ]
    passes = np.array([p for p, _ in numbers]).reshape(5, 3, 2)  # prompts, seeds, settings
    for place in (0, 1):
        found = mean_interval(passes[:, :, place].mean(1), resample(5, 0))
        row = table.iloc[place]
        assert row["forward_passes"] == pytest.approx(found.value)
        assert row["forward_passes_low"] == pytest.approx(found.low)
        assert row["forward_passes_high"] == pytest.approx(found.high)
    by_seed = result.table(["seed"], ["exact_match"])
    assert by_seed.columns.tolist() == [
        "seed",
        "prompts",
        "runs",
        "failed",
        "exact_match",
        "exact_match_low",
        "exact_match_high",
    ]
    assert by_seed["exact_match"].tolist() == pytest.approx(
        np.array([r for _, r in numbers]).reshape(5, 3, 2).mean((0, 2)).tolist()
    )
    whole = result.table([], ["forward_passes"])
    assert whole["forward_passes"].tolist() == [pytest.approx(passes.mean())]


def test_options_that_vary_make_groups() -> None:
    plan = small_plan()
    rows = {run.key(MODEL, 1): failed_row("no") for run in plan.runs()}
    result = SweepResult({"plan": plan.to_json(), "model": MODEL}, tidy(plan, MODEL, rows))
    table = result.table()
    assert table.columns.tolist() == ["setting", "block_length", "prompts", "runs", "failed"]
    assert len(table) == 14
    assert set(table["failed"]) == {3}
    with pytest.raises(SettingsError, match="nothing says how good these texts are"):
        _ = result.quality
    assert "SweepResult(42 runs: 7 settings on 3 prompts)" in result._repr_html_()


def test_the_front() -> None:
    points = [(5, 80), (3, 70), (3, 60), (4, 70), (8, 80), (9, 90), (3, 70), (7, 85), (9, 95), (2, 10)]
    hundred = [(passes, int(i < share)) for i in range(100) for passes, share in points]
    result = result_of(plan_of(len(points), 100), hundred)
    front = result.front()
    assert [(p, round(100 * q)) for p, q in zip(front["forward_passes"], front["exact_match"], strict=True)] == [
        (2, 10),
        (3, 70),
        (3, 70),
        (5, 80),
        (7, 85),
        (9, 95),
    ]
    assert [(p, round(100 * q)) for p, q in points_not_beaten(points)] == [
        (2, 10),
        (3, 70),
        (3, 70),
        (5, 80),
        (7, 85),
        (9, 95),
    ]
    with pytest.raises(SettingsError, match="unknown metric of this sweep 'token_agreement'; valid: content_tokens"):
        result.front("token_agreement")


def points_not_beaten(points: list[tuple[int, int]]) -> list[tuple[int, float]]:
    """The definition, restated."""
    kept = [(p, q / 100) for p, q in points if not any((a <= p and b > q) or (a < p and b >= q) for a, b in points)]
    return sorted(kept)


def test_unknown_columns_are_named() -> None:
    result = result_of(plan_of(1, 1), [(1, 1)])
    with pytest.raises(SettingsError, match="unknown column 'alpha'; valid: block_length"):
        result.table(["alpha"])
    with pytest.raises(SettingsError, match="unknown metric 'text'; valid: content_tokens"):
        result.table(metrics=["text"])


def test_agreement_by_value() -> None:
    assert agreement([1, 2, -1, -1], [1, 3, -1, -1]) == (0.5, 0)
    assert agreement([1, 2, -1, -1], [1, 2, 5, -1]) == (pytest.approx(2 / 3), 0)
    assert agreement([1, 2, -1], [1, 2, -1]) == (1.0, 1)
    assert agreement([-1, -1], [-1, -1]) == (1.0, 1)
    assert agreement(None, [1]) == agreement([1], None) == (None, None)


def test_a_failed_vanilla_run_leaves_agreement_open() -> None:
    plan = plan_of(1, 1, compare="always")
    reference, own = (run.key(MODEL, 1) for run in plan.runs())
    good = result_of(plan, [(4, 1), (2, 1)])
    rows = {row["key"]: {name: row[name] for name in KINDS} for row in good.frame.to_dict("records")}
    assert good.frame["token_agreement"].tolist() == [1.0, 1.0]
    frame = tidy(plan, MODEL, {reference: failed_row("broke"), own: rows[own]})
    assert frame["token_agreement"].isna().all()
    assert tidy(plan, MODEL, {own: rows[own]})["token_agreement"].isna().tolist() == [True]


def test_types_of_columns(mock: Any) -> None:
    frame = sweep(small_plan(), workers=InlineCrew(mock)).frame
    assert frame["forward_passes"].dtype == frame["steps"].dtype == "Int64"
    assert frame["alpha"].dtype == frame["mean_wait"].dtype == frame["seconds"].dtype == "float64"
    assert frame["block_length"].dtype == "int64"
    assert frame["order"].dropna().unique().tolist() == ["confidence"]
    assert frame.loc[frame["decoder"] == "credit", "steps"].isna().all()
    assert set(METRICS) < set(frame.columns)


def test_save_and_load(mock: Any, tmp_path: Path) -> None:
    result = sweep(small_plan(), tmp_path / "first", InlineCrew(mock))
    result.save(tmp_path / "copy")
    again = SweepResult.load(tmp_path / "copy")
    assert_equal(again, result)
    pd.testing.assert_frame_equal(again.frame, result.frame)
    assert again.plan == small_plan()
    assert repr(again) == "SweepResult(42 runs: 7 settings on 3 prompts)"
    assert_equal(sweep(small_plan(), tmp_path / "copy", InlineCrew(mock)), result)
    with pytest.raises(BackendError, match="holds no sweep"):
        SweepResult.load(tmp_path)


def test_html_shows_the_table(mock: Any) -> None:
    html = sweep(small_plan(), workers=InlineCrew(mock))._repr_html_()
    assert "credit alpha=0 threshold=0.5" in html
    assert "token_agreement, 95 %" in html
    assert html.count("<tr") == 15
