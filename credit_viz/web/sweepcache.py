"""What was read of sweeps' folders, kept until they change. Knows the lab's files; not whose they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from credit_viz.lab import SweepResult
from credit_viz.lab.found import Signature, Summary, signature, summarize

__all__ = ["SweepCache"]

_TABLES = 4  #: that are held at a time
_FRESH = 1.0  #: seconds for which what grows is not read again

T = TypeVar("T")


class _Held(NamedTuple, Generic[T]):
    """What was read of a folder."""

    mark: Signature
    read: float  #: when
    value: T


class SweepCache:
    """Thread-safe; reading one sweep keeps nobody from another.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reading: dict[Path, threading.Lock] = {}
        self._summaries: dict[Path, _Held[Summary]] = {}
        self._tables: OrderedDict[Path, _Held[SweepResult]] = OrderedDict()

    def summary(self, folder: Path, growing: bool = False) -> Summary:
        """What a folder holds; errors as `summarize`, growing as in `result`."""
        mark = signature(folder)
        with self._lock:
            held = self._summaries.get(folder)
        if held is None or self._is_old(held, mark, growing):
            held = _Held(mark, self._clock(), summarize(folder))
            with self._lock:
                self._summaries[folder] = held
        return held.value

    def result(self, folder: Path, growing: bool) -> SweepResult:
        """All runs of a folder; errors as `SweepResult.load`.

        Args:
            growing: runs are being added, so it is enough to look once a second.
        """
        with self._lock:
            reading = self._reading.setdefault(folder, threading.Lock())
        with reading:
            now, mark = self._clock(), signature(folder)
            with self._lock:
                held = self._tables.get(folder)
            if held is None or self._is_old(held, mark, growing):
                held = _Held(mark, now, SweepResult.load(folder))
            with self._lock:
                self._tables[folder] = held
                self._tables.move_to_end(folder)
                while len(self._tables) > _TABLES:
                    self._tables.popitem(last=False)
            return held.value

    def _is_old(self, held: _Held[Any], mark: Signature, growing: bool) -> bool:
        return held.mark != mark and not (growing and self._clock() - held.read < _FRESH)

    def forget(self, folder: Path) -> None:
        """It is gone."""
        with self._lock:
            for kept in (self._reading, self._summaries, self._tables):
                kept.pop(folder, None)
