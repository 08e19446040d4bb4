"""WINO against its rule: what is drafted, what is taken back, and that it always comes to an end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.decoding.forward import Query, forward
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from credit_viz.trace.record import Reason
from tests.by_hand import ByHand, above, expect_events, models, rather, settled
from tests.conftest import FIXTURES
from tests.restated import softmax
from tests.support import MockModel, run, sizes

SETTINGS = st.fixed_dictionaries(
    {"threshold": st.floats(0.05, 1.1), "verify": st.one_of(st.just(1.0), st.floats(0.05, 0.99))}
)
GIVEN = st.dictionaries(st.integers(0, 3), st.sampled_from([1, 2, 3]), max_size=2)
#: long blocks, where the cap on drafts and the limit on take-backs matter.
LONG = st.sampled_from([{"gen_length": 40, "block_length": 40}, {"gen_length": 48, "block_length": 24}])


def rerun(model: MockModel, settings: dict[str, Any], size: dict[str, int], fixed: dict[int, int]) -> ByHand:
    """Draft and verify in the same forward pass; fewer are taken back than the last step drafted."""
    canvas = ByHand(model, **size, fixed=fixed)
    for block in canvas.blocks():
        last = 30
        while masked := [i for i in canvas.masked if i in block]:
            cap = min(max(int(0.7 * len(masked)), 5), 20)
            logits = canvas.logits()
            p, top = softmax(logits), logits.argmax(1)
            text = [i for i in masked if canvas.writable(int(top[i]))]
            sure = [i for i in text if above(p[i].max(), settings["threshold"])]
            draft = rather(p.max(1), sure)[:cap] or rather(p.max(1), text)[:1]
            back: list[int] = []
            if len(draft) > 1:
                written = [i for i in block if i not in masked and i not in fixed]
                support = np.ones(canvas.length)
                for i in written:
                    support[i] = softmax(canvas.logits_without(i)[None])[0, canvas.text[i]]
                back = [i for i in written if above(settings["verify"], support[i])]
                if len(back) >= last:
                    back = rather(-support, back)[: last - 1]
            writes = {i: int(top[i]) for i in draft} | dict.fromkeys(back, model.mask_id)
            canvas.write(writes, logits, block)
            last = max(1, len(draft))
    return canvas


@given(models, SETTINGS, st.one_of(sizes(), LONG), GIVEN)
def test_a_run_is_what_the_rule_says(
    model: MockModel, settings: dict[str, Any], size: dict[str, int], fixed: dict[int, int]
) -> None:
    fixed = {place: token for place, token in fixed.items() if place < size["gen_length"]}
    wanted = settled(rerun, model, settings, size, fixed)
    trace = run(model, make_decoder("wino", settings), fixed=fixed, **size)
    expect_events(trace, wanted.steps)


@given(st.integers(0, 10_000), st.floats(0, 0.5), LONG)
def test_a_block_takes_at_most_as_many_passes_as_it_has_positions(
    seed: int, threshold: float, size: dict[str, int]
) -> None:
    """Also where everything that was written is always doubted."""
    model = MockModel(seed, sharpness=1.0)
    trace = run(model, make_decoder("wino", {"threshold": threshold, "verify": 1.0}), **size)
    for start in range(0, size["gen_length"], size["block_length"]):
        assert 0 < (trace.block_starts == start).sum() <= size["block_length"]
    for step in range(2, trace.forward_passes + 1):
        now, before = (trace.event_reasons[trace.event_steps == s] for s in (step, step - 1))
        if trace.block_starts[step - 1] == trace.block_starts[step - 2]:
            assert (now == Reason.REMASKED).sum() < (before != Reason.REMASKED).sum()


def test_at_most_seven_tenths_are_drafted_and_never_more_than_twenty() -> None:
    drafted = {}
    for length in (1, 5, 7, 10, 24, 40):
        model = MockModel(sharpness=0.0, favour={5: 9.0})
        trace = run(model, make_decoder("wino"), gen_length=length, block_length=length)
        drafted[length] = int((trace.event_steps == 1).sum())
    assert drafted == {1: 1, 5: 5, 7: 5, 10: 7, 24: 16, 40: 20}


def test_above_one_nothing_is_taken_back() -> None:
    for seed in range(10):
        trace = run(MockModel(seed), make_decoder("wino", {"threshold": 1.5}), gen_length=12, block_length=12)
        assert (trace.taken_back, trace.forward_passes) == (0, 12)


def test_what_is_held_against_what() -> None:
    trace = run(MockModel(1), make_decoder("wino"), gen_length=24, block_length=24)
    assert trace.taken_back
    event = int(np.flatnonzero(trace.event_reasons == Reason.REMASKED)[0])
    step, place = int(trace.event_steps[event]), int(trace.event_positions[event])
    back = trace.explain(step, place)
    assert back.guess.token_id == trace.info.mask_id
    assert back.written is None
    assert back.stood is not None
    assert back.stood.token_id == trace.canvas(step - 1)[place] != trace.canvas(step)[place]
    assert back.score < back.bar == np.float32(0.9)
    draft = trace.explain(1, int(trace.event_positions[0]))
    assert draft.score == draft.guess.raw_p > draft.bar == pytest.approx(0.7)


def test_a_token_taken_back_can_be_written_again() -> None:
    again = 0
    for seed in range(40):
        trace = run(MockModel(seed), make_decoder("wino"), gen_length=24, block_length=24)
        for place in np.unique(trace.event_positions[trace.event_reasons == Reason.REMASKED]):
            written = trace.event_ids[trace.event_positions == place].tolist()
            assert written[1::2] == [trace.info.mask_id] * (len(written) // 2)
            again += written[0] == written[2]
            assert trace.commit_step[place] == trace.event_steps[trace.event_positions == place][-1]
    assert again


# ------------------------------------------------------------------ the shadow block, on a real network


@pytest.fixture(scope="module")
def llada() -> DiffusionLM:
    return load_model(FIXTURES / "llada", device="cpu", dtype="float32")


def canvas_of(model: DiffusionLM, length: int) -> torch.Tensor:
    ids = torch.randint(0, model.token_limit, (length,), generator=torch.Generator().manual_seed(7))
    ids[[5, 9, 10]] = model.mask_id
    return ids


def shadowed(model: DiffusionLM, canvas: torch.Tensor, block: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    query = Query(canvas, 3, (3, len(canvas)), block, shadow=block)
    (answer,) = forward(model, [query])
    assert answer.shadow is not None
    return answer.logits, answer.shadow


def test_the_shadow_is_a_pass_with_a_mask_built_by_hand(llada: DiffusionLM) -> None:
    canvas, (start, end) = canvas_of(llada, 14), (4, 11)
    length, count = len(canvas), end - start
    wide = torch.cat([canvas, torch.full((count,), llada.mask_id)])
    bias = torch.zeros(1, 1, length + count, length + count)
    for query in range(length + count):
        for key in range(length + count):
            own = query >= length and key == start + query - length
            if own or (query < length <= key):
                bias[0, 0, query, key] = torch.finfo(torch.float32).min
    places = torch.tensor([[*range(length), *range(start, end)]])
    with torch.inference_mode():
        wanted = llada.network(input_ids=wide[None], attention_mask=bias, position_ids=places).logits[0]
    found, shadow = shadowed(llada, canvas, (start, end))
    torch.testing.assert_close(shadow, wanted[length:], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found, wanted[3:length], rtol=1e-4, atol=1e-5)


def test_the_text_does_not_notice_its_shadow(llada: DiffusionLM) -> None:
    canvas = canvas_of(llada, 14)
    found, _ = shadowed(llada, canvas, (4, 11))
    torch.testing.assert_close(found, llada.token_logits(canvas[None])[0, 3:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", [5, 9])
def test_the_shadow_of_a_single_mask_is_that_mask(llada: DiffusionLM, place: int) -> None:
    canvas = canvas_of(llada, 14)
    _, shadow = shadowed(llada, canvas, (place, place + 1))
    torch.testing.assert_close(shadow[0], llada.token_logits(canvas[None])[0, place], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", [3, 5, 8, 13])
def test_the_shadow_of_a_single_position_is_that_position_masked(place: int) -> None:
    """In one layer. In a deeper network the others have seen the token, and tell: that is WINO's own approximation."""
    shallow = load_model(FIXTURES / "llada", device="cpu", dtype="float32")
    layers = shallow.network.model.layers
    del layers[1:]
    canvas = canvas_of(shallow, 14)
    hidden = canvas.clone()
    hidden[place] = shallow.mask_id
    _, shadow = shadowed(shallow, canvas, (place, place + 1))
    torch.testing.assert_close(shadow[0], shallow.token_logits(hidden[None])[0, place], rtol=1e-4, atol=1e-5)


def test_it_runs_on_a_real_network(llada: DiffusionLM) -> None:
    trace = run(llada, make_decoder("wino", {"threshold": 0.001}), prompt_ids=(5, 6), gen_length=24, block_length=12)
    assert trace.complete
    assert trace.taken_back
    assert (np.bincount(trace.block_starts) <= 12).all()
