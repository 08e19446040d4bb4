"""Two settings on the page: why they differ, and both as lanes of one race."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from credit_viz import lab
from credit_viz.errors import SettingsError
from credit_viz.lab.contrast_plain import plain
from credit_viz.web.labanswers import LabAnswers
from credit_viz.web.labcontrast import LabContrasts
from credit_viz.web.request import parse_choice
from tests.lab.made import made_plan, made_result
from tests.web.sweeps import Sweeps

WHOLE = made_result(made_plan(compare="always"), fail=0.15)
STORIES = ("p0", "p1", "p2")
TASKS = ["story" if prompt in STORIES else "code" for prompt in WHOLE.frame["prompt"]]
MIXED = dataclasses.replace(WHOLE, frame=WHOLE.frame.assign(task=TASKS))
VANILLA, CREDIT, LONG = 0, 9, 24  #: the last with other options


@pytest.fixture
def contrasts() -> LabContrasts:
    return LabContrasts(Sweeps(whole=WHOLE, mixed=MIXED))


def asked(*rows: Any, **more: Any) -> dict[str, Any]:
    return {"sweep": "whole", "rows": list(rows), "filters": None, **more}


def test_the_answer_is_that_of_the_library_with_titles_and_texts(contrasts: LabContrasts) -> None:
    answer = contrasts.lab_contrast(asked(VANILLA, CREDIT))
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer, "plain JSON"
    found = plain(lab.contrast(WHOLE, VANILLA, CREDIT))
    for name in ("names", "differs", "prompts", "left_out", "same_texts", "sentence", "controls", "command"):
        assert answer[name] == found[name]
    assert [pair["text"] for pair in answer["pairs"]] == [f"text {pair['prompt'][1:]}" for pair in found["pairs"]]
    passes, quality = answer["measures"][:2]
    assert (passes["title"], passes["unit"], passes["better"]) == ("forward passes", "passes", "less")
    assert (quality["name"], quality["unit"], quality["better"]) == ("exact_match", "share", "more")
    assert all(set(each["difference"]) == {"value", "low", "high"} for each in answer["measures"])
    assert {each["role"] for each in answer["controls"]} == {"without credit", "no history", "as few passes"}


def test_reasons_have_their_titles() -> None:
    written = WHOLE.frame.assign(written_confident=5, written_credit=3)
    answer = LabContrasts(Sweeps(whole=dataclasses.replace(WHOLE, frame=written))).lab_contrast(asked(0, 9))
    assert answer["reasons"] == [
        {"name": "confident", "title": "written as confident", "values": [5, 5]},
        {"name": "credit", "title": "written by credit", "values": [3, 3]},
    ]


def test_filters_keep_prompts_and_no_settings(contrasts: LabContrasts) -> None:
    filters = {"columns": {"task": ["story"], "decoder": ["vanilla"]}, "rows": [VANILLA]}
    kept = contrasts.lab_contrast(asked(VANILLA, CREDIT, sweep="mixed", filters=filters))
    assert {pair["prompt"] for pair in kept["pairs"]} <= set(STORIES)
    assert kept["sentence"] == lab.contrast(MIXED.where(task="story"), VANILLA, CREDIT).sentence


def test_answers_are_kept_until_runs_come(contrasts: LabContrasts) -> None:
    first = contrasts.lab_contrast(asked(VANILLA, CREDIT))
    assert contrasts.lab_contrast(asked(VANILLA, CREDIT)) is first
    sweeps = Sweeps(whole=made_result(made_plan(), runs=200))
    growing = LabContrasts(sweeps)
    before = growing.lab_contrast(asked(1, 9))
    sweeps.results["whole"] = made_result(made_plan())
    assert growing.lab_contrast(asked(1, 9)) != before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": [3]}, r"settings \[3\]; valid: a list of the numbers of two settings"),
        ({"rows": [3, 4, 5]}, "valid: a list of the numbers of two settings"),
        ({"rows": [3, True]}, "valid: a list of the numbers of two settings"),
        ({"rows": [3, "4"]}, "valid: a list of the numbers of two settings"),
        ({"rows": None}, "settings None; valid"),
        ({"rows": [3, 3]}, "setting 3 twice"),
        ({"rows": [3, 99]}, "setting 99 is not in this sweep; valid: 0 to 29"),
        ({"filters": {"columns": {"task": "story"}}}, "task is kept at 'story'; valid: a list of values"),
        ({"filters": {"columns": {"task": ["poems"]}}}, "no run is left"),
        ({"filters": {"columns": {"task": [["poems"]]}}}, "no run is left"),
        ({"filters": 3}, "filters 3; valid: an object"),
        ({"sweep": 3}, "sweep 3; valid: a text"),
    ],
)
def test_bad_questions_are_named(changes: dict[str, Any], message: str, contrasts: LabContrasts) -> None:
    with pytest.raises(SettingsError, match=message):
        contrasts.lab_contrast(asked(3, 4) | changes)


def test_the_page_can_ask() -> None:
    from credit_viz.web.laboratory import Laboratory
    from credit_viz.web.questions import Questions
    from credit_viz.web.runs import RunStore

    questions = Questions(RunStore(), lambda _: (), Laboratory(shown={}))
    assert "lab_contrast" in [question.__name__ for question in questions.functions()]


# ------------------------------------------------------------------ both in a race


def test_two_settings_are_the_lanes_of_one_race() -> None:
    answers = LabAnswers(Sweeps(whole=WHOLE))
    done = WHOLE.frame[WHOLE.frame["failed"].isna()].set_index(["number", "prompt", "seed"])["forward_passes"]
    plan = WHOLE.plan
    for row, prompt, seed in ((CREDIT, "p0", 1), (CREDIT, "p3", 0), (4, "p2", 1)):
        told = answers.lab_choice({"sweep": "whole", "row": row, "prompt": prompt, "seed": seed, "beside": 7})
        choice = parse_choice(json.dumps(told["choice"]))
        numbers = plan.numbers()
        for lane, number, passes in zip(choice.lanes, (7, row), told["passes"], strict=True):
            found = next(s for s in plan.settings if (s.decoder, s.values) == (lane.decoder, dict(lane.settings)))
            options = next(o for o in plan.run_options if (o.block_length, o.seed) == (choice.block_length, seed))
            assert numbers[found.content, options] == number
            assert passes == done.get((number, prompt, seed))
        assert choice.seed == seed
        first, second = lab.contrast(WHOLE, 7, row).names
        assert told["name"] == f"{first} and {second}"


def test_a_lane_that_failed_in_the_sweep_is_said() -> None:
    answers = LabAnswers(Sweeps(whole=WHOLE))
    broken = WHOLE.failed[WHOLE.failed["number"].between(1, 14)].iloc[0]
    other = int(broken["number"]) % 14 + 1
    about = {"sweep": "whole", "prompt": broken["prompt"], "seed": int(broken["seed"])}
    told = answers.lab_choice(about | {"row": other, "beside": int(broken["number"])})
    assert told["passes"][0] is None
    assert told["note"].startswith("In the sweep the run of ")


@pytest.mark.parametrize(
    ("row", "beside", "message"),
    [
        (CREDIT, CREDIT, f"setting {CREDIT} beside itself; valid: another one"),
        (CREDIT, LONG, "these two cannot share a race, which has one of each option: block length 8 and 4"),
        (CREDIT, 99, r"settings \[99\]; valid"),
        (CREDIT, "7", r"settings \['7'\]; valid"),
    ],
)
def test_what_cannot_share_a_race_is_refused(row: int, beside: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        LabAnswers(Sweeps(whole=WHOLE)).lab_choice({"sweep": "whole", "row": row, "prompt": "p0", "beside": beside})
