"""Who computes the runs of a sweep: processes of this machine, or this process. Knows how to hand out work, no files.

A crew of another kind (a cluster's, say) needs the three methods of `Crew`; all that travels is plain JSON.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import credit_viz
from credit_viz import errors
from credit_viz.decoding.memory import PassMemory
from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab.columns import Row, failed_row
from credit_viz.lab.plan import ModelSource, Plan
from credit_viz.lab.shares import Shares, Unit
from credit_viz.lab.work import Identity, Worker
from credit_viz.models.base import DiffusionLM

__all__ = ["Crew", "InlineCrew", "LocalCrew", "Unit"]

_AHEAD = 2  #: units that a worker has been sent: it never waits for the next one
_ATTEMPTS = 2  #: how often a unit is tried whose worker dies
_GOODBYE = 5.0  #: seconds that a worker has to end


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


@dataclass
class _Process:
    """A worker process and what it has been sent."""

    source: ModelSource
    popen: subprocess.Popen[str]
    reader: threading.Thread
    ready: bool = False
    sent: deque[Unit] = field(default_factory=deque)

    def send(self, message: Any) -> None:
        assert self.popen.stdin is not None
        with suppress(OSError):  # it died: its reader will say so
            self.popen.stdin.write(json.dumps(message) + "\n")
            self.popen.stdin.flush()

    def end(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.reader.join()
        for pipe in (self.popen.stdin, self.popen.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not yet sent
                pipe.close()


class LocalCrew:
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
        for name, value in (("workers", workers), ("threads", threads)):
            if value < 1:
                raise SettingsError(f"{name}={value} is out of range; valid: 1 or more")
        self._count = workers
        self._threads = threads
        self._devices = devices
        self._memory = memory
        self._plan: Plan | None = None
        self._identity: Identity | None = None
        self._processes: dict[int, _Process] = {}
        self._started = 0
        self._heard: queue.SimpleQueue[tuple[int, str | None]] = queue.SimpleQueue()
        self._deaths: dict[int, int] = {}  #: by id of a unit that is sent

    def open(self, plan: Plan) -> Identity:
        """See `Crew`. All workers load at once; the first of them checks the plan."""
        self._plan = plan
        for place in range(self._count):
            device = self._devices[place % len(self._devices)] if self._devices else plan.model.device
            self._start(replace(plan.model, device=device), check=place == 0)
        first = next(iter(self._processes))
        while self._identity is None or not self._processes[first].ready:
            self._hear()
        return self._identity

    def run(self, units: Iterable[Unit]) -> Generator[tuple[Unit, list[Row]]]:
        """See `Crew`."""
        shares = Shares(units)
        while True:
            all_out = self._hand_out(shares)
            if all_out and not any(process.sent for process in self._processes.values()):
                return
            done, lost = self._hear()
            shares.give_back(lost)
            if done is not None:
                yield done

    def close(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.end()
        self._processes.clear()

    def _start(self, source: ModelSource, check: bool = False) -> None:
        assert self._plan is not None
        number, self._started = self._started, self._started + 1
        popen = subprocess.Popen(
            [sys.executable, "-m", "credit_viz.lab.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=_environment(self._threads),
        )
        reader = threading.Thread(target=self._listen, args=(number, popen), daemon=True)
        process = self._processes[number] = _Process(source, popen, reader)
        reader.start()
        plan = replace(self._plan, model=source)
        order = {"plan": plan.to_json(), "threads": self._threads, "memory": self._memory, "check": check}
        process.send(order)

    def _listen(self, number: int, popen: subprocess.Popen[str]) -> None:
        assert popen.stdout is not None
        for line in popen.stdout:
            self._heard.put((number, line))
        self._heard.put((number, None))

    def _hand_out(self, shares: Shares) -> bool:
        """Give every worker that is ready something to do, and something to do next; True when nothing is left."""
        for depth in range(1, _AHEAD + 1):
            for number, process in self._processes.items():
                if process.ready and len(process.sent) < depth:
                    unit = shares.take(number)
                    if unit is None:
                        return True
                    process.sent.append(unit)
                    process.send([run.to_json() for run in unit])
        return False

    def _hear(self) -> tuple[tuple[Unit, list[Row]] | None, Sequence[Unit]]:
        """Wait for a worker: a unit that is done, and units that a death has left undone."""
        number, line = self._heard.get()
        process = self._processes.get(number)
        if process is None:
            return None, ()
        message = None if line is None else _parsed(line)
        if message is None:
            return self._bury(number, process)
        if "rows" in message:
            unit = process.sent.popleft()
            self._deaths.pop(id(unit), None)
            return (unit, message["rows"]), ()
        self._greet(process, message)
        return None, ()

    def _greet(self, process: _Process, message: Mapping[str, Any]) -> None:
        if "error" in message:
            raise getattr(errors, message["error"])(message["message"])
        identity = Identity(**message["ready"])
        if self._identity is None:
            self._identity = identity
        elif self._identity[:2] != identity[:2]:
            raise BackendError(f"two workers hold different models: {self._identity[:2]} and {identity[:2]}")
        process.ready = True

    def _bury(self, number: int, process: _Process) -> tuple[tuple[Unit, list[Row]] | None, Sequence[Unit]]:
        """A worker died: another takes its place, and its units are tried again."""
        del self._processes[number]
        process.end()
        code = process.popen.returncode
        if not process.ready:
            raise BackendError(f"a worker ended before it had loaded the model (exit code {code})")
        self._start(process.source)
        if not process.sent:
            return None, ()
        unit, *rest = process.sent
        self._deaths[id(unit)] = deaths = self._deaths.get(id(unit), 0) + 1
        if deaths < _ATTEMPTS:
            return None, (unit, *rest)
        del self._deaths[id(unit)]
        row = failed_row(f"its worker process died {deaths} times (exit code {code})")
        return (unit, [dict(row) for _ in unit]), rest


def _parsed(line: str) -> dict[str, Any] | None:
    """A worker's message; None for a line that its death cut off."""
    if not line.endswith("\n"):
        return None
    message: dict[str, Any] = json.loads(line)
    return message


def _environment(threads: int) -> dict[str, str]:
    """The same package and no more threads than asked for, also before torch is told."""
    own = str(Path(credit_viz.__file__).parents[1])
    paths = [own, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(threads)}
