"""The fixed schedule: how many tokens each step writes, and which: orders and guidance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
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


ORDERS = {"confidence": "probability", "random": "random number", "entropy": "−entropy", "margin": "margin"}


@pytest.mark.parametrize(("order", "score"), ORDERS.items())
def test_the_score_is_what_the_order_ranks_by(order: str, score: str) -> None:
    decoder = make_decoder("vanilla", {"order": order})
    trace = run(MockModel(2), decoder, gen_length=8, block_length=8)
    assert (decoder.score, trace.info.score) == (score, score)
    assert ("score" in trace.channels) == (order != "confidence")
    ranked = {"confidence": trace.confidence, "entropy": -trace.entropy, "margin": trace.margin}
    if order in ranked:
        np.testing.assert_allclose(trace.channels.get("score", trace.fused), ranked[order], atol=1e-6)


@pytest.mark.parametrize("order", ["entropy", "margin"])
def test_an_order_writes_its_best_first(order: str) -> None:
    model = MockModel(36, sharpness=0.5, favour={12: -99.0})
    first = next(run(model, make_decoder("vanilla", {"order": order}), gen_length=12, block_length=12).steps())
    p = torch.softmax(model.logits[0][0].double(), -1)
    ordered = p.sort(-1, descending=True).values
    best = {"entropy": (p * p.log()).sum(-1), "margin": ordered[:, 0] - ordered[:, 1]}[order]
    assert first.event_positions.tolist() == [int(best.argmax())]
    assert int(best.argmax()) != int(p.amax(-1).argmax()), "the orders disagree on this canvas"


def test_the_random_order_is_drawn_from_the_seed_and_fair() -> None:
    model, decoder = MockModel(1, favour={12: -99.0}), make_decoder("vanilla", preset="random order")
    runs = [run(model, decoder, gen_length=4, block_length=4, seed=seed) for seed in range(400)]
    orders = [tuple(trace.event_positions.tolist()) for trace in runs]
    assert len(set(orders)) == 24
    for place in range(4):
        assert 60 <= sum(order[0] == place for order in orders) <= 140
    assert run(model, decoder, gen_length=4, block_length=4, seed=7).same_run(runs[7])


def test_the_random_order_does_not_change_what_is_drawn_with_a_temperature() -> None:
    """The draw of the tokens comes first, so that the first step's guesses are those of every other order."""
    model = MockModel(1, sharpness=0.3)
    first = [
        next(
            run(
                model, make_decoder("vanilla", {"order": order, "temperature": 1.0}), gen_length=8, block_length=8
            ).steps()
        )
        for order in ORDERS
    ]
    for record in first[1:]:
        np.testing.assert_array_equal(record.winner_ids, first[0].winner_ids)


def test_guidance_asks_for_two_canvases_in_one_pass() -> None:
    model = MockModel(1)
    plain = run(model, make_decoder("vanilla"), gen_length=4, block_length=4)
    assert {len(canvas) for canvas in model.canvases} == {1}
    guided = run(model, make_decoder("vanilla", {"guidance": 2.0}), gen_length=4, block_length=4)
    assert guided.forward_passes == plain.forward_passes == len(model.canvases) / 2
    for own, without in model.canvases[4:]:
        assert own[:2].tolist() == [2, 3]
        assert without[:2].tolist() == [model.mask_id] * 2
        assert own[2:].tolist() == without[2:].tolist()


def test_a_model_without_guidance_is_refused() -> None:
    model = MockModel()
    model.abilities = frozenset()
    with pytest.raises(SettingsError, match="'vanilla' needs guidance"):
        run(model, make_decoder("vanilla", {"guidance": 0.5}), gen_length=4, block_length=4)
    assert run(model, make_decoder("vanilla"), gen_length=4, block_length=4).complete


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 6))
def test_unset_steps_write_one_token_each_also_in_short_blocks(prompt: int, blocks: int, length: int) -> None:
    model = MockModel(3, 12, favour={11: -99.0})
    model.block_length = length  # block-causal: the prompt's last block is shared, so the ends are short
    ids = [2] * prompt
    trace = run(model, make_decoder("vanilla"), ids, gen_length=blocks * length, block_length=length)
    assert trace.forward_passes == blocks * length
