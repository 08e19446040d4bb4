"""Two settings of a sweep: numbers as pandas has them, the controls that are there, and words that say no more."""

from __future__ import annotations

import dataclasses
import math
import re
import shlex
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.errors import SettingsError
from credit_viz.lab import Arm, Plan, Prompt, SweepResult, contrast, parse_arm
from credit_viz.lab.contrasting import Contrast
from credit_viz.lab.controls import AS_FEW, NO_HISTORY, WITHOUT, rule_alone
from credit_viz.lab.listed import listed
from credit_viz.lab.numbers import sure
from credit_viz.lab.paired import Measure
from credit_viz.tiny.statistics import resample
from tests.cases import assert_same_writes, cases, for_decoders
from tests.lab.made import made_plan, made_result

WHOLE = made_result(made_plan(compare="always"))
FAILING = made_result(made_plan(compare="always"), seed=3, fail=0.15)
FEW = settings(max_examples=max(5, settings().max_examples // 4))

numbers = st.lists(st.sampled_from(range(30)), min_size=2, max_size=2, unique=True)


def by_hand(result: SweepResult, first: int, second: int, metric: str) -> pd.DataFrame:
    """Means of each prompt over the seeds on which both ended."""
    done = result.frame[result.frame["failed"].isna()]
    sides = [done[done["number"] == number][["prompt", "seed", metric]].dropna() for number in (first, second)]
    both = sides[0].merge(sides[1], on=["prompt", "seed"], suffixes=("_1", "_2"))
    return both.groupby("prompt", sort=False)[[f"{metric}_1", f"{metric}_2"]].mean().astype(float)


@FEW
@given(numbers)
def test_numbers_are_those_of_pandas(pair: list[int]) -> None:
    first, second = pair
    found = contrast(FAILING, first, second)
    for metric, measure in found.measures.items():
        means = by_hand(FAILING, first, second, metric)
        steps = (means[f"{metric}_2"] - means[f"{metric}_1"]).to_numpy()
        assert measure.prompts == len(means)
        assert measure.values == pytest.approx(tuple(means.mean()))
        assert measure.difference.value == pytest.approx(steps.mean())
        drawn = resample(len(steps), 0)[1:] @ steps
        ends = np.quantile(drawn, (0.025, 0.975)) if len(steps) > 1 else (math.nan, math.nan)
        assert (measure.difference.low, measure.difference.high) == pytest.approx(tuple(ends), nan_ok=True)
    ended = FAILING.frame[FAILING.frame["failed"].isna()].groupby("number")[["prompt", "seed"]]
    sides = [set(map(tuple, ended.get_group(number).values.tolist())) for number in pair]
    assert found.left_out == 10 - len(sides[0] & sides[1])
    assert found.prompts == len({prompt for prompt, _ in sides[0] & sides[1]})


@FEW
@given(numbers)
def test_the_other_way_round_is_the_mirror_image(pair: list[int]) -> None:
    one, other = contrast(FAILING, *pair), contrast(FAILING, *reversed(pair))
    assert (one.names, one.prompts, one.left_out, one.same_texts) == (
        other.names[::-1],
        other.prompts,
        other.left_out,
        other.same_texts,
    )
    assert list(one.measures) == list(other.measures)
    for name, measure in one.measures.items():
        mirrored, back = other.measures[name].difference, measure.difference
        assert measure.values == pytest.approx(other.measures[name].values[::-1])
        ends = -mirrored.value, -mirrored.high, -mirrored.low
        assert (back.value, back.low, back.high) == pytest.approx(ends, nan_ok=True)
    assert {d.knob: d.values for d in one.differs} == {d.knob: d.values[::-1] for d in other.differs}
    assert list(one.by_prompt["prompt"]) == list(other.by_prompt["prompt"])
    assert one.by_prompt["passes_1"].tolist() == other.by_prompt["passes_2"].tolist()
    controls = {(c.of, c.role): (c.number, c.name, c.why) for c in one.controls}
    assert controls == {(1 - c.of, c.role): (c.number, c.name, c.why) for c in other.controls}


@FEW
@given(numbers)
def test_intervals_are_those_of_the_figures(pair: list[int]) -> None:
    first, second = pair
    found = contrast(WHOLE, first, second)
    for metric in ("forward_passes", "exact_match", "mean_wait"):
        row = WHOLE.against(first, metric).set_index("number").loc[second]
        told = found.measures[metric].difference
        assert (told.value, told.low, told.high) == pytest.approx(tuple(row))


def test_prompts_come_most_different_first() -> None:
    table = contrast(FAILING, 7, 20).by_prompt
    steps = (table["passes_2"] - table["passes_1"]).abs()
    assert steps.is_monotonic_decreasing
    means = by_hand(FAILING, 7, 20, "forward_passes")
    assert table.set_index("prompt")["passes_1"].to_dict() == means["forward_passes_1"].to_dict()


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((3, 3), "setting 3 twice; valid: two different settings"),
        ((3, 99), "setting 99 is not in this sweep; valid: 0 to 29"),
        ((-1, 3), "setting -1 is not in this sweep"),
        ((True, 3), "setting True is not in this sweep"),
    ],
)
def test_what_cannot_be_compared_is_named(pair: tuple[int, int], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        contrast(WHOLE, *pair)


def test_settings_without_a_prompt_in_common_are_refused() -> None:
    frame = WHOLE.frame
    first = frame["prompt"] == "p0"
    apart = frame[(frame["number"] == 3) & first | (frame["number"] == 4) & ~first]
    told = "no prompt has a result of both credit threshold=0.3 and credit threshold=0.6 yet; valid: "
    with pytest.raises(SettingsError, match=re.escape(told)):
        contrast(dataclasses.replace(WHOLE, frame=apart), 3, 4)


# ------------------------------------------------------------------ controls

CONTROLLED = Plan(
    arms=(
        Arm("vanilla"),
        Arm("threshold", {"threshold": (0.5, 0.7, 0.9)}),
        Arm("credit", {"beta": (0.8, 0.0), "alpha": (0.7,), "threshold": 0.9}),
        Arm("credit-top-n", {"count": 2}),
    ),
    prompts=tuple(Prompt(f"p{n}", f"text {n}", "right") for n in range(20)),
    options={"gen_length": 8, "block_length": (4, 8)},
)
VANILLA, LOW, MIDDLE, RULE, CREDIT, FORGETFUL, TOP = range(7)  #: in blocks of 4; those of 8 follow


def controlled(passes: dict[int, Any], right: dict[int, Any] | None = None, plan: Plan = CONTROLLED) -> SweepResult:
    """Passes, and share of right answers, of each setting: one value, or one per prompt."""
    result = made_result(plan)
    frame = result.frame.copy()
    for column, given_values in (("forward_passes", passes), ("exact_match", right or {})):
        for number in frame["number"].unique():
            rows = frame["number"] == number
            frame.loc[rows, column] = np.broadcast_to(given_values.get(number, 1), rows.sum())
    return dataclasses.replace(result, frame=frame)


def spread(mean: float) -> list[int]:
    """Twenty whole numbers around a mean."""
    return [round(mean + step) for step in (-1, 1, 0, 0)] * 5


def role(found: Contrast, name: str) -> Any:
    (control,) = (each for each in found.controls if each.role == name)
    return control


def test_the_controls_of_a_sweep_are_found() -> None:
    result = controlled({RULE: 8, CREDIT: 5, FORGETFUL: 6, LOW: 2, MIDDLE: 5, VANILLA: 8}, {CREDIT: [1, 0] * 10})
    found = contrast(result, RULE, CREDIT)
    assert [(each.of, each.role, each.number) for each in found.controls] == [
        (1, WITHOUT, RULE),
        (1, NO_HISTORY, FORGETFUL),
        (1, AS_FEW, MIDDLE),
    ]
    assert found.command is None
    rival = role(found, AS_FEW)
    assert rival.passes.values == (5, 5)
    assert rival.quality.values == (0.5, 1)
    assert found.sentence == (
        "On 20 prompts credit beta=0.8 needs 3.0 [3.0, 3.0] fewer passes than threshold threshold=0.9: 5.0 instead of "
        "8.0; exact match is lower, 50.0 and 100.0 %: −50.0 [−70.0, −30.0] points. They differ in credit alone. "
        "Without history credit needs 6.0: memory saves 1.0 [1.0, 1.0] of these. The rule alone needs about as few "
        "at threshold threshold=0.7, 5.0; against that, exact match of credit is lower: −50.0 [−70.0, −30.0] points."
    )


def test_other_options_are_no_controls() -> None:
    found = contrast(made_result(CONTROLLED), CREDIT + 7, RULE + 7)
    assert [each.number for each in found.controls][:2] == [RULE + 7, FORGETFUL + 7]
    assert all(each.number is None or each.number >= 7 for each in found.controls)


def test_a_rule_that_is_far_away_is_no_rival() -> None:
    found = contrast(controlled({RULE: 8, CREDIT: 4, MIDDLE: 7, LOW: 2}), RULE, CREDIT)
    rival = role(found, AS_FEW)
    assert rival.number is None
    assert rival.why == (
        "Not in this sweep: the rule alone with about as few passes; threshold threshold=0.5 comes nearest, "
        "−2.0 [−2.0, −2.0]."
    )
    assert "The rule alone" not in found.sentence
    arm = parse_arm(shlex.split(str(found.command))[3])
    assert found.command is not None
    assert found.command.startswith("credit-viz attribute --arm credit")
    assert list(arm.settings()) == [dict(listed(CONTROLLED)[CREDIT].setting.values)]
    assert "--block-length 4 " in found.command


def test_without_controls_it_is_said_what_would_tell() -> None:
    plan = dataclasses.replace(CONTROLLED, arms=(Arm("vanilla"), Arm("credit", {"threshold": 0.9})))
    found = contrast(made_result(plan), 0, 1)
    assert [(each.role, each.number, each.passes) for each in found.controls] == [
        (WITHOUT, None, None),
        (NO_HISTORY, None, None),
        (AS_FEW, None, None),
    ]
    assert "Nothing here tells memory from a lower bar in credit; credit-viz attribute would." in found.sentence
    assert "memory saves" not in found.sentence
    assert str(found.command).startswith("credit-viz attribute --arm credit ")


def test_settings_without_credit_have_no_controls() -> None:
    found = contrast(made_result(CONTROLLED), VANILLA, RULE)
    assert (found.controls, found.command) == ((), None)
    assert "memory" not in found.sentence


def test_what_forgets_is_a_lower_bar() -> None:
    found = contrast(controlled({RULE: 8, FORGETFUL: 6}), RULE, FORGETFUL)
    assert [each.role for each in found.controls] == [WITHOUT, AS_FEW]
    assert "keeps no history: what credit saves in it is a lower bar." in found.sentence
    other = contrast(controlled({FORGETFUL: 6, CREDIT: 5}), FORGETFUL, CREDIT)
    assert "So memory of earlier steps saves 1.0 [1.0, 1.0] passes." in other.sentence
    assert "They differ in beta alone." in other.sentence


def test_memory_that_cannot_be_seen_is_not_claimed() -> None:
    noisy = controlled({RULE: 8, FORGETFUL: [5, 6, 5, 4] * 5, CREDIT: [5, 5, 5, 5] * 5})
    assert "memory saves 0.0 [−0.3, +0.3] of these, not told from none." in contrast(noisy, RULE, CREDIT).sentence
    none = controlled({RULE: 8, FORGETFUL: 6, CREDIT: 6})
    assert "as many on each prompt: what credit saves in it is a lower bar." in contrast(none, RULE, CREDIT).sentence
    worse = controlled({RULE: 8, FORGETFUL: 5, CREDIT: 6})
    assert "memory costs 1.0 [1.0, 1.0] passes." in contrast(worse, RULE, CREDIT).sentence


def test_credit_that_turns_no_bar_has_only_itself_as_a_control() -> None:
    found = contrast(made_result(CONTROLLED), RULE, TOP)
    assert {each.number for each in found.controls} == {None}, "no decoder has its rule and no credit"


@for_decoders(["credit", "credit-margin", "credit-factor", "credit-hierarchy", "dense-credit"])
def test_the_rule_alone_is_the_decoder_without_credit(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    values = case.decoder.settings.to_dict()
    plain = rule_alone(name)
    assert plain is not None
    own = {knob: value for knob, value in values.items() if knob not in ("alpha", "beta", "gamma")}
    weightless = make_decoder(name, values | {"alpha": 0.0})
    assert_same_writes(case.run(weightless), case.run(make_decoder(plain, own)))


# ------------------------------------------------------------------ words


def test_one_prompt_has_no_interval() -> None:
    one = dataclasses.replace(CONTROLLED, prompts=CONTROLLED.prompts[:1])
    found = contrast(controlled({RULE: 8, CREDIT: 5}, plan=one), RULE, CREDIT)
    assert math.isnan(found.passes.difference.low)
    assert found.sentence.startswith(
        "On the one prompt that both have credit beta=0.8 needs 5.0 passes, threshold threshold=0.9 8.0; exact match "
        "100.0 and 100.0 %, and one prompt says nothing of others."
    )
    assert "fewer" not in found.sentence
    assert "nan" not in found.sentence + found._repr_html_()


def test_two_seeds_of_a_prompt_are_one_prompt() -> None:
    plan = dataclasses.replace(CONTROLLED, options=dict(CONTROLLED.options) | {"seed": (0, 1)})
    found = contrast(controlled({RULE: 8, CREDIT: [4, 6] * 20}, plan=plan), RULE, CREDIT)
    assert (found.prompts, found.passes.prompts, found.passes.values) == (20, 20, (8, 5))
    assert (found.passes.difference.low, found.passes.difference.high) == (-3, -3), "prompts are what is resampled"


def test_texts_that_nobody_judged_are_said_to_be_so() -> None:
    plan = dataclasses.replace(CONTROLLED, prompts=("one", "two", "three"), compare="never")
    result = made_result(plan)
    bare = dataclasses.replace(result, frame=result.frame.assign(token_agreement=np.nan, text_agreement=None))
    found = contrast(bare, LOW, RULE)
    assert found.quality is None
    assert "; nothing says how good the texts are." in found.sentence
    agreeing = contrast(made_result(dataclasses.replace(plan, compare="always")), LOW, RULE)
    assert agreeing.quality == "token_agreement"
    assert "exact match" not in agreeing.sentence


@pytest.fixture(scope="module")
def study() -> SweepResult:
    """The sweep that ships with the project."""
    from credit_viz.lab.found import study_path

    folder = study_path()
    assert folder is not None
    return SweepResult.load(folder)


def test_controls_of_the_study_are_its_rows(study: SweepResult) -> None:
    def number(**values: Any) -> int:
        (found,) = study.where(**values).settings["number"]
        return int(found)

    for block, alpha, tau in product((8, 64), (0.2, 3.0), (0.9, 0.98)):
        same = {"block_length": block, "threshold": tau}
        rule = number(decoder="threshold", **same)
        credit, forgetful = (number(decoder="credit", alpha=alpha, beta=beta, **same) for beta in (0.8, 0.0))
        found = contrast(study, rule, credit)
        assert role(found, WITHOUT).number == rule
        assert role(found, NO_HISTORY).number == forgetful
        means = study.frame.groupby("number")[["forward_passes", "exact_match"]].mean()
        for control in found.controls:
            if control.number is not None:
                passes, right = means.loc[control.number]
                assert control.passes.values[1] == pytest.approx(passes)
                assert control.quality.values[1] == pytest.approx(right)
        alone = means.loc[study.where(decoder="threshold", block_length=block).settings["number"], "forward_passes"]
        gaps = (alone - means.loc[credit, "forward_passes"]).abs()
        if gaps.min() <= 0.1 * means.loc[credit, "forward_passes"]:
            assert gaps[role(found, AS_FEW).number] == pytest.approx(gaps.min())
        else:
            assert role(found, AS_FEW).number is None


def test_no_sentence_says_more_than_its_intervals(study: SweepResult) -> None:
    rng = np.random.default_rng(0)
    for first, second in rng.choice(532, (40, 2), replace=False).tolist():
        found = contrast(study, first, second)
        said = found.sentence
        assert "−0.0 " not in said.replace("[", "").replace("]", "").replace(",", " ")
        head = said.split(";")[0]
        assert ("fewer" in head) == (sure(found.passes.difference) < 0)
        assert ("more passes" in head) == (sure(found.passes.difference) > 0)
        quality = said.split(";")[1].split(".")[0]
        judged: Measure = found.measures["exact_match"]
        assert ("higher" in quality, "lower" in quality) == (
            sure(judged.difference) > 0,
            sure(judged.difference) < 0,
        )
        memory = [each.passes.difference for each in found.controls if each.role == NO_HISTORY and each.passes]
        if all(sure(saved) == 0 for saved in memory):
            assert said.count("memory saves") + said.count("steps saves") <= said.count("not told from none")


def test_what_sums_to_nothing_has_no_sign() -> None:
    thirds = [1 / 3, 0.1, 0.2, -1 / 3, -0.1, -0.2] * 3 + [0.7, -0.7]
    result = controlled({RULE: 8, CREDIT: 8})
    frame = result.frame.assign(mean_wait=result.frame["mean_wait"].astype(float))
    for number, values in ((RULE, 0.0), (CREDIT, thirds)):
        frame.loc[frame["number"] == number, "mean_wait"] = values
    measure = contrast(dataclasses.replace(result, frame=frame), RULE, CREDIT).measures["mean_wait"]
    assert (measure.difference.value, measure.same) == (0, False)
    assert math.copysign(1, measure.difference.value) == 1


def test_a_notebook_shows_words_and_numbers() -> None:
    html = contrast(WHOLE, 3, 20)._repr_html_()
    assert "<table" in html
    assert "forward_passes" in html
