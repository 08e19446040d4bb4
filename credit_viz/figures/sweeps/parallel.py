"""Every setting as a line through its knobs and results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.layout import FONT, base_layout
from credit_viz.figures.style import scale, surface
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.tables import Swept, axes_of, one_decoder, settings_table, value_label

__all__ = ["Dimension", "ParallelInfo", "draw", "get_info"]

_RESULTS = ("forward_passes", "mean_wait")


class Dimension(NamedTuple):
    """One axis: S values; where they are words, the words' places and the words."""

    name: str
    values: NDArray[np.float64]  #: (S,)
    words: tuple[str, ...]  #: empty for numbers


class ParallelInfo(NamedTuple):
    """Lines of S settings; `color` is the last dimension, the quality."""

    dimensions: tuple[Dimension, ...]


def get_info(result: Swept, decoder: str | None = None) -> ParallelInfo:
    """Settings of one decoder: knobs that vary, passes, mean wait, quality.

    Raises:
        SettingsError: unknown decoder, or nothing says how good the texts are.
    """
    chosen = one_decoder(result, decoder)
    metrics = [*(name for name in _RESULTS if name in result.metrics), result.quality]
    table = settings_table(chosen, metrics).dropna(subset=metrics)
    knobs = tuple(_dimension(axis, table[axis]) for axis in axes_of(chosen))
    results = (Dimension(about(m).title, table[m].to_numpy(np.float64), ()) for m in metrics)
    return ParallelInfo((*knobs, *results))


def _dimension(name: str, column: pd.Series[Any]) -> Dimension:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) and column.notna().all():
        return Dimension(name.replace("_", " "), column.to_numpy(np.float64), ())
    labels = column.map(value_label)
    words = tuple(dict.fromkeys(labels))
    return Dimension(name.replace("_", " "), labels.map(words.index).to_numpy(np.float64), words)


def draw(info: ParallelInfo, theme: str = "light") -> go.Figure:
    """Lines coloured by quality."""
    colors = surface(theme)
    last = info.dimensions[-1].values
    dimensions = [
        {"label": d.name, "values": d.values}
        | ({"tickvals": list(range(len(d.words))), "ticktext": list(d.words)} if d.words else {})
        for d in info.dimensions
    ]
    font = {"family": FONT, "color": colors["text"], "size": 12}
    figure = go.Figure(
        go.Parcoords(
            dimensions=dimensions,
            line={"color": last, "colorscale": scale("probability").colorscale, "showscale": False},
            labelfont=font,
            tickfont=font | {"size": 11},
            rangefont=font | {"size": 10, "color": colors["quiet"]},
        )
    )
    figure.update_layout(**(base_layout(theme, "", 420) | {"margin": {"l": 60, "r": 60, "t": 56, "b": 24}}))
    return figure
