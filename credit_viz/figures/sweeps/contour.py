"""Optuna's contour of two knobs, in the colours of the other figures."""

from __future__ import annotations

from typing import Any, NamedTuple

import plotly.graph_objects as go

from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.style import scale, surface
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.studies import study_of
from credit_viz.figures.sweeps.tables import Swept, one_decoder, pair_of_axes

__all__ = ["ContourInfo", "draw", "get_info"]


class ContourInfo(NamedTuple):
    """What Optuna drew: its traces, before they are dressed."""

    x: str
    y: str
    metric: str
    traces: tuple[Any, ...]


def get_info(
    result: Swept,
    x: str | None = None,
    y: str | None = None,
    metric: str = "forward_passes",
    decoder: str | None = None,
) -> ContourInfo:
    """Contour over one decoder's settings; by default of its first two knobs.

    Raises:
        SettingsError, BackendError: see `study_of`; or fewer than two knobs vary.
    """
    optuna, study, _ = study_of(result, metric, decoder)
    x, y = pair_of_axes(one_decoder(result, decoder), x, y)
    title = about(metric).title
    drawn = optuna.visualization.plot_contour(study, params=[x, y], target_name=title)
    # Optuna puts the first name in the alphabet across
    x, y = sorted((x, y))
    return ContourInfo(x, y, metric, tuple(drawn.data))


def draw(info: ContourInfo, theme: str = "light") -> go.Figure:
    """The contour and the settings that were tried."""
    colors = surface(theme)
    figure = go.Figure(list(info.traces))
    figure.update_traces(
        colorscale=scale("probability").colorscale,
        reversescale=False,
        colorbar={"tickfont": {"color": colors["quiet"]}, "thickness": 10, "outlinewidth": 0},
        selector={"type": "contour"},
    )
    figure.update_traces(
        marker={"color": colors["card"], "line": {"color": colors["ink"], "width": 1}, "size": 7},
        selector={"type": "scatter"},
    )
    figure.update_layout(
        **base_layout(theme, "", 460),
        showlegend=False,
        xaxis=plain_axis(theme, info.x.replace("_", " ")),
        yaxis=plain_axis(theme, info.y.replace("_", " ")),
    )
    return figure
