"""`credit-viz decoders` says what the registry says."""

from __future__ import annotations

import json

import pytest

from credit_viz.cli.describe import preset_notes
from credit_viz.decoding import DECODERS
from credit_viz.decoding.base import Decoder
from credit_viz.decoding.settings import knobs
from tests.cli.conftest import Call, assert_refused


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_overview_has_every_decoder_with_its_knobs(call: Call, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = call("decoders")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    words = " ".join(out.split())
    for decoder in DECODERS.values():
        assert f"\n{decoder.name} " in out
        assert decoder.group in out
        assert decoder.rule in words
        assert decoder.paper in words
        for knob in knobs(decoder.settings_class):
            assert f"{knob.symbol} {knob.name}={knob.default_text}" in words


def test_overview_is_calm(call: Call) -> None:
    assert len(call("decoders").out.splitlines()) <= 7 * len(DECODERS)


@pytest.mark.parametrize("name", DECODERS)
def test_details_of_one(call: Call, name: str) -> None:
    code, out, err = call("decoders", name)
    assert (code, err) == (0, "")
    decoder = DECODERS[name]
    assert out.startswith(f"{name} ({decoder.title})\n")
    for knob in knobs(decoder.settings_class):
        assert f"{knob.symbol} {knob.name} " in out
    for preset in decoder.presets:
        assert f"preset {preset}: " in out
    assert preset_notes(decoder) in " ".join(out.split())


def test_second_hand_numbers_are_marked_where_they_are_shown(call: Call) -> None:
    out = call("decoders", "threshold", "credit").out
    assert "preset no history: beta=0" in out
    assert "not in the paper itself" in " ".join(out.split())
    assert "vanilla" not in out


def test_unknown_names_are_refused(call: Call) -> None:
    assert_refused(call("decoders", "credit", "nope"), "unknown decoder 'nope'; valid: ", "threshold")


def test_json_can_rebuild_every_decoder(call: Call) -> None:
    code, out, _ = call("decoders", "--json")
    assert code == 0
    for described in json.loads(out)["decoders"]:
        decoder = DECODERS[described["name"]]
        assert (described["title"], described["rule"], described["paper"]) == (
            decoder.title,
            decoder.rule,
            decoder.paper,
        )
        defaults = {knob["name"]: knob["default"] for knob in described["knobs"]}
        assert decoder.settings_class.from_mapping(defaults) == decoder.settings_class()
        for name, values in described["presets"].items():
            assert decoder.settings_class.from_mapping(values) == decoder.presets[name]


def test_notes_are_the_decoders_own_words() -> None:
    assert "as read in public notes" in preset_notes(DECODERS["credit"])
    assert preset_notes(Decoder) == ""


def test_json_of_some(call: Call) -> None:
    described = json.loads(call("decoders", "factor", "margin", "--json").out)["decoders"]
    assert [decoder["name"] for decoder in described] == ["factor", "margin"]
