"""The page's questions about runs that were not made, on kept runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.trace.record import Trace
from credit_viz.web.questions import Question, Questions
from credit_viz.web.runs import KeptRun, RunStore
from credit_viz.whatif import sentence, what_if
from tests.support import MockModel, run


@pytest.fixture(scope="module")
def traces() -> tuple[Trace, Trace]:
    """One prompt, two lanes."""
    model = MockModel(3, vocab_size=30)
    names = (("vanilla", {}), ("credit", {"alpha": 0.5}))
    made = [run(model, make_decoder(n, s), gen_length=16, block_length=16, top_k=20) for n, s in names]
    return made[0], made[1]


@pytest.fixture(scope="module")
def ask(traces: tuple[Trace, Trace]) -> dict[str, Question]:
    """Questions by name."""
    store = RunStore()
    store.keep(KeptRun.of_traces("r1", traces))
    return {question.__name__: question for question in Questions(store, lambda _: ()).functions()}


def test_another_knob(ask: dict[str, Question], traces: tuple[Trace, Trace]) -> None:
    settings = {**traces[1].info.settings, "threshold": 0.4}
    answer = ask["whatif"]({"run": "r1", "lane": 1, "decoder": "credit", "settings": settings})
    predicted = what_if(traces[1], settings={"threshold": 0.4})
    assert answer["sentence"] == sentence(traces[1], predicted)
    assert answer["diverges_at"] == predicted.diverges_at is not None
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    lane = ask["whatif"]({"run": "r1", "lane": 0, "decoder": "threshold", "settings": {}})
    assert (lane["decoder"], lane["settings"]["threshold"]) == ("threshold", 0.9)
    # knobs that are left out take the decoder's defaults, as in a choice of lanes
    assert ask["whatif"]({"run": "r1", "lane": 1, "decoder": "credit", "settings": {}})["settings"]["alpha"] == 0.7
    blocks = ask["whatif"]({"run": "r1", "lane": 0, "decoder": "vanilla", "block_length": 8, "early_stop": True})
    assert (blocks["block_length"], blocks["early_stop"]) == (8, True)


def test_the_same_state(ask: dict[str, Question], traces: tuple[Trace, Trace]) -> None:
    answer = ask["counterfactual"]({"run": "r1", "lane": 0, "step": 2, "position": 5})
    names = [other["decoder"] for other in answer]
    assert names[:2] == ["vanilla", "credit"]
    assert sorted(names) == sorted(DECODERS)
    assert answer[1]["settings"]["alpha"] == 0.5  # as in the other lane
    assert answer[0]["writes"] == traces[0].event_positions[traces[0].event_steps == 2].tolist()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    again = ask["counterfactual"]({"run": "r1", "lane": 0, "step": 2, "position": 5})
    assert again == answer


@pytest.mark.parametrize(
    ("question", "asked", "words"),
    [
        ("whatif", {"run": "r9"}, "no longer keeps this run"),
        ("whatif", {"lane": 7}, "lane 7 is out of range; valid: 0..1"),
        ("whatif", {"lane": "1"}, "lane='1' is not valid"),
        ("whatif", {"lane": True}, "lane=True is not valid"),
        ("whatif", {"decoder": "none"}, "unknown decoder 'none'"),
        ("whatif", {"settings": {"tau": 1}}, "unknown setting 'tau'"),
        ("whatif", {"settings": {"threshold": "<b>"}}, "threshold='<b>'"),
        ("whatif", {"settings": [1]}, "settings [1]; valid: an object"),
        ("whatif", {"block_length": 5}, "valid block lengths: 1, 2, 4, 8, 16"),
        ("whatif", {"early_stop": "no"}, "early_stop='no'"),
        ("counterfactual", {"step": 0}, "step 0 is out of range"),
        ("counterfactual", {"step": 99}, "step 99 is out of range"),
        ("counterfactual", {"position": None}, "position=None is not valid"),
        ("counterfactual", {"lane": -1}, "lane -1 is out of range"),
        ("counterfactual", {"run": "r9"}, "no longer keeps this run"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    ask: dict[str, Question], question: str, asked: dict[str, Any], words: str
) -> None:
    whole = {"run": "r1", "lane": 0, "step": 1, "position": 0, "decoder": "threshold", "settings": {}}
    answer = ask[question](whole | asked)
    assert words in answer["error"]


def test_a_question_without_its_parts_is_a_sentence_too(ask: dict[str, Question]) -> None:
    for question in ("whatif", "counterfactual"):
        assert "error" in ask[question]({"run": "r1"})
