"""What the commands of the lab refuse, as someone types it: at once, in one line, before any worker starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from credit_viz.lab import InlineCrew, sweep
from credit_viz.lab.store import MANIFEST, TABLE
from tests.cli.conftest import Call, assert_refused
from tests.lab.conftest import LabModel, small_plan

ROOT = Path(__file__).parents[2]
A = ("sweep", "--prompt", "a")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker may start."""

    def start(*_: Any) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr("credit_viz.lab.crew.LocalCrew._link", start)


def credit(knobs: str) -> tuple[str, ...]:
    return (*A, "--arm", f"credit: {knobs}")


HUGE = [
    (
        (
            "sweep",
            "--tasks",
            "all",
            "--prompts",
            "10",
            "--arm",
            "credit: alpha=0..2/100, beta=0..1/100, gamma=0..1/100",
        ),
        "this sweep has up to 10,000,000 runs; valid: up to 100,000",
    ),
    (credit("alpha=0..2/10000, beta=0..1/10000, gamma=0..1/10000"), "up to 1,000,000,000,001 runs"),
    (credit("alpha=0..2/1000000000"), "range 0..2/1000000000 asks for 1000000000 values; valid: 2 to 100,000"),
    (credit("alpha=0..2/1000000000, random 5"), "asks for 1000000000 values"),
    (credit("alpha=0..2, random 1000000000000"), "up to 1,000,000,000,001 runs"),
    (credit("alpha=0..2, random " + "9" * 5000), "cannot read 'random 999"),
    (credit("alpha=0..2/" + "9" * 5000), "cannot read '0..2/999"),
    (("sweep", "--tasks", "all", "--prompts", "1000000000000"), "this sweep has up to 11,000,000,000,000 runs"),
    (("tune", "--tasks", "all", "--prompts", "1000000000000"), "this search has up to 3,000,000,004,848 runs"),
    (("tune", "--tasks", "all", "--train-prompts", "1000000000"), "50 trials of each decoder on 1,000,000,000 prompts"),
    (("tune", "--tasks", "all", "--trials", "1000000000"), "1,000,000,000 trials of each decoder on 48 prompts"),
    (("attribute", "--prompt", "a", "--arm", "credit: alpha=0..2/100000, beta=0..1/100000"), "10,000,000,000 settings"),
    (("attribute", "--tasks", "all", "--prompts", "1000000000"), "this sweep has up to 3,000,000,000 runs"),
]


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(("words", "part"), HUGE)
def test_what_is_huge_is_never_listed(call: Call, words: tuple[str, ...], part: str) -> None:
    call("sweep", "--arm", "nope")  # what is imported and drawn once is not counted
    tracemalloc.start()
    outcome = call(*words)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_refused(outcome, part)
    assert len(outcome.err) < 400
    assert peak < 10e6, "the smallest of these lists would be 80 MB"


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("words", "part"),
    [
        (credit("alpha=nan"), "credit: alpha=nan is not a number; valid: 0..10"),
        (credit("alpha=inf"), "credit: alpha=inf is out of range"),
        (credit("alpha=nan..1/3"), "range nan..1 is empty"),
        (credit("alpha=0..inf/3"), "range 0..inf is empty"),
        (credit("alpha=1e400"), "credit: alpha=inf is out of range"),
        (credit("threshold=-1"), "credit: threshold=-1 is out of range; valid: 0..2"),
        ((*A, "--arm", "vanilla: steps=1..64/40"), "vanilla: steps=2.61538461538 is not a whole number"),
        ((*A, "--arm", "vanilla: order=up"), "vanilla: unknown order 'up'"),
        ((*A, "--arm", "nope"), "unknown decoder 'nope'; valid: credit"),
        ((*A, "--workers", "0"), "workers=0 is out of range; valid: 1 or more"),
        ((*A, "--threads", "0"), "threads=0 is out of range; valid: 1 or more"),
        ((*A, "--batch", "0"), "batch=0 is out of range; valid: 1 or more"),
        ((*A, "--max-runs", "0"), "valid: up to 0"),
        ((*A, "--gen-length", "99999999999999999999"), "gen_length=99999999999999999999 is out of range"),
        ((*A, "--gen-length", "64,"), "--gen-length '64,': '' is no whole number"),
        (("sweep", "--tasks", ""), "unknown task ''; valid: arithmetic, code, json, story"),
        (("tune", "--prompt", "a", "--prompt", "b", "--margin", "nan"), "margin=nan is out of range"),
        (("tune", "--prompt", "a", "--prompt", "a"), "prompt '2' is for training and held out"),
        (("report", "nowhere"), "nowhere holds no sweep: there is no manifest.json"),
    ],
)
def test_what_is_wrong_is_named_at_once(call: Call, words: tuple[str, ...], part: str) -> None:
    assert_refused(call(*words), part)


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "mine.jsonl holds no prompts"),
        ("\n  \n\n", "mine.jsonl holds no prompts"),
        ('{"prompt": "a"}\n{"prompt"\n', "mine.jsonl, line 2 is no JSON"),
        ("[" * 100_000, "mine.jsonl, line 1 is no JSON"),
        ('{"prompt": "a", "id": "x"}\n{"prompt": "b", "id": "x"}', "two prompts are called 'x'"),
        ('{"prompt": "a", "answer": NaN}', "line 1 has an answer or id that is neither text nor number"),
    ],
)
def test_files_of_prompts(call: Call, text: str, part: str) -> None:
    Path("mine.jsonl").write_text(text, encoding="utf-8")
    assert_refused(call("sweep", "--prompts-file", "mine.jsonl"), part)


