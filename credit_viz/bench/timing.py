"""Alternating measurements and their medians. Knows clocks only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

import torch

__all__ = ["medians", "turns"]


def medians(tasks: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 2) -> dict[str, float]:
    """Median milliseconds per call of each task.

    They take turns; see `turns`.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for name in turns([*tasks], warmup + rounds):
        began = time.perf_counter()
        tasks[name]()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken[name].append((time.perf_counter() - began) * 1e3)
    return {name: median(values[warmup:]) for name, values in taken.items()}


def turns(names: Sequence[str], rounds: int) -> Iterator[str]:
    """All names in every round, each round starting with another one.

    So neither a busy moment of the machine nor what ran before favours any of them.
    """
    for turn in range(rounds):
        first = turn % len(names)
        yield from (*names[first:], *names[:first])
