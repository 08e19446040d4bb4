"""Scales and colours: fixed, complete in both themes."""

from __future__ import annotations

import numpy as np
import pytest

from credit_viz.figures import FIGURES
from credit_viz.figures.style import lane_color, mark, reason_words, scale, strength, surface
from credit_viz.trace.record import Reason


def test_log_scale_draws_the_logarithm() -> None:
    credit = scale("credit")
    np.testing.assert_allclose(credit.height(np.array([0, 1, 15], np.float32)), np.log1p([0, 1, 15]), rtol=1e-6)
    assert credit.top == pytest.approx(np.log(16))
    assert np.isnan(credit.height(np.array([np.nan], np.float32)))[0]


def test_linear_scale_draws_the_value() -> None:
    probability = scale("probability")
    np.testing.assert_array_equal(probability.height(np.array([0.25], np.float32)), [np.float32(0.25)])
    assert probability.top == 1
    assert probability.tick_texts == ["0", "0.25", "0.5", "0.75", "1"]


def test_last_tick_of_an_open_scale_says_so() -> None:
    assert scale("credit").tick_texts[-1] == "≥15"
    assert scale("entropy").tick_texts[-1] == "≥6"


@pytest.mark.parametrize("name", ["probability", "credit", "boost", "entropy"])
def test_colorscales_run_from_0_to_1(name: str) -> None:
    places = [place for place, _ in scale(name).colorscale]
    assert (places[0], places[-1]) == (0, 1)
    assert places == sorted(places)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_theme_has_what_figures_use(theme: str) -> None:
    assert {"page", "card", "text", "quiet", "line"} <= surface(theme).keys()
    assert lane_color(0, theme) != lane_color(1, theme)
    assert lane_color(0, theme) == lane_color(len({lane_color(i, theme) for i in range(9)}), theme)


def test_every_reason_has_words() -> None:
    assert all(reason_words(int(reason)) for reason in Reason)
    assert reason_words(0) == ""


def test_marks_and_strengths() -> None:
    assert {"color", "outline", "name"} <= mark("settled").keys() & mark("written").keys()
    assert strength("waiting") < 0.5
    assert all(strength(name) == 1 for name in FIGURES if name != "waiting")
