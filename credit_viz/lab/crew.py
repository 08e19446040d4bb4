"""Who computes the runs of a sweep: processes of this machine, or this process. Knows how to reach them, no files.

A crew of another kind needs the three methods of `Crew`; `team.Team` has what is the same wherever workers sit.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import credit_viz
from credit_viz.decoding.memory import PassMemory
from credit_viz.errors import SettingsError
from credit_viz.lab.columns import Row
from credit_viz.lab.plan import ModelSource, Plan
from credit_viz.lab.shares import Unit
from credit_viz.lab.team import Heard, Team
from credit_viz.lab.work import Identity, Worker
from credit_viz.models.base import DiffusionLM

__all__ = ["GOODBYE", "Crew", "InlineCrew", "LocalCrew", "Unit", "environment", "package_folder"]

GOODBYE = 5.0  #: seconds that a child process has to end


class Crew(Protocol):
    """Workers that hold a model each."""

    def open(self, plan: Plan) -> Identity:
        """Load the model of a plan and check that the plan fits it.

        Raises:
            CreditVizError: it does not, or there is no such model.
        """

    def run(self, units: Iterable[Unit]) -> Generator[tuple[Unit, list[Row]]]:
        """Each unit once, with its rows, in any order. Close the generator to stop."""

    def close(self) -> None:
        """Let go of everything; may be called at any time, and twice."""


class InlineCrew:
    """This process, with a model that is already loaded.

    Args:
        memory: bytes of forward passes to remember, see `PassMemory`; 0 computes each of them again.
    """

    def __init__(self, model: DiffusionLM, memory: int = PassMemory.max_bytes) -> None:
        self._model = model
        self._memory = memory
        self._worker: Worker | None = None

    def open(self, plan: Plan) -> Identity:
        """See `Crew`; the plan's own model is not loaded."""
        self._worker = Worker(self._model, plan, self._memory)
        self._worker.check()
        return self._worker.identity()

    def run(self, units: Iterable[Unit]) -> Generator[tuple[Unit, list[Row]]]:
        """See `Crew`."""
        assert self._worker is not None
        for unit in units:
            yield unit, self._worker.run(unit)

    def close(self) -> None:
        """Nothing is held."""


class LocalCrew(Team):
    """Processes of this machine. A process that dies costs the run it was at, which is tried once more.

    Args:
        workers: how many.
        threads: of each, on a CPU.
        devices: of the workers in turn, such as ("cuda:0", "cuda:1"); the plan's device for all if not given.
        memory: bytes of forward passes that each of them remembers, as for `InlineCrew`.

    Raises:
        SettingsError: no workers or no threads.
    """

    def __init__(
        self,
        workers: int = 1,
        threads: int = 1,
        devices: Sequence[str] = (),
        memory: int = PassMemory.max_bytes,
    ) -> None:
        if workers < 1:
            raise SettingsError(f"workers={workers} is out of range; valid: 1 or more")
        super().__init__(threads, memory)
        self._count = workers
        self._devices = devices

    def _sources(self, plan: Plan) -> Sequence[ModelSource]:
        devices = self._devices or (plan.model.device,)
        return [replace(plan.model, device=devices[place % len(devices)]) for place in range(self._count)]

    def _link(self, number: int) -> _Process:
        popen = subprocess.Popen(
            [sys.executable, "-m", "credit_viz.lab.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**environment(), "OMP_NUM_THREADS": str(self._threads)},
        )
        reader = threading.Thread(target=_listen, args=(number, popen, self._heard), daemon=True)
        reader.start()
        return _Process(popen, reader)


@dataclass
class _Process:
    """A worker process of this machine."""

    popen: subprocess.Popen[str]
    reader: threading.Thread

    def send(self, line: str) -> None:
        assert self.popen.stdin is not None
        with suppress(OSError):  # it died: its reader will say so
            self.popen.stdin.write(line + "\n")
            self.popen.stdin.flush()

    def end(self) -> str:
        self.popen.terminate()
        try:
            self.popen.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.reader.join()
        for pipe in (self.popen.stdin, self.popen.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not yet sent
                pipe.close()
        return f"exit code {self.popen.returncode}"


def _listen(number: int, popen: subprocess.Popen[str], heard: queue.SimpleQueue[Heard]) -> None:
    assert popen.stdout is not None
    for line in popen.stdout:
        if line.endswith("\n"):  # else its death cut it off
            heard.put((number, line))
    heard.put((number, None))


def package_folder() -> str:
    """Where this package lies."""
    return str(Path(credit_viz.__file__).parents[1])


def environment() -> dict[str, str]:
    """For child processes: they find the same package."""
    paths = [package_folder(), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
