"""What a search came to, in words: they follow from the numbers, also where credit does not help."""

from __future__ import annotations

import re

import numpy as np
import pytest

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.lab.plan import Setting
from credit_viz.lab.tuned import Found, Score, Tuned
from credit_viz.tiny.statistics import mean_interval, resample

PROMPTS = 20


def found(decoder: str, passes: float, right: float) -> Found:
    """A setting that needs so many passes on every prompt, and is right on this share of them."""
    score = Score(np.full(PROMPTS, passes), (np.arange(PROMPTS) < right * PROMPTS).astype(np.float64))
    weights = resample(PROMPTS, 0)
    return Found(
        setting=Setting(decoder, make_decoder(decoder).settings.to_dict()),
        options=RunOptions(64, 32),
        trials=5,
        cut_short=1,
        feasible=2,
        train_passes=passes,
        train_loss=0.0,
        passes=mean_interval(score.passes, weights),
        loss=mean_interval(1.0 - score.quality, weights),
        score=score,
    )


def tuned(*settings: Found, nothing: tuple[str, ...] = ()) -> str:
    return Tuned(0.02, True, PROMPTS, RunOptions(64, 32), 64.0, 1.0, settings, nothing).sentence


def test_credit_that_saves_passes_is_held_against_the_threshold_in_passes_and_points() -> None:
    said = tuned(found("credit", 8, 1.0), found("threshold", 10, 0.9))
    assert said.startswith(
        "On 20 held-out prompts credit (blocks of 32) needs 8.0 passes [8.0, 8.0], 8.0 times fewer than the 64.0 of "
        "vanilla with one token per pass; exact match differs by 0.0 [0.0, 0.0] points, within the margin of 2 points. "
        "Against threshold (blocks of 32; 10.0 passes, beyond the margin) it saves 2.0 [2.0, 2.0] passes at +10.0 ["
    )
    assert said.endswith("] points.")
    assert "does not help" not in said


def test_it_says_so_where_credit_does_not_help() -> None:
    said = tuned(found("threshold", 8, 1.0), found("credit", 8, 1.0))
    assert said.endswith(
        "Against credit (blocks of 32; 8.0 passes) it saves 0.0 [0.0, 0.0] passes (not told apart from none) at "
        "0.0 [0.0, 0.0] points, so credit does not help here."
    )
    lost = tuned(found("credit", 6, 0.5), found("threshold", 8, 1.0))
    assert lost.endswith("so credit does not help here."), "credit's margin does not hold, the threshold's does"
    assert "does not help" not in tuned(found("threshold", 6, 0.5), found("credit", 8, 1.0))


def test_it_says_so_where_the_margin_does_not_hold_or_nothing_is_within_it() -> None:
    said = tuned(found("threshold", 8, 0.5), nothing=("credit",))
    assert "points, NOT within the margin of 2 points. Credit has no setting within the margin." in said
    assert tuned(nothing=("credit",)) == (
        "No setting of credit keeps exact match within 2 points of vanilla with one token per pass."
    )


@pytest.mark.parametrize("others", range(4))
def test_two_sentences_are_enough_and_nothing_has_no_sign(others: int) -> None:
    settings = [found(name, 8 + place, 0.999) for place, name in enumerate(("credit", "threshold", "margin", "factor"))]
    said = tuned(*settings[: others + 1], nothing=("klass",) * (others % 2))
    assert len(re.findall(r"\.( |$)", said)) == (2 if others else 1)
    assert not re.search(r"[−+-]0\.0\b", said)
