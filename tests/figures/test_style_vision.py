"""Colours that carry meaning stay apart for people who see fewer of them, and dark enough to be read."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from credit_viz.figures.sweeps.looks import series
from credit_viz.web.catalogue import style

Colour = NDArray[np.float64]

#: linear RGB as it is seen, after Machado, Oliveira and Fernandes (2009), severity 1.
VISIONS: dict[str, Colour] = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
APART = 0.09  #: in Oklab; about four times what is just seen side by side


def linear(colour: str) -> Colour:
    """#rrggbb as linear RGB."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Colour) -> Colour:
    """Linear RGB in a space where distance is what the eye sees."""
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    seen: Colour = lab @ np.cbrt(cones @ np.clip(rgb, 0, 1))
    return seen


def contrast(colour: str, ground: str) -> float:
    """WCAG's ratio."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    high, low = sorted((float(weights @ linear(each)) for each in (colour, ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def nearest(colours: dict[str, str], vision: Colour) -> tuple[float, tuple[str, str]]:
    """The two that are hardest to tell apart."""
    seen = {name: oklab(vision @ linear(colour)) for name, colour in colours.items()}
    pairs = combinations(colours, 2)
    return min((float(np.linalg.norm(seen[a] - seen[b])), (a, b)) for a, b in pairs)


def test_the_simulation_confuses_what_it_should() -> None:
    red, green = "#c00000", "#5a5a00"
    assert nearest({"red": red, "green": green}, VISIONS["full"])[0] > APART
    assert nearest({"red": red, "green": green}, VISIONS["protanopia"])[0] < APART


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_lanes_are_told_apart(mode: str, vision: str) -> None:
    lanes = {str(i): lane[mode] for i, lane in enumerate(style()["lanes"])}
    distance, pair = nearest(lanes, VISIONS[vision])
    assert distance >= APART, pair


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_eight_decoders_of_a_sweep_are_told_apart(mode: str, vision: str) -> None:
    colours = {str(place): series(place, mode).color for place in range(8)}
    distance, pair = nearest(colours, VISIONS[vision])
    assert distance >= APART, pair


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_decoders_of_a_sweep_begin_with_the_colours_of_lanes_and_never_look_alike(mode: str) -> None:
    looks = [series(place, mode) for place in range(20)]
    assert [look.color for look in looks[:4]] == [lane[mode] for lane in style()["lanes"]]
    assert len(set(looks)) == len(looks)
    card = style()["surface"][mode]["card"]
    assert min(contrast(look.color, card) for look in looks) >= 3, "of lines and dots, WCAG 1.4.11"


@pytest.mark.parametrize("vision", VISIONS)
def test_marks_are_told_apart_by_colour_and_by_shape(vision: str) -> None:
    marks = style()["marks"]
    shapes = [mark["shape"] for mark in marks.values()]
    assert len(set(shapes)) == len(shapes)
    distance, pair = nearest({name: mark["color"] for name, mark in marks.items()}, VISIONS[vision])
    assert distance >= APART, pair


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_of_words_are_read_on_every_ground(mode: str) -> None:
    drawn: dict[str, Any] = style()
    words = [lane[mode] for lane in drawn["lanes"]] + [mark[mode] for mark in drawn["marks"].values() if mode in mark]
    grounds = [drawn["surface"][mode][name] for name in ("page", "card")]
    assert {word: ground for word in words for ground in grounds if contrast(word, ground) < 4.5} == {}


def one_way(scale: dict[str, Any]) -> list[list[str]]:
    """Its colours in runs that get lighter or darker throughout: one, or two where both signs are shown."""
    colours, middle = scale["colors"], len(scale["colors"]) // 2
    return [colours[: middle + 1], colours[middle:]] if scale.get("min", 0) < 0 else [colours]


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("name", style()["scales"])
def test_scales_are_read_by_lightness_alone(name: str, vision: str) -> None:
    for colours in one_way(style()["scales"][name]):
        lightness = [float(oklab(VISIONS[vision] @ linear(colour))[0]) for colour in colours]
        steps = np.diff(lightness)
        assert (np.sign(steps) == np.sign(steps[0])).all()
        assert np.abs(steps).min() > 0.05


@pytest.mark.parametrize("vision", VISIONS)
def test_both_signs_of_a_difference_are_told_apart(vision: str) -> None:
    for name, scale in style()["scales"].items():
        if scale.get("min", 0) < 0:
            ends = {"low": scale["colors"][1], "high": scale["colors"][-2]}
            assert nearest(ends, VISIONS[vision])[0] >= APART, name
