"""Changes by hand: every decoder goes on from them to the end, and nothing before them is another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.errors import SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from credit_viz.trace.intervention import MAX_INTERVENTIONS, Intervention
from credit_viz.trace.record import CELL_FIELDS, Reason, Trace
from tests.decoding.test_decoding_uniform import NoiseModel
from tests.support import MASK_DECODERS, MockModel, decoders, run, sizes

MASK_NAMES = sorted(MASK_DECODERS)
few = settings(max_examples=max(5, settings().max_examples // 3))
SIZE: dict[str, Any] = {"gen_length": 8, "block_length": 4}
PROMPT = (5, 6, 7, 8)


def by_hand(trace: Trace) -> list[tuple[int, int, int]]:
    """(step, position, token) of what a person did."""
    here = trace.event_reasons == Reason.INTERVENED
    columns = (trace.event_steps[here], trace.event_positions[here], trace.event_ids[here])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def before_ending(trace: Trace, step: int) -> np.ndarray:
    """The canvas after what the decoder wrote in a step, before an early stop filled the rest."""
    canvas = trace.canvas(step).copy()
    filled = (trace.event_steps == step) & (trace.event_reasons == Reason.FILLED)
    canvas[trace.event_positions[filled]] = trace.info.mask_id
    return canvas


def a_change(data: st.DataObject, trace: Trace, first: int) -> Intervention:
    """One that may be made in a run that goes as this trace, not before step `first`."""
    step = data.draw(st.integers(first, trace.forward_passes))
    canvas, start, mask = before_ending(trace, step), int(trace.block_starts[step - 1]), trace.info.mask_id
    position = data.draw(st.integers(0, trace.gen_length - 1))
    assume(position not in trace.info.fixed)
    takes_back = position >= start and canvas[position] != mask and data.draw(st.booleans())
    texts = [token for token in range(trace.info.vocab_size) if token not in (mask, canvas[position])]
    return Intervention(step, position, None if takes_back else data.draw(st.sampled_from(texts)))


def assert_same_until(trace: Trace, plain: Trace, step: int) -> None:
    """The same run up to what the decoder wrote in a step."""
    cells = int(plain.offsets[step])
    for name in CELL_FIELDS:
        np.testing.assert_array_equal(getattr(trace, name)[:cells], getattr(plain, name)[:cells], name)
    for name, values in plain.channels.items():
        np.testing.assert_array_equal(trace.channels[name][:cells], values[:cells], name)
    for one, other in ((trace, plain), (plain, trace)):
        ended = np.isin(one.event_reasons, [Reason.INTERVENED, Reason.FILLED]) & (one.event_steps == step)
        mine = (one.event_steps <= step) & ~ended
        theirs = np.stack([other.event_steps, other.event_positions, other.event_ids, other.event_reasons], 1).tolist()
        columns = np.stack([one.event_steps, one.event_positions, one.event_ids, one.event_reasons], 1)[mine]
        assert all(row in theirs for row in columns.tolist())


def check_changes(model: MockModel, decoder: Decoder, data: st.DataObject, **options: Any) -> None:
    """Up to three changes, each made in the run that the ones before have led to."""
    changes: list[Intervention] = []
    plain = run(model, decoder, **options)
    for _ in range(data.draw(st.integers(1, 3))):
        one = a_change(data, plain, changes[-1].step + 1 if changes else 1)
        changes.append(one)
        trace = run(model, decoder, interventions=changes, **options)
        assert trace.complete
        assert_same_until(trace, plain, one.step)
        token = trace.info.mask_id if one.token is None else one.token
        assert by_hand(trace)[-1] == (one.step, one.position, token)
        after = trace.canvas(one.step)[one.position]
        assert after == token
        if not decoder.needs.rewrites and one.token is not None:
            assert trace.token_ids[one.position] == one.token
            assert (trace.by_hand[one.position], trace.wait[one.position]) == (True, 0)
        plain = trace
        if one.step == trace.forward_passes:
            break


@pytest.mark.parametrize("name", MASK_NAMES)
@few
@given(seed=st.integers(0, 10_000), sharpness=st.sampled_from([0.3, 1.0, 3.0, 10.0]), data=st.data())
def test_every_decoder_goes_on_from_changes_by_hand(
    name: str, seed: int, sharpness: float, data: st.DataObject
) -> None:
    size = data.draw(sizes())
    decoder = data.draw(decoders(size["gen_length"], size["block_length"], name))
    fixed = {size["gen_length"] - 1: 2} if data.draw(st.booleans()) and size["gen_length"] > 1 else None
    options = {**size, "early_stop": data.draw(st.booleans()), "fixed": fixed}
    check_changes(MockModel(seed, sharpness=sharpness), decoder, data, **options)


@pytest.mark.parametrize("name", [name for name in DECODERS if name not in MASK_DECODERS])
@few
@given(seed=st.integers(0, 10_000), early_stop=st.booleans(), steps=st.integers(1, 6), data=st.data())
def test_decoders_on_random_tokens_go_on_too(
    name: str, seed: int, early_stop: bool, steps: int, data: st.DataObject
) -> None:
    decoder = make_decoder(name, {"steps": steps, "t_max": 10.0, "t_min": 0.01})
    check_changes(NoiseModel(seed), decoder, data, **data.draw(sizes()), early_stop=early_stop)


@pytest.mark.parametrize("name", MASK_NAMES)
def test_what_would_be_there_anyway_changes_nothing(name: str) -> None:
    plain = run(MockModel(3), make_decoder(name), **SIZE)
    events = zip(plain.event_steps, plain.event_positions, plain.event_ids, strict=True)
    ours = [Intervention(*map(int, event)) for event in events if event[2] != plain.info.mask_id]
    trace = run(MockModel(3), make_decoder(name), interventions=ours, **SIZE)
    assert by_hand(trace) == []
    assert_same_until(trace, plain, plain.forward_passes)
    assert trace.forward_passes == plain.forward_passes
    assert not trace.same_run(plain), "its header says what was asked for"


def test_a_token_taken_back_in_the_last_step_of_a_block_keeps_it_alive() -> None:
    plain = run(MockModel(), make_decoder("vanilla"), **SIZE)
    place = int(plain.event_positions[3])
    trace = run(MockModel(), make_decoder("vanilla"), interventions=[Intervention(4, place, None)], **SIZE)
    assert trace.forward_passes == plain.forward_passes + 1
    assert trace.block_starts.tolist() == [0] * 5 + [4] * 4
    assert (trace.taken_back, trace.edited) == (0, 0), "that a person took back, no decoder did"


def test_sixty_four_changes_in_a_tiny_block_end_too() -> None:
    changes = [Intervention(step, 0, None) for step in range(1, MAX_INTERVENTIONS + 1)]
    trace = run(MockModel(), make_decoder("credit"), interventions=changes, gen_length=2, block_length=1)
    assert trace.forward_passes == 2 + MAX_INTERVENTIONS
    assert trace.complete


def test_an_end_of_text_token_by_hand_ends_the_run_and_one_taken_back_does_not() -> None:
    options: dict[str, Any] = {"gen_length": 6, "block_length": 6, "early_stop": True}
    endless = MockModel(favour={1: -99.0})
    assert run(endless, make_decoder("vanilla"), **options).forward_passes == 6
    ended = run(endless, make_decoder("vanilla"), interventions=[Intervention(2, 0, 1)], **options)
    assert (ended.forward_passes, ended.token_ids[0], ended.text_end) == (2, 1, 0)
    assert Reason.FILLED in ended.event_reasons

    eager = MockModel(favour={1: 99.0})
    short = run(eager, make_decoder("vanilla"), **options)
    assert short.forward_passes == 1
    first = [Intervention(1, int(short.event_positions[0]), None)]
    assert run(eager, make_decoder("vanilla"), interventions=first, **options).forward_passes == 2


def test_a_written_token_in_a_finished_block_may_be_replaced() -> None:
    plain = run(MockModel(), make_decoder("vanilla"), **SIZE)
    other = 7 if plain.token_ids[1] != 7 else 8
    trace = run(MockModel(), make_decoder("vanilla"), interventions=[Intervention(6, 1, other)], **SIZE)
    assert int(trace.block_starts[5]) == 4
    assert trace.token_ids[1] == other
    assert trace.by_hand.tolist() == [False, True] + [False] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((6, 1, None), r"position 1 after step 6: its block is finished; valid then: positions 4\.\.7"),
        ((1, 7, None), r"position 7 after step 1: there is nothing to take back"),
        ((9, 7, 3), r"the run was finished after 7 steps; valid: steps 1\.\.7"),
        ((10**9, 7, 3), r"the run was finished after 7 steps"),
        ((1, 8, 3), r"position 8 after step 1: it is out of range; valid: positions 0\.\.7"),
        ((1, 2, 3), r"the token there is given; valid: positions that are not"),
        ((1, 7, 12), r"token 12 is no text"),
        ((1, 7, 13), r"token 13 is no text; valid: ids of 0\.\.12"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_what_can(change: tuple[Any, ...], message: str) -> None:
    decoder = make_decoder("vanilla")
    with pytest.raises(SettingsError, match=message):
        run(MockModel(), decoder, fixed={2: 4}, interventions=[Intervention(*change)], **SIZE)


def test_two_changes_of_one_place_and_too_many_are_refused() -> None:
    with pytest.raises(SettingsError, match="there are two; valid: one for each position and step"):
        run(MockModel(), make_decoder("credit"), interventions=[Intervention(1, 0, 3), Intervention(1, 0, 4)], **SIZE)
    many = [Intervention(1, 0, 3)] * 1_000_000
    with pytest.raises(SettingsError, match="1000000 changes by hand in one lane; valid: up to 64"):
        run(MockModel(), make_decoder("credit"), interventions=many, **SIZE)


@pytest.mark.parametrize("bad", [0, -1, True, 1.0, "1", None, [1]])
def test_steps_are_whole_numbers_from_1(bad: Any) -> None:
    with pytest.raises(SettingsError, match=r"with step .*valid: a whole number from 1 on"):
        Intervention(bad, 0, 1)


def test_numbers_of_numpy_become_plain() -> None:
    one = Intervention(np.int64(2), np.int32(3), np.int64(4))  # type: ignore[arg-type]
    assert [type(number) for number in (one.step, one.position, one.token)] == [int] * 3


# ------------------------------------------------------------------ caches


@pytest.fixture(scope="module")
def causal(fixtures: Path) -> DiffusionLM:
    """A block-causal model."""
    return load_model(fixtures / "llada2", device="cpu", dtype="float32")


@pytest.mark.parametrize("changes", [[(2, 9, 40)], [(1, 45, 41), (3, 5, 42)], [(1, None, None)]])
def test_the_block_cache_is_right_after_changes_by_hand(causal: DiffusionLM, changes: list[Any]) -> None:
    assert causal.block_length is not None
    size = {"gen_length": 4 * causal.block_length, "block_length": causal.block_length}
    decoder = make_decoder("vanilla", {"steps": 20})
    plain = run(causal, decoder, PROMPT, record="block", **size)
    written = int(plain.event_positions[0])
    made = [Intervention(step, written if place is None else place, token) for step, place, token in changes]
    without = run(causal, decoder, PROMPT, record="block", interventions=made, **size)
    cached = run(causal, decoder, PROMPT, record="block", interventions=made, cache="block", **size)
    for name in ("event_steps", "event_positions", "event_ids", "event_reasons"):
        np.testing.assert_array_equal(getattr(cached, name), getattr(without, name), name)
    np.testing.assert_allclose(cached.candidate_p, without.candidate_p, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("cache", "position", "message"),
    [
        ("prefix", 1, r"its block is finished, and the prefix cache keeps.*valid then: positions 8\.\.23"),
        ("dual", 1, r"its block is finished, and the dual cache keeps"),
        ("dual", 20, r"the dual cache computes the active block only; valid then: positions 8\.\.15"),
    ],
)
def test_what_a_cache_would_not_see_is_refused(peaky: DiffusionLM, cache: str, position: int, message: str) -> None:
    options = {"gen_length": 24, "block_length": 8, "cache": cache}
    decoder = make_decoder("vanilla")
    with pytest.raises(SettingsError, match=message):
        run(peaky, decoder, PROMPT, interventions=[Intervention(9, position, 7)], **options)
    inside = run(peaky, decoder, PROMPT, interventions=[Intervention(9, 15, 7)], **options)
    assert inside.token_ids[15] == 7
