"""Arms: what their spaces come to, in which order, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.settings import knobs
from credit_viz.errors import SettingsError
from credit_viz.lab.spaces import Arm, Span, setting_names
from tests.support import knob_values

NO_DRAWS = st.none()


@st.composite
def arms(draw: st.DrawFn, draws: st.SearchStrategy[int | None] = NO_DRAWS) -> Arm:
    """Any decoder with lists and spans of valid values for some of its knobs."""
    decoder = draw(st.sampled_from(sorted(DECODERS)))
    count = draw(draws)
    spaces: dict[str, Any] = {}
    for knob in knobs(DECODERS[decoder].settings_class):
        if len(spaces) == 3 or draw(st.booleans()):
            continue
        low, high = knob.slider
        if knob.choices or knob.integer or draw(st.booleans()):
            spaces[knob.name] = draw(st.lists(knob_values(knob), min_size=1, max_size=4))
        else:
            spaces[knob.name] = Span(low, high, draw(st.integers(2, 4)))
            if count is not None and draw(st.booleans()):
                spaces[knob.name] = Span(low, high)
    return Arm(decoder, spaces, draws=count, seed=draw(st.integers(0, 9)))


@given(arms())
def test_a_grid_is_every_combination_once(arm: Arm) -> None:
    found = list(arm.settings())
    assert len(found) == arm.size == len({json.dumps(values) for values in found})
    for name, space in arm.knobs.items():
        values = space.values() if isinstance(space, Span) else space
        assert {v for s in found for k, v in s.items() if k == name} == set(values)
    for values in found:
        assert make_decoder(arm.decoder, values).settings.to_dict() == values


@given(arms(draws=st.integers(1, 12)), st.integers(1, 5))
def test_random_settings_are_inside_and_begin_the_same(arm: Arm, more: int) -> None:
    found = list(arm.settings())
    assert len(found) == arm.size
    longer = Arm(arm.decoder, arm.knobs, draws=arm.size + more, seed=arm.seed)
    assert list(longer.settings())[: arm.size] == found
    for name, space in arm.knobs.items():
        for values in found:
            if isinstance(space, Span):
                assert space.low <= values[name] <= space.high  # type: ignore[operator]
            else:
                assert values[name] in space


@given(arms(draws=st.one_of(st.none(), st.integers(1, 5))))
def test_json_brings_an_arm_back(arm: Arm) -> None:
    again = Arm.from_json(json.loads(json.dumps(arm.to_json())))
    assert again == arm
    assert list(again.settings()) == list(arm.settings())


@given(arms())
def test_names_tell_settings_apart(arm: Arm) -> None:
    settings = [(arm.decoder, values) for values in arm.settings()]
    assert len(set(setting_names(settings))) == len(settings)


def test_order_and_values() -> None:
    arm = Arm("credit", {"alpha": Span(0, 1, 3), "threshold": (0.8, 0.9)})
    assert [(s["alpha"], s["threshold"]) for s in arm.settings()] == [
        (0.0, 0.8),
        (0.0, 0.9),
        (0.5, 0.8),
        (0.5, 0.9),
        (1.0, 0.8),
        (1.0, 0.9),
    ]
    assert Span(0, 0.3, 4).values() == (0.0, 0.1, 0.2, 0.3), "no noise of binary fractions"
    assert Arm("credit", preset="no history").size == 1
    assert next(Arm("credit", {"alpha": None}, "no history").settings()) | {"alpha": 0} == {
        **make_decoder("credit", preset="no history").settings.to_dict(),
        "alpha": 0,
    }
    assert [s["steps"] for s in Arm("vanilla", {"steps": Span(2, 8, 4)}).settings()] == [2, 4, 6, 8]
    assert {s["steps"] for s in Arm("vanilla", {"steps": Span(2, 4)}, draws=50).settings()} == {2, 3, 4}


def test_the_values_that_a_decoder_names() -> None:
    for name, decoder in DECODERS.items():
        knob, values = decoder.sweep
        assert [s[knob] for s in Arm.swept(name).settings()] == list(values)
    with pytest.raises(SettingsError, match=r"unknown decoder 'credits'; valid: .*credit"):
        Arm.swept("credits")


def test_names_say_what_differs() -> None:
    arm = Arm("credit", {"alpha": (None, 0.7), "threshold": (0.9, 0.95)})
    assert setting_names([("vanilla", make_decoder("vanilla").settings.to_dict())]) == ["vanilla"]
    assert setting_names([("credit", s) for s in arm.settings()])[0] == "credit alpha=unset threshold=0.9"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decoder": "credits"}, "unknown decoder 'credits'"),
        ({"decoder": "credit", "preset": "papers"}, "unknown preset of credit 'papers'"),
        ({"decoder": "credit", "knobs": {"alfa": 1}}, "credit: unknown knob 'alfa'; valid: alpha"),
        ({"decoder": "credit", "knobs": {"alpha": (1, 11)}}, "credit: alpha=11 is out of range; valid: 0..10"),
        ({"decoder": "credit", "knobs": {"alpha": Span(0, 11, 3)}}, "alpha=11 is out of range"),
        ({"decoder": "credit", "knobs": {"alpha": ()}}, "alpha has no values"),
        ({"decoder": "credit", "knobs": {"alpha": Span(0, 2)}}, "alpha=0..2 does not say how many values"),
        ({"decoder": "credit", "knobs": {"threshold": None}}, "threshold=None is not a number"),
        ({"decoder": "vanilla", "knobs": {"order": Span(0, 1, 2)}}, "order has no range; valid: confidence"),
        ({"decoder": "vanilla", "knobs": {"order": "best"}}, "unknown order 'best'"),
        ({"decoder": "credit", "draws": 0}, "0 random settings; valid: 1 or more"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        Arm(**given)


def test_a_whole_number_between_the_ends_is_checked_too() -> None:
    with pytest.raises(SettingsError, match=r"steps=2\.5 is not a whole number"):
        list(Arm("vanilla", {"steps": Span(1, 4, 3)}).settings())


@pytest.mark.parametrize("ends", [(1, 1), (2, 1), (float("nan"), 1), (0, float("inf"))])
def test_an_empty_range(ends: tuple[float, float]) -> None:
    with pytest.raises(SettingsError, match=r"is empty; valid: LOW\.\.HIGH with LOW below HIGH"):
        Span(*ends)


def test_a_range_of_one_value() -> None:
    with pytest.raises(SettingsError, match=r"0\.\.1/1 asks for 1 values; valid: 2 to 100,000"):
        Span(0, 1, 1)
