"""The bench compares things that agree: the rivals commit what the decoders commit."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from credit_viz.bench import decoders, growth, parts, quality, shapes
from credit_viz.bench.__main__ import main
from credit_viz.bench.rivals import CreditMatrix, float64_threshold
from credit_viz.bench.timing import medians
from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Block, View
from credit_viz.decoding.credit import Credit
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.threshold import Threshold
from credit_viz.errors import SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from tests.support import MASK_DECODERS, MockModel, lane_records


def _stream(steps: int, length: int = 16, vocabulary: int = 200) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    base = 3 * torch.randn(length, vocabulary, generator=generator)
    return [base + 2 * torch.randn(length, vocabulary, generator=generator) for _ in range(steps)]


def test_dense_rival_commits_what_sparse_credit_commits() -> None:
    dense, sparse = CreditMatrix(), Credit()
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


def test_exponent_finds_the_power() -> None:
    assert growth.exponent((1, 2, 4, 8), (3, 12, 48, 192)) == pytest.approx(2)
    assert growth.exponent((10, 100, 1000), (5, 5, 5)) == pytest.approx(0)


def test_trace_bytes_counts_every_array_of_every_cell() -> None:
    records = lane_records(MockModel(), Credit(), gen_length=4, block_length=4, top_k=2)
    size, cells = growth.trace_bytes(records)
    assert cells == sum(len(record.positions) for record in records)
    written = sum(len(record.event_ids) for record in records)
    # positions, winner id, winner p, fused, entropy; 4 numbers per candidate; credit, boost, bar; 9 bytes per write
    assert size == cells * (5 * 4 + 2 * 4 * 4 + 3 * 4) + written * 9


def test_front_keeps_what_nothing_beats() -> None:
    points = [(10, 80.0), (12, 80.0), (8, 70.0), (20, 90.0), (21, 85.0), (8, 70.0)]
    rows = [{"passes": passes, "exact": {"value": exact}} for passes, exact in points]
    assert quality.front(rows) == [True, False, True, True, False, True]


def test_every_decoder_names_a_knob_it_has_and_valid_values() -> None:
    swept = {arm.decoder for arm in quality.arms()}
    assert swept == set(MASK_DECODERS)
    for arm in quality.arms():
        make_decoder(arm.decoder, arm.settings)


def test_parts_of_a_step_are_timed_on_a_model_of_the_published_layout() -> None:
    tiny = shapes.LLADA_8B | {
        "d_model": 16,
        "n_heads": 2,
        "n_layers": 1,
        "mlp_hidden_size": 32,
        "embedding_size": 64,
        "vocab_size": 64,
    }
    model = shapes.random_model(tiny, torch.device("cpu"), torch.float32)
    found = parts.measure_parts(model, 8, 4, 1)
    assert min(found) > 0
    assert found.record == found.credit_recorded - found.credit


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that take no time; what is measured stays the same."""
    monkeypatch.setattr("credit_viz.bench.__main__._VOCABULARY", 64)
    monkeypatch.setattr("credit_viz.bench.growth._LENGTHS", (4, 8))
    monkeypatch.setattr("credit_viz.bench.growth._VOCABULARIES", (64, 128))
    monkeypatch.setattr("credit_viz.bench.growth._STEPS", (2, 4))
    monkeypatch.setattr("credit_viz.bench.growth._CANDIDATES", (1, 2))
    one_each = [next(arm for arm in quality.arms() if arm.decoder == name) for name in ("threshold", "credit")]
    monkeypatch.setattr("credit_viz.bench.quality.arms", lambda: tuple(one_each))


@pytest.mark.usefixtures("quick")
def test_command_prints_every_figure_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    only = ["steps", "runs", "growth", "quality"]
    assert main(["--json", "--rounds", "1", "--lengths", "4", "--prompts", "1", "--only", *only]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["machine"]["torch"] == torch.__version__
    titles = " | ".join(section["title"] for section in report["sections"])
    for word in ("decoder step", "credit state", "embedded model, whole runs", "growth", "exact match"):
        assert word in titles
    assert all(section["rows"] for section in report["sections"])
    measured = {row["decoder"] for row in report["sections"][-1]["data"]}
    assert measured == {"threshold threshold=0.99", "credit threshold=0.99"}


def test_command_prints_a_table_with_aims(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "1", "--lengths", "4", "--only", "steps"]) == 0
    out = capsys.readouterr().out
    assert "aim <= 1.15" in out
    assert "dense / sparse" in out


def test_a_machine_without_a_compiler_measures_the_other_switches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*, compile: bool = False, **how: Any) -> DiffusionLM:
        if compile:
            raise SettingsError("the model cannot be compiled on cpu")
        return load_model(**how)

    monkeypatch.setattr("credit_viz.bench.__main__.load_model", load)
    assert main(["--json", "--rounds", "1", "--only", "switches"]) == 0
    out, err = capsys.readouterr()
    switches = {row["switch"] for row in json.loads(out)["sections"][0]["data"]}
    assert switches == {"early stop", "prefix cache", "dual cache", "needed rows", "bfloat16"}
    assert "cannot be compiled" in err
