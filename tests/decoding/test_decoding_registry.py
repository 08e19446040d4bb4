"""Properties that every registered decoder must have, over drawn settings, canvases and models.

They read the registry: a decoder added later is covered without a change here. What is written when is in
test_decoding_events.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Block, Decoder, View
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RECORD_MODES, RunOptions
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.recorder import Recorder
from credit_viz.decoding.settings import knobs
from credit_viz.errors import SettingsError
from credit_viz.trace.record import StepRecord
from tests.cases import NAMES, WARM, Case, assert_same_writes, cases, for_every_decoder, knob_names, replayed
from tests.support import (
    PROMPT,
    MockModel,
    decoders,
    lane_records,
    mocks,
    run,
    run_lanes,
    sizes,
)

# ------------------------------------------------------------------ the same again


@for_every_decoder
def test_same_seed_same_trace(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    assert case.run().same_run(case.run())


@for_every_decoder
def test_a_reused_decoder_equals_a_fresh_one(name: str, data: st.DataObject) -> None:
    case, cancelled_after = data.draw(cases(name)), data.draw(st.integers(0, 5))
    fresh = case.run(type(case.decoder)(case.decoder.settings))
    case.run(early_stop=True)
    options = RunOptions(**{key: value for key, value in case.options.items() if key != "fixed"})
    steps = denoise(case.model, [Lane(case.model, (3, 2), case.decoder, options)])
    for _ in zip(range(cancelled_after), steps, strict=False):
        pass
    steps.close()
    assert case.run().same_run(fresh)


@for_every_decoder
def test_a_step_changes_nothing_it_was_given(name: str, data: st.DataObject) -> None:
    model, size = data.draw(mocks), data.draw(sizes())
    decoder = data.draw(decoders(size["block_length"], size["block_length"], name))
    length = size["block_length"]
    logits = model.token_logits(torch.full((1, 2 * length), 2))[0]
    ids = torch.full((length,), 2)
    ids[: data.draw(st.integers(1, length))] = model.mask_id
    tensors = (logits[:length].clone(), ids, ids == model.mask_id, logits[length:].clone())
    kept = [tensor.clone() for tensor in tensors]
    state = decoder.start(Block.alone(length))
    answers = [decoder.step(_view(model, *tensors), state, torch.Generator().manual_seed(1)) for _ in range(2)]
    for before, after in zip(kept, tensors, strict=True):
        assert torch.equal(before, after)
    for field in ("winner_ids", "winner_p", "fused", "commit", "reasons"):
        assert torch.equal(getattr(answers[0], field), getattr(answers[1], field)), f"{field}: the state was modified"


def _view(
    model: MockModel, logits: torch.Tensor, ids: torch.Tensor, masked: torch.Tensor, beside: torch.Tensor
) -> View:
    read = [Predictions(rows, model.mask_id, model.token_limit) for rows in (logits, beside)]
    none = torch.zeros_like(masked)
    return View(read[0], masked, ~none, none, ids, float(masked.float().mean()), read[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_run_leaves_the_global_random_state_alone(name: str) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    warm = {"temperature": 0.7} if name in WARM else {}
    run(MockModel(), make_decoder(name, warm), gen_length=6, block_length=3)
    assert torch.equal(before, torch.random.get_rng_state())


@for_every_decoder
def test_the_seed_matters_only_with_temperature(name: str, data: st.DataObject) -> None:
    case, other_seed = data.draw(cases(name, early_stop=False)), data.draw(st.integers(0, 99))
    cold = {"temperature": 0.0, "order": "confidence"}
    changes = {knob: value for knob, value in cold.items() if knob in knob_names(name)}
    decoder = type(case.decoder)(case.decoder.settings.replace(**changes))
    assert_same_writes(case.run(decoder), case.run(decoder, seed=other_seed))


@pytest.mark.parametrize("name", WARM)
def test_temperature_draws_from_the_seed(name: str) -> None:
    decoder = make_decoder(name, {"temperature": 1.0})
    texts = {
        tuple(run(MockModel(3, 16, 0.5), decoder, seed=seed, gen_length=8, block_length=8).token_ids.tolist())
        for seed in range(8)
    }
    assert len(texts) > 4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("vocabulary", [50, 16 * 512])
def test_a_step_never_waits_for_the_device(name: str, vocabulary: int) -> None:
    """On the meta device tensors have no values: whoever asks for one, as a wait for a GPU would, fails."""
    device, length = torch.device("meta"), 6
    decoder, masked = make_decoder(name), torch.ones(length, dtype=torch.bool, device=device)
    state, ids = decoder.start(Block.alone(length, device)), torch.zeros(length, dtype=torch.int64, device=device)
    for _ in range(3):
        first, beside = (
            Predictions(torch.randn(length, vocabulary, device=device), 0, vocabulary - 3, True) for _ in range(2)
        )
        view = View(first, masked, masked, ~masked, ids, 1.0, beside)
        decision = decoder.step(view, state, torch.Generator())
        state = decision.state
        numbers, tokens = Recorder("all", 5)._table(decoder, first, first, decision, slice(0, length))
        assert (numbers.device, tokens.shape) == (device, (length, 6))


# ------------------------------------------------------------------ side by side


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
        assert_same_writes(together, alone)
        np.testing.assert_array_equal(together.candidate_ids, alone.candidate_ids)
        np.testing.assert_array_equal(together.fused, alone.fused)


@given(mocks, several())
def test_a_batch_makes_one_call_per_round_and_one_for_each_lane_that_asks_for_more(
    model: MockModel, drawn: tuple[list[Decoder], dict[str, Any]]
) -> None:
    some, options = drawn
    traces = run_lanes(model, some, True, **options)
    expected = []
    for call in range(1, max(trace.forward_passes for trace in traces) + 1):
        needs = [d.needs for d, trace in zip(some, traces, strict=True) if trace.forward_passes >= call]
        plain = sum(not need.abilities for need in needs)
        expected += [plain] * (plain > 0) + [2 if need.guidance else 1 for need in needs if need.abilities]
    assert [len(canvases) for canvases in model.canvases] == expected


# ------------------------------------------------------------------ what is recorded


@for_every_decoder
def test_recording_changes_nothing(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    everything, *less = (case.run(record=mode) for mode in RECORD_MODES)
    for trace in less:
        assert_same_writes(trace, everything)


@for_every_decoder
def test_computing_only_what_is_needed_changes_nothing(name: str, data: st.DataObject) -> None:
    case, record = data.draw(cases(name)), data.draw(st.sampled_from(RECORD_MODES))
    whole, needed = (case.run(record=record, logits_to_keep=kept) for kept in ("all", "needed"))
    assert_same_writes(whole, needed)
    np.testing.assert_array_equal(whole.positions, needed.positions)
    np.testing.assert_array_equal(whole.candidate_ids, needed.candidate_ids)
    np.testing.assert_array_equal(whole.fused, needed.fused)


@for_every_decoder
def test_recording_the_block_is_a_part_of_recording_all(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    whole, block = (case.run(record=mode) for mode in ("all", "block"))
    starts, ends = whole.block_starts[whole.cell_steps - 1], whole.block_ends[whole.cell_steps - 1]
    inside = (whole.positions >= starts) & (whole.positions < ends)
    for array in ("positions", "candidate_ids", "winner_ids"):
        np.testing.assert_array_equal(getattr(block, array), getattr(whole, array)[inside])
    for array in ("candidate_p", "candidate_credit", "candidate_fused", "winner_p", "fused", "entropy"):
        np.testing.assert_allclose(getattr(block, array), getattr(whole, array)[inside], rtol=1e-5, atol=1e-6)
    assert block.channels.keys() == whole.channels.keys()
    for channel in whole.channels:
        np.testing.assert_allclose(block.channels[channel], whole.channels[channel][inside], rtol=1e-5, atol=1e-6)


@for_every_decoder
def test_exactly_the_open_positions_are_recorded(name: str, data: st.DataObject) -> None:
    """Masked ones, and what a decoder that rewrites has written in the active block."""
    case = data.draw(cases(name))
    trace = case.run()
    for record, before in zip(trace.steps(), replayed(trace), strict=False):
        is_open = before == case.model.mask_id
        if case.decoder.needs.rewrites:
            is_open[slice(*record.block)] = True
            is_open[list(case.options["fixed"])] = False
        np.testing.assert_array_equal(record.positions, np.flatnonzero(is_open))


@for_every_decoder
def test_recorded_numbers_are_those_of_the_logits(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name, early_stop=False))
    trace = case.run(top_k=3)
    for record, called in zip(trace.steps(), case.model.logits, strict=True):
        logits = _guided(called, case.decoder.needs.guidance)
        p = torch.softmax(logits.double(), -1).numpy()[record.positions]
        np.testing.assert_array_equal(record.candidate_ids[:, 0], logits.numpy()[record.positions].argmax(-1))
        np.testing.assert_allclose(
            record.candidate_p, np.take_along_axis(p, record.candidate_ids.astype(int), 1), rtol=1e-4, atol=1e-7
        )
        np.testing.assert_allclose(record.candidate_p, np.sort(p, 1)[:, ::-1][:, :3], rtol=1e-4, atol=1e-7)
        entropy = -(p * np.log(np.clip(p, 1e-300, None))).sum(1)
        np.testing.assert_allclose(record.entropy, entropy, rtol=1e-3, atol=1e-5)
        winner = p[np.arange(len(p)), record.winner_ids]
        np.testing.assert_allclose(record.winner_p, winner, rtol=1e-4, atol=1e-7)


def _guided(called: torch.Tensor, scale: float) -> torch.Tensor:
    return called[1] + (scale + 1) * (called[0] - called[1]) if scale else called[0]


@for_every_decoder
def test_outside_the_active_block_nothing_is_fused(name: str, data: st.DataObject) -> None:
    trace = data.draw(cases(name)).run()
    starts, ends = trace.block_starts[trace.cell_steps - 1], trace.block_ends[trace.cell_steps - 1]
    outside = (trace.positions < starts) | (trace.positions >= ends)
    np.testing.assert_array_equal(trace.candidate_credit[outside], 0)
    np.testing.assert_array_equal(trace.candidate_fused[outside], trace.candidate_p[outside])
    np.testing.assert_array_equal(trace.fused[outside], trace.winner_p[outside])


@for_every_decoder
def test_recorded_probabilities_are_probabilities(name: str, data: st.DataObject) -> None:
    trace = data.draw(cases(name)).run()
    for array in ("candidate_p", "winner_p", "candidate_fused", "fused"):
        values = getattr(trace, array)
        assert (values >= 0).all(), array
        # one unit in the last place is rounding; see the exact test of the fused probability for zero tolerance
        assert (values <= 1 + 2e-6).all(), array
    assert (trace.entropy >= 0).all()
    assert (trace.candidate_credit >= 0).all()


# ------------------------------------------------------------------ models of every kind


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_decode_to_the_end(name: str, dtype: torch.dtype) -> None:
    trace = run(MockModel(1, dtype=dtype), make_decoder(name), gen_length=12, block_length=6)
    assert trace.complete
    assert trace.candidate_p.dtype == np.float32


def _texts(records: list[StepRecord]) -> list[int]:
    return [int(i) for record in records for i in record.event_ids]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [float("nan"), float("-inf")])
def test_a_model_that_answers_nonsense_cannot_stall_a_run(name: str, bad: float) -> None:
    model = MockModel(0)
    model._place[:] = bad
    written = _texts(lane_records(model, make_decoder(name), gen_length=6, block_length=3))
    assert len(written) == 6
    assert all(0 <= i < model.token_limit and i != model.mask_id for i in written)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_knows_only_the_mask_still_gets_a_text(name: str) -> None:
    model = MockModel(0, mask_id=0, favour=dict.fromkeys(range(1, 13), -np.inf))
    records = lane_records(model, make_decoder(name), gen_length=6, block_length=3)
    assert all(i != model.mask_id for i in _texts(records))


@pytest.mark.parametrize(
    ("ability", "name", "values"),
    [
        (ability, name, values)
        for name in NAMES
        for values in ({}, {"guidance": 1.5} if "guidance" in knob_names(name) else {})
        for ability in make_decoder(name, values).needs.abilities
    ],
)
def test_a_model_without_an_ability_refuses_decoders_that_need_it(
    ability: str, name: str, values: dict[str, Any]
) -> None:
    model = MockModel()
    model.abilities = model.abilities - {ability}
    with pytest.raises(SettingsError, match=rf"{name!r} needs {ability}"):
        run(model, make_decoder(name, values), gen_length=4, block_length=4)
    assert model.calls == 0


# ------------------------------------------------------------------ about themselves


@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_describes_itself(name: str) -> None:
    kind = DECODERS[name]
    assert kind.name == name
    for words in (kind.title, kind.rule, kind.paper, kind.group, kind.__doc__, make_decoder(name).score):
        assert words
    assert "\n" not in kind.rule
    for preset, values in kind.presets.items():
        assert make_decoder(name, preset=preset).settings == values
    for described in knobs(kind.settings_class):
        assert described.help
        assert described.role
        assert described.symbol
        low, high = described.slider
        assert described.choices or described.minimum <= low < high <= described.maximum
        assert described.choices or described.step > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_names_the_knob_that_trades_passes_for_quality(name: str) -> None:
    knob, values = DECODERS[name].sweep
    assert knob in knob_names(name)
    assert len(values) > 2
    for value in values:
        make_decoder(name, {knob: value})


def test_a_case_can_be_anything() -> None:
    """The strategy reaches what the properties are about; a silent narrowing would make them empty."""
    seen: set[str] = set()

    @settings(max_examples=200, derandomize=True, database=None)
    @given(cases())
    def collect(case: Case) -> None:
        seen.add("given" if case.options["fixed"] else "blank")
        seen.add("by blocks" if case.model.block_length else "both ways")
        length = case.options["block_length"]
        if case.model.block_length and len(PROMPT) % length:
            seen.add("short first block")
        seen.add(case.decoder.name)

    collect()
    assert seen == {"given", "blank", "by blocks", "both ways", "short first block", *NAMES}
