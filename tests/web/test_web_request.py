"""The page's JSON becomes a request, or an error that names the value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credit_viz.errors import PromptError, SettingsError
from credit_viz.trace.intervention import Intervention
from credit_viz.web.request import default_choice, parse_choice, ticket_of

LANE = {"decoder": "credit", "settings": {"alpha": 0.5}}


def test_nothing_chosen_is_vanilla_beside_credit() -> None:
    assert parse_choice("") == default_choice()
    assert [lane.decoder for lane in default_choice().lanes] == ["vanilla", "credit"]


def test_a_full_choice_becomes_the_request() -> None:
    text = json.dumps(
        {
            "lanes": [LANE] * 2 + [LANE | {"interventions": [{"step": 5, "position": 12, "token": None}]}],
            "gen_length": 96,
            "block_length": 48,
            "seed": 7,
            "early_stop": True,
            "cache": "dual",
            "infill": True,
            "given": [[3, " she"]],
            "ticket": "t",
        }
    )
    choice = parse_choice(text)
    request = choice.request("hello")
    assert ticket_of(text) == "t"
    assert [lane.settings for lane in request.lanes] == [{"alpha": 0.5}] * 3
    assert (request.gen_length, request.block_length, request.seed, request.early_stop) == (96, 48, 7, True)
    assert request.cache == "dual"
    assert (request.infill, request.given) == (True, ((3, " she"),))
    assert [lane.interventions for lane in request.lanes] == [(), (), (Intervention(5, 12, None),)]
    assert request.prompt == "hello"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"more": NaN}', "NaN is no number"),
        ('{"more": 1e999}', "1e999 is no number"),
        ("[]", "a list; valid: an object"),
        ({"lanes": []}, "a run of 0 decoders; valid: 1 to 4"),
        ({"lanes": [LANE] * 5}, "a run of 5 decoders"),
        ({"lanes": "credit"}, "a run of 0 decoders"),
        ({"lanes": ["credit"]}, "lane 'credit'"),
        ({"lanes": [{"decoder": "credit", "settings": []}]}, "valid: an object with decoder and settings"),
        ({"lanes": [LANE], "gen_length": 0}, "gen_length=0; valid: a whole number, 1..4096"),
        ({"lanes": [LANE], "gen_length": 1e9}, "gen_length=1000000000.0"),
        ({"lanes": [LANE], "block_length": True}, "block_length=True"),
        ({"lanes": [LANE], "seed": "x"}, "seed='x'"),
    ],
)
def test_bad_choices_are_named(data: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_choice(data if isinstance(data, str) else json.dumps(data))


CHANGE = {"step": 5, "position": 12, "token": 3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (5, "changes by hand 5 in one lane; valid: a list of up to 64"),
        ({"step": 5}, "valid: a list of up to 64"),
        ([CHANGE] * 1_000_000, "1000000 changes by hand in one lane"),
        ([[5, 12, 3]], r"a change by hand is \[5, 12, 3\]; valid: an object with step, position, token"),
        ([{"step": 5, "position": 12}], "valid: an object with step, position, token"),
        ([CHANGE | {"more": 1}], "valid: an object with"),
        ([CHANGE | {"step": 0}], "with step 0; valid: a whole number from 1 on"),
        ([CHANGE | {"step": 1.5}], "with step 1.5"),
        ([CHANGE | {"position": -1}], "with position -1; valid: a whole number from 0 on"),
        ([CHANGE | {"token": "x" * 10**6}], "with token 'xxxx.*, or nothing to take one back"),
        ([CHANGE | {"token": True}], "with token True"),
    ],
)
def test_changes_by_hand_that_are_none_are_named_in_one_sentence(changes: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        parse_choice(json.dumps({"lanes": [LANE | {"interventions": changes}]}))
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("she", "given texts 'she'; valid: a list of up to 64"),
        ([[0, "x"]] * 65, "65 given texts; valid: a list of up to 64"),
        ([[0]], r"given text \[0\]; valid: \[position from 0 on, text\]"),
        ([[True, "x"]], r"given text \[True, 'x'\]"),
        ([[-1, "x"]], r"given text \[-1, 'x'\]"),
        ([["0", "x"]], "position from 0 on"),
        ([[0, 5]], "position from 0 on"),
        ([[0, "x"] * 10**5], "given text .*valid"),
    ],
)
def test_given_texts_that_are_none_are_named_in_one_sentence(given: Any, message: str) -> None:
    with pytest.raises(PromptError, match=message) as raised:
        parse_choice(json.dumps({"lanes": [LANE], "given": given}))
    assert len(str(raised.value)) < 300


def test_a_model_may_bring_its_own_knobs() -> None:
    lanes = default_choice({"credit": {"threshold": 0.99}}).lanes
    assert [dict(lane.settings) for lane in lanes] == [{}, {"threshold": 0.99}]
