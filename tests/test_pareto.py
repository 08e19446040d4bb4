"""The rule of the front against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from credit_viz.pareto import unbeaten


def by_definition(cost: list[float], gain: list[float]) -> list[bool]:
    points = list(zip(cost, gain, strict=True))
    return [
        not (np.isnan(c) or np.isnan(g)) and not any((a <= c and b > g) or (a < c and b >= g) for a, b in points)
        for c, g in points
    ]


@pytest.mark.parametrize("seed", range(20))
def test_against_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, gain = rng.integers(0, 6, (2, 40)).astype(float)
    cost[rng.random(40) < 0.1] = np.nan
    gain[rng.random(40) < 0.1] = np.nan
    assert unbeaten(cost, gain).tolist() == by_definition(cost.tolist(), gain.tolist())


def test_equal_points_stay_together_and_nothing_stays_nothing() -> None:
    assert unbeaten(np.array([3.0, 3.0, 4.0]), np.array([1.0, 1.0, 1.0])).tolist() == [True, True, False]
    assert unbeaten(np.array([]), np.array([])).tolist() == []
    assert unbeaten(np.array([1.0, np.nan]), np.array([np.nan, 1.0])).tolist() == [False, False]
    assert unbeaten(np.array([-np.inf, 1.0]), np.array([0.0, np.inf])).tolist() == [True, True]
