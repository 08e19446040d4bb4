"""Two knobs against each other: the mean of a result at every pair of their values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.style import scale, surface
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.tables import (
    Swept,
    check_metric,
    one_decoder,
    pair_of_axes,
    value_label,
)

__all__ = ["PairInfo", "draw", "get_info"]


class PairInfo(NamedTuple):
    """X values of one knob, Y of the other."""

    x: str
    y: str
    metric: str
    x_values: tuple[str, ...]
    y_values: tuple[str, ...]
    means: NDArray[np.float64]  #: (Y, X), nan where nothing was run
    runs: NDArray[np.int64]  #: (Y, X)


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
    means = table.pivot(index=y, columns=x, values=metric)
    runs = table.pivot(index=y, columns=x, values="runs").reindex_like(means)
    return PairInfo(
        x,
        y,
        metric,
        tuple(map(value_label, means.columns)),
        tuple(map(value_label, means.index)),
        means.to_numpy(np.float64, na_value=np.nan),
        runs.fillna(0).to_numpy(np.int64),
    )


def draw(info: PairInfo, theme: str = "light") -> go.Figure:
    """Cells with their numbers."""
    colors = scale("probability").colorscale
    title = about(info.metric).title
    figure = go.Figure(
        go.Heatmap(
            z=info.means,
            x=list(info.x_values),
            y=list(info.y_values),
            customdata=info.runs,
            colorscale=colors,
            texttemplate="%{z:.3g}" if info.means.size <= 150 else None,
            hoverongaps=False,
            hovertemplate=f"{info.x} %{{x}}, {info.y} %{{y}}<br>{title} %{{z:.4g}}<br>%{{customdata}} runs"
            "<extra></extra>",
            colorbar={
                "title": {"text": title, "side": "right"},
                "tickfont": {"color": surface(theme)["quiet"]},
                "thickness": 10,
                "outlinewidth": 0,
            },
        )
    )
    category = {"type": "category", "showgrid": False}
    figure.update_layout(
        **base_layout(theme, "", max(320, 60 + 34 * len(info.y_values))),
        xaxis=plain_axis(theme, info.x.replace("_", " ")) | category,
        yaxis=plain_axis(theme, info.y.replace("_", " ")) | category,
    )
    return figure
