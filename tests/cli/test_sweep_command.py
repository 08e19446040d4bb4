"""`credit-viz sweep`: its words, what it refuses, and what it prints; workers are this process unless they matter."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from credit_viz.cli import sweep_report
from credit_viz.lab import InlineCrew, LocalCrew, Plan, RayCrew, SweepResult, notation, parse_arm, stream
from credit_viz.lab.running import Progress
from credit_viz.lab.store import Store
from credit_viz.tiny.tasks.story import StoryExample
from tests.cli.conftest import Call, assert_refused
from tests.lab.conftest import LabModel

SMALL = ("--gen-length", "8", "--block-length", "4,8", "--arm", "vanilla", "--arm", "credit: threshold=0.5,0.9")


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> LabModel:
    """Sweeps run in this process, on a mock."""
    model = LabModel(max_positions=400)
    monkeypatch.setattr("credit_viz.cli.plans.PlanChoice.crew", lambda _: InlineCrew(model))  # type: ignore[arg-type]
    return model


@pytest.mark.usefixtures("inline")
def test_a_table_and_a_folder(call: Call, tmp_path: Path) -> None:
    words = ("sweep", *SMALL, "--prompt", "a", "--prompt", "b", "--out", tmp_path / "kept")
    code, out, err = call(*words)
    assert code == 0
    assert f"all runs are in {tmp_path / 'kept'}" in err
    rows = [line for line in out.splitlines() if "vanilla" in line or "credit" in line]
    assert "as vanilla" in out
    assert "exact match" not in out.lower()
    assert len([row for row in rows if "[" in row]) == 6
    assert "8.0 [8.0, 8.0]" in next(row for row in rows if "  vanilla  " in row and "setting" not in row)
    result = SweepResult.load(tmp_path / "kept")
    assert len(result.frame) == 2 * 2 * 3
    assert call(*words).out == out
    assert_refused(call(*words, "--no-resume"), "holds a sweep already")
    more = call(*words, "--arm", "margin", "--json")
    report = json.loads(more.out)
    assert (report["runs"], report["failed"], report["quality"]) == (16, [], "token_agreement")
    assert {row["setting"].split()[0] for row in report["table"]} == {"vanilla", "credit", "margin"}
    front = result_front(SweepResult.load(tmp_path / "kept"))
    assert [[row["setting"], row["block_length"]] for row in report["table"] if row["front"]] == front


def result_front(result: SweepResult) -> list[list[Any]]:
    best = result.front()[["setting", "block_length"]].to_numpy().tolist()
    return [row for row in result.table()[["setting", "block_length"]].to_numpy().tolist() if row in best]


@pytest.mark.usefixtures("inline")
def test_tasks_and_files(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"prompt": "a", "answer": "x"}\n', encoding="utf-8")
    words = ("sweep", "--gen-length", "8", "--block-length", "8", "--arm", "margin", "--tasks", "story,json")
    code, out, err = call(*words, "--split", "train", "--prompts", "3", "--prompts-file", "mine.jsonl")
    assert code == 0
    assert "exact match" in out
    assert "0.0% [0.0%, 0.0%]" in out
    assert "the runs were not kept; --out DIR keeps them" in err
    report = json.loads(call(*words, "--tasks", "all", "--prompts", "4", "--json").out)
    assert report["runs"] == 4
    assert report["folder"] is None


@pytest.mark.usefixtures("inline")
def test_without_quality_there_is_no_front(call: Call) -> None:
    words = (
        "sweep",
        "--gen-length",
        "8",
        "--block-length",
        "8",
        "--arm",
        "margin",
        "--prompt",
        "a",
        "--compare",
        "never",
    )
    code, out, _ = call(*words)
    assert code == 0
    assert "*" not in out
    assert json.loads(call(*words, "--json").out)["quality"] is None


@pytest.mark.usefixtures("inline")
def test_failed_runs_are_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def accepts(_self: StoryExample, _text: str) -> bool:
        raise ZeroDivisionError("by \x1b[31mzero")

    monkeypatch.setattr(StoryExample, "accepts", accepts)
    words = (
        "sweep",
        "--gen-length",
        "8",
        "--block-length",
        "8",
        "--arm",
        "margin",
        "--tasks",
        "story,json",
        "--prompts",
        "2",
    )
    code, out, err = call(*words)
    assert code == 0
    assert "1 runs failed; the first: margin on prompt story-1: ZeroDivisionError: by \\x1b[31mzero" in err
    report = json.loads(call(*words, "--json").out)
    assert report["failed"] == [
        {"setting": "margin", "prompt": "story-1", "message": "ZeroDivisionError: by \x1b[31mzero"}
    ]
    assert "margin" in out


def test_a_dry_run_runs_nothing(call: Call, inline: LabModel, tmp_path: Path) -> None:
    words = ("sweep", *SMALL, "--prompt", "a", "--seeds", "0,1", "--out", tmp_path / "kept", "--dry-run")
    code, out, _ = call(*words)
    assert code == 0
    assert "12 runs: 3 settings, 1 prompts, 4 combinations of options" in out
    assert "12 not there yet: up to 108 forward passes" in out
    told = json.loads(call(*words, "--json").out)
    assert told == {"total": 12, "missing": 12, "most_passes": 108, "settings": 3, "prompts": 1, "options": 4}
    assert inline.calls == 0
    assert not (tmp_path / "kept").exists()


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), ("a sweep of no prompt; valid: own prompts, a file of prompts, or tasks",)),
        (("--tasks", "story,jsn"), ("unknown task 'jsn'",)),
        (("--tasks", "all", "--split", "test"), ("unknown split 'test'",)),
        (("--tasks", "all", "--prompts", "0"), ("0 prompts",)),
        (("--prompt", "a", "--arm", "credit: alpha=0..2"), ("alpha=0..2 does not say how many values",)),
        (("--prompt", "a", "--arm", "credit: alpha=1, beta"), ("alpha",)),
        (("--prompt", "a", "--arm", "credit: threshold=3"), ("threshold=3 is out of range; valid: 0..2",)),
        (("--prompt", "a", "--seeds", "0,x"), ("--seeds '0,x': 'x' is no whole number",)),
        (("--prompt", "a", "--block-length", "24"), ("gen_length=64 is not divisible by block_length=24",)),
        (("--prompt", "a", "--cache", "dul"), ("unknown cache mode 'dul'",)),
        (("--prompt", "a", "--compare", "maybe"), ("unknown compare mode 'maybe'",)),
        (
            ("--prompt", "a", "--gen-length", "512", "--block-length", "512"),
            ("prompt '1' has 1 tokens", "400 positions"),
        ),
        (("--prompt", "a", "--max-runs", "10"), ("this sweep has up to 12 runs; valid: up to 10",)),
        (("--prompts-file", "none.jsonl"), ("cannot read prompts from none.jsonl",)),
        (
            ("--tasks", "all", "--arm", "credit: alpha=0..2/100, beta=0..1/100, threshold=0..1/100", "--prompts", "10"),
            ("has up to 10,000,000 runs", "up to 100,000"),
        ),
    ],
)
def test_what_is_wrong_is_named(call: Call, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    assert_refused(call("sweep", *words), *parts)


def test_workers_must_be(call: Call) -> None:
    assert_refused(call("sweep", "--prompt", "a", "--workers", "0"), "workers=0 is out of range")


@pytest.mark.usefixtures("inline")
def test_a_folder_in_use(call: Call, tmp_path: Path) -> None:
    with Store(tmp_path / "kept"):
        assert_refused(call("sweep", *SMALL, "--prompt", "a", "--out", tmp_path / "kept"), "another sweep works on")


@pytest.mark.usefixtures("inline")
def test_ctrl_c_says_where_to_go_on(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*words: Any, **named: Any) -> Any:
        events = stream(*words, **named)
        yield next(events)
        yield next(events)
        events.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("credit_viz.lab.stream", interrupted)
    words = ("sweep", *SMALL, "--prompt", "a", "--out", tmp_path / "kept")
    code, out, err = call(*words)
    assert (code, out) == (130, "")
    assert f"what is done is kept in {tmp_path / 'kept'}; the same command goes on from there" in err
    monkeypatch.undo()
    assert SweepResult.load(tmp_path / "kept").missing == 5


def test_words_become_a_plan(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the options that say how, as they reach the lab."""
    seen: list[Any] = []

    def look(plan: Plan, *given: Any, **named: Any) -> Any:
        seen.append((plan, given, named))
        raise KeyboardInterrupt

    monkeypatch.setattr("credit_viz.lab.look_ahead", look)
    call(
        *("sweep", "--dry-run", "--model", "m", "--revision", "r", "--device", "cuda:0,cuda:1", "--dtype", "float16"),
        *("--skip-memory-check", "--early-stop", "--cache", "none,dual", "--batch", "8", "--workers", "2"),
        *("--prompt", "a", "--tasks", "code", "--prompts", "7", "--prompts-seed", "3"),
    )
    ((plan, (_, crew), _),) = seen
    assert plan.arms == (parse_arm("vanilla"), parse_arm("threshold: sweep"), parse_arm("credit: sweep"))
    assert (plan.model.source, plan.model.revision, plan.model.device, plan.model.dtype) == (
        "m",
        "r",
        "cuda:0",
        "float16",
    )
    assert plan.model.check_memory is False
    assert plan.options["cache"] == ("none", "dual")
    assert plan.options["early_stop"] == (True,)
    assert (plan.batch, plan.tasks.tasks, plan.tasks.count, plan.tasks.seed) == (8, ("code",), 7, 3)
    assert crew._devices == ("cuda:0", "cuda:1")


