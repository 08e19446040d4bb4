"""Which points no other beats, where less of one thing and more of another is wanted. Knows arrays of numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["unbeaten"]

Floats = NDArray[np.float64]


def unbeaten(cost: Floats, gain: Floats) -> NDArray[np.bool_]:
    """(N,) points that no other beats: with less cost at no less gain, or no more cost at more gain.

    Equal points do not beat each other. A point with a number missing neither beats nor stays.
    """
    known = ~(np.isnan(cost) | np.isnan(gain))
    found = np.zeros(len(cost), np.bool_)
    costs, place = np.unique(cost[known], return_inverse=True)
    most = np.full(len(costs), -np.inf)
    np.maximum.at(most, place, gain[known])
    cheaper = np.concatenate([[-np.inf], np.maximum.accumulate(most)])[place]
    found[known] = (gain[known] == most[place]) & (gain[known] > cheaper)
    return found
