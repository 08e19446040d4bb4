"""Worker processes: the same results as in this process, whoever dies on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from credit_viz.errors import BackendError, CheckpointError, SettingsError
from credit_viz.lab import Arm, InlineCrew, LocalCrew, ModelSource, SweepResult, stream, sweep
from credit_viz.lab import crew as crew_module
from credit_viz.lab import serve as serve_module
from credit_viz.lab import team as team_module
from credit_viz.lab.plan import Plan
from tests.lab.conftest import PEAKY, peaky_plan, small_plan
from tests.lab.test_lab_running import assert_equal

ROOT = Path(__file__).parents[2]


def test_processes_give_what_this_process_gives(tmp_path: Path, here: InlineCrew) -> None:
    plan = peaky_plan(compare="always")
    found = sweep(plan, tmp_path, workers=2)
    assert_equal(found, sweep(plan, workers=here))
    assert len(found.failed) == 0


def popens(crew: LocalCrew) -> list[subprocess.Popen[str]]:
    return [worker.link.popen for worker in crew._workers.values()]  # type: ignore[attr-defined]


def test_a_worker_that_dies_costs_nothing(tmp_path: Path, here: InlineCrew) -> None:
    crew = LocalCrew(2)
    with closing(stream(peaky_plan(), tmp_path, crew)) as events:
        for event in events:
            if event.done in (3, 20):
                worker = popens(crew)[0]
                worker.kill()
                worker.wait()
    assert_equal(SweepResult.load(tmp_path), sweep(peaky_plan(), workers=here))


def deadly(line: str) -> bool:
    message = json.loads(line)
    runs = message if isinstance(message, list) else []
    return any(run["settings"]["threshold"] == 0.5 and run["prompt"] == "2" for run in runs)


def test_a_run_that_kills_its_worker_twice_is_a_failed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send = crew_module._Process.send

    def send_or_kill(process: Any, line: str) -> None:
        if deadly(line):
            process.popen.kill()
            process.popen.wait()
        send(process, line)

    monkeypatch.setattr(crew_module._Process, "send", send_or_kill)
    monkeypatch.setattr(team_module, "_AHEAD", 1)
    plan = peaky_plan(
        arms=(Arm("threshold", {"threshold": (0.4, 0.5, 0.6)}),),
        options={"gen_length": 8, "block_length": 8},
        compare="never",
    )
    result = sweep(plan, tmp_path, LocalCrew(1))
    told = result.failed[["setting", "prompt", "failed"]].to_numpy().tolist()
    assert told == [["threshold threshold=0.5", "2", "its worker process died 2 times (exit code -9)"]]
    assert result.missing == 0


def test_a_worker_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        sweep(small_plan(model=ModelSource(str(tmp_path / "nowhere"), device="cpu")), tmp_path, 1)
    with pytest.raises(SettingsError, match=r"vanilla steps=64 .*: steps=64 does not fit 8 positions"):
        sweep(peaky_plan(arms=(Arm("vanilla", {"steps": (4, 64)}),)), tmp_path, 1)
    monkeypatch.setattr(crew_module.sys, "executable", "false")
    with pytest.raises(BackendError, match=r"a worker ended before it had loaded the model \(exit code 1\)"):
        sweep(peaky_plan(), tmp_path, 2)
    assert not (tmp_path / "manifest.json").exists()


class Recorder:
    """A worker on a device that is not here: it is ready at once, with the given model, and does nothing."""

    def __init__(self, heard: Any, number: int, version: str = version("credit-viz")) -> None:
        self.lines: list[Any] = []
        self._heard, self._number, self._version = heard, number, version

    def send(self, line: str) -> None:
        self.lines.append(json.loads(line))
        if len(self.lines) == 1:
            device = self.lines[0]["plan"]["model"]["device"].partition(":")[0]
            told = {"model": {"device": device}, "versions": {"credit-viz": self._version}, "machine": "some GPU"}
            self._heard.put((self._number, json.dumps({"ready": told})))

    def end(self) -> str:
        return "exit code 1"


def recorded(monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Recorder]:
    """Every worker that a crew starts from now on."""
    found: list[Recorder] = []

    def link(crew: LocalCrew, number: int) -> Recorder:
        found.append(Recorder(crew._heard, number, **options))
        return found[-1]

    monkeypatch.setattr(LocalCrew, "_link", link)
    return found


def test_several_devices_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker one device; the one that takes a dead one's place takes its device, too."""
    workers = recorded(monkeypatch)
    crew = LocalCrew(3, devices=("cuda:0", "cuda:1"))
    assert crew.open(small_plan()).model == {"device": "cuda"}
    units = crew.run([(run,) for run in small_plan(prompts=("a", "b", "c", "d")).runs()])
    crew._heard.put((1, None))
    crew._heard.put((2, '{"rows": [{}]}'))
    next(units)
    assert [worker.lines[0]["plan"]["model"]["device"] for worker in workers] == [
        "cuda:0",
        "cuda:1",
        "cuda:0",
        "cuda:1",
    ]
    assert [worker.lines[0]["check"] for worker in workers] == [True, False, False, False]
    crew.close()


