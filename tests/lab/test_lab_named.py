"""A setting of a sweep by words: the one that is meant, or what is there instead."""

from __future__ import annotations

import re

import pytest

from credit_viz.errors import SettingsError
from credit_viz.lab import Arm, Plan
from credit_viz.lab.listed import differences, listed, told_apart
from credit_viz.lab.named import find_setting

PLAN = Plan(
    arms=(
        Arm("vanilla", {"steps": (None, 8)}),
        Arm("entropy-bound", {"gamma": (0.1,)}),
        Arm("credit", {"alpha": (0.7, 2.0), "threshold": (0.6, 0.9), "gamma": (0.1,)}),
    ),
    prompts=("one",),
    options={"gen_length": 8, "block_length": (4, 8)},
)


@pytest.mark.parametrize(
    ("text", "options", "number"),
    [
        ("vanilla: steps=unset, block_length=4", {}, 0),
        ("vanilla: steps=8", {"block_length": "4"}, 1),
        ("vanilla: block_length=8", {}, 7),
        ("entropy-bound, block_length=8", {}, 9),
        ("credit: threshold=0.6, block_length=4", {"block_length": "8"}, 3),
        ("credit: block_length=4, threshold=.6, alpha=2", {}, 5),
        ("  credit: alpha=2,threshold=0.9", {"block_length": "8"}, 13),
        (" 13 ", {}, 13),
    ],
)
def test_a_text_names_a_setting(text: str, options: dict[str, str], number: int) -> None:
    assert find_setting(PLAN, text, options) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "credit: threshold=0.9",
            "'credit: threshold=0.9' names 2 settings of this sweep, which differ in block_length: ",
        ),
        ("entropy-bound", "names 2 settings of this sweep, which differ in block_length: 4, 8"),
        ("credit: threshold=.9, alpha=2", "names 2 settings of this sweep, which differ in block_length: 4, 8"),
        ("vanilla, steps=8", "cannot read 'vanilla, steps=8'"),
        ("credit: threshold=0.7", "no setting of this sweep is 'credit: threshold=0.7': threshold is 0.6, 0.9 there"),
        ("credit: threshold=0.9, block_length=16", "block_length is 4, 8 there, not 16"),
        ("credit[paper]", "alpha is 0.7, 2 there, not 0.65"),
        ("klass", "unknown decoder of this sweep 'klass'; valid: credit, entropy-bound, vanilla"),
        ("nonsense", "unknown decoder 'nonsense'; valid: credit, "),
        ("credit: threshold=0.6,0.9", "'credit: threshold=0.6,0.9' names 2 settings; valid: one value per knob"),
        ("credit: alpha=0..1, random 1", "valid: one value per knob"),
        ("credit: speed=3", "unknown knob 'speed'"),
        ("99", "setting 99 is not in this sweep; valid: 0 to 13"),
        ("9" * 5000, "9 is not in this sweep; valid: 0 to 13"),
        ("", "cannot read ''"),
    ],
)
def test_what_names_none_or_several_is_said(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        find_setting(PLAN, text)


def test_settings_at_their_defaults_are_meant_first() -> None:
    found = listed(PLAN)[find_setting(PLAN, "credit: threshold=0.9, gamma=0.1", {"block_length": "4"})]
    assert found.setting.values["alpha"] == 0.7


def test_every_setting_is_listed_under_the_number_of_its_runs() -> None:
    numbers = PLAN.numbers()
    for number, each in listed(PLAN).items():
        assert numbers[each.setting.content, each.options] == number == each.number


def test_short_names_tell_two_settings_apart() -> None:
    settings = listed(PLAN)
    assert told_apart(settings[3], settings[5]) == ("credit alpha=0.7", "credit alpha=2")
    assert told_apart(settings[3], settings[10]) == ("credit, block length 4", "credit, block length 8")
    assert told_apart(settings[0], settings[10]) == (
        "vanilla steps=unset, block length 4",
        "credit alpha=0.7 gamma=0.1 threshold=0.6, block length 8",
    )
    for first in settings.values():
        for second in settings.values():
            if first.number != second.number:
                one, other = told_apart(first, second)
                assert one != other


def test_one_name_of_two_knobs_is_two_differences() -> None:
    settings = listed(PLAN)
    apart = {(each.knob, each.values) for each in differences(settings[2], settings[3]) if each.knob == "gamma"}
    assert apart == {("gamma", ("0.1", "–")), ("gamma", ("–", "0.1"))}
