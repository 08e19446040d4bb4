"""`credit-viz eval` on the project's own tasks: tables, JSON, going on after an interruption, and bad input."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lm_eval.tasks
import pytest

from credit_viz.evaluation.benchmarks import PAPER
from credit_viz.evaluation.generation import Answer, Generator
from tests.cli.conftest import Call, assert_refused

SMALL = ("--tasks", "credit_viz_tiny", "--limit", 1, "--gen-length", 64, "--device", "cpu")
LANES = ("--decoder", "t=threshold", "--decoder", "credit", "--preset", "credit=paper", "--set", "t.threshold=0.9")


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    for row in report["rows"]:
        for name in ("seconds", "tokens_per_second", "speedup_seconds"):
            assert row.pop(name) > 0
    return report


def test_tables(call: Call) -> None:
    code, out, _ = call("eval", *SMALL, *LANES)
    assert code == 0
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "credit_viz_tiny: 4 prompts"
    assert lines[1].split("  ")[0] == "decoder"
    for name in ("exact_match", "NFE", "TPF", "content TPF", "tokens/s", "passes", "time"):
        assert name in lines[1]
    assert lines[2].split()[0] == "t"
    assert lines[2].split()[-2:] == ["1.00x", "1.00x"]
    assert lines[3].split()[0] == "credit"
    assert "credit_viz_tiny_arithmetic: 1 prompt" in lines
    text = " ".join(lines)
    assert "speed-up against t." in text
    assert "wall clock on cpu (" in text
    assert "Model: embedded, float32, weights " in text
    assert "its numbers are its own, not the paper's" in text
    assert "seed 0" in text
    assert "credit: credit, alpha=0.65 beta=0.7 gamma=0.2 threshold=0.95" in text
    assert "lm_eval 0." in text


def test_json(call: Call) -> None:
    code, out, _ = call("eval", *SMALL, *LANES, "--seed", 3, "--block-length", 32, "--early-stop", "--json")
    assert code == 0
    assert out.isascii()
    report = json.loads(out)
    assert (report["gen_length"], report["block_length"], report["seed"], report["early_stop"]) == (64, 32, 3, True)
    assert report["model"]["name"] == "embedded"
    assert report["lanes"]["t"]["settings"]["threshold"] == 0.9
    assert {"credit-viz", "torch", "lm_eval", "datasets"} <= set(report["versions"])
    tasks = ["credit_viz_tiny", *(f"credit_viz_tiny_{name}" for name in ("story", "arithmetic", "json", "code"))]
    assert [(row["task"], row["lane"]) for row in report["rows"]] == [
        (t, lane) for t in tasks for lane in ("t", "credit")
    ]
    first, second = report["rows"][:2]
    assert first["prompts"] == 4
    assert first["nfe"] == first["passes"] / 4
    assert (first["speedup_passes"], first["speedup_seconds"]) == (1, 1)
    assert second["speedup_passes"] == first["passes"] / second["passes"]
    assert second["speedup_seconds"] == pytest.approx(first["seconds"] / second["seconds"])
    assert 0 <= first["scores"]["exact_match,none"]["value"] <= 1


def test_switches_are_said_where_their_numbers_are(call: Call) -> None:
    words = ("--tasks", "credit_viz_tiny_json", "--limit", 1, "--gen-length", 64, "--device", "cpu")
    code, out, _ = call("eval", *words, "--decoder", "credit", "--cache", "dual", "--logits-to-keep", "needed")
    assert code == 0
    assert "dual cache (approximate), needed rows, " in " ".join(out.split())
    assert_refused(call("eval", *words, "--cache", "triple"), "'triple'", "block, dual, none, prefix")


def test_an_interrupted_run_goes_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Generator._decode
    decoded: list[Sequence[int]] = []

    def decode(self: Generator, prompt_ids: Sequence[int]) -> Answer:
        if len(decoded) == 3:
            raise KeyboardInterrupt
        decoded.append(prompt_ids)
        return original(self, prompt_ids)

    monkeypatch.setattr(Generator, "_decode", decode)
    words = ("eval", *SMALL, *LANES, "--json")
    stopped = call(*words, "--out", "answers")
    assert (stopped.code, stopped.out) == (130, "")
    assert "the answers so far are in answers" in stopped.err
    assert stopped.err.endswith("credit-viz: interrupted\n")
    kept = sum(len(file.read_text().splitlines()) for file in Path("answers").glob("*.jsonl"))
    assert kept == 3
    monkeypatch.setattr(Generator, "_decode", original)
    went_on = call(*words, "--out", "answers")
    assert went_on.code == 0
    assert sum(len(file.read_text().splitlines()) for file in Path("answers").glob("*.jsonl")) == 8
    assert without_times(json.loads(went_on.out)) == without_times(json.loads(call(*words).out))

    def never(*_: Any) -> Answer:
        raise AssertionError("everything is there already")

    monkeypatch.setattr(Generator, "_decode", never)
    assert call(*words, "--out", "answers").out == went_on.out


def test_list_of_benchmarks(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)  # needs no harness
    code, out, err = call("eval", "--list")
    assert (code, err) == (0, "")
    for benchmark in PAPER:
        assert benchmark.name in out
        assert (benchmark.task or "none") in out
    assert "credit_viz_tiny" in out
    assert "--confirm-run-unsafe-code" in out


def test_without_the_extra(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credit_viz.evaluation.find_spec", lambda _: None)
    outcome = call("eval", *SMALL)
    assert_refused(outcome, "lm-evaluation-harness is not installed", "pip install -e '.[eval]'")


def test_help_shows_whole_commands(call: Call) -> None:
    code, out, _ = call("eval", "--help")
    assert code == 0
    example = "  credit-viz eval --tasks credit_viz_tiny --decoder vanilla --decoder credit --gen-length 64"
    assert example in out.splitlines()


def test_what_to_run_must_be_said(call: Call) -> None:
    assert_refused(call("eval"), "no --tasks", "credit-viz eval --list")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--set", "credit.alhpa=1"), ("unknown setting 'alhpa'",)),
        (("--decoder", "credti"), ("unknown decoder 'credti'",)),
        (("--block-length", "60"), ("gen_length=64 is not divisible by block_length=60",)),
        (("--limit", "0"), ("--limit",)),
        (("--tasks", "credit_viz_tiny,credit_viz_tiny_code"), ("each task once",)),
        (("--model", "no/such/folder"), ("no/such/folder",)),
    ],
)
def test_bad_input_is_one_line(call: Call, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    assert_refused(call("eval", *SMALL, *words), *parts)


def test_a_task_that_cannot_be_had_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(lm_eval.tasks.__file__).parent / "gsm8k"  # reading all of the harness's index takes seconds
    index = lm_eval.tasks.TaskManager(include_defaults=False, include_path=folder)
    monkeypatch.setattr("credit_viz.evaluation.tasks.TaskManager", lambda **_: index)
    monkeypatch.delenv("HF_HUB_OFFLINE")  # read when the hub's client was imported, so this test stays offline
    outcome = call("eval", "--tasks", "gsm8k", "--device", "cpu", "--offline")
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert_refused(outcome, "task 'gsm8k' cannot be had", "openai/gsm8k")


def test_a_prompt_that_does_not_fit_is_one_line(call: Call) -> None:
    outcome = call("eval", "--tasks", "credit_viz_tiny_code", "--gen-length", 4096, "--device", "cpu")
    assert outcome.code == 2
    assert outcome.out == ""
    assert "credit-viz: error: the prompt has" in outcome.err
