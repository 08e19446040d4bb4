"""`credit-viz decoders` says what the registry says."""

from __future__ import annotations

import json

from credit_viz.cli.describe import preset_notes
from credit_viz.decoding import DECODERS
from credit_viz.decoding.settings import knobs
from tests.cli.conftest import Call


def test_table_has_every_decoder_with_its_knobs(call: Call) -> None:
    code, out, err = call("decoders")
    assert (code, err) == (0, "")
    for decoder in DECODERS.values():
        assert decoder.name in out
        for knob in knobs(decoder.settings_class):
            assert f"{knob.symbol} {knob.name}" in out
    assert "beta=0" in out
    assert "not in the paper itself" in " ".join(out.split()), "second-hand numbers are marked where they are shown"


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
    assert preset_notes(DECODERS["vanilla"]) == ""
