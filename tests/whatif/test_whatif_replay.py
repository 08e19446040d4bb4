"""What-if on drawn runs of every decoder: nothing predicted is wrong, and what cannot be said is said so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.errors import CreditVizError, SettingsError
from credit_viz.trace.record import Trace
from credit_viz.whatif import Prediction, counterfactuals, needs_rerun_from, predict, what_if
from tests.cases import NAMES, Case, cases, for_every_decoder
from tests.support import MASK_DECODERS, MockModel, decoders, run, run_info, trace_of

#: decoders of which a run of their own kind says too little, and why.
NEVER = {
    "dense-credit": "it needs the probability of every token of the vocabulary",
    "wino": "it also asks what is seen without a written token",
}


def cold(decoder: Decoder) -> Decoder:
    """The same without sampling and guidance."""
    off = {name: 0.0 for name in ("temperature", "guidance") if name in decoder.settings.to_dict()}
    return type(decoder)(decoder.settings.replace(**off))


def events(trace: Trace) -> list[list[tuple[int, int, int]]]:
    columns = [getattr(trace, f"event_{name}") for name in ("positions", "ids", "reasons")]
    steps = [trace.event_steps == step for step in range(1, trace.forward_passes + 1)]
    return [list(zip(*(column[here].tolist() for column in columns), strict=True)) for here in steps]


def told(predicted: Prediction) -> list[list[tuple[int, int, int]]]:
    return [[(w.position, w.token_id, int(w.reason)) for w in step.writes] for step in predicted.steps]


def without_reasons(steps: list[list[tuple[int, int, int]]]) -> list[set[tuple[int, int]]]:
    return [{event[:2] for event in step} for step in steps]


def assert_true(recorded: Trace, predicted: Prediction, real: Trace) -> None:
    """Every predicted write is made, and the first step that differs is the real one."""
    happened, known = events(real), told(predicted)
    assert known == happened[: len(known)]
    ours, theirs = without_reasons(events(recorded)), without_reasons(happened)
    parts = [step for step in range(max(len(ours), len(theirs))) if ours[step : step + 1] != theirs[step : step + 1]]
    first = parts[0] + 1 if parts else None
    if predicted.ended == "not recorded":
        assert first is None or first > len(known)
        assert predicted.why
    else:
        assert predicted.diverges_at == first
        assert predicted.ended == ("same" if first is None else "differs")


@for_every_decoder
def test_the_same_settings_never_part(name: str, data: Any) -> None:
    case = data.draw(cases(name, top_k=data.draw(st.integers(1, 5)), record="all"))
    decoder = cold(case.decoder)
    trace = case.run(decoder)
    predicted = predict(trace, decoder)
    assert predicted.ended != "differs"
    assert_true(trace, predicted, trace)
    if name in NEVER:
        assert (predicted.ended, predicted.why, predicted.steps) == ("not recorded", NEVER[name], ())


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(NEVER)))
def test_with_five_guesses_recorded_a_run_is_known_to_its_end(name: str) -> None:
    model = MockModel(4, vocab_size=40, sharpness=3.0, max_positions=64)
    trace = run(model, make_decoder(name), gen_length=24, block_length=12, top_k=20)
    predicted = what_if(trace)
    assert (predicted.ended, predicted.why) == ("same", "")
    assert len(predicted.steps) == trace.forward_passes
    assert needs_rerun_from(predicted) is None


@given(data=st.data())
def test_any_other_decoder_is_predicted_as_it_would_run(data: Any) -> None:
    case: Case = data.draw(cases(record=data.draw(st.sampled_from(["all", "all", "block"]))))
    recorded = case.run()
    options = case.options
    size = options["gen_length"], options["block_length"]
    other = cold(data.draw(decoders(*size, blocks=size[0] // size[1])))
    if data.draw(st.booleans()):
        other = cold(case.decoder)
    try:
        real = case.run(other)
        predicted = predict(recorded, other)
    except SettingsError:
        assume(False)
    assert_true(recorded, predicted, real)


@given(data=st.data())
def test_other_blocks_and_early_stop_are_predicted_too(data: Any) -> None:
    case: Case = data.draw(cases(record="all"))
    case.model.block_length = None
    recorded = case.run(cold(case.decoder))
    length = case.options["gen_length"]
    changed = {
        "block_length": data.draw(st.sampled_from([n for n in range(1, length + 1) if length % n == 0])),
        "early_stop": data.draw(st.booleans()),
    }
    try:
        predicted = predict(recorded, cold(case.decoder), **changed)
        real = case.run(cold(case.decoder), **changed)
    except SettingsError:
        assume(False)
    assert_true(recorded, predicted, real)
    assert predicted.options == changed


def test_every_decoder_is_either_replayed_or_listed() -> None:
    trace = run(MockModel(2), make_decoder("threshold"), gen_length=12, block_length=6)
    unsaid = {found.decoder: found.why for found in counterfactuals(trace, 1) if found.why}
    noise = "random tokens stand where others have masks, new ones in each step"
    assert unsaid == NEVER | {name: noise for name in DECODERS if name not in MASK_DECODERS}
    later = {found.decoder for found in counterfactuals(trace, trace.forward_passes) if found.why}
    # these look at what was not recorded of a threshold run: whole distributions, guesses at written tokens
    assert later == set(unsaid) | {"klass", "editing"}


def test_changes_by_hand_belong_to_the_run() -> None:
    from credit_viz.decoding.options import RunOptions
    from credit_viz.run import Race
    from credit_viz.trace.intervention import Intervention

    model = MockModel(3, vocab_size=30)
    decoder = make_decoder("threshold", {"threshold": 0.95})
    bare = run(model, decoder, gen_length=12, block_length=12)
    place = int(bare.event_positions[0])
    change = Intervention(1, place, (int(bare.event_ids[0]) + 1) % 20 + 1)
    race = Race.start(model, [decoder], RunOptions(12, 12), prompt_ids=(2, 3), interventions=[[change]])
    for _ in race.steps():
        pass
    trace = race.trace(0)
    assert what_if(trace).ended == "same"
    assert (change.position, change.token) in without_reasons(told(what_if(trace)))[0]


def test_a_run_that_was_cancelled_is_told_as_far_as_it_went() -> None:
    decoder = make_decoder("vanilla")
    trace = run(MockModel(1), decoder, gen_length=8, block_length=8)
    half = trace_of_steps(trace, 3)
    assert not half.complete
    assert what_if(half).ended == "not recorded"
    assert len(what_if(half).steps) == 3
    assert what_if(half).why == "the record ends here"


def trace_of_steps(trace: Trace, count: int) -> Trace:
    from credit_viz.trace.build import build_trace

    return build_trace(trace.info, list(trace.steps())[:count])


def test_what_was_not_recorded_is_named() -> None:
    model = MockModel(5, vocab_size=30)
    bare = run(model, make_decoder("threshold"), gen_length=8, block_length=8, record="none")
    assert what_if(bare).why == "no guesses were recorded"
    trace = run(model, make_decoder("threshold"), gen_length=8, block_length=8)
    warm = what_if(trace, settings={"temperature": 0.5})
    assert warm.why == "at a temperature above 0 it draws from the whole vocabulary"
    guided = what_if(trace, "vanilla", {"guidance": 1.5})
    assert guided.why == "its guidance is 1.5, and the guesses were recorded with 0"
    on_gpu = replace(trace, info=replace(trace.info, device="cuda"))
    assert what_if(on_gpu, "vanilla", {"order": "random"}).why == "its random numbers were drawn on cuda"
    assert what_if(on_gpu).ended == "same"


def test_ids_without_a_text_are_never_written() -> None:
    model = MockModel(6, vocab_size=30, token_limit=20, mask_id=3)
    trace = run(model, make_decoder("vanilla"), gen_length=16, block_length=8, top_k=20)
    assert (trace.candidate_ids[:, 0] >= 20).any()
    assert trace.info.token_limit == 20
    for name in ("threshold", "credit", "factor"):
        real = run(model, make_decoder(name), gen_length=16, block_length=8, top_k=20)
        assert_true(trace, what_if(trace, name), real)


def test_bad_settings_are_refused_by_name() -> None:
    trace = run(MockModel(5), make_decoder("threshold"), gen_length=8, block_length=8)
    for words, asked in (
        ("unknown decoder", {"decoder": "credits"}),
        ("unknown setting", {"settings": {"alpha": 1}}),
        ("unknown preset", {"preset": "mine"}),
        ("valid block lengths: 1, 2, 4, 8", {"block_length": 3}),
        ("steps=2000 does not fit", {"decoder": "vanilla", "settings": {"steps": 2000}}),
    ):
        with pytest.raises(CreditVizError, match=words):
            what_if(trace, **asked)


def test_the_recorded_settings_are_where_it_begins() -> None:
    trace = run(MockModel(5), make_decoder("credit", preset="no history"), gen_length=8, block_length=8)
    assert what_if(trace, settings={"alpha": 0.5}).settings == {**trace.info.settings, "alpha": 0.5}
    assert what_if(trace, "credit").settings == trace.info.settings
    assert what_if(trace, "credit", preset="paper").settings["beta"] == 0.7
    assert what_if(trace, "threshold").settings == {"threshold": 0.9, "temperature": 0.0}


def test_traces_written_by_hand_do_not_break_it() -> None:
    trace = trace_of([{0: 1, 1: 2}, {1: 2}], [(1, 0, 1), (2, 1, 2)], gen_length=2, block=(0, 2), settings={})
    for name in DECODERS:
        assert what_if(trace, name).ended in ("same", "differs", "not recorded")
    odd = run_info(decoder="of another version")
    with pytest.raises(SettingsError, match="of another version"):
        what_if(replace(trace, info=replace(odd, gen_length=2)))


def test_fused_numbers_are_the_recorded_ones() -> None:
    trace = run(MockModel(7, vocab_size=30), make_decoder("credit"), gen_length=16, block_length=8, top_k=20)
    for step in what_if(trace).steps:
        for write in step.writes:
            cell = np.flatnonzero((trace.cell_steps == step.step) & (trace.positions == write.position))[0]
            assert write.fused == pytest.approx(float(trace.fused[cell]), abs=2e-6)
            assert write.bar == pytest.approx(float(trace.channels["bar"][cell]))