def test_help_explains_the_notation(call: Call) -> None:
    code, out, _ = call("sweep", "--help")
    assert code == 0
    notes = out.partition("every combination of them:")[2].partition("Options:")[0]
    examples = [line.strip().partition("   ")[0] for line in notes.splitlines() if line.strip()]
    assert len(examples) == len([line for line in (notation.__doc__ or "").splitlines() if "credit" in line])
    for example in examples:
        parse_arm(example)


def chosen(call: Call, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[str, dict[str, Any]]:
    """Which crew the words ask for, and what it is told; then the command fails."""
    asked: list[tuple[str, dict[str, Any]]] = []

    class AskedError(Exception):
        pass

    for kind in (LocalCrew, RayCrew):

        def crew(*values: Any, kind: type = kind, **named: Any) -> None:
            given = signature(kind).bind(*values, **named).arguments
            asked.append((kind.__name__, {name: value for name, value in given.items() if name != "tell"}))
            raise AskedError

        monkeypatch.setattr(f"{kind.__module__}.{kind.__name__}", crew)
    with pytest.raises(AskedError):
        call("sweep", *SMALL, "--prompt", "a", *words)
    return asked[0]


def test_who_decodes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    local = {"workers": 1, "threads": 1, "devices": ("auto",)}
    ray = {"address": "auto", "workers": None, "threads": 1}
    for words, told in {
        (): ("LocalCrew", local),
        ("--workers", "3", "--threads", "2"): ("LocalCrew", local | {"workers": 3, "threads": 2}),
        ("--device", "cuda:0, cuda:1"): ("LocalCrew", local | {"workers": 2, "devices": ("cuda:0", "cuda:1")}),
        ("--ray", "auto"): ("RayCrew", ray),
        ("--ray", "a:1", "--workers", "3"): ("RayCrew", ray | {"address": "a:1", "workers": 3}),
    }.items():
        with monkeypatch.context() as patch:
            assert chosen(call, patch, *words) == told
    assert_refused(call("sweep", *SMALL, "--prompt", "a", "--ray", "here"), "'here' is no address of a Ray cluster")
    two = call("sweep", *SMALL, "--prompt", "a", "--ray", "auto", "--device", "cuda:0,cuda:1")
    assert_refused(two, "--device 'cuda:0,cuda:1': Ray chooses which GPU")


def progress_of(done: int, seconds: float = 10.0) -> Progress:
    return Progress(done, 20, 1, 0, seconds, 5)


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with sweep_report.progress("a [model]") as tell:
        tell(progress_of(5))
        tell(progress_of(20))
    assert "a [model]" not in capsys.readouterr().out


def test_progress_in_a_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sweep_report, "_SECONDS_BETWEEN_LINES", 0.0)
    with sweep_report.progress("m") as tell:
        tell(progress_of(0))
        tell(progress_of(5))
        tell(progress_of(20))
    assert capsys.readouterr().err.splitlines() == [
        "credit-viz: 0/20 runs, 1 failed",
        "credit-viz: 5/20 runs, 1 failed, 0:00:30 left",
    ]
