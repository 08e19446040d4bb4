"""`credit-viz whatif`: one screen in words, JSON, and refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credit_viz.decoding import make_decoder
from credit_viz.trace.record import Trace
from credit_viz.whatif import sentence, what_if
from tests.cli.conftest import Call, assert_refused
from tests.support import MockModel, run

NASTY = "\x1b]0;title\x07[bold]\u202e"


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    """A run of credit, saved as run.safetensors; some tokens have a nasty text."""
    model = MockModel(3, vocab_size=30, texts=lambda i: NASTY if i % 2 else f"t{i}")
    made = run(model, make_decoder("credit"), gen_length=16, block_length=16, top_k=20)
    made.save(tmp_path / "run.safetensors")
    return made


def test_as_recorded(call: Call, trace: Trace) -> None:
    code, out, err = call("whatif", "run.safetensors")
    assert (code, err) == (0, "")
    passes = trace.forward_passes
    assert out.splitlines() == ["CreditDecoding: as recorded", f"Same as recorded to the end: {passes} steps."]


def test_another_knob(call: Call, trace: Trace) -> None:
    code, out, err = call("whatif", "run.safetensors", "--set", "threshold=0.3")
    assert (code, err) == (0, "")
    predicted = what_if(trace, settings={"threshold": 0.3})
    assert predicted.diverges_at is not None
    lines = out.splitlines()
    assert lines[0] == "CreditDecoding: threshold 0.3"
    assert f"in step {predicted.diverges_at} it would" in out or "In its first step" in out
    assert lines[2].split()[:2] == ["position", "recorded"]
    assert lines[-1] == f"From step {predicted.diverges_at + 1} on only a new run can tell."
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.usefixtures("trace")
def test_another_decoder(call: Call) -> None:
    out = call("whatif", "run.safetensors", "--decoder", "threshold", "--set", "threshold=0.8").out
    assert out.startswith("Threshold: threshold 0.8, temperature 0.0\n")
    out = call("whatif", "run.safetensors", "--decoder", "wino").out
    assert "cannot be said from the record: it also asks what is seen without a written token." in out
    assert "CreditDecoding: beta 0.0" in call("whatif", "run.safetensors", "--preset", "no history").out
    out = call("whatif", "run.safetensors", "--block-length", "4", "--early-stop").out
    assert out.startswith("CreditDecoding: block_length 4, early_stop True\n")


def test_json(call: Call, trace: Trace) -> None:
    out = call("whatif", "run.safetensors", "--set", "threshold=0.3", "--json").out
    (found,) = json.loads(out)["runs"]
    predicted = what_if(trace, settings={"threshold": 0.3})
    assert (found["diverges_at"], found["ended"]) == (predicted.diverges_at, "differs")
    assert found["sentence"] == sentence(trace, predicted)
    assert [len(step["writes"]) for step in found["steps"]] == [len(step.writes) for step in predicted.steps]


@pytest.mark.usefixtures("trace")
def test_refusals(call: Call) -> None:
    assert_refused(call("whatif", "missing.safetensors"), "no trace file")
    assert_refused(call("whatif", "run.safetensors", "--set", "threshold"), "--set 'threshold'", "KNOB=VALUE")
    assert_refused(call("whatif", "run.safetensors", "--set", "tau=1"), "unknown setting 'tau'", "threshold")
    assert_refused(call("whatif", "run.safetensors", "--set", "threshold=9"), "threshold=9", "0..2")
    assert_refused(call("whatif", "run.safetensors", "--decoder", "none"), "unknown decoder 'none'")
    assert_refused(call("whatif", "run.safetensors", "--preset", "none"), "unknown preset")
    assert_refused(call("whatif", "run.safetensors", "--block-length", "5"), "block_length=5", "1, 2, 4, 8, 16")
