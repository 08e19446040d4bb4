"""Alternating measurements and their medians. Knows clocks only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

__all__ = ["medians"]


def medians(tasks: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 2) -> dict[str, float]:
    """Median milliseconds per call of each task.

    The tasks take turns within every round, so that a busy moment of the machine hits all of them alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(warmup + rounds):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= warmup:
                taken[name].append((time.perf_counter() - began) * 1e3)
    return {name: median(values) for name, values in taken.items()}
