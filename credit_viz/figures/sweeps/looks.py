"""What figures of sweeps share: how decoders are told apart, also when they are many, and quiet frames."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from credit_viz.figures.layout import base_layout
from credit_viz.figures.style import lane_color, surface

__all__ = ["Series", "bare_layout", "color_bar", "faint", "series"]

_LANES = 4  #: colours of a race, which come first
#: further ones, told apart from those and from each other by every eye; by theme.
_MORE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("#2299aa", "#9977ee", "#cc7700", "#ff3388"),
        "dark": ("#3388bb", "#9911ff", "#aa5500", "#ff1177"),
    }
)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")


class Series(NamedTuple):
    """Style of one decoder, as Plotly calls it."""

    color: str
    dash: str
    symbol: str


def series(place: int, theme: str) -> Series:
    """Style of the place-th decoder of a sweep: eight colours, other shapes after each four."""
    more = _MORE[theme]
    turn = place % (_LANES + len(more))
    color = lane_color(turn, theme) if turn < _LANES else more[turn - _LANES]
    shape = place // _LANES % len(_SYMBOLS)
    return Series(color, _DASHES[shape], _SYMBOLS[shape])


def faint(color: str, strength: float) -> str:
    """The colour #rrggbb with an opacity of its own."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{strength})"


def bare_layout(theme: str, height: int) -> dict[str, Any]:
    """Layout of a figure without title and legend."""
    return base_layout(theme, "", height) | {"margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "showlegend": False}


def color_bar(theme: str, title: str) -> dict[str, Any]:
    """A quiet one."""
    font = {"size": 12, "color": surface(theme)["quiet"]}
    named = {"text": title, "side": "right", "font": font}
    return {"title": named, "tickfont": font | {"size": 11}, "thickness": 10, "outlinewidth": 0}
