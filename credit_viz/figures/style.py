"""Colours, scales and marks: style.json as typed values. The page reads the same file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.text import minus

__all__ = [
    "EVENT_MARKS",
    "Scale",
    "lane_color",
    "map_scale",
    "map_words",
    "mark",
    "reason_did",
    "reason_fill",
    "reason_mark",
    "reason_name",
    "reason_words",
    "scale",
    "strength",
    "surface",
]

#: marks of events, in the order in which they are named and drawn.
EVENT_MARKS = ("written", "credited", "forced", "taken_back", "edited", "by_hand")


class Scale(NamedTuple):
    """How a statistic becomes a colour: fixed, so that colours mean the same in every run.

    kind "linear" maps minimum..maximum evenly; "log1p" maps log(1 + value), and values beyond the maximum saturate.
    """

    kind: str
    maximum: float
    ticks: tuple[float, ...]
    colors: tuple[str, ...]
    minimum: float = 0.0
    names: tuple[str, ...] = ()  #: of the ticks, where numbers would say less
    unit: str = ""

    def height(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is drawn, minimum..top; NaN (nothing recorded) stays NaN."""
        return np.asarray(np.log1p(values), np.float32) if self.kind == "log1p" else values

    @property
    def top(self) -> float:
        """Height of the maximum; higher values get the same colour."""
        return float(np.log1p(self.maximum)) if self.kind == "log1p" else self.maximum

    @property
    def colorscale(self) -> list[list[Any]]:
        """As Plotly takes it."""
        return [[i / (len(self.colors) - 1), color] for i, color in enumerate(self.colors)]

    @property
    def tick_texts(self) -> list[str]:
        """Labels of the ticks; the last one says that larger values look the same, where there can be any."""
        if self.names:
            return list(self.names)
        texts = [minus(f"{tick:g}") for tick in self.ticks]
        return texts if self.maximum == 1 else [*texts[:-1], f"≥{texts[-1]}"]


def scale(name: str) -> Scale:
    """A scale by name: probability, credit, boost, entropy, flips, difference."""
    data = _style()["scales"][name]
    return Scale(
        kind=data["kind"],
        maximum=float(data["max"]),
        ticks=tuple(data["ticks"]),
        colors=tuple(data["colors"]),
        minimum=float(data.get("min", 0)),
        names=tuple(data.get("names", ())),
        unit=data.get("unit", ""),
    )


def map_scale(name: str) -> Scale:
    """The scale of a map; that of probabilities for a statistic which the page has no map of."""
    return scale(_style()["maps"].get(name, {"scale": "probability"})["scale"])


def map_words(name: str) -> tuple[str, str, str]:
    """Title, question and help of one of the page's maps."""
    words = _style()["maps"][name]
    return words["title"], words["question"], words["help"]


def surface(theme: str) -> dict[str, str]:
    """Colours of page, card, text, quiet text, lines. theme: "light" or "dark"."""
    return dict(_style()["surface"][theme])


def lane_color(lane: int, theme: str) -> str:
    """Colour of the lane-th run; repeats after the last."""
    lanes = _style()["lanes"]
    return str(lanes[lane % len(lanes)][theme])


def mark(name: str) -> dict[str, str]:
    """Mark "settled" or one of EVENT_MARKS: shape, color, outline, name, term."""
    return dict(_style()["marks"][name])


def strength(name: str) -> float:
    """Opacity of a map's heatmap."""
    maps = _style()["maps"]
    return float(maps[name]["strength"]) if name in maps else 1.0


def reason_words(reason: int) -> str:
    """Why an event happened, in words; "" for 0."""
    return _reason(reason, "words")


def reason_did(reason: int) -> str:
    """What an event did to its token, in words: "written", "taken back"; "" for 0."""
    return _reason(reason, "did")


def reason_mark(reason: int) -> str:
    """The mark of an event with this reason: one of EVENT_MARKS."""
    return _reason(reason, "mark")


def reason_name(reason: int) -> str:
    """A reason in one or two words: "confident", "by hand"; "" for 0."""
    return _reason(reason, "name")


def reason_fill(reason: int) -> str:
    """How a bar of tokens written for this reason is filled: "solid", "hatched", "pale" or "dotted"; "" for none."""
    return _reason(reason, "fill")


def _reason(reason: int, key: str) -> str:
    return str(_style()["reasons"].get(str(reason), {}).get(key, ""))


@cache
def _style() -> dict[str, Any]:
    text = files("credit_viz.figures").joinpath("style.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
