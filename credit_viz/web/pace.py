"""How long a sweep will take, from how long sweeps took here before. Knows plans and progress; no clock of its own."""

from __future__ import annotations

import threading

from credit_viz.backend.sweeps import SweepBackend
from credit_viz.lab import Plan, Progress

__all__ = ["Pace"]

_TELLING = 20  #: runs from which on a sweep says how fast the next one will be


class Pace:
    """Seconds per generated position of all workers together. Thread-safe.

    Until a sweep has run here, it is guessed from one run alone.
    """

    def __init__(self, backend: SweepBackend | None) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._loading: float | None = None
        self._per_position: float | None = None

    def seconds(self, plan: Plan) -> float | None:
        """What a plan would take; None where nobody can say."""
        if self._backend is None:
            return None
        with self._lock:
            loading, each = self._loading, self._per_position
        if each is None:
            alone = self._backend.seconds_per_position
            each = None if alone is None else alone / self._backend.workers
        if each is None:
            return None
        return (self._backend.loading_seconds if loading is None else loading) + each * _positions(plan)

    def learn(self, plan: Plan, progress: Progress, loading: float) -> None:
        """Take in what a sweep took. loading: seconds until its first run began."""
        with self._lock:
            self._loading = loading
            if progress.done - progress.reused >= _TELLING:
                share = (progress.done - progress.reused) / progress.total
                self._per_position = progress.seconds / (_positions(plan) * share)


def _positions(plan: Plan) -> int:
    """Positions that all runs generate."""
    return sum(run.options.gen_length for run in plan.runs())
