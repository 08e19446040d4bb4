"""`credit-viz trace` with gaps, raw prompts and turns before the prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credit_viz import load_trace
from tests.cli.conftest import Call, assert_refused


@pytest.fixture
def model(fixtures: Path) -> tuple[object, ...]:
    """A small model with a chat template."""
    return ("--model", fixtures / "dream", "--device", "cpu", "--decoder", "credit")


def test_infill_fills_gaps(call: Call, model: tuple[object, ...]) -> None:
    outcome = call("trace", "one [MASK:2] three", "--infill", *model, "--out", "run.safetensors", "--json")
    assert outcome.code == 0, outcome
    trace = load_trace("run.safetensors")
    assert trace.gen_length == 2 + len(trace.info.fixed)
    assert trace.info.prompt == "one [MASK:2] three"
    assert_refused(call("trace", "no gap", "--infill", *model), "has no slot to fill")
    assert_refused(call("trace", "a [MASK]", "--infill", "--raw", *model), "leave out raw and history")


def test_raw_leaves_the_template_out(call: Call, model: tuple[object, ...]) -> None:
    length = ("--gen-length", 8, "--block-length", 8)
    assert call("trace", "hello", *model, *length, "--out", "chat.safetensors").code == 0
    assert call("trace", "hello", "--raw", *model, *length, "--out", "raw.safetensors").code == 0
    chat, raw = load_trace("chat.safetensors").info.prompt_ids, load_trace("raw.safetensors").info.prompt_ids
    assert len(raw) < len(chat)


def test_history_comes_from_a_file(call: Call, model: tuple[object, ...], tmp_path: Path) -> None:
    length = ("--gen-length", 8, "--block-length", 8)
    turns = tmp_path / "turns.json"
    turns.write_text(json.dumps([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]))
    assert call("trace", "three", *model, *length, "--out", "short.safetensors").code == 0
    assert call("trace", "three", "--history", turns, *model, *length, "--out", "long.safetensors").code == 0
    short, long = load_trace("short.safetensors").info.prompt_ids, load_trace("long.safetensors").info.prompt_ids
    assert len(long) > len(short)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        pytest.param("[" * 100_000, "is not JSON", id="nested without end"),
        ('{"role": "user"}', "is a dict; valid: a list of turns"),
        ('["hello"]', "has a turn 'hello'; valid: {\"role\""),
        ('[{"role": "user"}]', "has a turn"),
        ('[{"role": "user", "content": 3}]', "has a turn"),
        ('[{"role": "robot", "content": "x"}]', "unknown role 'robot'"),
    ],
)
def test_a_damaged_history_is_one_line(
    call: Call, model: tuple[object, ...], tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "turns.json"
    path.write_text(content)
    assert_refused(call("trace", "x", "--history", path, *model), problem)


def test_a_missing_history_is_one_line(call: Call, model: tuple[object, ...]) -> None:
    assert_refused(call("trace", "x", "--history", "absent.json", *model), "cannot read the history absent.json")
