"""Scales and colours: fixed, complete in both themes."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from credit_viz.figures import all_figures
from credit_viz.figures.style import (
    EVENT_MARKS,
    lane_color,
    map_scale,
    mark,
    reason_did,
    reason_fill,
    reason_mark,
    reason_name,
    reason_words,
    scale,
    strength,
    surface,
)
from credit_viz.trace.record import Reason

MARKS = ("settled", *EVENT_MARKS)


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


def test_named_ticks_and_ticks_around_zero() -> None:
    assert scale("flips").tick_texts == ["same guess", "another guess"]
    assert scale("difference").tick_texts == ["−1", "−0.5", "0", "0.5", "1"]
    assert (scale("difference").minimum, scale("difference").top) == (-1, 1)


@pytest.mark.parametrize("name", ["probability", "credit", "boost", "entropy", "flips", "difference"])
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
    assert all(reason_words(int(reason)) and reason_did(int(reason)) for reason in Reason)
    assert reason_words(0) == reason_did(0) == ""
    assert {reason_mark(int(reason)) for reason in Reason} == set(EVENT_MARKS)


def test_reasons_for_a_token_that_stands_are_told_apart_in_bars() -> None:
    standing = [int(reason) for reason in Reason if reason != Reason.REMASKED]
    assert len({reason_name(reason) for reason in standing}) == len(standing)
    assert len({(reason_mark(reason), reason_fill(reason)) for reason in standing}) == len(standing)
    assert all(reason_name(reason) and reason_fill(reason) for reason in standing)
    assert reason_name(0) == reason_fill(0) == reason_fill(int(Reason.REMASKED)) == ""


def test_maps_are_called_and_coloured_as_on_the_page() -> None:
    page = json.loads(files("credit_viz.figures").joinpath("style.json").read_text("utf-8"))["maps"]
    assert page.keys() <= all_figures().keys()
    for name, texts in page.items():
        figure = all_figures()[name]
        assert (figure.title, figure.question, figure.help) == (texts["title"], texts["question"], texts["help"])
        assert map_scale(name) == scale(texts["scale"])


def test_marks_and_strengths() -> None:
    assert all({"shape", "color", "outline", "name"} <= mark(name).keys() for name in MARKS)
    assert len({mark(name)["shape"] for name in MARKS}) == len(MARKS), "no two marks differ by colour alone"
    assert strength("waiting") < 0.5
    assert all(strength(name) == 1 for name in all_figures() if name != "waiting")


#: how three kinds of cones that are missing or weak change linear RGB (Machado, Oliveira, Fernandes 2009, severity 1).
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("sight", BLINDNESS)
@pytest.mark.parametrize("pair", list(combinations(MARKS, 2)))
def test_marks_are_told_apart_by_every_eye(sight: str, pair: tuple[str, str]) -> None:
    """CIE76 distance in Lab; 2.3 is just noticeable."""
    one, other = (lab(mark(name)["color"], np.array(BLINDNESS[sight])) for name in pair)
    assert np.linalg.norm(one - other) > 30


def lab(color: str, sight: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of "#rrggbb" as seen."""
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(sight @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ seen / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
