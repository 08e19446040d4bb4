"""How much surer one run was than another, for the same token at the same step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.errors import SettingsError
from credit_viz.figures.heatmap import borders, colorbar
from credit_viz.figures.labels import safe, visible
from credit_viz.figures.layout import CELLS, NAMED_ROWS, base_layout, map_height, position_axis, step_axis
from credit_viz.figures.rows import Rows, get_rows
from credit_viz.figures.style import Scale, lane_color, map_scale, surface
from credit_viz.trace.record import Trace

__all__ = ["DifferenceInfo", "draw", "get_info"]


class DifferenceInfo(NamedTuple):
    """Second run minus first: L positions and T steps of the longer of the two."""

    runs: tuple[str, str]
    lanes: tuple[int, int]  #: their places, for colours
    quantity: str
    rows: tuple[Rows, Rows]
    values: NDArray[np.float32]  #: (L, T), NaN where not both were open
    alone: NDArray[np.bool_]  #: (L, T) only one of them was
    scale: Scale


def get_info(
    runs: Mapping[str, Trace], quantity: str = "fused", pair: tuple[str, str] | None = None
) -> DifferenceInfo | None:
    """Numbers of the map; None for a single run, which has nothing to differ from.

    Args:
        runs: traces by their names.
        quantity: "fused", "confidence" or another value between 0 and 1 that `Trace.cells` knows.
        pair: the two runs by name; the first two by default.

    Raises:
        SettingsError: a run of `pair` that is not among `runs`.
        TraceError: unknown quantity.
    """
    names = list(runs)
    if pair is None and len(names) < 2:
        return None
    first, second = pair or (names[0], names[1])
    if missing := {first, second} - runs.keys():
        raise SettingsError(f"no run {min(missing)!r} to compare; valid: {', '.join(names)}")
    one, other = (runs[name].grid(quantity) for name in (first, second))
    length, span = (max(sizes) for sizes in zip(one.shape, other.shape, strict=True))
    one, other = (_widened(grid, length, span) for grid in (one, other))
    return DifferenceInfo(
        runs=(first, second),
        lanes=(names.index(first), names.index(second)),
        quantity=quantity,
        rows=(get_rows(runs[first]), get_rows(runs[second])),
        values=other - one,
        alone=np.isnan(one) != np.isnan(other),
        scale=map_scale("difference"),
    )


def _widened(grid: NDArray[np.float32], length: int, span: int) -> NDArray[np.float32]:
    wide = np.full((length, span), np.nan, np.float32)
    wide[: grid.shape[0], : grid.shape[1]] = grid
    return wide


def draw(info: DifferenceInfo | None, theme: str = "light") -> go.Figure:
    """The difference with the writes of both runs, each in its colour; a sentence where there is only one run."""
    if info is None:
        return _nothing(theme)
    labels = max((rows.labels for rows in reversed(info.rows)), key=len)
    first, second = (safe(visible(name)) for name in info.runs)
    figure = go.Figure([_cells(info, theme, len(labels)), _pale(info, theme), *_writes(info, theme)])
    figure.update_layout(
        **base_layout(theme, f"{second} minus {first}", map_height(len(labels))),
        xaxis=step_axis(theme, info.values.shape[1]),
        yaxis=position_axis(theme, labels),
        shapes=borders(info.rows[1], theme),
        showlegend=False,
    )
    return figure


def _cells(info: DifferenceInfo, theme: str, count: int) -> go.Heatmap:
    row = "token" if count <= NAMED_ROWS else "position"
    return go.Heatmap(
        z=info.values,
        **CELLS,
        zmin=info.scale.minimum,
        zmax=info.scale.top,
        colorscale=info.scale.colorscale,
        hoverongaps=False,
        hovertemplate=f"step %{{x}}, {row} %{{y}}<br>{info.quantity}, difference %{{z:+.3f}}<extra></extra>",
        colorbar=colorbar(info.scale, theme),
    )


def _pale(info: DifferenceInfo, theme: str) -> go.Heatmap:
    """Cells of one run alone."""
    color = surface(theme)["line"]
    return go.Heatmap(
        z=np.where(info.alone, np.float32(1), np.float32(np.nan)),
        **CELLS,
        zmin=0,
        zmax=1,
        colorscale=[[0, color], [1, color]],
        hoverongaps=False,
        hovertemplate="step %{x}: only one of them was still open<extra></extra>",
        showscale=False,
    )


def _writes(info: DifferenceInfo, theme: str) -> list[go.Scatter]:
    drawn = []
    for name, lane, rows in zip(info.runs, info.lanes, info.rows, strict=True):
        written = np.flatnonzero(rows.written > 0)
        marker = {"color": lane_color(lane, theme), "size": 6, "line": {"width": 1, "color": surface(theme)["card"]}}
        drawn.append(
            go.Scatter(
                x=rows.written[written],
                y=written,
                mode="markers",
                marker=marker,
                name=safe(visible(name)),
                hovertext=[rows.hover[place] for place in written.tolist()],
                hoverinfo="text+name",
            )
        )
    return drawn


def _nothing(theme: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(**base_layout(theme, "", 240), xaxis={"visible": False}, yaxis={"visible": False})
    text = "A difference needs two runs."
    figure.add_annotation(text=text, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    return figure
