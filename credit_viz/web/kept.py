"""Answers that are kept for whoever asks next. Knows keys and threads; nothing of what is answered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Kept"]

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, the last `most` that were asked for; each is made once, and none waits for another. Thread-safe.

    Whoever asks for a value that is being made waits for it, or shares the error that it ends in, which is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value, made where it is not kept. `make` must not ask for its own key."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.get(key)
            if making is None:
                made = self._making[key] = Future[T]()
        return self._make(key, make, made) if making is None else making.result()

    def _make(self, key: Hashable, make: Callable[[], T], made: Future[T]) -> T:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            made.set_exception(error)
            raise
        with self._lock:
            del self._making[key]
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        made.set_result(value)
        return value
