"""Tuning: what is found keeps its promises on the rows it was found on, and the search can be repeated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from credit_viz import lab
from credit_viz.errors import BackendError, PromptError, SettingsError
from credit_viz.lab.tuning import TuningProgress, tune
from tests.lab.conftest import LabModel

ARMS = (
    lab.Arm("credit", {"alpha": lab.Span(0, 3), "threshold": lab.Span(0.3, 0.99)}, draws=1),
    lab.Arm("threshold", {"threshold": (0.5, 0.9, 1.0)}),
)
OPTIONS = {"gen_length": 8, "block_length": (4, 8)}


def plans(**changes: Any) -> tuple[lab.Plan, lab.Plan]:
    given = {"arms": ARMS, "options": OPTIONS} | changes
    return (
        lab.Plan(prompts=tuple(f"train {i}" for i in range(12)), **given),
        lab.Plan(prompts=tuple(f"check {i}" for i in range(9)), **given),
    )


def test_the_answer_is_measured_on_held_out_prompts(mock: Any) -> None:
    told: list[TuningProgress] = []
    found = tune(*plans(), workers=lab.InlineCrew(mock), margin=0.3, trials=12, tell=told.append)
    assert [progress.trial for progress in told] == [*range(1, 13)] * 2
    assert found.prompts == 9
    assert not found.judged
    assert found.reference_passes == 8
    assert found.reference_quality == 1
    best = found.found[0]
    assert best.train_loss <= 0.3 + 1e-9
    plan = lab.Plan(
        arms=(lab.Arm(best.setting.decoder, best.setting.values),),
        prompts=plans()[1].prompts,
        options={"gen_length": 8, "block_length": best.options.block_length},
        compare="always",
    )
    frame = lab.sweep(plan, workers=lab.InlineCrew(mock)).frame
    own = frame[frame["setting"] != "vanilla"] if best.setting.decoder != "vanilla" else frame
    assert best.passes.value == pytest.approx(own["forward_passes"].mean())
    assert best.passes.low <= best.passes.value <= best.passes.high
    assert f"{best.passes.value:.1f} passes" in found.sentence
    assert "agreement with vanilla" in found.sentence


def test_no_margin_admits_only_what_equals_vanilla(mock: Any) -> None:
    arms = (lab.Arm("threshold", {"threshold": 1.0}), lab.Arm("threshold", {"threshold": 0.01}))
    found = tune(
        *plans(arms=arms, options={"gen_length": 8, "block_length": 8}),
        workers=lab.InlineCrew(mock),
        margin=0.0,
        trials=2,
    )
    assert [each.setting.values["threshold"] for each in found.found] == [1.0]
    assert found.nothing == ("threshold",)
    assert found.found[0].feasible == 2
    assert np.array_equal(found.found[0].score.quality, np.ones(9))


def test_the_same_folder_and_seed_decode_nothing_again(tmp_path: Path) -> None:
    class Counting(LabModel):
        passes = 0

        def token_logits(self, *args: Any, **kwargs: Any) -> Any:
            Counting.passes += 1
            return super().token_logits(*args, **kwargs)

    model = Counting()
    first = tune(*plans(), tmp_path, lab.InlineCrew(model), margin=0.3, trials=5)
    passes = Counting.passes
    assert passes > 0
    again = tune(*plans(), tmp_path, lab.InlineCrew(model), margin=0.3, trials=5)
    assert Counting.passes == passes
    assert again.sentence == first.sentence


def test_hopeless_trials_are_cut_short(mock: Any) -> None:
    arms = (lab.Arm("threshold", {"threshold": lab.Span(0.01, 0.02)}, draws=1),)
    found = tune(*plans(arms=arms), workers=lab.InlineCrew(mock), margin=0.0, trials=4)
    assert found.found == ()
    assert found.sentence == (
        "No setting of threshold keeps agreement with vanilla within 0 points of vanilla with one token per pass."
    )


def test_bad_input_is_named(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    train, check = plans()
    crew = lab.InlineCrew(mock)
    with pytest.raises(SettingsError, match=r"margin=1 is out of range"):
        tune(train, check, workers=crew, margin=1)
    with pytest.raises(SettingsError, match=r"trials=0 is out of range"):
        tune(train, check, workers=crew, trials=0)
    with pytest.raises(PromptError, match=r"prompt '1' is for training and held out"):
        tune(train, train, workers=crew)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BackendError, match=r"pip install -e '\.\[lab\]'"):
        tune(train, check, workers=crew)
