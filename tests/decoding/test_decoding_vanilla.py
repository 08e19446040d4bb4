"""LLaDA's schedule: how many tokens each step writes, and which."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.decoding.vanilla import share_out
from credit_viz.errors import SettingsError
from credit_viz.trace.record import Reason
from tests.support import MockModel, mocks, run, sizes


def written_per_step(steps: int | None, gen_length: int, block_length: int) -> list[int]:
    decoder = make_decoder("vanilla", {"steps": steps})
    trace = run(MockModel(favour={12: -99}), decoder, gen_length=gen_length, block_length=block_length)
    return np.bincount(trace.event_steps, minlength=trace.forward_passes + 1)[1:].tolist()


@pytest.mark.parametrize(
    ("steps", "gen_length", "block_length", "expected"),
    [
        (None, 4, 2, [1, 1, 1, 1]),
        (4, 8, 8, [2, 2, 2, 2]),
        (3, 8, 8, [3, 3, 2]),  # the remainder goes to the first steps
        (5, 8, 8, [2, 2, 2, 1, 1]),
        (4, 12, 6, [3, 3, 3, 3]),
        (6, 16, 8, [3, 3, 2, 3, 3, 2]),
        (3, 8, 4, [2, 2, 4]),  # steps that do not divide over the blocks: the first block gets one more
        (1, 8, 8, [8]),
        (8, 8, 2, [1] * 8),
    ],
)
def test_tokens_per_step(steps: int | None, gen_length: int, block_length: int, expected: list[int]) -> None:
    assert written_per_step(steps, gen_length, block_length) == expected


@given(mocks, sizes(), st.data())
def test_the_schedule_is_kept_for_every_size(model: MockModel, size: dict[str, int], data: st.DataObject) -> None:
    blocks = size["gen_length"] // size["block_length"]
    steps = data.draw(st.integers(blocks, size["gen_length"]))
    model = MockModel(3, 12, favour={11: -99.0})
    trace = run(model, make_decoder("vanilla", {"steps": steps}), **size)
    assert trace.forward_passes == steps
    counts = np.bincount(trace.event_steps)[1:]
    assert counts.max() <= -(-size["block_length"] // (steps // blocks))
    assert set(trace.event_reasons.tolist()) == {Reason.SCHEDULED}


@pytest.mark.parametrize(("steps", "gen_length", "block_length"), [(1, 8, 4), (9, 8, 4), (3, 16, 4)])
def test_steps_that_do_not_fit_are_refused_before_any_forward(steps: int, gen_length: int, block_length: int) -> None:
    model = MockModel()
    with pytest.raises(SettingsError, match=rf"steps={steps}\b.*valid: {gen_length // block_length}\.\.{gen_length}"):
        run(model, make_decoder("vanilla", {"steps": steps}), gen_length=gen_length, block_length=block_length)
    assert model.calls == 0


@given(mocks, sizes())
def test_the_most_confident_are_written_first(model: MockModel, size: dict[str, int]) -> None:
    trace = run(model, make_decoder("vanilla"), **size)
    for record in trace.steps():
        inside = (record.positions >= record.block[0]) & (record.positions < record.block[1])
        able = inside & (record.winner_ids != model.mask_id)
        if able.any():
            places = record.positions[able]
            assert record.event_positions.tolist() == [places[record.winner_p[able].argmax()]]


@given(st.integers(0, 500), st.integers(1, 100))
def test_share_out(total: int, parts: int) -> None:
    shares = share_out(total, parts)
    assert len(shares) == parts
    assert sum(shares) == total
    assert list(shares) == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


def test_positions_that_guess_the_mask_wait_for_their_turn() -> None:
    model = MockModel(0, mask_id=12, favour={12: 4.0})
    trace = run(model, make_decoder("vanilla", {"steps": 4}), gen_length=16, block_length=8)
    assert trace.complete
    assert 12 not in trace.event_ids
