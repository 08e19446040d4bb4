"""Changes by hand in a trace: what counts as the decoder's, what the file and the tables say, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from credit_viz.cli.explanation import explanation_json, sentence
from credit_viz.errors import TraceError
from credit_viz.figures.rows import get_rows
from credit_viz.trace.files import load_trace
from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import Reason, RunInfo, Trace
from tests.support import run_info, trace_of

MASK = 9
HAND = int(Reason.INTERVENED)


@pytest.fixture
def trace() -> Trace:
    """Position 0: by hand over a mask; 1: written, taken back by hand, written again; 2: replaced by hand; 3: plain."""
    tops = [{0: 5, 1: 2, 2: 1, 3: 4}, {0: 5, 2: 1, 3: 4}, {1: 2, 3: 4}]
    events = [
        (1, 1, 2),
        (1, 1, MASK, HAND),
        (2, 2, 1),
        (2, 0, 3, HAND),
        (2, 2, 6, HAND),
        (3, 1, 2),
        (3, 3, 4),
    ]
    changes = (Intervention(1, 1, None), Intervention(2, 0, 3), Intervention(2, 2, 6))
    return trace_of(tops, events, interventions=changes)


def test_what_a_person_wrote_waited_for_nothing_and_is_not_the_decoders(trace: Trace) -> None:
    assert trace.token_ids.tolist() == [3, 2, 6, 4]
    assert trace.by_hand.tolist() == [True, False, True, False]
    assert trace.commit_step.tolist() == [2, 3, 2, 3]
    assert trace.converge_step.tolist() == [2, 1, 2, 1]
    assert trace.wait.tolist() == [0, 2, 0, 2]
    assert trace.winner_changed.tolist() == [False] * 4
    assert trace.content_mask.tolist() == [False, True, False, True]
    assert (trace.content_tokens, trace.tokens_per_forward) == (2, 2 / 3)
    assert (trace.mean_wait, trace.redundant_guesses) == (2.0, 4)
    assert (trace.taken_back, trace.edited) == (0, 0)
    assert trace.info.switches == ("changed by hand",)


def test_a_token_that_was_the_best_guess_waited_for_nothing_either() -> None:
    trace = trace_of([{0: 5}] * 3, [(3, 0, 5, HAND)], interventions=(Intervention(3, 0, 5),))
    assert (trace.converge_step[0], trace.first_hit_step[0]) == (3, 1)


def test_changes_survive_the_file_and_json(trace: Trace, tmp_path: Path) -> None:
    trace.save(tmp_path / "t.safetensors")
    again = load_trace(tmp_path / "t.safetensors")
    assert again.same_run(trace)
    assert again.info.interventions == trace.info.interventions
    assert RunInfo.from_json(json.loads(json.dumps(trace.info.to_json()))) == trace.info


def test_files_that_know_of_no_changes_have_none() -> None:
    older = {name: value for name, value in run_info().to_json().items() if name != "interventions"}
    assert RunInfo.from_json(older).interventions == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (5, "trace header has interventions=5; expected: list"),
        ([5], "trace header: a change by hand is 5; valid: an object with step, position, token"),
        ([{"step": 0, "position": 1, "token": 1}], "trace header: a change by hand with step 0"),
    ],
)
def test_damaged_changes_are_refused(changes: Any, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        RunInfo.from_json(run_info().to_json() | {"interventions": changes})


@pytest.mark.parametrize("change", [(), (Intervention(1, 0, 4),), (Intervention(2, 0, 3),)])
def test_an_event_by_hand_that_the_header_does_not_know_is_refused(change: tuple[Intervention, ...]) -> None:
    with pytest.raises(TraceError, match="token 3 was put by hand at position 0 in step 1, which the header does not"):
        trace_of([{0: 5}], [(1, 0, 3, HAND)], interventions=change)


def test_the_table_keeps_what_the_decoder_wrote_beside_what_a_person_did(trace: Trace) -> None:
    frame = trace.to_frame()
    assert len(frame) == len(trace.positions)
    both = frame[["step", "position", "written_id", "why", "by_hand_id"]].astype(object)
    rows = both.where(both.notna(), None).to_numpy().tolist()
    assert [1, 1, 2, "confident", MASK] in rows
    assert [2, 0, None, None, 3] in rows
    assert [2, 2, 1, "confident", 6] in rows
    assert [3, 3, 4, "confident", None] in rows


def test_an_explanation_tells_the_decision_and_then_the_change(trace: Trace) -> None:
    taken = trace.explain(1, 1)
    assert (taken.reason, taken.by_hand and taken.by_hand.token_id) == (Reason.CONFIDENT, MASK)
    assert sentence(trace, taken).endswith("; then taken back by hand")
    chosen = trace.explain(2, 0)
    assert (chosen.reason, chosen.by_hand and chosen.by_hand.token_id) == (None, 3)
    assert sentence(trace, chosen).endswith('; then "t3" was written by hand')
    assert explanation_json("run", trace, chosen)["by_hand"]["text"] == "t3"
    assert trace.explain(3, 3).by_hand is None


def test_rows_mark_and_tell_what_was_done_by_hand(trace: Trace) -> None:
    rows = get_rows(trace)
    places = rows.events["by_hand"]
    assert sorted(zip(places.steps.tolist(), places.positions.tolist(), strict=True)) == [(1, 1), (2, 0), (2, 2)]
    assert "step 2: written t1, step 2: written by hand t6" in rows.hover[2]
    assert "step 1: taken back by hand, step 3: written t2" in rows.hover[1]
