"""Means of groups of runs and their bootstrap intervals, for many groups at once. Knows arrays and frames; no plan.

A group's runs on one prompt are averaged first; prompts are what is resampled, all groups together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_viz.tiny.statistics import LEVEL

__all__ = ["Groups", "grouped", "intervals", "prompt_means"]

_AT_ONCE = 1024  #: groups whose resamples are in memory together

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Groups(NamedTuple):
    """N runs in G groups on P prompts."""

    code: Ints  #: (N,) group of each run, counted from 0 by first appearance
    first: Ints  #: (G,) the first run of each group
    prompt: Ints  #: (N,) prompt of each run
    prompts: int  #: P

    def per_prompt(self, weights: NDArray[Any] | None = None) -> Floats:
        """(G, P) sums of runs' weights; by default how many runs. weights: (N,)."""
        cells = self.code * self.prompts + self.prompt
        sums = np.bincount(cells, weights, minlength=len(self.first) * self.prompts)
        return sums.reshape(len(self.first), self.prompts).astype(np.float64)


def grouped(frame: pd.DataFrame, by: Sequence[str]) -> Groups:
    """Runs with equal values in the columns `by`; what is missing equals what is missing. No columns: one group."""
    code = np.zeros(len(frame), np.int64)
    for name in by:
        own, values = pd.factorize(frame[name], use_na_sentinel=False)
        code, _ = pd.factorize(code * len(values) + own)
    prompt, prompts = pd.factorize(frame["prompt"])
    first = np.unique(code, return_index=True)[1] if by else np.zeros(1, np.int64)
    return Groups(code, first.astype(np.int64), prompt.astype(np.int64), len(prompts))


def prompt_means(groups: Groups, values: Floats) -> Floats:
    """(G, P) mean over the runs that have a value, nan where none has. values: (N,), nan where missing."""
    have = ~np.isnan(values)
    counts = groups.per_prompt(have.astype(np.float64))
    with np.errstate(invalid="ignore"):
        return np.asarray(groups.per_prompt(np.where(have, values, 0.0)) / counts)


def intervals(means: Floats, weights: Floats) -> Floats:
    """(G, 3) mean over the prompts that have one, and the ends of its 95 % interval; nan where none has.

    Args:
        means: (G, P) from `prompt_means`.
        weights: (R + 1, P) from `tiny.statistics.resample`.
    """
    # rounded once, so that groups with the same numbers in another order are equal
    value = [_mean([number for number in row if number == number]) for row in means.tolist()]
    ends = [_ends(means[at : at + _AT_ONCE], weights[1:]) for at in range(0, len(means), _AT_ONCE)]
    return np.column_stack([np.asarray(value, np.float64), np.concatenate([np.empty((0, 2)), *ends])])


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _ends(means: Floats, weights: Floats) -> Floats:
    """(G, 2) ends of the intervals; a resample that drew none of a group's prompts says nothing of it."""
    have = ~np.isnan(means)
    if have.all():
        return _quantiles(means @ weights.T / weights.sum(1))
    drawn = have.astype(np.float64) @ weights.T
    with np.errstate(invalid="ignore"):
        resampled = (np.where(have, means, 0.0) @ weights.T) / drawn
    found = np.full((len(means), 2), np.nan)
    whole = (drawn > 0).all(1)
    if whole.any():
        found[whole] = _quantiles(resampled[whole])
    for place in np.flatnonzero(~whole & have.any(1)):
        found[place] = _quantiles(resampled[place : place + 1, drawn[place] > 0])[0]
    return found


def _quantiles(values: Floats) -> Floats:
    """(G, 2) as `numpy.quantile` interpolates them; a whole sort is several times faster than its partitions."""
    ordered = np.sort(values, axis=1)
    tail = (1 - LEVEL) / 2
    at = np.array((tail, 1 - tail)) * (values.shape[1] - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, values.shape[1] - 1)
    return np.asarray(ordered[:, below] + (at - below) * (ordered[:, above] - ordered[:, below]))
