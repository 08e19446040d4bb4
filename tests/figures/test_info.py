"""The numbers behind every figure, by value."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from credit_viz.errors import SettingsError, TraceError
from credit_viz.figures import difference, heatmap, position, wait_histogram, waiting
from credit_viz.figures.rows import get_rows
from credit_viz.trace.explain import effective_threshold
from credit_viz.trace.record import Reason, Trace
from tests.support import trace_of


@pytest.fixture
def trace() -> Trace:
    """Position 0 settles in step 1 and waits 2 steps; 1 never waits; 2 is credit's; 3 stays masked."""
    return trace_of(
        [{0: 1, 1: 2, 2: 5, 3: 4}, {0: 1, 2: 3, 3: 4}, {0: 1, 2: 3, 3: 6}],
        [(1, 1, 2), (3, 0, 1), (3, 2, 3, int(Reason.CREDIT))],
        settings={"threshold": 0.9},
        token_text={1: " the", 2: "<b>", 3: "a\nb", 9: "[mask]"},
    )


def test_rows_name_every_position(trace: Trace) -> None:
    rows = get_rows(trace)
    assert rows.title == "credit: 3 steps"
    assert rows.labels == ("the", "&lt;b&gt;", "a↵b", "·")
    assert rows.settled.tolist() == [1, 1, 2, 0]
    assert rows.written.tolist() == [3, 1, 3, 0]
    assert rows.borders == (1.5,)


def test_rows_say_when_and_why(trace: Trace) -> None:
    first, second, third, last = get_rows(trace).hover
    assert first.startswith("<b>␣the</b> at position 0<br>settled in step 1, written in step 3<br>waited 2 steps<br>")
    assert "waited 0 steps" in second
    assert "only Trace Credit lifted it" in third
    assert "waited 1 step<br>" in third
    assert last == "position 3: not written"


def test_rows_say_that_credit_changed_the_winner() -> None:
    changed = trace_of([{0: 1}], [(1, 0, 5)], gen_length=1, block_length=1, block=(0, 1))
    assert get_rows(changed).hover[0].endswith("credit changed the winner")


def test_rows_say_that_a_guess_that_was_not_the_best_was_written_without_credit() -> None:
    changed = trace_of([{0: 1}], [(1, 0, 5)], gen_length=1, block_length=1, block=(0, 1), channels=())
    assert get_rows(changed).hover[0].endswith("not the model's best guess")


def test_rows_tell_the_story_of_a_token_that_was_taken_back_and_of_one_that_was_edited() -> None:
    events = [(1, 0, 2), (1, 1, 3), (2, 0, 9, int(Reason.REMASKED)), (2, 1, 4, int(Reason.EDITED)), (3, 0, 1)]
    rows = get_rows(trace_of([{0: 1, 1: 4}] * 3, events, gen_length=2, block=(0, 2)))
    assert rows.hover[0].endswith("<br>step 1: written t2, step 2: taken back, step 3: written t1")
    assert rows.hover[1].endswith("<br>step 1: written t3, step 2: edited t4")
    assert rows.written.tolist() == [3, 2]
    found = {name: list(zip(*map(np.ndarray.tolist, places), strict=True)) for name, places in rows.events.items()}
    seen = {name: places for name, places in found.items() if places}
    assert seen == {"written": [(1, 0), (1, 1), (3, 0)], "taken_back": [(2, 0)], "edited": [(2, 1)]}


def test_a_token_taken_back_for_good_is_not_written() -> None:
    rows = get_rows(trace_of([{0: 1}] * 2, [(1, 0, 2), (2, 0, 9, int(Reason.REMASKED))], gen_length=2, block=(0, 2)))
    assert rows.labels[0] == "·"
    assert rows.hover[0].startswith("position 0: not written<br>step 1: written t2")


def test_given_tokens_are_named_and_said_to_be_given() -> None:
    rows = get_rows(trace_of([{1: 1}], [(1, 1, 1)], gen_length=2, block=(0, 2), fixed={0: 3}))
    assert rows.labels == ("t3", "t1")
    assert rows.hover[0] == "<b>t3</b> at position 0<br>given before the run"
    assert rows.written.tolist() == [0, 1]


def test_forced_writes_and_those_that_credit_made_possible_have_marks_of_their_own(trace: Trace) -> None:
    forced = trace_of([{0: 1}], [(1, 0, 1, int(Reason.FORCED))], gen_length=1, block_length=1, block=(0, 1))
    assert get_rows(forced).events["forced"].positions.tolist() == [0]
    events = get_rows(trace).events
    assert (events["credited"].steps.tolist(), events["credited"].positions.tolist()) == ([3], [2])
    assert events["written"].positions.tolist() == [1, 0]
    symbols = [line.marker.symbol for line in heatmap.draw(heatmap.get_info(trace, "fused")).data[1:]]
    assert symbols == ["line-ns", "line-ns", "circle", "triangle-up"]