def test_workers_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(monkeypatch)
    crew = LocalCrew(2, devices=("cuda:0", "cpu"))
    plan = small_plan()
    crew.open(plan)
    with pytest.raises(BackendError, match="two workers hold different models"):
        next(crew.run([(run,) for run in plan.runs()]))
    recorded(monkeypatch, version="0.0.1")
    with pytest.raises(
        BackendError, match=r"a worker has credit-viz 0\.0\.1, here is .*; install the same version there"
    ):
        LocalCrew(1).open(plan)


def test_bad_numbers() -> None:
    with pytest.raises(SettingsError, match="workers=0 is out of range"):
        LocalCrew(0)
    with pytest.raises(SettingsError, match="threads=0 is out of range"):
        LocalCrew(1, 0)


def test_closing_ends_the_workers(tmp_path: Path) -> None:
    crew = LocalCrew(2)
    events = stream(peaky_plan(), tmp_path, crew)
    next(events)
    processes = popens(crew)
    events.close()
    assert [process.poll() is not None for process in processes] == [True, True]
    crew.close()


def test_a_worker_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a checker that never returns: the sweep waits for it, until it is stopped; what is done is kept."""
    monkeypatch.setattr(crew_module, "GOODBYE", 0.2)
    crew = LocalCrew(2)
    with closing(stream(peaky_plan(), tmp_path, crew)) as events:
        done = [next(events) for _ in range(5)][-1].done
        processes = popens(crew)
        for process in processes:
            process.send_signal(signal.SIGSTOP)
    assert {process.poll() for process in processes} <= {-signal.SIGTERM, -signal.SIGKILL}
    assert len(SweepResult.load(tmp_path).frame) == done


def test_a_worker_ends_with_its_parent() -> None:
    """What kills the parent closes the worker's input."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "credit_viz.lab.serve"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(order(peaky_plan()))
    worker.stdin.flush()
    assert "ready" in worker.stdout.readline()
    worker.stdin.close()
    assert worker.wait(300) == 0
    worker.stdout.close()


def order(plan: Plan) -> str:
    return json.dumps({"plan": plan.to_json(), "threads": 1, "memory": 1 << 20, "check": True}) + "\n"


def test_the_talk_of_a_worker(capsys: pytest.CaptureFixture[str]) -> None:
    plan = peaky_plan()
    runs = [run.to_json() for run in list(plan.runs())[:2]]
    serve_module.serve([order(plan), json.dumps(runs)], sys.stdout)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["ready"]["model"]["family"] == "llada"
    assert [row["failed"] for row in second["rows"]] == [None, None]
    serve_module.serve([order(peaky_plan(prompts=("  ",)))], sys.stdout)
    told = json.loads(capsys.readouterr().out)
    assert (told["error"], "prompt '1'" in told["message"]) == ("PromptError", True)


KILLS = int(os.environ.get("KILLS", "2"))
COMMAND = (
    *("sweep", "--model", str(PEAKY), "--device", "cpu", "--dtype", "float32", "--workers", "2"),
    *("--arm", "credit: alpha=0..2/9, threshold=0.5,0.8", "--arm", "threshold: sweep"),
    # more runs for more kills, so that none of them comes too late
    *("--gen-length", "16", "--block-length", "8,16", "--seeds", ",".join(map(str, range(KILLS // 2 + 2)))),
    *(word for text in ("one", "two", "three") for word in ("--prompt", text)),
)


def start(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "credit_viz", *COMMAND, "--out", str(folder)]
    return subprocess.Popen(
        words, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def lines(folder: Path) -> int:
    file = folder / "runs.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def kill(process: subprocess.Popen[bytes]) -> None:
    """The whole process group, at once: nobody can tidy up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed(tmp_path: Path, here: InlineCrew) -> None:
    """KILLS=10 kills ten times; twice without it."""
    rng = random.Random(4)
    process, killed_at = start(tmp_path), []
    for _ in range(KILLS):
        target = lines(tmp_path) + rng.randrange(40)
        until = time.monotonic() + 120
        while lines(tmp_path) <= target and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.05)
        kill(process)
        killed_at.append(lines(tmp_path))
        process = start(tmp_path)
    assert process.wait(900) == 0
    found = SweepResult.load(tmp_path)
    assert found.missing == 0
    print(f"killed after {killed_at} of {len(found.frame)} runs")
    assert sum(0 < runs < len(found.frame) for runs in killed_at) > KILLS / 2, "in the middle of the work"
    assert killed_at == sorted(killed_at), "nothing was lost"
    assert_equal(found, sweep(found.plan, workers=here))
