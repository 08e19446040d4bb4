"""Acceptance rules at their corners, on hand-written scores."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from credit_viz.decoding.acceptance import (
    Accepted,
    accept_factor,
    accept_hierarchy,
    accept_quota,
    accept_threshold,
)
from credit_viz.decoding.entropy_bound import carried_entropy
from credit_viz.trace.record import Reason

ALL = torch.ones(4, dtype=torch.bool)


def places(accepted: Accepted) -> list[int]:
    return torch.nonzero(accepted.commit)[:, 0].tolist()


def factor(p: list[float], f: float) -> list[int]:
    scores = torch.tensor(p)
    return places(accept_factor(scores, scores, torch.ones(len(p), dtype=torch.bool), f))


def hierarchy(p: list[float], high: float | None, low: float | None, masked: str = "", able: str = "") -> list[int]:
    scores = torch.tensor(p)
    inside = torch.tensor([c == "m" for c in masked or "m" * len(p)])
    eligible = inside & torch.tensor([c == "y" for c in able or "y" * len(p)])
    return places(accept_hierarchy(scores, scores, inside, eligible, high, low))


@pytest.mark.parametrize(
    ("p", "f", "written"),
    [
        ([0.9, 0.05], 1.0, [0]),  # the authors' loop writes both
        ([0.9, 0.8, 0.1], 1.0, [0, 1]),  # and here the third
        ([0.5, 0.6], 1.0, [1]),  # equality: 0.6 >= 1 - 1/2
        ([0.75, 0.75, 0.75], 1.0, [0, 1, 2]),  # 0.75 = 1 - 1/4 passes
        ([0.1, 0.2, 0.3], 0.0, [2]),  # only certainty passes: the best one
        ([1.0, 1.0, 0.3], 0.0, [0, 1]),
        ([0.0, 0.0, 0.0], 4.0, [0, 1, 2]),  # f >= n + 1 asks for nothing
        ([0.0, 0.0, 0.0], 3.0, [0, 1]),
        ([0.4], 1.0, [0]),
    ],
)
def test_factor(p: list[float], f: float, written: list[int]) -> None:
    assert factor(p, f) == written


@pytest.mark.parametrize(
    ("p", "high", "low", "written"),
    [
        ([0.5, 0.7, 0.65, 0.6], 0.9, 0.62, [1]),
        ([0.5, 0.95, 0.7, 0.93], 0.9, 0.62, [1, 3]),
        ([0.5, 0.7, 0.7, 0.6], 0.9, 0.62, [1, 2]),  # equals within a gap go together
        ([0.5, 0.5, 0.4, 0.3], 0.9, 0.62, [0]),  # nothing passes: the leftmost of the best
        ([0.625, 0.5, 0.5, 0.5], 0.9, 0.625, [0]),  # not above: forced, see below
        ([0.75, 0.9], 0.75, 0.625, [1]),  # nor is this above the high bound
        ([0.2, 0.1, 0.1, 0.1], None, None, [0]),
        ([0.95, 0.96, 0.1, 0.1], None, 0.4, [1]),  # without a high bound only the best of a gap
    ],
)
def test_hierarchy_in_one_gap(p: list[float], high: float | None, low: float | None, written: list[int]) -> None:
    assert hierarchy(p, high, low) == written


def test_hierarchy_takes_the_best_of_every_gap() -> None:
    assert hierarchy([0.7, 0.8, 0.9, 0.7, 0.65, 0.1], 0.95, 0.62, masked="mm.mm.") == [1, 3]
    assert hierarchy([0.7, 0.8, 0.9, 0.7, 0.65, 0.1], None, None, masked="m.m.mm") == [0, 2, 4]


def test_hierarchy_passes_over_a_guess_of_the_mask() -> None:
    assert hierarchy([0.9, 0.7, 0.5, 0.8], 0.95, 0.62, masked="mm.m", able="nyyy") == [1, 3]
    assert hierarchy([0.7, 0.9, 0.66], 0.95, 0.62, able="yny") == [0], "the mask does not part the gap"


def test_hierarchy_is_strict() -> None:
    p = torch.tensor([0.625, 0.5])
    accepted = accept_hierarchy(p, p, ALL[:2], ALL[:2], 0.75, 0.625)
    assert accepted.reasons.tolist() == [Reason.FORCED, 0]
    assert (p < accepted.bar).all()
    above = torch.nextafter(p, torch.ones(2))
    assert accept_hierarchy(above, above, ALL[:2], ALL[:2], 0.75, 0.625).reasons.tolist() == [Reason.CONFIDENT, 0]


@pytest.mark.parametrize(
    ("scores", "quota", "written"),
    [([0.1, 0.3, 0.3, 0.3], 2, [1, 2]), ([0.3, 0.3, 0.3, 0.4], 2, [0, 3]), ([0.1, 0.2, 0.3, 0.4], 9, [0, 1, 2, 3])],
)
def test_quota_says_what_each_had_to_reach(scores: list[float], quota: int, written: list[int]) -> None:
    accepted = accept_quota(torch.tensor(scores), ALL, quota)
    assert places(accepted) == written
    assert (torch.tensor(scores) >= accepted.bar).tolist() == accepted.commit.tolist()
    assert accepted.reasons.tolist() == [Reason.SCHEDULED if i in written else 0 for i in range(4)]


def test_nothing_may_be_written() -> None:
    p = torch.tensor([0.9, 0.95, 0.99, 1.0])
    for accepted in (
        accept_threshold(p, p, ~ALL, 0.5),
        accept_factor(p, p, ~ALL, 1.0),
        accept_hierarchy(p, p, ALL, ~ALL, 0.5, 0.5),
        accept_quota(p, ~ALL, 2),
    ):
        assert not accepted.commit.any()
        assert not accepted.reasons.any()


@given(st.lists(st.floats(0, 20, width=32), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_carried_entropy_is_the_sum_without_its_largest(entropies: list[float], random: object) -> None:
    """And it never falls, in any order."""
    values = torch.tensor(entropies, dtype=torch.float64)
    rank = values.clone()
    random.shuffle(rank)  # type: ignore[attr-defined]
    carried = carried_entropy(rank, values, torch.ones(len(values), dtype=torch.bool))
    order = sorted(range(len(values)), key=lambda i: (-rank[i].item(), i))
    for count in range(1, len(order) + 1):
        together = values[order[:count]]
        torch.testing.assert_close(carried[order[count - 1]], together.sum() - together.max(), rtol=1e-9, atol=1e-9)
    ordered: Tensor = carried[order]
    assert (ordered.diff() >= 0).all()
    assert ordered[0] == 0