def test_the_map_of_flips(trace: Trace) -> None:
    info = heatmap.get_info(trace, "flips")
    np.testing.assert_array_equal(info.values, np.array([[0, 0, 0], [0, np.nan, np.nan], [0, 1, 0], [0, 0, 1]]))
    assert info.scale.names


def test_difference_of_two_runs(trace: Trace) -> None:
    shorter = trace_of([{0: 1, 2: 5}], [], gen_length=3, block=(0, 2))
    info = difference.get_info({"a": trace, "b": shorter}, "confidence")
    assert info is not None
    assert (info.runs, info.lanes, info.values.shape) == (("a", "b"), (0, 1), (4, 3))
    expected = shorter.grid("confidence")[:, 0] - trace.grid("confidence")[:3, 0]
    np.testing.assert_array_equal(info.values[:3, 0], expected)
    assert np.isnan(info.values[1:, 1:]).all()
    assert info.alone.tolist() == [[False, True, True], [True, False, False], [False, True, True], [True, True, True]]
    back = difference.get_info({"a": trace, "b": shorter}, "confidence", ("b", "a"))
    assert back is not None
    np.testing.assert_array_equal(back.values, -info.values)


def test_a_run_does_not_differ_from_itself_and_one_run_from_nothing(trace: Trace) -> None:
    info = difference.get_info({"a": trace, "b": trace})
    assert info is not None
    assert np.nansum(np.abs(info.values)) == 0
    assert not info.alone.any()
    assert difference.get_info({"a": trace}) is None
    assert "two runs" in difference.draw(None).layout.annotations[0].text


def test_a_run_that_is_not_there_cannot_be_compared(trace: Trace) -> None:
    with pytest.raises(SettingsError, match="no run 'c' to compare; valid: a, b"):
        difference.get_info({"a": trace, "b": trace}, "fused", ("a", "c"))


def test_heatmap_is_the_grid_of_the_trace(trace: Trace) -> None:
    info = heatmap.get_info(trace, "confidence", lane=1, span=7)
    np.testing.assert_array_equal(info.values, trace.grid("confidence"))
    assert (info.lane, info.span, info.name) == (1, 7, "confidence")
    assert info.guesses[:, 0].tolist() == ["␣the", "&lt;b&gt;", "[5]", "[4]"]
    assert info.guesses[1].tolist() == ["&lt;b&gt;", "", ""]
    assert np.isnan(info.values[1, 1])


def test_heatmap_spans_at_least_its_own_steps(trace: Trace) -> None:
    assert heatmap.get_info(trace, "fused", span=1).span == 3


def test_heatmaps_have_fixed_scales(trace: Trace) -> None:
    tops = {name: heatmap.get_info(trace, name).scale.maximum for name in ("confidence", "fused", "margin", "credit")}
    assert tops == {"confidence": 1, "fused": 1, "margin": 1, "credit": 15}


def test_heatmap_of_an_unknown_value_lists_the_valid_ones(trace: Trace) -> None:
    with pytest.raises(TraceError, match="confidence"):
        heatmap.get_info(trace, "nope")


def test_waiting_has_a_bar_per_written_position(trace: Trace) -> None:
    info = waiting.get_info(trace)
    assert info.positions.tolist() == [0, 1, 2]
    assert info.starts.tolist() == [1, 1, 2]
    assert info.lengths.tolist() == [2, 0, 1]
    assert info.mean_wait == 1.0
    assert info.map.name == "confidence"


def test_histogram_counts_text_only() -> None:
    padded = trace_of([{0: 1, 1: 8}, {0: 1, 1: 8}, {1: 8}], [(2, 0, 1), (3, 1, 8)], gen_length=2, block=(0, 2))
    other = trace_of([{0: 1, 1: 2}], [(1, 0, 1), (1, 1, 2)], gen_length=2, block=(0, 2))
    info = wait_histogram.get_info({"a": padded, "b": other})
    assert info.runs == ("a", "b")
    assert info.edges.tolist() == [0, 1, 2]
    assert info.counts.tolist() == [[0, 1], [2, 0]]
    assert info.means == (1.0, 0.0)


