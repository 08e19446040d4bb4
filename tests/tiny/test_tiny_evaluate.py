"""Evaluation: the bootstrap by value on small arrays, and the table of a model that knows next to nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import credit_viz
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny.evaluate import Arm, arms, main, measure, tabulate, to_markdown
from credit_viz.tiny.statistics import gain_over_curve, mean_interval, resample
from credit_viz.tiny.tasks import TASKS, held_out
from credit_viz.tiny.tokenizer import build_tokenizer
from credit_viz.tiny.train import Recipe, Trainer

SMALL = Recipe(
    steps=30, d_model=16, n_layers=1, n_heads=2, mlp=32, tokens_per_batch=256, warm_up_steps=2, bfloat16=False
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that has learned not to answer with the mask (random tied weights echo their input)."""
    where = tmp_path_factory.mktemp("nearly-untrained")
    Trainer(SMALL, build_tokenizer(), where, lambda _: None).run(SMALL.steps)
    return where


@pytest.fixture(scope="module")
def model(folder: Path) -> DiffusionLM:
    return credit_viz.load_model(folder, device="cpu")


def test_mean_interval_holds_the_mean() -> None:
    values = np.array([0.0, 1.0] * 50)
    found = mean_interval(values, resample(100, seed=1))
    assert found.value == pytest.approx(0.5)
    # A binomial of 100: standard error 0.05, so the 95 % interval is about 0.5 +- 0.098.
    assert found.low == pytest.approx(0.402, abs=0.02)
    assert found.high == pytest.approx(0.598, abs=0.02)


def test_no_spread_no_interval() -> None:
    found = mean_interval(np.ones(10), resample(10, seed=1))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))


def test_gain_is_read_between_the_points_of_the_curve() -> None:
    weights = resample(4, seed=0)
    curve_passes = np.array([[10.0] * 4, [20.0] * 4])
    curve_exact = np.array([[0.0] * 4, [100.0] * 4])
    found = gain_over_curve(np.full(4, 15.0), np.full(4, 70.0), curve_passes, curve_exact, weights)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((20.0, 20.0, 20.0))


def test_no_gain_is_claimed_outside_the_curve() -> None:
    weights = resample(2, seed=0)
    curve = np.array([[10.0, 10.0], [20.0, 20.0]])
    assert gain_over_curve(np.full(2, 9.0), np.ones(2), curve, curve, weights) is None


def test_weights_are_shares_of_prompts() -> None:
    weights = resample(7, seed=3)
    assert np.allclose(weights.sum(axis=1), 1)
    assert np.array_equal(weights, resample(7, seed=3))
    assert np.allclose(weights[0], 1 / 7)


def test_arms_have_their_own_labels() -> None:
    labels = [arm.label for arm in arms()]
    assert len(labels) == len(set(labels))
    assert {arm.decoder for arm in arms()} == {"vanilla", "threshold", "credit"}


def test_passes_are_counted(model: DiffusionLM) -> None:
    (scores,) = measure(model, [Arm("v", "vanilla", {"steps": 16})], 32, held_out(4, 0))
    assert scores.passes.tolist() == [16.0] * 4
    assert scores.exact.tolist() == [0.0] * 4
    assert scores.mean_wait >= 0
    assert 0 <= scores.content_per_forward <= 4


def test_racing_together_changes_nothing(model: DiffusionLM) -> None:
    chosen = [Arm("t", "threshold", {"threshold": 0.2}), Arm("c", "credit", {"threshold": 0.2})]
    examples = held_out(4, 0)
    together = measure(model, chosen, 32, examples)
    alone = [measure(model, [arm], 32, examples)[0] for arm in chosen]
    for one, other in zip(together, alone, strict=True):
        assert one.passes.tolist() == other.passes.tolist()
        assert one.waited.tolist() == other.waited.tolist()


def test_table(model: DiffusionLM) -> None:
    chosen = (
        Arm("t1", "threshold", {"threshold": 0.9}),
        Arm("c", "credit"),
        Arm("t0", "threshold", {"threshold": 0}),
    )
    examples = held_out(4, 0)
    scores = [s for length in (32, 64) for s in measure(model, chosen, length, examples)]
    table = tabulate(scores, np.array([example.task for example in examples]))
    assert len(table["rows"]) == 6
    assert set(table["rows"][0]["exact_per_family"]) == set(TASKS)
    assert {gain["block_length"] for gain in table["gains"]} <= {32, 64}
    text = to_markdown(table)
    assert text.count("| t1 |") == 2
    assert "| 0.0 [0.0, 0.0] |" in text
    json.dumps(table)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_command_line(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    workers: str,
) -> None:
    chosen = (Arm("threshold 0", "threshold", {"threshold": 0.0}),)
    monkeypatch.setattr("credit_viz.tiny.evaluate.arms", lambda: chosen)
    target = tmp_path / "table.json"
    main(["--model", str(folder), "--prompts", "1", "--json", str(target), "--workers", workers])
    assert "| threshold 0 | 32 | 2.0 |" in capsys.readouterr().out
    table = json.loads(target.read_text())
    assert table["prompts"] == len(TASKS)
    assert [row["block_length"] for row in table["rows"]] == [32, 64]
    assert set(table["rows"][0]["exact_per_family"]) == set(TASKS)
