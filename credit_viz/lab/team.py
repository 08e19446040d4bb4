"""Workers that are sent messages: who gets which unit, and what the death of one costs. Knows no processes, no cluster.

A worker is a `serve.Server` somewhere; a kind of crew says how one is started and reached. What travels is lines of
JSON. A worker that dies costs the unit it was at, which is tried once more; what it was sent besides is handed on.
"""

from __future__ import annotations

import json
import queue
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from credit_viz import errors
from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab.columns import Row, failed_row
from credit_viz.lab.plan import ModelSource, Plan
from credit_viz.lab.shares import Shares, Unit
from credit_viz.lab.work import Identity
from credit_viz.versions import versions

__all__ = ["Heard", "Link", "Team"]

_AHEAD = 2  #: units that a worker has been sent: it never waits for the next one
_ATTEMPTS = 2  #: how often a unit is tried whose worker dies, and a worker is started that dies while it loads

Heard = tuple[int, str | None]  #: a worker's number, and a line it said; None: it is gone


class Link(Protocol):
    """The way to one worker."""

    def send(self, line: str) -> None:
        """Hand a line to it; nothing happens where it has died."""

    def end(self) -> str:
        """End it, if it has not ended yet; how it ended, in words that fit into brackets."""


@dataclass
class _Worker:
    """A worker and what it has been sent."""

    source: ModelSource
    check: bool  #: it is to check the plan
    attempt: int  #: from 1, of starting it
    link: Link
    ready: bool = False
    sent: deque[Unit] = field(default_factory=deque)


class Team(ABC):
    """A crew of workers that are reached by links; see `crew.Crew`.

    Args:
        threads: of each worker, on a CPU.
        memory: bytes of forward passes that each of them remembers, see `PassMemory`.

    Raises:
        SettingsError: no threads.
    """

    def __init__(self, threads: int, memory: int) -> None:
        if threads < 1:
            raise SettingsError(f"threads={threads} is out of range; valid: 1 or more")
        self._threads = threads
        self._memory = memory
        self._plan: Plan | None = None
        self._identity: Identity | None = None
        self._checked = False
        self._workers: dict[int, _Worker] = {}
        self._started = 0
        self._heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._deaths: dict[int, int] = {}  #: by id of a unit that is sent

    @abstractmethod
    def _sources(self, plan: Plan) -> Sequence[ModelSource]:
        """What each worker is to load: one per worker."""

    @abstractmethod
    def _link(self, number: int) -> Link:
        """Start a worker; what it says is put into `_heard` under its number."""

    def _hear(self) -> Heard:
        """Wait for what a worker says."""
        return self._heard.get()

    def open(self, plan: Plan) -> Identity:
        """See `crew.Crew`. All workers load at once; the first of them checks the plan."""
        self._plan = plan
        self._checked = False
        for place, source in enumerate(self._sources(plan)):
            self._start(source, check=place == 0)
        while self._identity is None or not self._checked:
            self._listen()
        return self._identity

    def run(self, units: Iterable[Unit]) -> Generator[tuple[Unit, list[Row]]]:
        """See `crew.Crew`."""
        shares = Shares(units)
        while True:
            all_out = self._hand_out(shares)
            if all_out and not any(worker.sent for worker in self._workers.values()):
                return
            done, lost = self._listen()
            shares.give_back(lost)
            if done is not None:
                yield done

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.link.end()
        self._workers.clear()

    def _start(self, source: ModelSource, check: bool = False, attempt: int = 1) -> None:
        assert self._plan is not None
        number, self._started = self._started, self._started + 1
        link = self._link(number)
        self._workers[number] = _Worker(source, check, attempt, link)
        plan = replace(self._plan, model=source)
        order = {"plan": plan.to_json(), "threads": self._threads, "memory": self._memory, "check": check}
        link.send(json.dumps(order))

    def _hand_out(self, shares: Shares) -> bool:
        """Give every worker that is ready something to do, and something to do next; True when nothing is left."""
        for depth in range(1, _AHEAD + 1):
            for number, worker in self._workers.items():
                if worker.ready and len(worker.sent) < depth:
                    unit = shares.take(number)
                    if unit is None:
                        return True
                    worker.sent.append(unit)
                    worker.link.send(json.dumps([run.to_json() for run in unit]))
        return False

    def _listen(self) -> tuple[tuple[Unit, list[Row]] | None, Sequence[Unit]]:
        """Wait for a worker: a unit that is done, and units that a death has left undone."""
        number, line = self._hear()
        worker = self._workers.get(number)
        if worker is None:
            return None, ()
        if line is None:
            return self._bury(number, worker)
        message: dict[str, Any] = json.loads(line)
        if "rows" in message:
            unit = worker.sent.popleft()
            self._deaths.pop(id(unit), None)
            return (unit, message["rows"]), ()
        self._greet(worker, message)
        return None, ()

    def _greet(self, worker: _Worker, message: Mapping[str, Any]) -> None:
        if "error" in message:
            raise getattr(errors, message["error"])(message["message"])
        identity = Identity(**message["ready"])
        theirs, ours = (found.get("credit-viz") for found in (identity.versions, versions(["credit-viz"])))
        if theirs != ours:
            raise BackendError(f"a worker has credit-viz {theirs}, here is {ours}; install the same version there")
        if self._identity is None:
            self._identity = identity
        elif self._identity[:2] != identity[:2]:
            raise BackendError(f"two workers hold different models: {self._identity[:2]} and {identity[:2]}")
        worker.ready = True
        self._checked = self._checked or worker.check

    def _bury(self, number: int, worker: _Worker) -> tuple[tuple[Unit, list[Row]] | None, Sequence[Unit]]:
        """A worker died: another takes its place, and its units are tried again."""
        del self._workers[number]
        how = worker.link.end()
        if not worker.ready:
            if worker.attempt == _ATTEMPTS:
                raise BackendError(f"a worker ended before it had loaded the model ({how})")
            self._start(worker.source, worker.check, worker.attempt + 1)
            return None, ()
        self._start(worker.source)
        if not worker.sent:
            return None, ()
        unit, *rest = worker.sent
        self._deaths[id(unit)] = deaths = self._deaths.get(id(unit), 0) + 1
        if deaths < _ATTEMPTS:
            return None, (unit, *rest)
        del self._deaths[id(unit)]
        row = failed_row(f"its worker process died {deaths} times ({how})")
        return (unit, [dict(row) for _ in unit]), rest