def test_histogram_widens_its_bins_for_long_waits() -> None:
    steps = 60
    long = trace_of([{0: 1}] * steps, [(steps, 0, 1)], gen_length=1, block_length=1, block=(0, 1))
    info = wait_histogram.get_info({"long": long})
    assert len(info.edges) - 1 <= 24
    assert np.diff(info.edges).tolist() == [3] * (len(info.edges) - 1)
    assert info.counts.sum() == 1
    assert info.counts[0, (steps - 1) // 3] == 1


def test_histogram_without_any_wait_has_one_bin() -> None:
    info = wait_histogram.get_info({"empty": trace_of([], [])})
    assert info.edges.tolist() == [0, 1]
    assert info.counts.tolist() == [[0]]


def test_position_follows_one_token(trace: Trace) -> None:
    info = position.get_info({"run": trace}, 2)
    (run,) = info.runs
    assert (info.position, info.span) == (2, 3)
    assert run.steps.tolist() == [1, 2, 3]
    assert run.guesses == ("[5]", "a↵b", "a↵b")
    np.testing.assert_array_equal(run.confidence, trace.confidence[trace.positions == 2])
    np.testing.assert_array_equal(run.fused, trace.fused[trace.positions == 2])
    assert (run.token, run.settled) == ("a↵b", 2)
    assert run.events == ((3, int(Reason.CREDIT)),)
    assert len(run.enough) == 0, "no bar was recorded"


def test_position_takes_the_longest_wait_of_the_text(trace: Trace) -> None:
    assert position.get_info({"run": trace}).position == 0
    padding = trace_of([{0: 1, 1: 8}, {1: 8}], [(1, 0, 1), (2, 1, 8)], gen_length=2, block=(0, 2))
    assert position.get_info({"run": padding}).position == 0


def with_bar(**channels: list[float]) -> Trace:
    """Position 0 in three steps, with these channels; taken back in the second."""
    values = {name: np.array(numbers, np.float32) for name, numbers in channels.items()}
    events = [(1, 0, 2), (2, 0, 9, int(Reason.REMASKED)), (3, 0, 1)]
    bare = trace_of([{0: 1}, {0: 1}, {0: 1}], events, gen_length=1, block_length=1, block=(0, 1), channels=())
    return dataclasses.replace(bare, channels=values, winner_ids=np.array([1, 9, 1], np.int32))


def test_position_shows_the_recorded_bar_and_how_credit_lowers_it() -> None:
    (run,) = position.get_info({"run": with_bar(bar=[0.9, np.nan, 0.9], boost=[0.0, 0.0, 0.7])}, 0).runs
    assert run.enough[0] == pytest.approx(0.9)
    assert np.isnan(run.enough[1])
    assert run.enough[2] == pytest.approx(effective_threshold(0.9, 0.7))
    assert len(run.score) == 0


def test_position_shows_the_bar_of_another_score_as_it_is() -> None:
    (run,) = position.get_info(
        {"run": with_bar(bar=[0.9, np.inf, 0.9], boost=[0.7] * 3, score=[0.1, 0.2, 0.3])}, 0
    ).runs
    np.testing.assert_array_equal(run.enough, np.array([0.9, np.nan, 0.9], np.float32))
    np.testing.assert_array_equal(run.score, np.array([0.1, 0.2, 0.3], np.float32))


def test_where_a_token_is_taken_back_the_mask_is_not_drawn() -> None:
    (run,) = position.get_info({"run": with_bar()}, 0).runs
    assert run.fused[1] == run.confidence[1]
    assert run.fused[0] != run.confidence[0]
    figure = position.draw(position.get_info({"run": with_bar()}, 0))
    assert [line.marker.symbol for line in figure.data[-3:]] == ["circle", "x", "circle"]


def test_a_masked_position_has_no_token() -> None:
    (run,) = position.get_info({"run": trace_of([{0: 1}], [], settings={})}, 0).runs
    assert run.token == ""
    assert run.events == ()


@pytest.mark.parametrize("place", [-1, 4])
def test_position_out_of_range_is_refused(trace: Trace, place: int) -> None:
    with pytest.raises(SettingsError, match=r"valid: 0\.\.3"):
        position.get_info({"run": trace}, place)


def test_effective_threshold_is_what_fusion_asks_for() -> None:
    """A confidence p with boost b passes where p e^b / (1 + p (e^b - 1)) >= tau: at equality for the effective one."""
    for boost in (0.0, 0.5, 2.0):
        p = effective_threshold(0.9, boost)
        assert p * np.exp(boost) / (1 + p * (np.exp(boost) - 1)) == pytest.approx(0.9)


def test_effective_threshold_matches_the_method_notes() -> None:
    """One step at constant p with the dInfer preset at tau = 0.95 commits from p = .922 on."""
    p = 0.922
    assert effective_threshold(0.95, 0.7 * np.log1p(p**0.2)) == pytest.approx(p, abs=5e-4)
