"""What is kept is made once, by one, and keeps nobody waiting who asked for something else."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest

from credit_viz.web.kept import Kept

T = TypeVar("T")


def test_what_is_kept_is_bounded() -> None:
    kept: Kept[int] = Kept(3)
    made = []
    for key in (1, 2, 3, 1, 4, 1, 2):
        kept.of(key, lambda key=key: made.append(key) or key)
    assert made == [1, 2, 3, 4, 2]


def test_two_that_ask_at_once_make_it_once() -> None:
    kept: Kept[int] = Kept(3)
    begun, go = threading.Event(), threading.Event()
    made = []

    def make() -> int:
        begun.set()
        go.wait(10)
        made.append(1)
        return 7

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.of, "a", make)
        begun.wait(10)
        second = pool.submit(kept.of, "a", make)
        go.set()
        assert (first.result(), second.result()) == (7, 7)
    assert made == [1]


def test_what_fails_is_not_kept_and_blocks_nobody() -> None:
    kept: Kept[int] = Kept(3)
    with pytest.raises(ZeroDivisionError):
        kept.of("a", lambda: 1 // 0)
    assert kept.of("a", lambda: 2) == 2


def test_a_slow_one_keeps_nobody_from_another() -> None:
    kept: Kept[int] = Kept(3)
    begun, go = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert go.wait(10)
        return 1

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept.of, "slow", slow)
        assert begun.wait(10)
        assert kept.of("quick", lambda: 2) == 2
        assert not first.done()
        go.set()
        assert first.result() == 1


def test_an_error_reaches_all_who_wait_and_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Kept[int] = Kept(3)
    begun, go, waiting = threading.Event(), threading.Event(), threading.Semaphore(0)
    made = []

    class Noted(Future[T]):
        """Says when somebody waits for it."""

        def result(self, timeout: float | None = None) -> T:
            waiting.release()
            return super().result(timeout)

    def fail() -> int:
        made.append(1)
        begun.set()
        assert go.wait(10)
        raise ValueError("too few runs")

    monkeypatch.setattr("credit_viz.web.kept.Future", Noted)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(kept.of, "a", fail)]
        assert begun.wait(10)
        asked += [pool.submit(kept.of, "a", fail) for _ in range(3)]
        assert all(waiting.acquire(timeout=10) for _ in range(3))
        go.set()
        for future in asked:
            with pytest.raises(ValueError, match="too few runs"):
                future.result()
    assert made == [1]
    assert kept.of("a", lambda: 3) == 3
