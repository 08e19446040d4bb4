"""Kills a sweep before each thing it does to its folder in turn, and resumes it. Run by test_lab_crash.py.

`python -m tests.lab.crashing FOLDER` writes one JSON line per kill. Every sweep is a fork, so that all begin alike.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from credit_viz.lab import Arm, InlineCrew, Plan, SweepResult, sweep
from credit_viz.lab.store import read_rows
from tests.lab.conftest import LabModel, small_plan

#: what Python tells its auditors before it does it.
TOUCHING = ("open", "os.mkdir", "os.rename", "os.remove")
OPTIONS = {"gen_length": 8, "block_length": 8}
PLAN = small_plan(arms=(Arm("margin"),), prompts=("one", "two"), options=OPTIONS)
SMALLER = small_plan(arms=(Arm("margin"),), prompts=("two",), options=OPTIONS)


def run(plan: Plan, folder: Path | None) -> SweepResult:
    return sweep(plan, folder, InlineCrew(LabModel()))  # type: ignore[arg-type]


def dying(folder: Path, moment: int) -> None:
    """A sweep that is killed before the moment-th time it touches its folder, or syncs a file."""
    touched = 0

    def touch(what: str) -> None:
        nonlocal touched
        if touched == moment:
            (folder.parent / "what").write_text(what)
            os.kill(os.getpid(), signal.SIGKILL)
        touched += 1

    def audit(event: str, told: tuple[Any, ...]) -> None:
        if event in TOUCHING and str(told[0]).startswith(str(folder)):
            touch(f"{event} {Path(str(told[0])).name}")

    sync = os.fsync

    def fsync(file: int) -> None:
        touch("fsync")
        sync(file)

    os.fsync = fsync
    sys.addaudithook(audit)
    run(PLAN, folder)


def resumed(folder: Path) -> None:
    """Goes on, and says what it found and whether it ended as a sweep that nobody disturbed."""
    there = len(read_rows(folder))
    did: list[str] = []
    model = LabModel()
    result = sweep(PLAN, folder, Counting(model, did))
    same = result.frame.drop(columns="seconds").equals(run(PLAN, None).frame.drop(columns="seconds"))
    left = sorted(path.name for path in folder.iterdir())
    what = (folder.parent / "what").read_text()
    print(json.dumps({"what": what, "there": there, "did": len(did), "same": same, "left": left}), flush=True)


class Counting(InlineCrew):
    """Counts its runs."""

    def __init__(self, model: Any, did: list[str]) -> None:
        super().__init__(model)
        self._did = did

    def run(self, units: Any) -> Any:
        for unit, rows in super().run(units):
            self._did.append(unit[0].prompt.id)
            yield unit, rows


def fork(work: Callable[..., object], *given: Any) -> int:
    """The exit code of a child that does this."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        work(*given)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def main(root: Path) -> None:
    fork(run, SMALLER, root / "smaller")
    for kind in ("new", "grown"):
        code, moment = -signal.SIGKILL, 0
        while code == -signal.SIGKILL:
            folder = root / f"{kind}-{moment}" / "sweep"
            folder.parent.mkdir()
            if kind == "grown":
                shutil.copytree(root / "smaller", folder)
            code = fork(dying, folder, moment)
            if code == -signal.SIGKILL and fork(resumed, folder):
                sys.exit(f"{kind} {moment} could not go on")
            moment += 1
        if code:
            sys.exit(f"{kind} {moment} ended with {code}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
