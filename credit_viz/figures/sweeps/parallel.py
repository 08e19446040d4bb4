"""Every setting as a line through its knobs and results.

Plain lines on axes of our own: Plotly's parallel coordinates need WebGL, and are blank where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe
from credit_viz.figures.style import scale, surface
from credit_viz.figures.sweeps.looks import bare_layout
from credit_viz.figures.sweeps.metrics import metric, number_text, with_interval
from credit_viz.figures.sweeps.tables import Swept, axes_of, labels_in_order, one_decoder, settings_table, value_label

__all__ = ["Axis", "ParallelInfo", "draw", "get_info"]

_RESULTS = ("forward_passes", "mean_wait")
_MOST_STEPS = 10  #: values of a knob that get a place each; more of them lie on a scale
_FAN = 0.05  #: of an axis' height, over which lines with the same value are spread, so that each can be seen
_SHADES = 12  #: colours of lines
_WIDTH = 12  #: letters in a line of an axis' name

Floats = NDArray[np.float64]


class Axis(NamedTuple):
    """One axis: where S settings cross it, and its labels; heights from 0 to 1."""

    name: str
    heights: Floats  #: (S,)
    ticks: tuple[tuple[float, str], ...]  #: height and label


class ParallelInfo(NamedTuple):
    """Lines of S settings, from the worst to the best; the last axis is the quality."""

    axes: tuple[Axis, ...]
    quality: Floats  #: (S,) 0 for the worst, 1 for the best
    hovers: tuple[str, ...]  #: (S,)
    numbers: tuple[int, ...]  #: (S,) of the settings in the whole sweep


def get_info(result: Swept, decoder: str | None = None) -> ParallelInfo:
    """Settings of one decoder: knobs that vary, passes, mean wait, quality.

    Raises:
        SettingsError: unknown decoder, or nothing says how good the texts are.
    """
    chosen = one_decoder(result, decoder)
    metrics = [*(name for name in _RESULTS if name in result.metrics), result.quality]
    table = settings_table(chosen, metrics).dropna(subset=metrics)
    table = table.sort_values([metrics[-1], "number"], ignore_index=True)
    axes = [*(_knob(axis, table[axis]) for axis in axes_of(chosen)), *(_result(name, table[name]) for name in metrics)]
    hovers = tuple(_hover(row, metrics) for row in table.to_dict("records"))
    return ParallelInfo(tuple(axes), axes[-1].heights, hovers, tuple(map(int, table["number"])))


def _hover(row: dict[Any, Any], metrics: Sequence[str]) -> str:
    told = (
        f"{metric(name).title} {with_interval(name, row[name], row[f'{name}_low'], row[f'{name}_high'])}"
        for name in metrics
    )
    return "<br>".join([safe(row["name"]), *told, counted(int(row["runs"]), "run")])


def _knob(name: str, column: pd.Series[Any]) -> Axis:
    """A place for each value, lines fanned out around it; a scale where there are too many values."""
    labels = labels_in_order(column)
    if len(labels) > _MOST_STEPS and pd.api.types.is_numeric_dtype(column) and column.notna().all():
        heights, scaled = _scaled(column.to_numpy(np.float64))
        return Axis(name.replace("_", " "), heights, tuple((at, value_label(value)) for at, value in scaled))
    step = 1 / max(len(labels) - 1, 1)
    places = column.map(value_label).map({label: place * step for place, label in enumerate(labels)})
    rank = np.linspace(-0.5, 0.5, len(column)) if len(column) > 1 else np.zeros(len(column))
    ticks = [(place * step, label) for place, label in enumerate(labels)]
    shown = ticks[:: -(-len(ticks) // _MOST_STEPS)]
    return Axis(name.replace("_", " "), places.to_numpy(np.float64) + rank * min(_FAN, 0.5 * step), tuple(shown))


def _result(name: str, column: pd.Series[Any]) -> Axis:
    heights, ticks = _scaled(column.to_numpy(np.float64))
    share = metric(name).is_share
    labels = ((at, f"{number_text(name, value)} %" if share else value_label(value)) for at, value in ticks)
    return Axis(metric(name).title, heights, tuple(labels))


def _scaled(values: Floats) -> tuple[Floats, list[tuple[float, float]]]:
    """Heights of values between the least and the most, and round values with theirs."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if high <= low:
        return np.full(len(values), 0.5), [(0.5, low)] if len(values) else []
    size = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(size))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= size * 0.8)
    ticks = [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    return (values - low) / (high - low), [((tick - low) / (high - low), tick) for tick in ticks]


def draw(info: ParallelInfo, theme: str = "light") -> go.Figure:
    """Lines coloured by quality, the best ones on top."""
    colors = surface(theme)
    figure = go.Figure(_lines(info, theme))
    places = list(range(len(info.axes)))
    names = ["<br>".join(_wrapped(axis.name)) for axis in info.axes]
    figure.update_layout(
        **bare_layout(theme, 420),
        xaxis={
            "range": [-0.45, len(places) - 0.75],
            "tickvals": places,
            "ticktext": names,
            "tickfont": {"size": 12, "color": colors["text"]},
            "side": "top",
            "gridcolor": colors["quiet"],
            "zeroline": False,
            "ticks": "",
            "automargin": True,
            "fixedrange": True,
        },
        yaxis={"range": [-0.06, 1.06], "visible": False, "fixedrange": True},
        annotations=[
            {
                "x": place,
                "y": height,
                "text": safe(label),
                "xanchor": "right",
                "xshift": -5,
                "showarrow": False,
                "font": {"size": 11, "color": colors["text"]},
                "bgcolor": colors["card"],
                "opacity": 0.85,
                "borderpad": 1,
            }
            for place, axis in enumerate(info.axes)
            for height, label in axis.ticks
        ],
    )
    return figure


def _lines(info: ParallelInfo, theme: str) -> list[go.Scatter]:
    """One trace per shade: its settings' lines, with a gap behind each."""
    shades = np.minimum((info.quality * _SHADES).astype(int), _SHADES - 1)
    heights = np.stack([axis.heights for axis in info.axes], axis=1)
    gap = np.full((len(heights), 1), np.nan)
    x = np.hstack([np.broadcast_to(np.arange(float(len(info.axes))), heights.shape), gap])
    y = np.hstack([heights, gap])
    others = len(info.axes) - 1
    drawn = []
    for shade in np.unique(shades):
        own = np.flatnonzero(shades == shade)
        drawn.append(
            go.Scatter(
                x=x[own].ravel(),
                y=y[own].ravel(),
                mode="lines",
                line={"color": _shade(int(shade), theme), "width": 1.2},
                opacity=0.75,
                customdata=[part for n in own for part in (*[[info.numbers[n]]] * len(info.axes), None)],
                # said once per line, at its end, where lines lie apart: words at every corner would be most of the file
                hovertext=[part for n in own for part in (*[""] * others, info.hovers[n], "")],
                hoverinfo=[*["skip"] * others, "text", "skip"] * len(own),
            )
        )
    return drawn


def _shade(shade: int, theme: str) -> str:
    """From the scale's colours those that stand out from the card."""
    colors = scale("probability").colors
    worst, best = (0.75, 0.1) if theme == "light" else (0.3, 1.0)
    return colors[round((worst + (best - worst) * shade / (_SHADES - 1)) * (len(colors) - 1))]


def _wrapped(name: str) -> list[str]:
    lines = [""]
    for word in name.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
