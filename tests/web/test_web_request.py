"""The page's JSON becomes a request, or an error that names the value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credit_viz.errors import SettingsError
from credit_viz.web.request import default_choice, parse_choice

LANE = {"decoder": "credit", "settings": {"alpha": 0.5}}


def test_nothing_chosen_is_vanilla_beside_credit() -> None:
    assert parse_choice("") == default_choice()
    assert [lane.decoder for lane in default_choice().lanes] == ["vanilla", "credit"]


def test_a_full_choice_becomes_the_request() -> None:
    text = json.dumps(
        {
            "lanes": [LANE] * 3,
            "gen_length": 96,
            "block_length": 48,
            "seed": 7,
            "early_stop": True,
            "cache": "dual",
            "ticket": "t",
        }
    )
    choice = parse_choice(text)
    request = choice.request("hello")
    assert choice.ticket == "t"
    assert [lane.settings for lane in request.lanes] == [{"alpha": 0.5}] * 3
    assert (request.gen_length, request.block_length, request.seed, request.early_stop) == (96, 48, 7, True)
    assert request.cache == "dual"
    assert request.prompt == "hello"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "not JSON"),
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


def test_a_model_may_bring_its_own_knobs() -> None:
    lanes = default_choice({"credit": {"threshold": 0.99}}).lanes
    assert [dict(lane.settings) for lane in lanes] == [{}, {"threshold": 0.99}]
