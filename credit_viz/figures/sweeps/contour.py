"""Optuna's contour of two knobs, in the colours of the other figures, with a dot for each pair that was tried."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe
from credit_viz.figures.layout import plain_axis
from credit_viz.figures.style import scale, surface
from credit_viz.figures.sweeps.looks import bare_layout, color_bar, color_range
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.metrics import with_interval
from credit_viz.figures.sweeps.studies import plain_value, study_of
from credit_viz.figures.sweeps.tables import Swept, behind, one_decoder, pair_of_axes, value_label

__all__ = ["ContourInfo", "draw", "get_info"]


class ContourInfo(NamedTuple):
    """What Optuna drew, before it is dressed, and D different pairs of values."""

    decoder: str
    x: str
    y: str
    metric: str
    traces: tuple[Any, ...]  #: Optuna's, but its dots
    x_values: tuple[float | str, ...]  #: (D,) where the dots lie
    y_values: tuple[float | str, ...]
    means: NDArray[np.float64]  #: (D, 3) mean, low and high end of the interval
    runs: tuple[int, ...]  #: (D,)
    numbers: tuple[tuple[int, ...], ...]  #: (D,) settings behind each dot


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
    chosen = one_decoder(result, decoder)
    optuna, study, _ = study_of(chosen, metric)
    # Optuna puts the first name in the alphabet across
    x, y = sorted(pair_of_axes(chosen, x, y))
    drawn = optuna.visualization.plot_contour(study, params=[x, y], target_name=about(metric).title)
    table = chosen.table([x, y], [metric]).dropna(subset=[metric])
    settings = behind(chosen, [x, y])
    pairs = list(zip(table[x], table[y], strict=True))
    return ContourInfo(
        str(chosen.frame["decoder"].iloc[0]),
        x,
        y,
        metric,
        tuple(trace for trace in drawn.data if trace.type == "contour"),
        _places(study, x, [pair[0] for pair in pairs]),
        _places(study, y, [pair[1] for pair in pairs]),
        table[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(np.float64),
        tuple(map(int, table["runs"])),
        tuple(tuple(settings[value_label(at_x), value_label(at_y)]) for at_x, at_y in pairs),
    )


def _places(study: Any, axis: str, values: list[Any]) -> tuple[float | str, ...]:
    """Where Optuna puts values: numbers on a scale, all others by their words."""
    words = hasattr(study.trials[0].distributions[axis], "choices")
    return tuple(str(plain_value(value)) if words else plain_value(value) for value in values)


def draw(info: ContourInfo, theme: str = "light") -> go.Figure:
    """The contour, and a dot for each pair of values."""
    colors, column = surface(theme), about(info.metric)
    figure = go.Figure(list(info.traces))
    figure.update_traces(
        colorscale=scale("probability").colorscale,
        reversescale=False,
        hoverinfo="skip",
        hovertemplate=None,
        line={"smoothing": 1.3, "width": 0.5},
        **color_range(info.metric, info.means[:, 0]),
        colorbar=color_bar(theme, column.title) | {"tickformat": ".0%" if column.is_share else ""},
    )
    figure.add_scatter(
        x=list(info.x_values),
        y=list(info.y_values),
        mode="markers",
        marker={"color": colors["card"], "line": {"color": colors["ink"], "width": 1}, "size": 8},
        customdata=[list(numbers) for numbers in info.numbers],
        text=_hovers(info),
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_layout(
        **bare_layout(theme, 420),
        xaxis=plain_axis(theme, info.x.replace("_", " ")) | {"showgrid": False},
        yaxis=plain_axis(theme, info.y.replace("_", " ")) | {"showgrid": False},
    )
    return figure


def _hovers(info: ContourInfo) -> list[str]:
    x, y = (name.replace("_", " ") for name in (info.x, info.y))
    return [
        f"{safe(info.decoder)}, {x} {safe(value_label(at_x))}, {y} {safe(value_label(at_y))}<br>"
        f"{about(info.metric).title} {with_interval(info.metric, *means)}<br>"
        f"{counted(runs, 'run')} of {counted(len(numbers), 'setting')}"
        for at_x, at_y, means, runs, numbers in zip(
            info.x_values, info.y_values, info.means, info.runs, info.numbers, strict=True
        )
    ]
