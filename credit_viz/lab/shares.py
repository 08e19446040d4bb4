"""Who does which runs: a worker stays with a prompt, because it remembers that prompt's passes. Knows no processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby

from credit_viz.lab.plan import Run

__all__ = ["Shares", "Unit"]

Unit = Sequence[Run]  #: runs that share prompt and options, done together


class Shares:
    """Units on their way to workers, each handed out once.

    A worker gets one prompt's units after the other's; once no new prompt is left, it helps with the longest share.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self._coming = groupby(units, key=lambda unit: unit[0].prompt.id)
        self._own: dict[Hashable, deque[Unit]] = {}
        self._again: deque[Unit] = deque()

    def take(self, worker: Hashable) -> Unit | None:
        """The next unit of a worker; None when nothing is left."""
        if self._again:
            return self._again.popleft()
        own = self._own.get(worker)
        if own:
            return own.popleft()
        for _, units in self._coming:
            self._own[worker] = deque(units)
            return self._own[worker].popleft()
        longest = max(self._own.values(), key=len, default=None)
        return longest.pop() if longest else None

    def give_back(self, units: Iterable[Unit]) -> None:
        """Units that were taken and not done: they come next."""
        self._again.extend(units)
