"""Alternating measurements and their medians. Knows clocks only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

__all__ = ["medians"]


def medians(tasks: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 2) -> dict[str, float]:
    """Median milliseconds per call of each task.

    The tasks take turns within every round, and every round starts with another one, so that neither a busy moment
    of the machine nor the task that ran before favours any of them.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(warmup + rounds):
        first = turn % len(tasks)
        for name in [*tasks][first:] + [*tasks][:first]:
            began = time.perf_counter()
            tasks[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= warmup:
                taken[name].append((time.perf_counter() - began) * 1e3)
    return {name: median(values) for name, values in taken.items()}
