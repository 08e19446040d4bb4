"""Two runs of one prompt beside each other, in numbers and in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.errors import TraceError
from credit_viz.trace.contrast import MEASURES, contrast_runs
from credit_viz.trace.divergence import Divergence
from credit_viz.trace.reasons import written_by
from credit_viz.trace.record import Reason, Trace
from tests.cases import cases
from tests.support import trace_of

CREDIT = {"alpha": 0.7, "beta": 0.8, "gamma": 0.2, "threshold": 0.9}
TOPS = [{0: 1, 1: 2}, {1: 2}, {1: 2}]


def made(*events: tuple[int, ...], steps: int = 2, **info: Any) -> Trace:
    return trace_of(TOPS[:steps], events, gen_length=2, block=(0, 2), **info)


def test_numbers_and_words() -> None:
    slow = made((1, 0, 1), (3, 1, 2), steps=3, decoder="threshold", settings={"threshold": 0.9}, text="a b")
    fast = made((1, 0, 1), (2, 1, 2, int(Reason.CREDIT)), decoder="credit", settings=CREDIT, text="a b")
    found = contrast_runs(slow, fast)
    assert found.measures["forward_passes"] == (3, 2)
    assert found.measures["redundant_guesses"] == (slow.redundant_guesses, fast.redundant_guesses)
    assert found.reasons == {"confident": (2, 1), "credit": (0, 1)}
    assert found.differs == {
        "decoder": ("threshold", "credit"),
        "alpha": ("–", "0.7"),
        "beta": ("–", "0.8"),
        "gamma": ("–", "0.2"),
    }
    assert found.sentence == (
        "credit needs 1 fewer pass than threshold, 2 instead of 3; both wrote the same text. Only credit lifted 1 "
        "token of credit over the bar; whether by memory or as a lower bar would, credit-viz attribute tells on many "
        "prompts. One prompt says nothing of others."
    )
    back = contrast_runs(fast, slow, ("mine", "yours"))
    assert back.sentence.startswith("yours needs 1 more pass than mine, 3 instead of 2;")


def test_the_place_where_texts_part_is_named() -> None:
    one, other = made((1, 0, 1), (2, 1, 2), text="a b"), made((1, 0, 1), (2, 1, 3), text="a c")
    found = contrast_runs(one, other, ("one", "other"))
    assert found.divergence == Divergence(2, 1, (2, 3), (2, 2))
    assert "other and one need as many passes, 2; their texts part in step 2 at position 1, with " in found.sentence
    assert (found.same_text, dict(found.differs)) == (False, {})


def test_a_lower_bar_is_called_so() -> None:
    plain = made((1, 0, 1), (2, 1, 2), settings={"threshold": 0.9})
    forgetful = made((1, 0, 1), (2, 1, 2, int(Reason.CREDIT)), settings=CREDIT | {"beta": 0.0})
    assert "; it keeps no history, so that is a lower bar." in contrast_runs(plain, forgetful).sentence
    idle = made((1, 0, 1), (2, 1, 2), decoder="credit", settings=CREDIT)
    assert "Credit alone lifted no token of credit over the bar. One" in contrast_runs(plain, idle).sentence
    weightless = made((1, 0, 1), (2, 1, 2), settings=CREDIT | {"alpha": 0.0})
    assert "over the bar" not in contrast_runs(plain, weightless).sentence


def test_runs_of_other_lengths_or_without_an_end_are_compared_all_the_same() -> None:
    short = trace_of([{0: 1}], [(1, 0, 1)], gen_length=1, block=(0, 1), text="a")
    cut = made((1, 0, 1), steps=1, text="a c")
    found = contrast_runs(short, cut, ("short", "cut"))
    assert found.differs["gen_length"] == ("1", "2")
    assert found.divergence is None
    assert "cut and short need as many passes, 1 (cut did not finish); they wrote different texts." in found.sentence


def test_other_prompts_are_refused() -> None:
    one, other = made((1, 0, 1), prompt="one"), made((1, 0, 1), prompt="other")
    with pytest.raises(TraceError, match="different prompts; valid: two runs of the same one"):
        contrast_runs(one, other)


@given(st.data())
def test_every_pair_of_runs_has_words(data: st.DataObject) -> None:
    case = data.draw(cases())
    plain = make_decoder("threshold", {"threshold": data.draw(st.floats(0, 1))})
    one, other = case.run(), case.run(plain)
    found = contrast_runs(one, other, ("one", "other"))
    assert found.measures == {name: (getattr(one, name), getattr(other, name)) for name in MEASURES}
    counts = written_by(one), written_by(other)
    assert found.reasons == {n: (counts[0][n], counts[1][n]) for n in counts[0] if counts[0][n] + counts[1][n]}
    assert (" fewer pass" in found.sentence) == (other.forward_passes < one.forward_passes)
    assert (" more pass" in found.sentence) == (other.forward_passes > one.forward_passes)
    assert ("the same text" in found.sentence) == (one.text == other.text)
