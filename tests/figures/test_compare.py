"""Comparing runs: the numbers behind the figures, and the fixture that holds the page to them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS
from credit_viz.figures import decoding_step, order, reasons, settled_written
from credit_viz.figures.rows import counted_positions
from credit_viz.trace.codec import decode_columns
from credit_viz.trace.record import Reason, Trace
from tests.cases import cases, for_decoders
from tests.decoding.test_decoding_uniform import UNIFORM, NoiseModel, drawn_run
from tests.figures.compare_fixture import FIXTURE, expected, runs
from tests.support import trace_of

TOPS = [{0: 1, 1: 2, 2: 3, 3: 8}] * 4


def trace(*steps: int) -> Trace:
    """Three tokens of text and an end of text, written in these steps; settled from the beginning."""
    ids = (1, 2, 3, 8)
    events = sorted((step, place, ids[place]) for place, step in enumerate(steps))
    return trace_of(TOPS, events)


def test_text_counts_and_everything_where_there_is_none() -> None:
    assert counted_positions(trace(1, 2, 3, 4)).tolist() == [0, 1, 2]
    padding = trace_of([{0: 8, 1: 8}], [(1, 0, 8)], gen_length=2, block=(0, 2))
    assert counted_positions(padding).tolist() == [0]
    assert counted_positions(trace_of([], [])).tolist() == []


def test_tokens_with_the_same_two_steps_are_one_dot() -> None:
    info = settled_written.get_info({"one": trace(2, 2, 4, 1), "other": trace(1, 1, 1, 1)})
    assert info.span == 8
    one, other = info.runs
    assert (one.settled.tolist(), one.written.tolist(), one.counts.tolist()) == ([1, 1], [2, 4], [2, 1])
    assert (other.settled.tolist(), other.written.tolist(), other.counts.tolist()) == ([1], [1], [3])


@pytest.mark.parametrize(
    ("steps", "in_order", "islands"),
    [
        ((1, 2, 3, 4), 1.0, 1),  # from left to right
        ((3, 2, 1, 4), 0.0, 1),  # from right to left
        ((1, 3, 2, 4), 0.5, 2),  # both ends, then the middle
        ((2, 1, 2, 4), 0.5, 1),  # from the middle outwards
        ((1, 1, 1, 4), 1.0, 1),  # all at once
        ((2, 2, 1, 1), 0.5, 1),  # padding does not count
    ],
)
def test_order_tells_reading_order_and_islands(steps: tuple[int, ...], in_order: float, islands: int) -> None:
    (run,) = order.get_info({"run": trace(*steps)}).runs
    assert (run.in_order, run.islands) == (in_order, islands)
    assert run.labels == ("t1", "t2", "t3")
    assert run.steps.tolist() == list(steps[:3])


def test_order_of_a_text_of_one_token_and_of_none() -> None:
    single = trace_of([{0: 1}], [(1, 0, 1)], gen_length=1, block_length=1, block=(0, 1))
    info = order.get_info({"single": single, "none": trace_of([], [])})
    assert [(run.in_order, run.islands) for run in info.runs] == [(1.0, 1), (1.0, 0)]


def test_means_along_the_text() -> None:
    info = decoding_step.get_info({"one": trace(2, 2, 4, 1)})
    (run,) = info.runs
    assert info.bins == 4
    assert run.counts.tolist() == [1, 1, 1, 0]
    np.testing.assert_array_equal(run.written, [2, 2, 4, np.nan])
    np.testing.assert_array_equal(run.settled, [1, 1, 1, np.nan])
    assert (run.mean_written, run.mean_settled, run.traces) == (pytest.approx(8 / 3), 1, 1)


def test_several_runs_are_averaged_to_one_line() -> None:
    short = trace_of([{0: 1}] * 3, [(3, 0, 1)], gen_length=1, block_length=1, block=(0, 1))
    info = decoding_step.get_info({"both": [trace(2, 2, 4, 1), short], "short": short})
    both, alone = info.runs
    assert both.traces == 2
    assert both.counts.tolist() == [2, 1, 1, 0], "the only token of a text is its beginning"
    np.testing.assert_array_equal(both.written, [2.5, 2, 4, np.nan])
    np.testing.assert_array_equal(alone.written, [3, np.nan, np.nan, np.nan])


def test_as_many_bins_as_the_shortest_text_fills() -> None:
    def text(length: int) -> Trace:
        steps = [dict.fromkeys(range(length), 1)]
        return trace_of(steps, [(1, i, 1) for i in range(length)], gen_length=length, block=(0, length))

    bins = [decoding_step.get_info({"a": text(a), "b": text(b)}).bins for a, b in ((30, 60), (90, 60), (6, 60))]
    assert bins == [10, 16, 4]


def test_lines_of_runs_without_a_token_are_empty() -> None:
    info = decoding_step.get_info({"nothing": trace_of([], [])})
    assert info.bins == 4
    assert np.isnan(info.runs[0].written).all()
    assert np.isnan(info.runs[0].mean_written)


def test_tokens_by_reason_stand_beside_what_the_runs_cost() -> None:
    credit, confident, taken_back = (int(reason) for reason in (Reason.CREDIT, Reason.CONFIDENT, Reason.REMASKED))
    events = [(1, 0, 1, confident), (2, 1, 2, credit), (2, 2, 3, credit), (4, 2, 9, taken_back)]
    info = reasons.get_info({"one": trace_of(TOPS, events), "nothing": trace_of([], [])})
    one, nothing = info.runs
    assert one.counts == {Reason.CONFIDENT: 1, Reason.CREDIT: 1}
    assert (one.passes, one.tokens_per_pass, one.mean_wait, one.redundant_guesses) == (4, 0.5, 0.5, 1)
    assert nothing.counts == {}
    assert (info.most, info.reasons) == (2, (Reason.CONFIDENT, Reason.CREDIT))


def test_bars_are_as_long_as_their_counts_and_filled_as_on_the_page() -> None:
    named = {str(lane): trace for lane, trace in enumerate(runs()["ends"])}
    info = reasons.get_info(named | {"nothing": trace_of([], [])})
    bars = reasons.draw(info).data
    for reason, bar in zip(info.reasons, bars, strict=True):
        assert list(bar.x) == [run.counts.get(reason, 0) for run in info.runs]
    looks = {bar.name: (bar.marker.color, bar.marker.opacity, bar.marker.pattern.shape) for bar in bars}
    assert looks.keys() >= {"confident", "credit", "forced", "scheduled", "filled"}
    assert len(set(looks.values())) == len(looks), "no two reasons look alike"


@for_decoders(list(DECODERS))
def test_reasons_add_up_to_the_tokens_on_the_canvas(name: str, data: st.DataObject) -> None:
    written = drawn_run(name, NoiseModel(), data) if name in UNIFORM else data.draw(cases(name)).run()
    (run,) = reasons.get_info({name: written}).runs
    standing = np.flatnonzero(written.token_ids != written.info.mask_id)
    assert sum(run.counts.values()) == len(set(standing.tolist()) - written.info.fixed.keys())
    assert min(run.counts.values(), default=1) > 0


def test_the_page_is_held_to_the_numbers_of_today() -> None:
    """After a change: python -m tests.figures.compare_fixture."""
    kept, now = json.loads(FIXTURE.read_text("utf-8")), runs()
    assert kept.keys() == now.keys()
    for name, traces in now.items():
        assert kept[name]["expected"] == json.loads(json.dumps(expected(traces)))
        columns = decode_columns(kept[name]["packets"])
        assert len(columns) == sum(trace.forward_passes for trace in traces)
