"""Sweeps that are being computed: one after the other, each in its own thread, stoppable. Knows the lab only."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from credit_viz.backend.sweeps import StoppableCrew
from credit_viz.errors import BackendError, CreditVizError
from credit_viz.lab import Plan, Progress, stream

__all__ = ["Job", "Jobs"]

Learn = Callable[[Plan, Progress, float], None]

_GOODBYE = 10.0  #: seconds that a sweep has to end its workers
_UNFORESEEN = "the sweep ended in a way that nobody foresaw; the server's own messages say how"


class Job:
    """A sweep on its way. Written by the thread that runs it, read by all.

    Args:
        name: of its thread.
        crew: who computes it.
        learn: told at the end how long it took, see `pace.Pace.learn`.
    """

    def __init__(self, name: str, plan: Plan, folder: Path, crew: StoppableCrew, learn: Learn) -> None:
        self.name = name
        self.plan = plan
        self.folder = folder
        self.state = "queued"  #: queued, loading, running; then done, cancelled or failed
        self.error = ""
        self.progress: Progress | None = None
        self._crew = crew
        self._learn = learn
        self._stopped = threading.Event()

    @property
    def over(self) -> bool:
        """Will it change no more?"""
        return self.state in ("done", "cancelled", "failed")

    def stop(self) -> None:
        """End it soon; what is done is kept."""
        if self.state == "queued":
            self.state = "cancelled"
        self._stopped.set()
        self._crew.stop()

    def run(self) -> None:
        """Compute; returns when it is over."""
        self.state = "loading"
        ending = "failed", _UNFORESEEN
        try:
            ending = ("done", "") if self._finish() else ("cancelled", "")
        except CreditVizError as error:
            ending = ("cancelled", "") if self._stopped.is_set() else ("failed", str(error))
        finally:
            self.state, self.error = ending

    def _finish(self) -> bool:
        """False when it was stopped before the end."""
        began, loading = time.monotonic(), 0.0
        with closing(stream(self.plan, self.folder, self._crew)) as events:
            for progress in events:
                loading = loading or time.monotonic() - began
                self.progress, self.state = progress, "running"
                if self._stopped.is_set() and progress.done < progress.total:
                    return False
        if self.progress is not None:
            self._learn(self.plan, self.progress, loading)
        return True


class Jobs:
    """One job at a time, in order. Thread-safe.

    Args:
        waiting: how many may wait.
    """

    def __init__(self, waiting: int) -> None:
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
            if self._closed:
                raise BackendError("the server is about to end; it starts no more sweeps")
            if len(self._queue) >= self._most:
                raise BackendError(f"{self._most} sweeps wait already; start this one when one of them is over")
            self._queue.append(job)
        self._next()

    def ahead(self, job: Job) -> int:
        """How many are before it, the one that runs included."""
        with self._lock:
            return self._queue.index(job) + 1 if job in self._queue else 0

    def stop(self, job: Job) -> None:
        """End it, whether it runs or waits."""
        with self._lock:
            if job in self._queue:
                self._queue.remove(job)
        job.stop()

    def close(self) -> None:
        """End all of them with their workers; returns when they have ended."""
        with self._lock:
            self._closed = True
            waiting, running = [*self._queue], self._running
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
            thread = threading.Thread(target=self._run, args=(job,), name=f"sweep {job.name}", daemon=True)
            self._running = job, thread
            thread.start()

    def _run(self, job: Job) -> None:
        try:
            job.run()
        finally:
            with self._lock:
                self._running = None
            self._next()
