"""Who does which runs: every unit once, whoever takes, gives back, dies or steals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.lab.plan import Run
from credit_viz.lab.shares import Shares, Unit
from tests.lab.conftest import small_plan

RUN = next(small_plan().runs())


def units_of(counts: Sequence[int]) -> list[Unit]:
    """So many units of each prompt; no two are the same object."""
    prompts = [RUN.prompt.__class__(str(number), "text") for number in range(len(counts))]
    return [(RUN._replace(prompt=p),) for p, count in zip(prompts, counts, strict=True) for _ in range(count)]


def prompt_of(unit: Unit) -> str:
    run: Run = unit[0]
    return run.prompt.id


@given(counts=st.lists(st.integers(1, 6), max_size=6), data=st.data())
def test_every_unit_is_done_once(counts: list[int], data: st.DataObject) -> None:
    """Workers come, take, end what they took, and die with all that they hold."""
    units = units_of(counts)
    shares, held, done = Shares(iter(units)), {0: [], 1: []}, []  # type: ignore[var-annotated]
    workers = 2
    while len(done) < len(units):
        worker = data.draw(st.sampled_from(sorted(held)))
        what = data.draw(st.sampled_from(["take", "take", "end", "die"]))
        if what == "take":
            unit = shares.take(worker)
            if unit is None:
                assert len(done) + sum(map(len, held.values())) == len(units), "nothing left means all are out"
                what = "end"
            else:
                held[worker].append(unit)
        if what == "end" and held[worker]:
            done.append(held[worker].pop(0))
        if what == "die" and workers < 6:
            shares.give_back(held.pop(worker))
            held[workers] = []
            workers += 1
    assert Counter(map(id, done)) == Counter(map(id, units))
    assert shares.take("anybody") is None


@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=6), order=st.lists(st.integers(0, 2), max_size=60))
def test_a_worker_stays_with_its_prompt(counts: list[int], order: list[int]) -> None:
    """It leaves a prompt only when nothing of it is left, and helps only when no prompt is new."""
    units = units_of(counts)
    shares = Shares(units)
    left = Counter(map(prompt_of, units))
    own: dict[int, str] = {}
    fresh = [str(number) for number in range(len(counts))]
    for worker in order:
        unit = shares.take(worker)
        if unit is None:
            assert not left.total()
            continue
        prompt = prompt_of(unit)
        if left[own.get(worker, "")]:
            assert prompt == own[worker]
        elif fresh:
            assert prompt == fresh.pop(0), "new prompts in order"
            own[worker] = prompt
        else:
            assert left[prompt] == max(left.values()), "help where most is left"
        left[prompt] -= 1


def test_own_units_come_in_order_and_help_takes_the_last() -> None:
    units = units_of([4, 1])
    shares = Shares(units)
    taken = [shares.take(worker) for worker in ("a", "a", "b", "b", "a", "b")]
    assert [None if unit is None else units.index(unit) for unit in taken[:2]] == [0, 0], "equal units"
    assert [id(unit) for unit in taken[:5]] == [id(units[place]) for place in (0, 1, 4, 3, 2)]
    assert taken[5] is None


def test_what_was_given_back_comes_next() -> None:
    units = units_of([2, 2])
    shares = Shares(units)
    first, second = shares.take("a"), shares.take("b")
    assert first is not None
    shares.give_back([first])
    assert shares.take("b") is first
    assert second is units[2]
    assert [shares.take("c") for _ in range(3)].count(None) == 1


def test_units_are_asked_for_no_earlier_than_their_prompt() -> None:
    """A plan of many prompts is laid out as it is worked on."""
    asked: list[Any] = []

    def coming() -> Any:
        for unit in units_of([2, 2, 2]):
            asked.append(unit)
            yield unit

    shares = Shares(coming())
    assert asked == []
    shares.take("a")
    assert len(asked) <= 3


@pytest.mark.parametrize("units", [[], iter(())])
def test_nothing_to_do(units: Any) -> None:
    assert Shares(units).take("a") is None
