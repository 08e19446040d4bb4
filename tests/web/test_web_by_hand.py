"""Changes by hand and given texts on their way through the server: names, tokens of a text, and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credit_viz.backend.local import LocalBackend
from credit_viz.backend.reuse import Reuse
from credit_viz.trace.codec import open_packet
from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import Reason, Trace
from credit_viz.web.live import Live
from credit_viz.web.names import lane_names
from credit_viz.web.questions import Questions
from credit_viz.web.runs import RunStore
from tests.support import MockModel, trace_of
from tests.web.fake import FakeBackend

SHE, BACK = Intervention(1, 2, 3), Intervention(1, 1, None)
MASK = 9


def changed(*changes: Intervention, **info: Any) -> Trace:
    events = [(1, 1, 2)] + [
        (one.step, one.position, MASK if one.token is None else one.token, int(Reason.INTERVENED)) for one in changes
    ]
    texts = {"token_text": {3: " she\n"}}
    return trace_of([{0: 1, 1: 2, 2: 4}], events, interventions=changes, settings={}, **texts | info)


def test_lanes_are_called_by_what_was_changed_as_on_the_page() -> None:
    traces = [changed(), changed(SHE), changed(SHE, BACK), changed(Intervention(1, 2, 5))]
    assert lane_names(traces) == [
        "CreditDecoding",
        "what if ␣she↵ at 2",
        "what if 1 is taken back (+1)",
        "what if [5] at 2",
    ]
    long = changed(SHE, token_text={3: "=" * 1000})
    assert lane_names([long]) == [f"what if {'=' * 19}… at 2"]
    alike = [changed(SHE), changed(SHE, decoder="vanilla"), changed(SHE)]
    assert lane_names(alike) == [
        "what if ␣she↵ at 2, CreditDecoding",
        "what if ␣she↵ at 2, Vanilla",
        "what if ␣she↵ at 2, CreditDecoding (2)",
    ]


def test_the_tokens_of_a_text_are_named() -> None:
    backend = LocalBackend(MockModel())  # type: ignore[arg-type]
    ask = {question.__name__: question for question in Questions(RunStore(), backend.pieces).functions()}["pieces"]
    assert ask({"text": "ab"}) == [[6, "t6 "], [7, "t7 "]]
    assert ask({"text": ""}) == []
    for bad in ({}, {"text": None}, {"text": 5}, {"text": "x" * 10_001}):
        answer = ask(bad)
        assert answer["error"].endswith("valid: a text of up to 10000 characters")
        assert len(answer["error"]) < 200


# ------------------------------------------------------------------ whole runs


def packets(changes: list[dict[str, Any]], backend: Any = None, **choice: Any) -> list[Any]:
    """Headers of a run of two vanilla lanes, the second changed by hand."""
    backend = backend or LocalBackend(MockModel())  # type: ignore[arg-type]
    lanes = [{"decoder": "vanilla"}, {"decoder": "vanilla", "interventions": changes}]
    asked = json.dumps({"lanes": lanes, "gen_length": 8, "block_length": 8, **choice})
    live = Live(Reuse(backend.stream).stream, RunStore(), every=0.0)
    return [open_packet(packet) for packet in live.packets("hi", asked, "visitor")]


def test_a_changed_lane_says_so_from_its_first_packet() -> None:
    first, *_, last = packets([{"step": 2, "position": 7, "token": 3}])
    plain, hand = first.header["lanes"]
    assert (plain["interventions"], hand["interventions"]) == ([], [{"step": 2, "position": 7, "token": 3}])
    assert hand["switches"] == ["changed by hand"]
    assert [3, "t3 "] in first.header["vocab"]
    assert last.header["state"] == "done"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": 1, "position": 9, "token": 3}, "it is out of range; valid: positions 0..7"),
        ({"step": 1, "position": 0, "token": 12}, "token 12 is no text"),
    ],
)
def test_a_change_that_no_run_could_make_is_refused_before_the_first_step(change: dict[str, Any], message: str) -> None:
    (only,) = packets([change])
    assert only.header["state"] == "refused"
    assert message in only.header["message"]


def test_a_change_that_comes_too_late_fails_after_all_steps_and_every_time() -> None:
    backend = LocalBackend(MockModel())  # type: ignore[arg-type]
    for _ in range(2):
        *_, last = packets([{"step": 20, "position": 0, "token": 3}], backend)
        assert last.header["state"] == "failed"
        assert "the run was finished after 8 steps; valid: steps 1..8" in last.header["message"]


def test_given_texts_stand_and_do_not_overrun() -> None:
    first, *_ = packets([], given=[[5, "ab"]])
    assert first.arrays["0.given_positions"].tolist() == [5, 6]
    (only,) = packets([], given=[[7, "ab"]])
    assert only.header["message"] == "given text 'ab' at position 7 takes positions 7..8; valid: 0..7"


def test_the_page_is_told_the_limits() -> None:
    from credit_viz.decoding import DECODERS
    from credit_viz.web.catalogue import boot
    from credit_viz.web.request import default_choice

    told = boot("fake", DECODERS, [], default_choice(), FakeBackend.abilities)
    assert (told["limits"]["interventions"], told["limits"]["given"]) == (64, 64)
    assert (told["choice"]["infill"], list(told["choice"]["given"])) == (False, [])
    assert [list(lane["interventions"]) for lane in told["choice"]["lanes"]] == [[], []]