# ------------------------------------------------------------------ folders


def no_json(folder: Path) -> None:
    (folder / MANIFEST).write_text("{")


def too_deep(folder: Path) -> None:
    (folder / MANIFEST).write_text("[" * 100_000)


def other_types(folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps({"format": 1, "plan": 3, "model": {}, "versions": {}, "sessions": 3}))


def no_plan(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"plan": {"arms": 3}}))


def no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def short_table(folder: Path) -> None:
    (folder / TABLE).write_bytes((folder / TABLE).read_bytes()[:-100])


DAMAGE: list[tuple[Callable[[Path], None], str]] = [
    (no_json, "manifest.json is damaged"),
    (too_deep, "manifest.json is damaged"),
    (other_types, "manifest.json is damaged: it lacks plan, sessions"),
    (no_plan, "this is no plan of a sweep"),
    (no_manifest, "manifest.json"),
    (short_table, "runs.parquet is damaged"),
]


@pytest.mark.parametrize(("damage", "part"), DAMAGE)
def test_damaged_folders(
    call: Call, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], part: str
) -> None:
    folder, crew = Path("there"), InlineCrew(LabModel())  # type: ignore[arg-type]
    plan = small_plan(prompts=("a",))
    sweep(plan, folder, crew)
    damage(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("credit_viz.cli.plans.PlanChoice.crew", lambda _: crew)
    monkeypatch.setattr("credit_viz.cli.plans.PlanChoice.plan", lambda *_: plan)
    assert_refused(call("sweep", "--out", folder), part)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert_refused(call("report", folder), part)


@pytest.mark.usefixtures("nobody")
def test_folders_that_cannot_be_written(call: Call) -> None:
    Path("file").write_text("")
    assert_refused(call(*A, "--out", "file"), "Directory 'file' is a file")
    assert_refused(call(*A, "--out", "file/below"), "cannot write into file/below")
    assert_refused(call("report", "file"), "Directory 'file' is a file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.usefixtures("nobody")
def test_a_folder_without_permission(call: Call) -> None:
    Path("mine").mkdir(mode=0o500)
    assert_refused(call(*A, "--out", "mine"), "cannot write into mine", "Permission denied")


def test_the_program_itself(tmp_path: Path) -> None:
    """One real process: its exit code, nothing on stdout, one line on stderr."""
    words = [sys.executable, "-m", "credit_viz", "sweep", "--prompt", "a", "--arm", "credit: threshold=3"]
    done = subprocess.run(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "credit-viz: error: credit: threshold=3 is out of range; valid: 0..2\n"
