"""`credit-viz why`: two saved runs, or two settings of a sweep's folder, from files alone."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from credit_viz.lab import Arm, Plan, Prompt, contrast
from credit_viz.lab.contrast_plain import plain
from credit_viz.trace.record import Reason
from tests.cli.conftest import Call, assert_refused
from tests.lab.made import made_result
from tests.support import trace_of

TWO = ("--setting", "threshold: threshold=0.9", "--setting", "credit: threshold=0.9", "--block-length", "8")
RESULT = made_result(
    Plan(
        arms=(Arm("threshold", {"threshold": (0.6, 0.9)}), Arm("credit", {"beta": (0.8, 0.0), "threshold": 0.9})),
        prompts=tuple(Prompt(f"p{n}", f"text {n}", "right") for n in range(8)),
        options={"gen_length": 8, "block_length": (4, 8)},
    )
)
TOPS = [{0: 1, 1: 2}, {1: 2}, {1: 2}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    RESULT.save(tmp_path / "sweep")
    return tmp_path / "sweep"


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """The same text in three passes, and in two."""
    slow = trace_of(
        TOPS, [(1, 0, 1), (3, 1, 2)], gen_length=2, block=(0, 2), decoder="threshold", settings={}, text="a"
    )
    events = [(1, 0, 1), (2, 1, 2, int(Reason.CREDIT))]
    fast = trace_of(TOPS[:2], events, gen_length=2, block=(0, 2), decoder="credit", settings={"alpha": 1.0}, text="a")
    paths = tmp_path / "slow.safetensors", tmp_path / "fast.safetensors"
    for path, trace in zip(paths, (slow, fast), strict=True):
        trace.save(path)
    return paths


def test_two_settings_of_a_sweep(call: Call, folder: Path) -> None:
    code, out, err = call("why", folder, *TWO)
    assert (code, err) == (0, "")
    found = contrast(RESULT, 5, 6)
    assert found.sentence in out
    lines = [line.split() for line in out.splitlines()]
    passes = found.measures["forward_passes"]
    assert [*["forward", "passes"], *(f"{value:.1f}" for value in passes.values)] in [line[:4] for line in lines]
    assert any(line[:2] == ["no", "history"] for line in lines)
    assert f"The same text on {found.same_texts} of 8 prompts." in out


def test_json_is_what_the_library_says(call: Call, folder: Path) -> None:
    code, out, _ = call("why", folder, *TWO, "--json")
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(plain(contrast(RESULT, 5, 6))))
    by_number = call("why", folder, "--setting", "5", "--setting", "6", "--json")
    assert by_number.out == out


def test_what_is_missing_is_run_by_a_command(call: Call, folder: Path, tmp_path: Path) -> None:
    all_there = ("--setting", "threshold: threshold=0.6, block_length=4", "--setting", "credit: beta=0, block_length=4")
    assert json.loads(call("why", folder, *all_there, "--json").out)["command"] is None
    assert "What is missing:" not in call("why", folder, *all_there).out
    arms = Arm("threshold", {"threshold": 0.6}), Arm("credit", {"threshold": 0.9})
    made_result(dataclasses.replace(RESULT.plan, arms=arms)).save(tmp_path / "lacking")
    within = ("--setting", "threshold, block_length=4", "--setting", "credit, block_length=4")
    command = json.loads(call("why", "lacking", *within, "--json").out)["command"]
    assert command.startswith("credit-viz attribute --arm ")
    assert f"What is missing:\n{command}" in call("why", "lacking", *within).out


def test_runs_that_are_left_out_are_counted_in_pairs(call: Call, tmp_path: Path) -> None:
    result = made_result(dataclasses.replace(RESULT.plan, options={**RESULT.plan.options, "seed": (0, 1)}), fail=0.2)
    result.save(tmp_path / "failed")
    found = contrast(result, 5, 6)
    assert found.left_out > 1
    said = f"{found.left_out} pairs of runs left out: one of the two is missing or failed."
    assert said in call("why", "failed", "--setting", "5", "--setting", "6").out


def test_two_saved_runs(call: Call, runs: tuple[Path, Path]) -> None:
    code, out, err = call("why", *runs)
    assert (code, err) == (0, "")
    assert "fast needs 1 fewer pass than slow, 2 instead of 3; both wrote the same text." in out
    lines = [line.split() for line in out.splitlines()]
    assert ["forward", "passes", "3", "2"] in lines
    assert ["credit", "0", "1"] in lines
    told = json.loads(call("why", *runs, "--json").out)
    assert told["measures"][0] == {"name": "forward_passes", "values": [3.0, 2.0]}
    assert (told["names"], told["same_text"], told["divergence"]) == (["slow", "fast"], True, None)
    assert told["sentence"] in out


def test_two_saved_runs_need_no_torch(runs: tuple[Path, Path]) -> None:
    script = (
        "import sys; from credit_viz.cli import main; "
        "code = main(['why', *sys.argv[1:]]); raise SystemExit(code or int('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, *map(str, runs)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bad_input_is_one_line(call: Call, folder: Path, runs: tuple[Path, Path]) -> None:
    one = ("--setting", "threshold: threshold=0.9")
    neither = "two saved runs, or two --setting of one sweep's folder"
    for words, message in (
        ((folder,), "0 settings to compare; valid: --setting twice"),
        ((folder, *one), "1 settings to compare"),
        ((folder, *one, *one, "--block-length", "8"), "setting 5 twice; valid: two different settings"),
        ((folder, *one, "--setting", "credit"), "names 2 settings of this sweep, which differ in block_length: 4, 8"),
        ((folder, *TWO[:4], "--block-length", "16"), "block_length is 4, 8 there, not 16"),
        ((folder, "--setting", "klass", *one), "unknown decoder of this sweep 'klass'"),
        (("nothing", *one, *one), "nothing"),
        (runs[:1], neither),
        ((*runs, runs[0]), neither),
        ((*runs, *one), neither),
        ((folder, runs[0]), neither),
        ((runs[0], "nothing.safetensors"), "no trace file at nothing.safetensors"),
    ):
        assert_refused(call("why", *words), message)
    assert call("why").code == 2


def test_other_prompts_are_refused(call: Call, runs: tuple[Path, Path], tmp_path: Path) -> None:
    trace_of(TOPS, [(1, 0, 1)], gen_length=2, block=(0, 2), prompt="another").save(tmp_path / "another.safetensors")
    assert_refused(call("why", runs[0], "another.safetensors"), "different prompts; valid: two runs of the same one")
