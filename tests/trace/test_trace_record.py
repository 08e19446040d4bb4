"""The Trace record: checks on creation, frozen arrays, cell values by name, and the way there and back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from credit_viz.errors import TraceError
from credit_viz.trace.build import build_trace
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, STEP_FIELDS, RunInfo, Trace
from tests.support import run_info, trace_of


@pytest.fixture
def trace() -> Trace:
    return trace_of([{0: 5, 1: 2, 2: 1}, {0: 5, 2: 1}, {0: 5}], [(1, 1, 2), (2, 2, 1), (3, 0, 5)])


ARRAYS = [*STEP_FIELDS, *CELL_FIELDS, *EVENT_FIELDS]


@pytest.mark.parametrize("name", ARRAYS)
def test_a_wrong_dtype_is_refused_by_name(trace: Trace, name: str) -> None:
    with pytest.raises(TraceError, match=rf"\b{name}\b.*int64"):
        dataclasses.replace(trace, **{name: getattr(trace, name).astype(np.int64)})


@pytest.mark.parametrize("name", ARRAYS)
def test_a_wrong_shape_is_refused(trace: Trace, name: str) -> None:
    array = getattr(trace, name)
    for bad in (array[:-1], array[None], array.ravel()[0]):
        with pytest.raises(TraceError, match="trace array"):
            dataclasses.replace(trace, **{name: np.asarray(bad)})


def test_a_wrong_channel_is_refused_by_name(trace: Trace) -> None:
    with pytest.raises(TraceError, match="credit"):
        dataclasses.replace(trace, channels={"credit": np.zeros(2, np.float32)})


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("positions", 4),
        ("positions", -1),
        ("event_positions", 4),
        ("event_steps", 0),
        ("event_steps", 4),
        ("event_reasons", 0),
        ("event_reasons", 99),
    ],
)
def test_values_out_of_range_are_refused_by_name(trace: Trace, name: str, bad: int) -> None:
    array = getattr(trace, name).copy()
    array[-1] = bad
    with pytest.raises(TraceError, match=rf"{name}.*{bad}"):
        dataclasses.replace(trace, **{name: array})


def replaced(trace: Trace, name: str, place: int, value: Any) -> Trace:
    array = getattr(trace, name).copy()
    array[place] = value
    return dataclasses.replace(trace, **{name: array})


@pytest.mark.parametrize("name", ["forward_seconds", "decoder_seconds"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 1e300])
def test_times_that_no_clock_shows_are_refused(trace: Trace, name: str, value: float) -> None:
    with pytest.raises(TraceError, match=name):
        replaced(trace, name, 0, value)


def test_events_that_go_back_in_time_are_refused(trace: Trace) -> None:
    with pytest.raises(TraceError, match="event_steps"):
        replaced(trace, "event_steps", 0, 3)


def test_a_position_recorded_twice_in_a_step_is_refused(trace: Trace) -> None:
    with pytest.raises(TraceError, match="positions"):
        replaced(trace, "positions", 1, 0)


@pytest.mark.parametrize(("name", "value"), [("block_starts", -1), ("block_ends", 5), ("block_ends", 0)])
def test_blocks_outside_the_canvas_are_refused(trace: Trace, name: str, value: int) -> None:
    with pytest.raises(TraceError, match="block"):
        replaced(trace, name, 0, value)


@pytest.mark.parametrize("name", ["candidate_ids", "winner_ids", "event_ids"])
@pytest.mark.parametrize("value", [-1, 10])
def test_ids_outside_the_vocabulary_are_refused(trace: Trace, name: str, value: int) -> None:
    with pytest.raises(TraceError, match=name):
        replaced(trace, name, 0, value)


def test_arrays_and_channels_cannot_be_changed(trace: Trace) -> None:
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(trace, name)[...] = 0
    with pytest.raises(ValueError, match="read-only"):
        trace.channels["credit"][...] = 0
    with pytest.raises(TypeError):
        trace.channels["new"] = np.zeros(6, np.float32)  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.fused = trace.winner_p  # type: ignore[misc]


def test_cell_values_by_name(trace: Trace) -> None:
    np.testing.assert_array_equal(trace.cells("confidence"), trace.candidate_p[:, 0])
    np.testing.assert_array_equal(trace.cells("margin"), trace.candidate_p[:, 0] - trace.candidate_p[:, 1])
    np.testing.assert_array_equal(trace.cells("credit"), trace.channels["credit"])
    for name in ("fused", "entropy", "winner_p"):
        np.testing.assert_array_equal(trace.cells(name), getattr(trace, name))
    with pytest.raises(TraceError, match=r"'luck'.*boost.*confidence.*credit"):
        trace.cells("luck")


def test_a_decoder_without_credit_grants_none() -> None:
    trace = trace_of([{0: 5, 1: 2}], [(1, 0, 5)], channels=())
    np.testing.assert_array_equal(trace.cells("credit"), [0, 0])
    np.testing.assert_array_equal(trace.cells("boost"), [0, 0])


def test_margin_of_a_single_candidate_is_its_confidence() -> None:
    trace = trace_of([{0: 5, 1: 2}], [(1, 0, 5)], top_k=1)
    np.testing.assert_array_equal(trace.margin, trace.confidence)
    assert trace.margin.dtype == np.float32


def test_steps_and_build_are_inverse(trace: Trace) -> None:
    rebuilt = build_trace(trace.info, list(trace.steps()))
    assert rebuilt.same_run(trace)
    np.testing.assert_array_equal(rebuilt.forward_seconds, trace.forward_seconds)
    np.testing.assert_array_equal(rebuilt.decoder_seconds, trace.decoder_seconds)


def test_a_built_trace_shares_no_memory_with_its_records(trace: Trace) -> None:
    records = [dataclasses.replace(r, winner_p=r.winner_p.copy()) for r in trace.steps()][:1]
    rebuilt = build_trace(trace.info, records)
    records[0].winner_p[:] = 7
    assert rebuilt.winner_p.max() <= 1


def test_no_records_build_an_empty_trace() -> None:
    trace = build_trace(run_info(), [])
    assert trace.forward_passes == 0
    assert trace.candidate_ids.shape == (0, 2)


def test_records_of_another_width_are_refused(trace: Trace) -> None:
    with pytest.raises(TraceError):
        build_trace(run_info(top_k=3), list(trace.steps()))


def test_same_run_ignores_times_and_versions_only(trace: Trace) -> None:
    later = dataclasses.replace(
        trace, forward_seconds=trace.forward_seconds + 1, info=dataclasses.replace(trace.info, versions={"torch": "9"})
    )
    assert trace.same_run(later)
    assert not trace.same_run(dataclasses.replace(trace, info=dataclasses.replace(trace.info, seed=1)))
    assert not trace.same_run(replaced(trace, "entropy", 0, 0.5))
    assert not trace.same_run(dataclasses.replace(trace, channels={}))
    other = {**trace.channels, "credit": trace.channels["credit"] + np.float32(1)}
    assert not trace.same_run(dataclasses.replace(trace, channels=other))


def test_traces_can_be_compared_and_used_as_keys(trace: Trace) -> None:
    other = build_trace(trace.info, list(trace.steps()))
    assert (trace == other) in (True, False)
    assert len({trace: 1, other: 2}) in (1, 2)


def test_a_trace_says_what_it_is(trace: Trace) -> None:
    assert repr(trace) == "Trace(credit on mock: 3 forward passes, 4 positions, 6 cells)"


def test_run_info_survives_json() -> None:
    info = run_info(prompt=None, revision="abc", versions={"torch": "2"}, token_text={3: "\ud800", 4: "a"})
    assert RunInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "colour"),
        ({"prompt_ids": 3}, "prompt_ids=3"),
        ({"token_text": [1]}, "token_text="),
        ({"eos_ids": ["x"]}, "eos_ids"),
    ],
)
def test_run_info_of_wrong_fields_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        RunInfo.from_json({**run_info().to_json(), **change})


@pytest.mark.parametrize("name", ["model", "prompt_ids", "gen_length", "token_text"])
def test_run_info_without_a_field_is_refused(name: str) -> None:
    data = run_info().to_json()
    del data[name]
    with pytest.raises(TraceError, match=name):
        RunInfo.from_json(data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ()),
        ({"cache": "prefix"}, ("prefix cache (approximate)",)),
        ({"cache": "dual", "compiled": True}, ("dual cache (approximate)", "compiled")),
        ({"cache": "block", "dtype": "bfloat16"}, ("block cache", "bfloat16")),
        ({"early_stop": True, "logits_to_keep": "needed"}, ("early stop", "needed rows")),
    ],
)
def test_run_info_says_what_sets_a_run_apart(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    info = run_info(**changes)
    assert info.switches == words
    assert RunInfo.from_json(info.to_json()).switches == words


@pytest.mark.parametrize("step", [-1, 3, 99])
def test_a_canvas_of_no_step_is_refused(step: int) -> None:
    trace = trace_of([{0: 1, 1: 2}, {1: 2}], [(1, 0, 1), (2, 1, 2)])
    with pytest.raises(TraceError, match=rf"step {step} .*valid: 0\.\.2"):
        trace.canvas(step)
