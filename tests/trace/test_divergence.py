"""Where two runs part."""

from __future__ import annotations

import numpy as np
import pytest

from credit_viz.errors import TraceError
from credit_viz.trace.divergence import Divergence, OrderDifference, first_order_difference
from credit_viz.trace.record import Reason, Trace
from tests.support import trace_of

TOPS = [{0: 1, 1: 2, 2: 3, 3: 4}] * 4


def written(*events: tuple[int, ...], **info: object) -> Trace:
    """A run of four positions and four steps from its writes (step, position, id[, reason])."""
    return trace_of(TOPS, events, **info)  # type: ignore[arg-type]


def test_a_run_does_not_part_from_itself() -> None:
    run = written((1, 0, 1), (2, 1, 2))
    assert run.first_divergence(run) is None
    assert first_order_difference(run, run) is None


def test_runs_part_when_the_later_one_writes_another_token() -> None:
    early, late = written((1, 2, 3), (2, 0, 1)), written((3, 2, 5), (4, 0, 1))
    assert early.first_divergence(late) == Divergence(3, 2, (3, 5), (1, 3))
    assert late.first_divergence(early) == Divergence(3, 2, (5, 3), (3, 1))


def test_of_several_positions_in_one_step_the_leftmost_counts() -> None:
    one, other = written((1, 3, 1), (1, 1, 1)), written((1, 3, 2), (1, 1, 2))
    assert one.first_divergence(other) == Divergence(1, 1, (1, 2), (1, 1))


def test_another_order_alone_is_no_divergence() -> None:
    one, other = written((1, 0, 1), (2, 1, 2)), written((1, 1, 2), (2, 0, 1))
    assert one.first_divergence(other) is None
    assert first_order_difference(one, other) == OrderDifference(1, 0, 0)
    assert first_order_difference(other, one) == OrderDifference(1, 0, 1)


def test_a_position_that_stays_masked_in_one_run_is_no_divergence() -> None:
    assert written((1, 0, 1)).first_divergence(written()) is None


def test_a_token_that_was_taken_back_before_the_other_was_written_does_not_count() -> None:
    back = written((1, 0, 5), (2, 0, 9, int(Reason.REMASKED)), (4, 0, 1))
    assert back.first_divergence(written((3, 0, 1))) is None
    assert back.first_divergence(written((1, 0, 1))) == Divergence(1, 0, (5, 1), (1, 1))


def test_an_edit_can_part_runs_that_agreed() -> None:
    edited = written((1, 0, 1), (3, 0, 2, int(Reason.EDITED)))
    assert edited.first_divergence(written((1, 0, 1))) == Divergence(3, 0, (2, 1), (3, 1))


def test_a_run_that_ended_stays_as_it_ended() -> None:
    short = trace_of(TOPS[:1], [(1, 0, 1)])
    assert short.first_divergence(written((4, 0, 2))) == Divergence(4, 0, (1, 2), (1, 4))


def test_given_tokens_can_differ_from_the_beginning() -> None:
    one, other = (trace_of([{1: 1}], [(1, 1, 1)], gen_length=2, block=(0, 2), fixed={0: i}) for i in (3, 4))
    assert one.first_divergence(other) == Divergence(0, 0, (3, 4), (0, 0))


def test_runs_of_different_lengths_are_refused() -> None:
    short = trace_of([{0: 1}], [(1, 0, 1)], gen_length=2, block=(0, 2))
    with pytest.raises(TraceError, match="4 and 2 positions"):
        written().first_divergence(short)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_a_plain_reading_of_the_definition_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pair = [
        written(*sorted((int(rng.integers(1, 5)), place, int(rng.integers(0, 4))) for place in range(4)))
        for _ in range(2)
    ]
    expected = None
    for step in range(5):
        ours, theirs = (trace.canvas(step).tolist() for trace in pair)
        places = [i for i in range(4) if 9 not in (ours[i], theirs[i]) and ours[i] != theirs[i]]
        if places:
            expected = (step, places[0], (ours[places[0]], theirs[places[0]]))
            break
    found = pair[0].first_divergence(pair[1])
    assert (found and found[:3]) == expected
