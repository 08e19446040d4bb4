"""Settings as arrays, what is chosen of them, and gains at equal passes: by value, on results made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from credit_viz.errors import SettingsError
from credit_viz.lab import Plan, Prompt, SweepResult
from credit_viz.lab.plan import Run
from credit_viz.study.conclusion import choose, conclude, verification
from credit_viz.study.scores import NO_HISTORY, Scores, family_of
from credit_viz.study.words import paragraph, table, time_told
from credit_viz.tiny.statistics import Interval, resample
from tests.study.made import ARMS, BLOCKS, Outcome, outcome, plan_of, result_of


@pytest.fixture(scope="module")
def swept() -> SweepResult:
    return result_of(plan_of())


@pytest.fixture(scope="module")
def scores(swept: SweepResult) -> Scores:
    return Scores.of(swept)


def test_every_setting_and_block_length_is_a_row(scores: Scores) -> None:
    assert scores.passes.shape == scores.right.shape == (2 * (2 + 3 + 12), 20)
    assert len(scores.of_family("credit")) == len(scores.of_family(NO_HISTORY)) == 12
    place = next(p for p, point in enumerate(scores.points) if point.words == "threshold 0.8, blocks of 8")
    assert scores.passes[place].tolist() == [3.0] * 20
    assert scores.right[place].mean() == 0.5


def test_the_control_is_a_family_of_its_own() -> None:
    assert family_of("credit", {"beta": 0.0}) == NO_HISTORY
    assert family_of("credit", {"beta": 0.8}) == family_of("credit", {"beta": None}) == "credit"
    assert family_of("threshold", {"threshold": 0.5}) == "threshold"


def test_curves_join_what_differs_in_the_acceptance_knob_alone(scores: Scores) -> None:
    sizes: dict[Any, int] = {}
    for point in scores.points:
        sizes[point.curve] = sizes.get(point.curve, 0) + 1
    assert sorted(sizes.values()) == [2] * 2 + [3] * 10, "vanilla by steps; the others by threshold"


def test_some_prompts_can_be_looked_at_alone(scores: Scores) -> None:
    some = scores.on(slice(5, None))
    assert some.prompts == scores.prompts[5:]
    assert np.array_equal(some.passes, scores.passes[:, 5:])
    assert np.array_equal(some.right, scores.right[:, 5:])


def test_a_sweep_with_a_missing_run_is_refused(swept: SweepResult) -> None:
    with pytest.raises(SettingsError, match="missing, failed or not judged"):
        Scores.of(SweepResult(swept.manifest, swept.frame.iloc[1:]))


def test_gain_at_equal_passes_by_hand(scores: Scores) -> None:
    """Credit needs one pass fewer for the same answers; between 3 and 5 passes the control's curve is read off."""
    weights = resample(20, 0)
    found = scores.gain(scores.of_family("credit"), scores.of_family(NO_HISTORY), weights, same="alpha")
    # passes 1, 3, 5 against a curve at 2, 4, 6: the first lies outside; 0.5 - 0.375 and 1 - 0.75
    assert found is not None
    assert found.value == pytest.approx((0.125 + 0.25) / 2)
    assert found.low < found.value < found.high
    none = scores.gain(scores.of_family("threshold"), scores.of_family("threshold"), weights)
    assert none is not None
    assert same(none, 0), "against itself"
    assert scores.gain(scores.of_family("credit"), [], weights) is None


def test_the_fewest_passes_within_the_margin_are_chosen(scores: Scores) -> None:
    choice = choose(scores)
    assert choice.reference.block_length == 8, "of equals the longest"
    assert {point.family: point.words for point in choice.points} == {
        "vanilla": "steps unset, blocks of 4",
        "threshold": "threshold 0.9, blocks of 8",
        "credit": "alpha 0.7, beta 0.8, threshold 0.9, blocks of 8",
        NO_HISTORY: "alpha 0.7, beta 0, threshold 0.9, blocks of 8",
    }
    wide = {point.family: point.words for point in choose(scores, margin=0.5).points}
    assert wide["threshold"] == "threshold 0.8, blocks of 8"


def test_without_plain_vanilla_nothing_is_chosen() -> None:
    with pytest.raises(SettingsError, match="no vanilla decoding of one token per pass"):
        choose(Scores.of(result_of(plan_of(ARMS[1:]))))


def test_the_verification_runs_the_chosen_and_their_neighbours_on_more_prompts(scores: Scores) -> None:
    short, long = verification(plan_of(), scores, 30)
    for plan in (short, long):
        assert plan.tasks is not None
        assert plan.tasks.count == 50
        assert tuple(p.text for p in plan.all_prompts[:20]) == scores.prompts
    assert (short.options["block_length"], long.options["block_length"]) == ((4,), (8,))
    assert [setting.decoder for setting in short.settings] == ["vanilla"]
    assert len(long.settings) == 4, "vanilla, and the others at 0.9: what loses more than ten points is left out"
    with pytest.raises(SettingsError, match="own prompts have no others"):
        verification(Plan(ARMS, (Prompt("1", "text", "right"),)), scores, 30)


def _pair(told: Callable[[Run], Outcome] = outcome) -> tuple[SweepResult, list[SweepResult]]:
    return result_of(plan_of()), [result_of(plan_of(count=60, blocks=(length,)), told) for length in BLOCKS]


