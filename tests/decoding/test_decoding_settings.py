"""Knobs refuse what makes no sense, by name, and say what is valid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.credit import CreditSettings
from credit_viz.decoding.settings import Knob, knobs
from credit_viz.errors import SettingsError
from tests.support import settings_of

EVERY_KNOB = [(name, k) for name, kind in DECODERS.items() for k in knobs(kind.settings_class)]
NUMBERS = [(name, k) for name, k in EVERY_KNOB if not k.choices]
WORDS = [(name, k) for name, k in EVERY_KNOB if k.choices]
each_number = pytest.mark.parametrize(("decoder", "knob"), NUMBERS, ids=[f"{n}.{k.name}" for n, k in NUMBERS])
each_knob = pytest.mark.parametrize(("decoder", "knob"), EVERY_KNOB, ids=[f"{n}.{k.name}" for n, k in EVERY_KNOB])


@each_number
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), True, False, "0.5", [0.5], 1j, b"1"])
def test_what_is_no_finite_number_is_refused(decoder: str, knob: Knob, bad: Any) -> None:
    with pytest.raises(SettingsError) as raised:
        make_decoder(decoder, {knob.name: bad})
    message = str(raised.value)
    assert knob.name in message
    assert repr(bad) in message
    assert f"{knob.minimum:g}" in message
    assert f"{knob.maximum:g}" in message


@each_number
def test_out_of_range_is_refused_and_the_ends_are_valid(decoder: str, knob: Knob) -> None:
    for good in (knob.minimum, knob.maximum):
        assert getattr(make_decoder(decoder, {knob.name: good}).settings, knob.name) == good
    for bad in (knob.minimum - 1, knob.maximum + 1):
        with pytest.raises(SettingsError, match=rf"{knob.name}=.*out of range; valid: "):
            make_decoder(decoder, {knob.name: bad})


@each_number
def test_a_number_too_large_for_any_float_is_refused(decoder: str, knob: Knob) -> None:
    with pytest.raises(SettingsError, match=knob.name):
        make_decoder(decoder, {knob.name: 10**400})


@each_knob
def test_unset_is_valid_only_where_it_says_what_that_means(decoder: str, knob: Knob) -> None:
    if knob.unset:
        assert getattr(make_decoder(decoder, {knob.name: None}).settings, knob.name) is None
        assert knob.unset in knob.range_text
    else:
        with pytest.raises(SettingsError, match=knob.name):
            make_decoder(decoder, {knob.name: None})


@each_number
def test_whole_numbers_stay_whole(decoder: str, knob: Knob) -> None:
    if not knob.integer:
        value = getattr(make_decoder(decoder, {knob.name: int(knob.maximum)}).settings, knob.name)
        assert type(value) is float
        return
    assert type(getattr(make_decoder(decoder, {knob.name: 3.0}).settings, knob.name)) is int
    with pytest.raises(SettingsError, match="whole number"):
        make_decoder(decoder, {knob.name: 2.5})


@pytest.mark.parametrize(("decoder", "knob"), WORDS, ids=[f"{n}.{k.name}" for n, k in WORDS])
@pytest.mark.parametrize("bad", ["", "nothing", 1, None, ["random"]])
def test_a_word_that_is_no_choice_lists_the_choices(decoder: str, knob: Knob, bad: Any) -> None:
    with pytest.raises(SettingsError) as raised:
        make_decoder(decoder, {knob.name: bad})
    assert knob.name in str(raised.value)
    assert all(word in str(raised.value) for word in knob.choices)
    for word in knob.choices:
        assert getattr(make_decoder(decoder, {knob.name: word}).settings, knob.name) == word


@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_an_unknown_setting_lists_the_valid_ones(decoder: str) -> None:
    with pytest.raises(SettingsError) as raised:
        make_decoder(decoder, {"alhpa": 1})
    assert "alhpa" in str(raised.value)
    for described in knobs(DECODERS[decoder].settings_class):
        assert described.name in str(raised.value)


def test_an_unknown_decoder_lists_the_valid_ones() -> None:
    with pytest.raises(SettingsError) as raised:
        make_decoder("greedy")
    assert "greedy" in str(raised.value)
    assert all(name in str(raised.value) for name in DECODERS)


def test_an_unknown_preset_lists_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match=r"'mine'.*dInfer.*no history.*paper"):
        make_decoder("credit", preset="mine")


def test_the_published_presets() -> None:
    paper = make_decoder("credit", preset="paper").settings
    dinfer = make_decoder("credit", preset="dInfer").settings
    assert (paper.alpha, paper.beta, paper.gamma, paper.threshold) == (0.65, 0.70, 0.20, 0.95)
    assert (dinfer.alpha, dinfer.beta, dinfer.gamma, dinfer.threshold) == (0.70, 0.80, 0.20, 0.90)
    assert make_decoder("credit", preset="no history").settings.beta == 0
    assert make_decoder("threshold").settings.threshold == 0.9


def test_settings_are_laid_over_the_preset() -> None:
    settings = make_decoder("credit", {"alpha": 2}, preset="paper").settings
    assert (settings.alpha, settings.beta) == (2.0, 0.70)


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@given(data=st.data())
def test_settings_survive_the_trip_through_plain_values(decoder: str, data: st.DataObject) -> None:
    settings = make_decoder(decoder, data.draw(settings_of(decoder))).settings
    assert type(settings).from_mapping(settings.to_dict()) == settings


def test_settings_are_frozen_and_replace_checks_too() -> None:
    settings = CreditSettings()
    with pytest.raises(AttributeError):
        settings.alpha = 3.0  # type: ignore[misc]
    with pytest.raises(SettingsError, match="alpha=-1"):
        settings.replace(alpha=-1)


@pytest.mark.parametrize("value", [np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_numbers_of_numpy_are_numbers(value: Any) -> None:
    settings = make_decoder("credit", {"beta": value}).settings
    assert settings.beta == float(value)
    assert type(settings.beta) is float
