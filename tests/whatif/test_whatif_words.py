"""Predictions in words and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credit_viz.trace.record import Reason, Trace
from credit_viz.whatif import Change, PredictedStep, Prediction, Write, changes, needs_rerun_from, sentence
from credit_viz.whatif.plain import prediction_json
from tests.support import trace_of

NAN = float("nan")


@pytest.fixture
def trace() -> Trace:
    """Four steps: one token each, then two."""
    tops = [{0: 1, 1: 2, 2: 3, 3: 4}, {1: 2, 2: 3, 3: 4}, {2: 3, 3: 4}]
    return trace_of(tops, [(1, 0, 1), (2, 1, 2), (3, 2, 3), (3, 3, 4)])


def predicted(ended: str, *steps: dict[int, int], diverges_at: int | None = None, **more: Any) -> Prediction:
    made = tuple(
        PredictedStep(number, tuple(Write(place, token, Reason.CONFIDENT, 0.9, 0.8) for place, token in step.items()))
        for number, step in enumerate(steps, 1)
    )
    return Prediction("threshold", {"threshold": 0.8}, {}, made, ended, diverges_at, **more)


SAME = ({0: 1}, {1: 2}, {2: 3, 3: 4})


@pytest.mark.parametrize(
    ("found", "words", "rerun"),
    [
        (predicted("same", *SAME), "Same as recorded to the end: 3 steps.", None),
        (
            predicted("differs", {0: 1}, {1: 2, 2: 3}, diverges_at=2),
            'Same as recorded up to step 1; in step 2 it would also write "t3".',
            3,
        ),
        (
            predicted("differs", {0: 1, 1: 2, 2: 2, 3: 2}, diverges_at=1),
            'In its first step it would also write "t2" × 3.',
            2,
        ),
        (
            predicted("differs", *SAME[:2], {2: 3}, diverges_at=3),
            'Same as recorded up to step 2; in step 3 it would not write "t4" yet.',
            4,
        ),
        (
            predicted("differs", {0: 1}, {1: 5}, diverges_at=2),
            'Same as recorded up to step 1; in step 2 it would write "t5" instead of "t2".',
            3,
        ),
        (
            predicted("differs", {0: 1}, {2: 3}, diverges_at=2),
            'Same as recorded up to step 1; in step 2 it would write "t3" and not write "t2".',
            3,
        ),
        (
            predicted("differs", *SAME[:2], diverges_at=3),
            "Same as recorded up to step 2, and then it would be finished, 1 step earlier.",
            4,
        ),
        (
            predicted("not recorded", {0: 1}, why="nobody knows", position=3),
            "Same as recorded up to step 1; what step 2 writes cannot be said from the record: nobody knows "
            "(position 3).",
            2,
        ),
        (
            predicted("not recorded", why="nobody knows"),
            "What it writes cannot be said from the record: nobody knows.",
            1,
        ),
    ],
)
def test_one_sentence(trace: Trace, found: Prediction, words: str, rerun: int | None) -> None:
    assert sentence(trace, found) == words
    assert needs_rerun_from(found) == rerun


def test_changes_are_listed_by_position(trace: Trace) -> None:
    found = predicted("differs", {0: 1}, {3: 4, 2: 3}, diverges_at=2)
    assert changes(trace, found) == (Change(1, 2, None), Change(2, None, 3), Change(3, None, 4))
    assert changes(trace, predicted("same", *SAME)) == ()


def test_as_json(trace: Trace) -> None:
    step = PredictedStep(1, (Write(0, 1, Reason.FILLED, NAN, NAN), Write(1, 9, Reason.REMASKED, 0.5, 0.25)))
    found = Prediction("wino", {}, {"block_length": 4}, (step,), "differs", 1)
    plain = json.loads(json.dumps(prediction_json(trace, found), allow_nan=False))
    assert plain["steps"][0]["writes"] == [
        {"position": 0, "token": 1, "text": "t1", "reason": 5, "fused": None, "bar": None},
        {"position": 1, "token": 9, "text": "t9", "reason": 6, "fused": 0.5, "bar": 0.25},
    ]
    assert plain["changes"] == [{"position": 1, "recorded": None, "predicted": "t9"}]
    assert (plain["rerun_from"], plain["block_length"]) == (2, 4)
    assert plain["sentence"] == "In its first step it would also write a mask."
