"""Words of the command line become lanes; every malformed word is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from credit_viz.cli.lanes import LaneSpec, parse_lanes, with_label
from credit_viz.errors import SettingsError


def test_lanes_keep_their_order_and_names() -> None:
    lanes = parse_lanes(["vanilla", "credit", "control=credit"], [], [])
    assert [(lane.label, lane.decoder) for lane in lanes] == [
        ("vanilla", "vanilla"),
        ("credit", "credit"),
        ("control", "credit"),
    ]


def test_presets_and_settings_reach_their_lane() -> None:
    lanes = parse_lanes(
        ["credit", "control=credit"],
        ["control=no history"],
        ["credit.alpha=0.5", "credit.threshold=1", "control.gamma=high"],
    )
    assert lanes == [
        LaneSpec("credit", "credit", None, {"alpha": 0.5, "threshold": 1}),
        LaneSpec("control", "credit", "no history", {"gamma": "high"}),
    ]


def test_a_single_lane_needs_no_name() -> None:
    (lane,) = parse_lanes(["vanilla"], ["LLaDA"], ["steps=unset"])
    assert (lane.preset, lane.settings) == ("LLaDA", {"steps": None})


def test_a_made_lane_is_checked() -> None:
    assert LaneSpec("x", "credit", "paper", {"alpha": 0.1}).make().settings.to_dict()["beta"] == 0.7
    with pytest.raises(SettingsError, match=r"alpha='a lot'.*valid: .*0\.\.10"):
        LaneSpec("x", "credit", None, {"alpha": "a lot"}).make()


@pytest.mark.parametrize(
    ("decoders", "presets", "settings", "message"),
    [
        (["credit", "credit"], [], [], "two lanes are called 'credit'"),
        (["a/b=credit"], [], [], "lane name 'a/b'"),
        ([""], [], [], "lane name ''"),
        (["credit"], [], ["alpha"], "--set 'alpha' is not a setting"),
        (["credit"], [], ["credit.=1"], "is not a setting"),
        (["credit"], [], ["vanilla.steps=1"], "unknown decoder of this run 'vanilla'; valid: credit"),
        (["credit", "vanilla"], [], ["alpha=1"], "does not say for which of credit, vanilla"),
        (["credit", "vanilla"], ["paper"], [], "does not say for which of credit, vanilla"),
        (["credit"], ["other=paper"], [], "unknown decoder of this run 'other'"),
    ],
)
def test_malformed_words_are_named(decoders: list[str], presets: list[str], settings: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_lanes(decoders, presets, settings)
    assert message in str(caught.value)


def test_labels_go_before_the_suffix() -> None:
    assert with_label(Path("a/run.safetensors"), "credit", True) == Path("a/run-credit.safetensors")
    assert with_label(Path("a/run.safetensors"), "credit", False) == Path("a/run.safetensors")