def same(found: Interval, value: float) -> bool:
    """Every prompt says the same."""
    return [found.low, found.value, found.high] == pytest.approx([value] * 3)


def test_parts_of_a_verification_are_on_the_same_prompts(scores: Scores) -> None:
    assert len(Scores.joined([scores, scores]).points) == 2 * len(scores.points)
    with pytest.raises(SettingsError, match="2 sweeps on different prompts"):
        Scores.joined([scores, Scores.of(result_of(plan_of(count=4)))])


def number(run: Run) -> int:
    return int(run.prompt.id.rpartition("-")[2])


def test_the_conclusion_is_of_the_other_prompts_alone() -> None:
    sweep, more = _pair()

    def spoiled(run: Run) -> Outcome:
        """On the prompts of the choice everything takes a pass more; it may not be seen."""
        passes, right = outcome(run)
        return (passes + 1, right) if number(run) <= 40 else (passes, right)

    study = conclude(sweep, more)
    assert conclude(*_pair(spoiled)) == study
    assert (study.settings, study.lengths, study.points, study.runs) == (17, 2, 34, 680)
    assert (study.swept_on, study.chosen_on, study.verified_on) == (20, 40, 20)
    assert same(study.of("credit").passes, 4)
    assert same(study.of("threshold").passes, 5)
    assert same(study.saved["threshold"], 1)
    assert same(study.saved[NO_HISTORY], 1)
    assert same(study.gained["threshold"], 0)
    assert same(study.of("credit").gained, 0)
    families = [found.point.family for found in study.verified]
    assert (families[0], set(families[1:3]), families[3]) == ("credit", {"threshold", NO_HISTORY}, "vanilla")
    assert same(study.history_saves, 1)
    assert same(study.history_gains, 0)
    assert same(study.longer_passes, -1)
    assert same(study.longer_right, 0)
    assert study.at_equal_passes[NO_HISTORY].value == pytest.approx((0.125 + 0.25) / 2)
    with pytest.raises(SettingsError, match="no setting of klass was chosen"):
        study.of("klass")


def test_luck_in_the_sweep_is_corrected_by_more_prompts() -> None:
    def lucky(run: Run) -> Outcome:
        """On the sweep's prompts the threshold is right at 0.8 already."""
        passes, right = outcome(run)
        luck = number(run) <= 20 and run.setting.decoder == "threshold" and passes in (3, 4)
        return passes, right or luck

    sweep = result_of(plan_of(), lucky)
    assert {p.family: p for p in choose(Scores.of(sweep)).points}["threshold"].setting.values["threshold"] == 0.8
    study = conclude(sweep, [result_of(plan_of(count=60, blocks=(length,)), lucky) for length in BLOCKS])
    assert study.of("threshold").point.setting.values["threshold"] == 0.9


def test_a_verification_on_other_prompts_is_refused() -> None:
    sweep, _ = _pair()
    for count in (10, 20):
        with pytest.raises(SettingsError, match="begins with the sweep's and has more"):
            conclude(sweep, [result_of(plan_of(count=count))])


def test_the_words_follow_the_numbers() -> None:
    sweep, more = _pair()
    said = paragraph(conclude(sweep, more))
    assert said.startswith(
        "**The fewest passes within 2 points of vanilla with one token per pass: credit, 4.0 instead of 8; at equal "
        "passes credit is better than the threshold alone and better than credit without history (β = 0).**"
    )
    assert "34 × 20 = 680 runs" in said
    assert "went on to 20 more" in said
    assert "on these 40. What follows is of 20 other held-out prompts" in said
    assert "Against the threshold alone credit saves 1.0 [1.0, 1.0] passes at 0.0 [0.0, 0.0] points" in said
    assert "(a gain)" in said
    assert "All of them hold the margin there." in said
    assert "with the same α and τ, history saves 1.0 [1.0, 1.0] passes at 0.0" in said
    assert "in blocks of 8 instead of 4 saves 1.0 [1.0, 1.0] passes" in said
    assert "| credit | alpha 0.7, beta 0.8, threshold 0.9, blocks of 8 | 4.0 [4.0, 4.0] | 100.0" in table(
        conclude(sweep, more)
    )


def test_the_words_say_what_did_not_hold() -> None:

    def worse(run: Run) -> Outcome:
        """On other prompts credit needs more passes than the control, and is wrong more often."""
        if number(run) <= 40 or family_of(*run.setting) != "credit":
            return outcome(run)
        passes, right = outcome(run)
        return passes + 2, right and number(run) % 2 == 0

    said = paragraph(conclude(*_pair(worse)))
    assert "Against the threshold alone credit needs 1.0 [1.0, 1.0] more passes at −50.0" in said
    assert "Measurably below vanilla: credit." in said
    assert "at equal passes credit is worse than the threshold alone" in said
    assert "All of them hold" not in said


def test_time_is_told_where_it_is_known() -> None:
    part = {"runs": 1200, "seconds": 60.0}
    made = {
        "processor": "a processor",
        "cores": 2,
        "workers": 2,
        "sweep": part,
        "verification": {**part, "seconds": None},
    }
    said = time_told(made)
    assert said.startswith(
        "Sweep: 1,200 runs in 1 min 0 s, 20 per second; verification: 1,200 runs, in several sessions."
    )
