"""Properties that every registered decoder must have, over drawn settings, canvases and models.

They read the registry: a decoder added later is covered without a change here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Block, Decoder, View
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RECORD_MODES, RunOptions
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.settings import knobs
from credit_viz.trace.record import Reason, Trace
from tests.support import CPU, MockModel, decoders, lane_records, mocks, run, run_lanes, sizes


@st.composite
def runs(draw: st.DrawFn, **fixed: Any) -> tuple[Decoder, dict[str, Any]]:
    """A decoder and run options that fit each other."""
    size = draw(sizes())
    decoder = draw(decoders(size["gen_length"], size["block_length"], fixed.pop("name", None)))
    options = {**size, "seed": draw(st.integers(0, 99)), "early_stop": draw(st.booleans()), **fixed}
    return decoder, options


def replayed(trace: Trace) -> list[np.ndarray]:
    """Generated region before each step and after the last, from the event list alone."""
    canvas = np.full(trace.gen_length, trace.info.mask_id)
    states = [canvas.copy()]
    for step in range(1, trace.forward_passes + 1):
        now = trace.event_steps == step
        canvas[trace.event_positions[now]] = trace.event_ids[now]
        states.append(canvas.copy())
    return states


@given(mocks, runs())
def test_only_masked_positions_are_written(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    states = replayed(trace)
    for step, place in zip(trace.event_steps, trace.event_positions, strict=True):
        assert states[step - 1][place] == model.mask_id
        assert ((trace.event_steps == step) & (trace.event_positions == place)).sum() == 1


@given(mocks, runs())
def test_only_the_active_block_is_written(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    for step, place, why in zip(trace.event_steps, trace.event_positions, trace.event_reasons, strict=True):
        start, end = trace.block_starts[step - 1], trace.block_ends[step - 1]
        assert why == Reason.FILLED or start <= place < end


@given(mocks, runs())
def test_a_block_is_active_until_it_has_no_mask(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    for start, end, before in zip(trace.block_starts, trace.block_ends, replayed(trace), strict=False):
        masked = np.flatnonzero(before == model.mask_id)
        length = options["block_length"]
        assert start == masked[0] // length * length
        assert end == start + length


@given(mocks, runs())
def test_every_step_progresses_and_no_mask_is_left(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    assert set(trace.event_steps.tolist()) == set(range(1, trace.forward_passes + 1))
    assert trace.complete
    assert model.mask_id not in trace.token_ids


@given(mocks, runs())
def test_events_replay_to_what_the_model_saw(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    assert model.calls == trace.forward_passes
    *seen_by_model, final = replayed(trace)
    for canvas, expected in zip(model.canvases, seen_by_model, strict=True):
        np.testing.assert_array_equal(canvas[0], [2, 3, *expected])
    np.testing.assert_array_equal(final, trace.token_ids)


@given(mocks, runs())
def test_same_seed_same_trace(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    assert run(model, decoder, **options).same_run(run(model, decoder, **options))


@given(mocks, runs(), st.integers(0, 5))
def test_a_reused_decoder_equals_a_fresh_one(
    model: MockModel, drawn: tuple[Decoder, dict[str, Any]], cancelled_after: int
) -> None:
    decoder, options = drawn
    fresh = run(model, type(decoder)(decoder.settings), **options)
    run(model, decoder, **{**options, "early_stop": True})
    steps = denoise(model, [Lane(model, (3, 2, 2), decoder, RunOptions(**options))])
    for _ in zip(range(cancelled_after), steps, strict=False):
        pass
    steps.close()
    assert run(model, decoder, **options).same_run(fresh)


@given(mocks, runs())
def test_recording_changes_nothing(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    everything, *less = (run(model, decoder, **options, record=mode) for mode in RECORD_MODES)
    for trace in less:
        np.testing.assert_array_equal(trace.token_ids, everything.token_ids)
        np.testing.assert_array_equal(trace.event_steps, everything.event_steps)
        np.testing.assert_array_equal(trace.event_positions, everything.event_positions)
        np.testing.assert_array_equal(trace.event_reasons, everything.event_reasons)
        assert trace.forward_passes == everything.forward_passes


@given(mocks, runs())
def test_recording_the_block_is_a_part_of_recording_all(
    model: MockModel, drawn: tuple[Decoder, dict[str, Any]]
) -> None:
    decoder, options = drawn
    whole, block = (run(model, decoder, **options, record=mode) for mode in ("all", "block"))
    starts, ends = whole.block_starts[whole.cell_steps - 1], whole.block_ends[whole.cell_steps - 1]
    inside = (whole.positions >= starts) & (whole.positions < ends)
    for name in ("positions", "candidate_ids", "winner_ids"):
        np.testing.assert_array_equal(getattr(block, name), getattr(whole, name)[inside])
    for name in ("candidate_p", "candidate_credit", "candidate_fused", "winner_p", "fused", "entropy"):
        np.testing.assert_allclose(getattr(block, name), getattr(whole, name)[inside], rtol=1e-5, atol=1e-6)
    for name in whole.channels:
        np.testing.assert_allclose(block.channels[name], whole.channels[name][inside], rtol=1e-5, atol=1e-6)


@given(mocks, runs())
def test_exactly_the_masked_positions_are_recorded(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    for record, before in zip(trace.steps(), replayed(trace), strict=False):
        np.testing.assert_array_equal(record.positions, np.flatnonzero(before == model.mask_id))


@given(mocks, runs(early_stop=False))
def test_recorded_numbers_are_those_of_the_logits(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options, top_k=3)
    for record, logits in zip(trace.steps(), model.logits, strict=True):
        p = torch.softmax(logits[0].double(), -1).numpy()[record.positions]
        top = logits[0].numpy()[record.positions].argmax(-1)
        np.testing.assert_array_equal(record.candidate_ids[:, 0], top)
        np.testing.assert_allclose(
            record.candidate_p, np.take_along_axis(p, record.candidate_ids.astype(int), 1), rtol=1e-4, atol=1e-7
        )
        np.testing.assert_allclose(record.candidate_p, np.sort(p, 1)[:, ::-1][:, :3], rtol=1e-4, atol=1e-7)
        entropy = -(p * np.log(np.clip(p, 1e-300, None))).sum(1)
        np.testing.assert_allclose(record.entropy, entropy, rtol=1e-3, atol=1e-5)
        winner = p[np.arange(len(p)), record.winner_ids]
        np.testing.assert_allclose(record.winner_p, winner, rtol=1e-4, atol=1e-7)


@given(mocks, runs())
def test_outside_the_active_block_nothing_is_fused(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    starts, ends = trace.block_starts[trace.cell_steps - 1], trace.block_ends[trace.cell_steps - 1]
    outside = (trace.positions < starts) | (trace.positions >= ends)
    np.testing.assert_array_equal(trace.candidate_credit[outside], 0)
    np.testing.assert_array_equal(trace.candidate_fused[outside], trace.candidate_p[outside])
    np.testing.assert_array_equal(trace.winner_ids[outside], trace.candidate_ids[outside, 0])
    np.testing.assert_array_equal(trace.fused[outside], trace.confidence[outside])


@given(mocks, runs())
def test_recorded_probabilities_are_probabilities(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    for name in ("candidate_p", "winner_p", "candidate_fused", "fused"):
        values = getattr(trace, name)
        assert values.min() >= 0, name
        # one unit in the last place is rounding; see the exact test of the fused probability for zero tolerance
        assert values.max() <= 1 + 2e-6, name
    assert trace.entropy.min() >= 0
    assert trace.candidate_credit.min() >= 0


@given(mocks, runs())
def test_the_token_written_is_the_recorded_winner(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    trace = run(model, decoder, **options)
    for record in trace.steps():
        winners = dict(zip(record.positions.tolist(), record.winner_ids.tolist(), strict=True))
        events = zip(record.event_positions, record.event_ids, record.event_reasons, strict=True)
        for place, token, why in events:
            blocked = winners[place] == model.mask_id or winners[place] >= model.token_limit
            assert token == winners[place] or why == Reason.FILLED or (why == Reason.FORCED and blocked)


@st.composite
def several(draw: st.DrawFn) -> tuple[list[Decoder], dict[str, Any]]:
    """Up to four decoders on one canvas."""
    size = draw(sizes())
    some = [draw(decoders(size["gen_length"], size["block_length"])) for _ in range(draw(st.integers(1, 4)))]
    return some, {**size, "seed": draw(st.integers(0, 99)), "early_stop": draw(st.booleans())}


@given(mocks, several(), st.booleans())
def test_lanes_together_equal_each_alone(
    model: MockModel, drawn: tuple[list[Decoder], dict[str, Any]], batched: bool
) -> None:
    some, options = drawn
    for decoder, together in zip(some, run_lanes(model, some, batched, **options), strict=True):
        alone = run(model, decoder, **options)
        assert together.info.lanes == (len(some) if batched else 1)
        np.testing.assert_array_equal(together.event_steps, alone.event_steps)
        np.testing.assert_array_equal(together.event_positions, alone.event_positions)
        np.testing.assert_array_equal(together.event_ids, alone.event_ids)
        np.testing.assert_array_equal(together.event_reasons, alone.event_reasons)
        np.testing.assert_array_equal(together.candidate_ids, alone.candidate_ids)
        np.testing.assert_array_equal(together.fused, alone.fused)


@given(mocks, several())
def test_a_batch_makes_one_call_per_round(model: MockModel, drawn: tuple[list[Decoder], dict[str, Any]]) -> None:
    some, options = drawn
    traces = run_lanes(model, some, True, **options)
    assert model.calls == max(trace.forward_passes for trace in traces)
    for call, canvases in enumerate(model.canvases, start=1):
        assert len(canvases) == sum(trace.forward_passes >= call for trace in traces)


@given(
    st.integers(0, 1000),
    runs(),
    st.sampled_from(["mask first", "mask last", "beyond the tokenizer", "both"]),
)
def test_ids_that_have_no_text_are_never_written(seed: int, drawn: tuple[Decoder, dict[str, Any]], kind: str) -> None:
    decoder, options = drawn
    mask = 0 if kind == "mask first" else 8
    extra = {mask: 60.0} if kind.startswith("mask") else {10: 60.0, 11: 59.0}
    if kind == "both":
        extra = {mask: 60.0, 10: 60.0}
    model = MockModel(seed, 12, mask_id=mask, token_limit=10, favour=extra)
    trace = run(model, decoder, **options)
    assert trace.complete
    assert not np.isin(trace.event_ids, [mask, 10, 11]).any()


@given(mocks, runs(early_stop=True))
def test_early_stop_ends_the_run_at_the_first_finished_sentence(
    model: MockModel, drawn: tuple[Decoder, dict[str, Any]]
) -> None:
    decoder, options = drawn
    model.eos_ids = (1, 3)
    stopped = run(model, decoder, **options)
    whole = run(model, decoder, **{**options, "early_stop": False})
    filled = stopped.event_reasons == Reason.FILLED
    before = stopped.event_steps[~filled]
    np.testing.assert_array_equal(before, whole.event_steps[: len(before)])
    np.testing.assert_array_equal(stopped.event_positions[~filled], whole.event_positions[: len(before)])
    np.testing.assert_array_equal(stopped.event_ids[~filled], whole.event_ids[: len(before)])
    for step, state in enumerate(replayed(whole)[1 : stopped.forward_passes], start=1):
        assert not _sentence_ended(state, model), f"step {step} already ended the text"
    last = replayed(whole)[stopped.forward_passes]
    masked = last == model.mask_id
    assert _sentence_ended(last, model) or not masked.any()
    np.testing.assert_array_equal(np.sort(stopped.event_positions[filled]), np.flatnonzero(masked))
    assert (stopped.event_steps[filled] == stopped.forward_passes).all()
    if filled.any():
        ends = [i for i in last[: int(masked.argmax())] if i in model.eos_ids]
        assert set(stopped.event_ids[filled].tolist()) == {ends[0]}


def _sentence_ended(canvas: np.ndarray, model: MockModel) -> bool:
    """An end-of-text token is written, and so is everything before it."""
    masked = np.flatnonzero(canvas == model.mask_id)
    first_mask = masked[0] if len(masked) else len(canvas)
    return bool(np.isin(canvas[:first_mask], model.eos_ids).any())


@dataclass(frozen=True)
class Truth:
    """What a decoder with a threshold saw in one step."""

    raw: np.ndarray
    fused: np.ndarray
    committable: np.ndarray


@given(mocks, runs(early_stop=False))
def test_reasons_tell_the_truth(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    if not hasattr(decoder.settings, "threshold"):
        return
    tau = np.float32(decoder.settings.threshold)
    trace = run(model, decoder, **options)
    for record in trace.steps():
        place = {int(p): m for m, p in enumerate(record.positions)}
        for position, why in zip(record.event_positions, record.event_reasons, strict=True):
            cell = place[int(position)]
            raw, fused = record.winner_p[cell], record.fused[cell]
            if why == Reason.CONFIDENT:
                assert raw >= tau
            if why == Reason.CREDIT:
                assert raw < tau <= fused
            if why == Reason.FORCED:
                assert len(record.event_positions) == 1
                start, end = record.block
                inside = (record.positions >= start) & (record.positions < end)
                committable = inside & (record.winner_ids != model.mask_id)
                assert not (record.fused[committable] >= tau).any()
                if committable.any():
                    assert fused == record.fused[committable].max()
                    best = record.positions[committable][record.fused[committable].argmax()]
                    assert position == best, "ties go to the leftmost position"


@pytest.mark.parametrize("name", ["credit", "threshold"])
@given(model=mocks, data=st.data())
def test_everything_that_passes_the_threshold_is_written(name: str, model: MockModel, data: st.DataObject) -> None:
    decoder, options = data.draw(runs(name=name, early_stop=False))
    tau = np.float32(decoder.settings.threshold)
    for record in run(model, decoder, **options).steps():
        inside = (record.positions >= record.block[0]) & (record.positions < record.block[1])
        passing = inside & (record.fused >= tau) & (record.winner_ids != model.mask_id)
        if passing.any():
            np.testing.assert_array_equal(record.event_positions, record.positions[passing])


@given(mocks, st.data())
def test_without_strength_credit_is_threshold_decoding(model: MockModel, data: st.DataObject) -> None:
    credit, options = data.draw(runs(name="credit"))
    settings = credit.settings
    plain = make_decoder("threshold", {"threshold": settings.threshold, "temperature": settings.temperature})
    without = run(model, type(credit)(settings.replace(alpha=0.0)), **options)
    threshold = run(model, plain, **options)
    np.testing.assert_array_equal(without.event_steps, threshold.event_steps)
    np.testing.assert_array_equal(without.event_positions, threshold.event_positions)
    np.testing.assert_array_equal(without.event_ids, threshold.event_ids)
    np.testing.assert_array_equal(without.event_reasons, threshold.event_reasons)


@pytest.mark.parametrize(
    "name", [n for n, d in DECODERS.items() if any(k.name == "threshold" for k in knobs(d.settings_class))]
)
@given(model=mocks, data=st.data())
def test_above_one_the_threshold_writes_one_token_per_step(name: str, model: MockModel, data: st.DataObject) -> None:
    decoder, options = data.draw(runs(name=name, early_stop=False))
    tau = data.draw(st.floats(1.001, 2.0))
    trace = run(model, type(decoder)(decoder.settings.replace(threshold=tau)), **options)
    assert trace.forward_passes == options["gen_length"]
    assert set(trace.event_reasons.tolist()) == {Reason.FORCED}


@given(mocks, runs(early_stop=False), st.integers(0, 99))
def test_the_seed_matters_only_with_temperature(
    model: MockModel, drawn: tuple[Decoder, dict[str, Any]], other_seed: int
) -> None:
    decoder, options = drawn
    cold = type(decoder)(decoder.settings.replace(temperature=0.0))
    one, two = (run(model, cold, **{**options, "seed": seed}) for seed in (0, other_seed))
    np.testing.assert_array_equal(one.token_ids, two.token_ids)
    np.testing.assert_array_equal(one.commit_step, two.commit_step)


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_temperature_draws_from_the_seed(name: str) -> None:
    decoder = make_decoder(name, {"temperature": 1.0})
    texts = {
        tuple(run(MockModel(3, 16, 0.5), decoder, seed=seed, gen_length=8, block_length=8).token_ids.tolist())
        for seed in range(8)
    }
    assert len(texts) > 4


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_run_leaves_the_global_random_state_alone(name: str) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    run(MockModel(), make_decoder(name, {"temperature": 0.7}), gen_length=6, block_length=3)
    assert torch.equal(before, torch.random.get_rng_state())


@given(mocks, runs())
def test_a_step_changes_nothing_it_was_given(model: MockModel, drawn: tuple[Decoder, dict[str, Any]]) -> None:
    decoder, options = drawn
    logits = model.token_logits(torch.full((1, 8), 2))[0]
    size, length = options["block_length"], options["gen_length"]
    block = Block(0, length // size, 0, size, length, CPU)
    logits = logits[:1].expand(block.length, -1).clone()
    masked = torch.ones(block.length, dtype=torch.bool)
    kept_logits, kept_masked = logits.clone(), masked.clone()
    state = decoder.start(block)
    predictions = Predictions(logits, model.mask_id, model.token_limit)
    view = View.of_block(predictions, masked)
    answers = [decoder.step(view, state, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(logits, kept_logits)
    assert torch.equal(masked, kept_masked)
    for name in ("winner_ids", "winner_p", "fused", "commit", "reasons"):
        assert torch.equal(getattr(answers[0], name), getattr(answers[1], name)), f"{name}: the state was modified"
    assert not (answers[0].commit & ~masked).any()


@pytest.mark.parametrize("name", sorted(DECODERS))
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_decode_to_the_end(name: str, dtype: torch.dtype) -> None:
    trace = run(MockModel(1, dtype=dtype), make_decoder(name), gen_length=12, block_length=6)
    assert trace.complete
    assert trace.candidate_p.dtype == np.float32


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_decoder_describes_itself(name: str) -> None:
    kind = DECODERS[name]
    assert kind.name == name
    assert kind.title
    assert kind.rule
    assert kind.paper
    assert kind.__doc__
    assert "\n" not in kind.rule
    for preset, settings in kind.presets.items():
        assert make_decoder(name, preset=preset).settings == settings
    for described in knobs(kind.settings_class):
        assert described.help
        assert described.role
        assert described.symbol
        low, high = described.slider
        assert described.minimum <= low < high <= described.maximum
        assert described.step > 0


@pytest.mark.parametrize("name", sorted(DECODERS))
@pytest.mark.parametrize("bad", [float("nan"), float("-inf")])
def test_a_model_that_answers_nonsense_cannot_stall_a_run(name: str, bad: float) -> None:
    model = MockModel(0)
    model._place[:] = bad
    records = lane_records(model, make_decoder(name), gen_length=6, block_length=3)
    assert sum(len(record.event_positions) for record in records) == 6
    assert all(0 <= i < model.token_limit and i != model.mask_id for r in records for i in r.event_ids.tolist())


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_model_that_knows_only_the_mask_still_gets_a_text(name: str) -> None:
    model = MockModel(0, mask_id=0, favour=dict.fromkeys(range(1, 13), -np.inf))
    records = lane_records(model, make_decoder(name), gen_length=6, block_length=3)
    assert all(i != model.mask_id for record in records for i in record.event_ids.tolist())
