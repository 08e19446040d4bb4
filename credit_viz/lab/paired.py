"""Two settings of a sweep run by run: what both did on the same prompt with the same seed. Knows tables.

A pair is a prompt with a seed on which both settings ended. Pairs of one prompt are averaged first, and prompts are
what is resampled, so a difference keeps what the two settings have in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_viz.tiny.statistics import Interval, mean_interval, resample

__all__ = ["Ended", "Measure", "Pairs"]

_SEED = 0  #: of the resampling; that of SweepResult, so that the same prompts give the same intervals

_DIGITS = 12

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Measure:
    """One column of results, compared on the prompts on which both settings have it."""

    name: str  #: of `result.METRICS`
    values: tuple[float, float]  #: means over these prompts
    difference: Interval  #: second - first; its ends are nan on a single prompt, which says nothing of others
    same: bool  #: on each of them
    prompts: int


class Ended:
    """The runs of a sweep that did not fail, by the number of their setting."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        prompt, _ = pd.factorize(frame["prompt"])
        seed, seeds = pd.factorize(frame["seed"])
        #: of each run; counted in the order of the plan, which has all settings of a prompt in a row
        self._code = prompt.astype(np.int64) * max(1, len(seeds)) + seed
        self._seeds = max(1, len(seeds))
        ended = np.flatnonzero(frame["failed"].isna().to_numpy())
        numbers = frame["number"].to_numpy(np.int64)[ended]
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        self._rows = dict(zip(found.tolist(), np.split(ended[order], starts[1:]), strict=True)) if len(found) else {}

    @property
    def begun(self) -> int:
        """How many (prompt, seed) have a run of any setting, whatever came of it."""
        return len(np.unique(self._code))

    def pairs(self, first: int, second: int, on: Ints | None = None) -> Pairs:
        """The pairs of two settings, in the order of the plan.

        Args:
            first, second: numbers of the settings, see `SweepResult.frame`.
            on: only these codes, see `Pairs`.
        """
        none = np.empty(0, np.int64)
        one, other = (self._rows.get(number, none) for number in (first, second))
        codes, mine, its = np.intersect1d(self._code[one], self._code[other], assume_unique=True, return_indices=True)
        kept = np.ones(len(codes), bool) if on is None else np.isin(codes, on)
        return Pairs(self._frame, codes[kept], self._seeds, one[mine[kept]], other[its[kept]])


@dataclass(frozen=True, eq=False)
class Pairs:
    """N pairs of runs of two settings."""

    frame: pd.DataFrame  #: of all runs
    codes: Ints  #: (N,) prompt and seed, ascending in the order of the plan
    seeds: int  #: codes of one prompt are the same // seeds
    first: Ints  #: (N,) rows of the frame
    second: Ints

    @property
    def prompts(self) -> int:
        """How many different ones."""
        return len(np.unique(self.codes // self.seeds))

    def column(self, name: str) -> tuple[pd.Series[Any], pd.Series[Any]]:
        """What both have."""
        return self.frame[name].iloc[self.first], self.frame[name].iloc[self.second]

    def values(self, metric: str) -> Floats:
        """(N, 2) numbers, nan where missing."""
        return np.column_stack([side.to_numpy(np.float64, na_value=np.nan) for side in self.column(metric)])

    def by_prompt(self, metric: str) -> Floats:
        """(P, 2) means over the seeds of each prompt on which both have it, in the order of the plan."""
        values = self.values(metric)
        have = ~np.isnan(values).any(1)
        _, place, counts = np.unique(self.codes[have] // self.seeds, return_inverse=True, return_counts=True)
        sums = [np.bincount(place, side, len(counts)) for side in values[have].T]
        return np.column_stack(sums) / counts[:, None]

    def measure(self, metric: str) -> Measure | None:
        """None where no pair has it."""
        means = self.by_prompt(metric)
        if not len(means):
            return None
        difference = means[:, 1] - means[:, 0]
        first, second = means.mean(0).tolist()
        return Measure(metric, (first, second), _interval(difference), not difference.any(), len(difference))


def _interval(difference: Floats) -> Interval:
    if len(difference) == 1:
        return Interval(float(difference[0]), math.nan, math.nan)
    found = mean_interval(difference, resample(len(difference), _SEED))
    # what sums to nothing must not get a sign from the last bits
    return Interval(*(round(end, _DIGITS) + 0.0 for end in (found.value, found.low, found.high)))
