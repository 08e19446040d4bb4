"""What figures of sweeps share: how decoders are told apart, also when they are many, and quiet frames."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.figures.layout import base_layout
from credit_viz.figures.style import lane_color, surface
from credit_viz.figures.sweeps.metrics import metric

__all__ = ["Series", "bare_layout", "color_bar", "color_range", "faint", "scale_of", "series"]

_LANES = 4  #: colours of a race, which come first
#: further ones, told apart from those and from each other by every eye; by theme.
_MORE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("#2299aa", "#9977ee", "#cc7700", "#ff3388"),
        "dark": ("#3388bb", "#9911ff", "#aa5500", "#ff1177"),
    }
)
_ROOM = 0.03  #: of a scale of shares, beyond its ends
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


def scale_of(name: str) -> dict[str, Any]:
    """An axis of a metric: a share stays within 0 to 100 %, with room for half a dot, also where all are equal."""
    if not metric(name).is_share:
        return {}
    return {"tickformat": ".0%", "autorangeoptions": {"clipmin": -_ROOM, "clipmax": 1 + _ROOM}}


def color_range(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Ends of a metric's colours, where Plotly would look beyond 0 to 100 %: around shares that are all equal."""
    there = values[~np.isnan(values)]
    flat = metric(name).is_share and len(there) > 0 and there.min() == there.max()
    return {"zmin": 0.0, "zmax": 1.0} if flat else {}


def color_bar(theme: str, title: str) -> dict[str, Any]:
    """A quiet one."""
    font = {"size": 12, "color": surface(theme)["quiet"]}
    named = {"text": title, "side": "right", "font": font}
    return {"title": named, "tickfont": font | {"size": 11}, "thickness": 10, "outlinewidth": 0}
