"""The bench compares things that agree: the rivals commit what the decoders commit."""

from __future__ import annotations

import json

import pytest
import torch

from credit_viz.bench import decoders
from credit_viz.bench.__main__ import main
from credit_viz.bench.rivals import DenseCredit, float64_threshold
from credit_viz.bench.timing import medians
from credit_viz.decoding.base import Block, View
from credit_viz.decoding.credit import Credit
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.threshold import Threshold


def _stream(steps: int, length: int = 16, vocabulary: int = 200) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    base = 3 * torch.randn(length, vocabulary, generator=generator)
    return [base + 2 * torch.randn(length, vocabulary, generator=generator) for _ in range(steps)]


def test_dense_rival_commits_what_sparse_credit_commits() -> None:
    dense, sparse = DenseCredit(), Credit()
    masked = torch.ones(16, dtype=torch.bool)
    state = sparse.start(Block.alone(16, masked.device))
    for logits in _stream(12):
        decision = sparse.step(View.of_block(Predictions(logits, 0, 200), masked), state, torch.Generator())
        ids, commit = dense.step(logits, masked)
        eligible = ids != 0  # the rival knows no mask token
        assert torch.equal(commit & eligible, decision.commit & eligible)
        assert torch.equal(ids[commit], decision.winner_ids[commit])
        state = decision.state


def test_float64_rival_commits_what_threshold_commits() -> None:
    masked = torch.ones(16, dtype=torch.bool)
    for logits in _stream(12):
        decision = Threshold().step(View.of_block(Predictions(logits, 200, 200), masked), None, torch.Generator())
        ids, commit = float64_threshold(logits, masked)
        assert torch.equal(commit, decision.commit)
        assert torch.equal(ids, decision.winner_ids)


def test_sparse_state_is_a_thousand_times_smaller() -> None:
    dense, sparse = decoders.state_bytes(256, 126_464, 64)
    assert dense / sparse >= 1000


def test_medians_calls_every_task_once_per_round_and_changes_the_order() -> None:
    calls: list[str] = []
    taken = medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3, warmup=1)
    assert calls == ["a", "b", "b", "a"] * 2
    assert set(taken) == {"a", "b"}


def test_command_prints_every_figure_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--rounds", "1", "--lengths", "4"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["machine"]["torch"] == torch.__version__
    assert all(value > 0 for row in report["decoder step"] for value in row["ratios"].values())
    assert set(report["embedded model"]["ratios"]) >= {"traced / untraced run"}


def test_command_prints_a_table_with_aims(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "1", "--lengths", "4"]) == 0
    out = capsys.readouterr().out
    assert "aim <= 1.15" in out
    assert "dense / sparse" in out
