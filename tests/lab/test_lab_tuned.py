"""What a search came to, in words: they follow from the numbers, also where credit does not help."""

from __future__ import annotations

import numpy as np

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
    assert said.startswith("credit in blocks of 32: 8.0 passes [8.0, 8.0] instead of 64.0 (8.0x fewer), exact match")
    assert "the margin of 2 points holds there." in said
    against = "Against threshold in blocks of 32 (10.0 passes, beyond the margin) that saves 2.0 [+2.0, +2.0]"
    assert f"{against}, at +10.0 points [" in said
    assert "does not help" not in said


def test_it_says_so_where_credit_does_not_help() -> None:
    said = tuned(found("threshold", 8, 1.0), found("credit", 8, 1.0))
    assert "that saves 0.0 [+0.0, +0.0], which these prompts cannot tell from none, at +0.0 points" in said
    assert said.endswith("So credit does not help here.")
    lost = tuned(found("credit", 6, 0.5), found("threshold", 8, 1.0))
    assert lost.endswith("So credit does not help here."), "credit's margin does not hold, the threshold's does"
    assert "does not help" not in tuned(found("threshold", 6, 0.5), found("credit", 8, 1.0))


def test_it_says_so_where_the_margin_does_not_hold_or_nothing_is_within_it() -> None:
    said = tuned(found("threshold", 8, 0.5), nothing=("credit",))
    assert "the margin of 2 points does NOT hold there." in said
    assert said.endswith("credit has no setting within the margin.")
    assert tuned(nothing=("credit",)) == "No setting of credit keeps exact match within 2 points of vanilla."
