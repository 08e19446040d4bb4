"""Means and bootstrap intervals over prompts. Knows numpy arrays; nothing of models or decoders.

The resampled unit is the prompt: all decoders are resampled together, so a difference between two of them keeps
their correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
LEVEL = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its 95 % bootstrap interval; unit as the data's."""

    value: float
    low: float
    high: float


def resample(prompts: int, seed: int) -> Floats:
    """(R, N) weights: row r says how often each prompt is drawn in resample r, over N; row 0 is the data itself."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(prompts, np.full(prompts, 1 / prompts), size=RESAMPLES)
    return np.vstack([np.ones(prompts), drawn]) / prompts


def interval(values: Floats) -> Interval:
    """From (R + 1,) values of which the first belongs to the data itself."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values[1:], (tail, 1 - tail))
    return Interval(float(values[0]), float(low), float(high))


def mean_interval(values: Floats, weights: Floats) -> Interval:
    """values: (N,) one per prompt; weights: (R + 1, N) from `resample`."""
    return interval(weights @ values)


def gain_over_curve(
    passes: Floats, exact: Floats, curve_passes: Floats, curve_exact: Floats, weights: Floats
) -> Interval | None:
    """How much more often a decoder is right than a curve of others AT EQUAL mean forward passes.

    passes, exact: (N,); curve_passes, curve_exact: (C, N); weights: (R + 1, N). The curve is linear between its
    points and constant beyond them. None if the decoder's passes lie outside the curve, where nothing is known.
    """
    own_passes, own_exact = weights @ passes, weights @ exact
    x, y = weights @ curve_passes.T, weights @ curve_exact.T
    if not x[0].min() <= own_passes[0] <= x[0].max():
        return None
    gains = np.empty(len(weights))
    for row in range(len(weights)):
        order = np.argsort(x[row])
        gains[row] = own_exact[row] - np.interp(own_passes[row], x[row][order], y[row][order])
    return interval(gains)
