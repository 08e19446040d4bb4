"""Sweeps that are being computed: one after the other, each in its own thread, stoppable. Knows the lab only."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from credit_viz.errors import BackendError, CreditVizError
from credit_viz.lab import Crew, Plan, Progress, stream

__all__ = ["Job", "Jobs"]

_GOODBYE = 10.0  #: seconds that a sweep has to end its workers


class Job:
    """A sweep on its way."""

    def __init__(self, name: str, plan: Plan, folder: Path) -> None:
        self.name = name
        self.plan = plan
        self.folder = folder
        self.state = "queued"  #: queued, loading, running; then done, cancelled or failed
        self.error = ""
        self.progress: Progress | None = None
        self._stopped = threading.Event()

    @property
    def over(self) -> bool:
        """Will it change no more?"""
        return self.state in ("done", "cancelled", "failed")

    def stop(self) -> None:
        """What is done is kept."""
        self._stopped.set()

    def run(self, crew: Crew) -> None:
        """Compute; returns when it is over."""
        self.state, error = "loading", "the sweep ended in a way that nobody foresaw; the server's own messages say how"
        state = "failed"
        try:
            with closing(stream(self.plan, self.folder, crew)) as events:
                for progress in events:
                    self.progress, self.state = progress, "running"
                    if self._stopped.is_set():
                        break
            state, error = "done", ""
        except CreditVizError as failure:
            error = str(failure)
        finally:
            if self._stopped.is_set():
                state, error = "cancelled", ""
            self.error, self.state = error, state


class Jobs:
    """One job at a time, in order; thread-safe.

    Args:
        crew: makes who computes one sweep.
        waiting: how many may wait.
    """

    def __init__(self, crew: Callable[[], Crew], waiting: int) -> None:
        self._crew = crew
        self._most = waiting
        self._lock = threading.Lock()
        self._queue: deque[Job] = deque()
        self._running: tuple[Job, threading.Thread] | None = None
        self._closed = False

    def put(self, job: Job) -> None:
        """Start it, now or when it is its turn.

        Raises:
            BackendError: too many wait already.
        """
        with self._lock:
            if self._closed or len(self._queue) >= self._most:
                raise BackendError(f"{len(self._queue)} sweeps wait already; start this one when one of them is over")
            self._queue.append(job)
        self._next()

    def ahead(self, job: Job) -> int:
        """How many are before it in the queue, the one that runs included."""
        with self._lock:
            return self._queue.index(job) + 1 if job in self._queue else 0

    def stop(self, job: Job) -> None:
        """End it, whether it runs or waits."""
        with self._lock:
            if job in self._queue:
                self._queue.remove(job)
                job.state = "cancelled"
        job.stop()

    def close(self) -> None:
        """End all of them and their workers."""
        with self._lock:
            self._closed = True
            waiting = [*self._queue]
            running = self._running
        for job in waiting:
            self.stop(job)
        if running is not None:
            running[0].stop()
            running[1].join(_GOODBYE)

    def _next(self) -> None:
        with self._lock:
            if self._running is not None or not self._queue:
                return
            job = self._queue.popleft()
            thread = threading.Thread(target=self._run, args=(job,), name=f"sweep-{job.name}", daemon=True)
            self._running = job, thread
            thread.start()

    def _run(self, job: Job) -> None:
        try:
            job.run(self._crew())
        finally:
            with self._lock:
                self._running = None
            self._next()
