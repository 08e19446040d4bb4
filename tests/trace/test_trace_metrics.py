"""Every metric on small hand-written runs with known answers, then against a slow re-statement of its definition."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.errors import TraceError
from credit_viz.trace import metrics
from credit_viz.trace.build import build_trace
from credit_viz.trace.files import load_trace
from credit_viz.trace.record import Reason, Trace
from tests.support import trace_of

MASK = 9


def test_a_token_guessed_early_and_written_late_waits() -> None:
    trace = trace_of([{0: 3}, {0: 5}, {0: 5}, {0: 5}], [(4, 0, 5)])
    assert trace.commit_step[0] == 4
    assert trace.converge_step[0] == 2
    assert trace.first_hit_step[0] == 2
    assert trace.wait[0] == 2
    assert trace.flips[0] == 1
    assert not trace.winner_changed[0]


def test_a_guess_that_is_lost_and_found_again_converges_at_its_return() -> None:
    trace = trace_of([{0: 5}, {0: 3}, {0: 5}, {0: 5}], [(4, 0, 5)])
    assert trace.first_hit_step[0] == 1
    assert trace.converge_step[0] == 3
    assert trace.wait[0] == 1
    assert trace.flips[0] == 2


def test_the_map_of_flips_is_one_where_the_guess_differs_from_the_record_before() -> None:
    trace = trace_of([{0: 5, 1: 2}, {1: 2}, {0: 3, 1: 4}, {0: 3}], [], gen_length=2, block=(0, 2))
    expected = [[0, np.nan, 1, 0], [0, 0, 1, np.nan]]
    np.testing.assert_array_equal(trace.grid("flips"), np.array(expected, np.float32))
    np.testing.assert_array_equal(np.nansum(trace.grid("flips"), 1), trace.flips)


def test_a_winner_that_credit_changed_converges_when_it_is_written() -> None:
    trace = trace_of([{0: 5}, {0: 5}, {0: 3}], [(3, 0, 5, Reason.CREDIT)])
    assert trace.winner_changed[0]
    assert trace.first_hit_step[0] == 1
    assert trace.converge_step[0] == trace.commit_step[0] == 3
    assert trace.wait[0] == 0
    assert trace.flips[0] == 1
    assert trace.reason[0] == Reason.CREDIT


def test_a_token_never_guessed_first_has_no_first_hit() -> None:
    trace = trace_of([{0: 3}, {0: 4}], [(2, 0, 5, Reason.FORCED)])
    assert trace.first_hit_step[0] == 0
    assert trace.converge_step[0] == 2
    assert trace.winner_changed[0]


def test_written_in_the_first_step() -> None:
    trace = trace_of([{0: 5}], [(1, 0, 5)])
    assert (trace.commit_step[0], trace.converge_step[0], trace.first_hit_step[0]) == (1, 1, 1)
    assert trace.wait[0] == 0
    assert trace.flips[0] == 0


def test_convergence_before_the_block_is_active_counts() -> None:
    # position 2 lies outside the block 0..2 that is active in all steps but its guess is recorded
    trace = trace_of([{0: 1, 2: 7}, {0: 1, 2: 7}, {2: 7}], [(2, 0, 1), (3, 2, 7)], block=(0, 2))
    assert trace.converge_step[2] == 1
    assert trace.wait[2] == 2


def test_a_position_recorded_late_converges_at_its_first_record() -> None:
    trace = trace_of([{0: 1}, {0: 1}, {2: 7}, {2: 7}], [(2, 0, 1), (4, 2, 7)], record="block")
    assert trace.converge_step[2] == 3
    assert trace.first_hit_step[2] == 3
    assert trace.wait[2] == 1


def test_a_cancelled_run_knows_what_was_written() -> None:
    trace = trace_of([{0: 1, 1: 2}, {1: 3}], [(1, 0, 1)])
    assert not trace.complete
    assert trace.token_ids.tolist() == [1, MASK, MASK, MASK]
    assert trace.commit_step.tolist() == [1, 0, 0, 0]
    assert trace.converge_step.tolist() == [1, 0, 0, 0]
    assert trace.first_hit_step.tolist() == [1, 0, 0, 0]
    assert trace.wait.tolist() == [0, 0, 0, 0]
    assert trace.flips.tolist() == [0, 1, 0, 0]
    assert trace.reason.tolist() == [Reason.CONFIDENT, 0, 0, 0]
    assert trace.tokens_per_forward == 0.5


def test_a_run_cancelled_before_its_first_step_is_empty_but_whole() -> None:
    trace = trace_of([], [])
    assert trace.forward_passes == 0
    assert trace.token_ids.tolist() == [MASK] * 4
    assert (trace.redundant_guesses, trace.mean_wait, trace.tokens_per_forward) == (0, 0.0, 0.0)
    assert trace.grid("confidence").shape == (4, 0)
    assert list(trace.steps()) == []


def test_nothing_recorded_means_no_wait() -> None:
    trace = trace_of([{}, {}], [(1, 0, 1), (1, 1, 2), (2, 2, 3), (2, 3, 4)], record="none")
    assert trace.commit_step.tolist() == [1, 1, 2, 2]
    assert trace.converge_step.tolist() == [1, 1, 2, 2]
    assert trace.first_hit_step.tolist() == [0, 0, 0, 0]
    assert trace.redundant_guesses == 0
    assert trace.complete


def test_a_rewritten_position_counts_by_its_last_write() -> None:
    trace = trace_of([{0: 3}, {0: 4}, {0: 4}], [(1, 0, 3), (3, 0, 4)])
    assert trace.token_ids[0] == 4
    assert trace.commit_step[0] == 3
    assert trace.converge_step[0] == 2


def test_a_commit_that_is_taken_back_leaves_the_position_unwritten() -> None:
    trace = trace_of([{0: 3}, {0: 4}], [(1, 0, 3), (2, 0, MASK, Reason.REMASKED)])
    assert trace.token_ids[0] == MASK
    assert trace.commit_step[0] == 0
    assert trace.reason[0] == 0
    assert trace.converge_step[0] == 0
    assert trace.first_hit_step[0] == 0
    assert not trace.winner_changed[0]
    assert trace.taken_back == 1
    assert trace.tokens_per_forward == 0


def test_a_token_written_again_waits_from_its_last_stable_guess() -> None:
    """Wrong in step 1, then the same guess throughout: written in 3, taken back in 4, written for good in 6."""
    trace = trace_of(
        [{0: 3}, {0: 5}, {0: 5}, {0: 5}, {0: 5}, {0: 5}],
        [(3, 0, 5), (4, 0, MASK, Reason.REMASKED), (6, 0, 5, Reason.FORCED)],
    )
    assert (trace.first_hit_step[0], trace.converge_step[0], trace.commit_step[0]) == (2, 2, 6)
    assert trace.wait[0] == 4
    assert trace.reason[0] == Reason.FORCED
    assert (trace.taken_back, trace.edited) == (1, 0)
    assert trace.tokens_per_forward == pytest.approx(1 / 6), "a token counts once, however often it was written"


def test_doubt_while_a_token_stands_ends_its_convergence() -> None:
    trace = trace_of(
        [{0: 5}, {0: 5}, {0: 3}, {0: 5}],
        [(1, 0, 5), (3, 0, MASK, Reason.REMASKED), (4, 0, 5)],
    )
    assert (trace.first_hit_step[0], trace.converge_step[0], trace.commit_step[0]) == (1, 4, 4)
    assert trace.flips[0] == 2


def test_an_edited_token_converges_when_the_model_changed_its_mind() -> None:
    trace = trace_of(
        [{0: 3}, {0: 3}, {0: 4}, {0: 4}, {0: 4}, {0: 6}],
        [(1, 0, 3), (4, 0, 4, Reason.EDITED)],
    )
    assert trace.token_ids[0] == 4
    assert (trace.first_hit_step[0], trace.converge_step[0], trace.commit_step[0]) == (3, 3, 4)
    assert trace.wait[0] == 1
    assert trace.reason[0] == Reason.EDITED
    assert trace.edited == 1
    assert trace.flips[0] == 2, "a guess that changes after the last write is a change too"
    assert not trace.winner_changed[0]


def test_what_is_guessed_after_the_last_write_says_nothing_about_it() -> None:
    trace = trace_of([{0: 3}, {0: 7}, {0: 5}, {0: 5}], [(2, 0, 5, Reason.FORCED)])
    assert trace.first_hit_step[0] == 0
    assert trace.converge_step[0] == trace.commit_step[0] == 2
    assert trace.winner_changed[0]


def test_the_canvas_of_every_step() -> None:
    trace = trace_of(
        [{0: 3, 1: 4}, {0: 3, 1: 4}, {0: 3}, {0: 3}],
        [(1, 0, 3), (1, 1, 4), (2, 0, MASK, Reason.REMASKED), (2, 1, 6, Reason.EDITED), (4, 0, 3)],
        fixed={3: 7},
    )
    canvases = [trace.canvas(step).tolist() for step in range(5)]
    assert canvases == [
        [MASK, MASK, MASK, 7],
        [3, 4, MASK, 7],
        [MASK, 6, MASK, 7],
        [MASK, 6, MASK, 7],
        [3, 6, MASK, 7],
    ]
    assert trace.commit_step.tolist() == [4, 2, 0, 0]
    assert metrics.stood(trace).tolist() == [MASK, MASK, 3, 4, MASK]


def test_two_writes_of_one_position_in_one_step_keep_the_last() -> None:
    trace = trace_of([{0: 3}], [(1, 0, 3, Reason.CONFIDENT), (1, 0, 4, Reason.FILLED)])
    assert trace.token_ids[0] == 4
    assert trace.reason[0] == Reason.FILLED


def test_totals() -> None:
    trace = trace_of(
        [{0: 5, 1: 8, 2: 1, 3: 2}, {0: 5, 1: 8, 2: 1}, {0: 5, 1: 8}],
        [(1, 3, 2), (2, 2, 1), (3, 0, 5), (3, 1, 8)],
    )
    assert trace.wait.tolist() == [2, 2, 1, 0]
    assert trace.redundant_guesses == 5
    assert trace.content_mask.tolist() == [True, False, True, True]
    assert trace.content_tokens == 3
    assert trace.mean_wait == 1.0  # over the three content tokens
    assert trace.tokens_per_forward == pytest.approx(4 / 3)
    assert trace.content_tokens_per_forward == pytest.approx(1.0)


def test_mean_wait_of_a_text_without_content_is_over_all_positions() -> None:
    trace = trace_of([{0: 8}, {0: 8, 1: 8, 2: 8, 3: 8}], [(2, i, 8) for i in range(4)])
    assert trace.content_tokens == 0
    assert trace.mean_wait == 0.25


# ------------------------------------------------------------------ against a slow re-statement


@st.composite
def random_traces(draw: st.DrawFn) -> Trace:
    """Runs with few tokens, so that guesses repeat; positions may be recorded late, not at all, or stay masked."""
    length, steps = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    tokens = st.integers(0, 2)
    commit = [draw(st.integers(0, steps)) for _ in range(length)]  # 0: never
    first = [draw(st.integers(1, steps)) for _ in range(length)]
    tops = [
        {i: draw(tokens) for i in range(length) if first[i] <= t and (commit[i] == 0 or t <= commit[i])}
        for t in range(1, steps + 1)
    ]
    events = sorted((commit[i], i, draw(tokens)) for i in range(length) if commit[i])
    return trace_of(tops, events, gen_length=length, block_length=length, block=(0, length))


@st.composite
def rewritten_traces(draw: st.DrawFn) -> Trace:
    """Runs in which tokens are written, edited and taken back; open positions are recorded, now and then not."""
    length, steps = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    tokens = st.integers(0, 2)
    fixed = {i: draw(tokens) for i in range(length) if draw(st.integers(0, 5)) == 0}
    stands = [fixed.get(i, MASK) for i in range(length)]
    tops: list[dict[int, int]] = []
    events: list[tuple[int, int, int, int]] = []
    for step in range(1, steps + 1):
        tops.append({})
        for place in set(range(length)) - fixed.keys():
            if draw(st.integers(0, 6)):
                tops[-1][place] = draw(tokens)
            token = draw(st.sampled_from([0, 1, 2, MASK, None, None, None]))
            if token not in (None, stands[place]):
                why = Reason.REMASKED if token == MASK else Reason.EDITED if stands[place] != MASK else Reason.CONFIDENT
                events.append((step, place, token, why))
                stands[place] = token
    return trace_of(tops, events, gen_length=length, block_length=length, block=(0, length), fixed=fixed)


@given(st.one_of(random_traces(), rewritten_traces()))
def test_metrics_are_their_definitions(trace: Trace) -> None:
    seen: dict[int, dict[int, int]] = {i: {} for i in range(trace.gen_length)}
    for place, step, top in zip(trace.positions, trace.cell_steps, trace.candidate_ids[:, 0], strict=True):
        seen[int(place)][int(step)] = int(top)
    written = {
        int(p): (int(s), int(i))
        for s, p, i in zip(trace.event_steps, trace.event_positions, trace.event_ids, strict=True)
    }
    written = {place: (step, token) for place, (step, token) in written.items() if token != MASK}
    for place, guesses in seen.items():
        expected = _by_definition(guesses, written.get(place))
        found = {name: int(getattr(trace, name)[place]) for name in expected}
        assert found == expected


def _by_definition(guesses: dict[int, int], written: tuple[int, int] | None) -> dict[str, Any]:
    tops = [guesses[step] for step in sorted(guesses)]
    flips = sum(one != two for one, two in itertools.pairwise(tops))
    if written is None:
        return {
            "commit_step": 0,
            "converge_step": 0,
            "first_hit_step": 0,
            "wait": 0,
            "flips": flips,
            "winner_changed": 0,
        }
    commit, token = written
    before = sorted(step for step in guesses if step <= commit)
    converge = commit
    for step in reversed(before):
        if guesses[step] != token:
            break
        converge = step
    return {
        "commit_step": commit,
        "converge_step": converge,
        "first_hit_step": next((step for step in before if guesses[step] == token), 0),
        "wait": commit - converge,
        "flips": flips,
        "winner_changed": int(commit in guesses and guesses[commit] != token),
    }


@given(st.one_of(random_traces(), rewritten_traces()))
def test_first_hit_never_comes_after_convergence_and_that_never_after_commit(trace: Trace) -> None:
    assert (trace.converge_step <= trace.commit_step).all()
    hit = trace.first_hit_step > 0
    assert (trace.first_hit_step[hit] <= trace.converge_step[hit]).all()
    assert (trace.wait >= 0).all()


@given(st.one_of(random_traces(), rewritten_traces()))
def test_grids_hold_every_cell_at_its_place(trace: Trace) -> None:
    grid = trace.grid("confidence")
    assert grid.shape == (trace.gen_length, trace.forward_passes)
    np.testing.assert_array_equal(grid[trace.positions, trace.cell_steps - 1], trace.confidence)
    assert np.isnan(grid).sum() == grid.size - len(trace.positions)


@given(rewritten_traces())
def test_steps_and_canvases_of_a_rewritten_run_fit_together(trace: Trace) -> None:
    canvas = trace.canvas(0)
    for record in trace.steps():
        for place, token in zip(record.event_positions, record.event_ids, strict=True):
            assert canvas[place] != token
            canvas[place] = token
        np.testing.assert_array_equal(canvas, trace.canvas(record.step))
    np.testing.assert_array_equal(canvas, trace.token_ids)
    assert build_trace(trace.info, list(trace.steps())).same_run(trace)
    assert trace.tokens_per_forward == pytest.approx((trace.commit_step > 0).sum() / trace.forward_passes)
    written = (canvas != MASK).sum() - len(trace.info.fixed)
    assert (trace.commit_step > 0).sum() == written
    changes = np.bincount(trace.event_reasons, minlength=9)
    assert (trace.taken_back, trace.edited) == (changes[Reason.REMASKED], changes[Reason.EDITED])
    assert written == changes[Reason.CONFIDENT] - changes[Reason.REMASKED]


@given(rewritten_traces())
def test_a_rewritten_run_survives_its_file(tmp_path_factory: pytest.TempPathFactory, trace: Trace) -> None:
    path = tmp_path_factory.mktemp("traces") / "run.safetensors"
    trace.save(path)
    assert load_trace(path).same_run(trace)


@pytest.mark.parametrize(
    ("events", "info", "message"),
    [
        ([(1, 0, 3), (2, 0, MASK)], {}, r"event_reasons gives 1 for token 9; valid: 6 for the mask token 9"),
        ([(1, 0, 3), (2, 0, 4, Reason.REMASKED)], {}, r"event_reasons gives 6 for token 4; valid: 6 for the mask"),
        ([(1, 0, 3), (2, 0, 3, Reason.EDITED)], {}, r"event_ids writes token 3 at position 0 where it already stands"),
        ([(1, 2, MASK, Reason.REMASKED)], {}, r"event_ids writes token 9 at position 2 where it already stands"),
        ([(1, 0, 3)], {"fixed": {0: 4}}, r"event_positions holds 0, whose token is given"),
    ],
)
def test_events_that_cannot_have_happened_are_refused(
    events: list[tuple[int, int, int]], info: dict[str, Any], message: str
) -> None:
    with pytest.raises(TraceError, match=message):
        trace_of([{0: 3}, {0: 3}], events, **info)
