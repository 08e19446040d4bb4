"""Two knobs against each other: the mean of a result at every pair of their values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe
from credit_viz.figures.layout import plain_axis
from credit_viz.figures.style import scale
from credit_viz.figures.sweeps.looks import bare_layout, color_bar, color_range
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.metrics import number_text, with_interval
from credit_viz.figures.sweeps.tables import (
    Swept,
    behind,
    check_metric,
    labels_in_order,
    one_decoder,
    pair_of_axes,
    value_label,
)

__all__ = ["PairInfo", "draw", "get_info"]

_MOST_NAMED = 14  #: columns in which the numbers of cells fit


class PairInfo(NamedTuple):
    """X values of one knob, Y of the other."""

    decoder: str
    x: str
    y: str
    metric: str
    x_values: tuple[str, ...]
    y_values: tuple[str, ...]
    means: NDArray[np.float64]  #: (Y, X, 3) mean, low and high end of the interval; nan where nothing was run
    runs: NDArray[np.int64]  #: (Y, X)
    numbers: tuple[tuple[tuple[int, ...], ...], ...]  #: (Y, X) settings behind each cell


def get_info(
    result: Swept,
    x: str | None = None,
    y: str | None = None,
    metric: str = "forward_passes",
    decoder: str | None = None,
) -> PairInfo:
    """Means over everything else; by default of the first two knobs that vary.

    Raises:
        SettingsError: unknown column, or fewer than two knobs vary.
    """
    chosen = one_decoder(result, decoder)
    check_metric(result, metric)
    x, y = pair_of_axes(chosen, x, y)
    table = chosen.table([x, y], [metric])
    x_values, y_values = labels_in_order(table[x]), labels_in_order(table[y])
    means = np.full((len(y_values), len(x_values), 3), np.nan)
    runs = np.zeros(means.shape[:2], np.int64)
    found = table[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(np.float64)
    for place, (at_x, at_y, count) in enumerate(zip(table[x], table[y], table["runs"], strict=True)):
        cell = y_values.index(value_label(at_y)), x_values.index(value_label(at_x))
        means[cell], runs[cell] = found[place], count
    settings = behind(chosen, [x, y])
    numbers = tuple(tuple(tuple(settings.get((at_x, at_y), ())) for at_x in x_values) for at_y in y_values)
    name = str(chosen.frame["decoder"].iloc[0])
    return PairInfo(name, x, y, metric, tuple(x_values), tuple(y_values), means, runs, numbers)


def draw(info: PairInfo, theme: str = "light") -> go.Figure:
    """Cells, with their numbers where they fit."""
    column = about(info.metric)
    named = len(info.x_values) <= _MOST_NAMED
    figure = go.Figure(
        go.Heatmap(
            z=info.means[:, :, 0],
            x=list(info.x_values),
            y=list(info.y_values),
            customdata=[[list(cell) for cell in row] for row in info.numbers],
            colorscale=scale("probability").colorscale,
            text=[[number_text(info.metric, value) for value in row] for row in info.means[:, :, 0]] if named else None,
            texttemplate="%{text}" if named else None,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            hovertext=_hovers(info),
            hovertemplate="%{hovertext}<extra></extra>",
            **color_range(info.metric, info.means[:, :, 0]),
            colorbar=color_bar(theme, column.title) | {"tickformat": ".0%" if column.is_share else ""},
        )
    )
    category = {"type": "category", "showgrid": False}
    figure.update_layout(
        **bare_layout(theme, max(320, 70 + 40 * len(info.y_values))),
        xaxis=plain_axis(theme, info.x.replace("_", " ")) | category,
        yaxis=plain_axis(theme, info.y.replace("_", " ")) | category,
    )
    return figure


def _hovers(info: PairInfo) -> list[list[str]]:
    """Every cell in words."""
    x, y = (name.replace("_", " ") for name in (info.x, info.y))
    title = about(info.metric).title
    return [
        [
            f"{safe(info.decoder)}, {x} {safe(at_x)}, {y} {safe(at_y)}<br>"
            f"{title} {with_interval(info.metric, *info.means[row, column])}<br>"
            f"{counted(int(info.runs[row, column]), 'run')} of "
            f"{counted(len(info.numbers[row][column]), 'setting')}"
            for column, at_x in enumerate(info.x_values)
        ]
        for row, at_y in enumerate(info.y_values)
    ]
