"""Forward passes against quality: a dot per setting, a line with its band per decoder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe
from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.sweeps.looks import Series, faint, scale_of, series
from credit_viz.figures.sweeps.metrics import metric, with_interval
from credit_viz.figures.sweeps.tables import Swept, check_metric, settings_table
from credit_viz.pareto import unbeaten

__all__ = ["Curve", "FrontInfo", "draw", "get_info"]

_MANY = 150  #: settings of which the dots are small

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """One decoder: S settings, fewest passes first."""

    decoder: str
    names: tuple[str, ...]  #: of the settings
    passes: Floats  #: (S, 3) mean, low and high end of the interval
    quality: Floats  #: (S, 3)
    best: NDArray[np.bool_]  #: (S,) no other setting of this decoder beats it
    runs: NDArray[np.int64]  #: (S,)
    numbers: tuple[int, ...]  #: (S,) of the settings in the whole sweep


class FrontInfo(NamedTuple):
    """Curves of all decoders, in the order of the sweep."""

    quality: str
    curves: tuple[Curve, ...]


def get_info(result: Swept, quality: str | None = None) -> FrontInfo:
    """Means of every setting.

    Raises:
        SettingsError: unknown metric, or nothing says how good the texts are.
    """
    quality = result.quality if quality is None else quality
    check_metric(result, quality)
    table = settings_table(result, ["forward_passes", quality]).dropna(subset=["forward_passes", quality])
    curves = []
    for decoder, rows in table.groupby("decoder", sort=False):
        ordered = rows.sort_values("forward_passes", kind="stable")
        passes, good = (
            ordered[[name, f"{name}_low", f"{name}_high"]].to_numpy(np.float64) for name in ("forward_passes", quality)
        )
        curves.append(
            Curve(
                str(decoder),
                tuple(ordered["name"]),
                passes,
                good,
                unbeaten(passes[:, 0], good[:, 0]),
                ordered["runs"].to_numpy(np.int64),
                tuple(map(int, ordered["number"])),
            )
        )
    return FrontInfo(quality, tuple(curves))


def draw(info: FrontInfo, theme: str = "light") -> go.Figure:
    """Bands below, then dots, then lines, so that no decoder's dots cover another's line."""
    figure = go.Figure()
    styled = [(curve, series(place, theme)) for place, curve in enumerate(info.curves)]
    size = 6 if sum(len(curve.names) for curve in info.curves) > _MANY else 9
    figure.add_traces([_band(curve, style, 0.12 if len(styled) < 4 else 0.06) for curve, style in styled])
    figure.add_traces([_dots(curve, style, info.quality, size) for curve, style in styled])
    figure.add_traces([_line(curve, style, size) for curve, style in styled])
    figure.update_layout(
        **base_layout(theme, "", 480),
        showlegend=True,
        xaxis=plain_axis(theme, "forward passes per prompt")
        | {"type": "log", "tickvals": [2**power for power in range(13)]},  # decoders differ by factors
        yaxis=plain_axis(theme, metric(info.quality).title) | scale_of(info.quality),
    )
    figure.update_layout(legend={"itemsizing": "constant", "traceorder": "normal"})
    return figure


def _band(curve: Curve, style: Series, strength: float) -> go.Scatter:
    x, y = curve.passes[curve.best, 0], curve.quality[curve.best]
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([y[:, 2], y[::-1, 1]]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=faint(style.color, strength),
        hoverinfo="skip",
        showlegend=False,
        legendgroup=curve.decoder,
    )


def _dots(curve: Curve, style: Series, quality: str, size: int) -> go.Scatter:
    return go.Scatter(
        x=curve.passes[:, 0],
        y=curve.quality[:, 0],
        mode="markers",
        showlegend=False,
        legendgroup=curve.decoder,
        marker={
            "color": style.color,
            "size": np.where(curve.best, size + 2, size),
            "opacity": np.where(curve.best, 1.0, 0.4),
            "symbol": style.symbol,
            "line": {"width": 0},
        },
        customdata=[[number] for number in curve.numbers],
        text=list(_hovers(curve, quality)),
        hovertemplate="%{text}<extra></extra>",
    )


def _line(curve: Curve, style: Series, size: int) -> go.Scatter:
    """The line of what is not beaten; it also stands for the decoder in the legend."""
    return go.Scatter(
        x=curve.passes[curve.best, 0],
        y=curve.quality[curve.best, 0],
        mode="lines+markers",
        line={"color": style.color, "width": 2, "dash": style.dash},
        marker={"symbol": style.symbol, "color": style.color, "size": size + 2},
        hoverinfo="skip",
        name=safe(curve.decoder),
        legendgroup=curve.decoder,
    )


def _hovers(curve: Curve, quality: str) -> Iterable[str]:
    title = metric(quality).title
    for name, passes, good, runs in zip(curve.names, curve.passes, curve.quality, curve.runs, strict=True):
        yield (
            f"{safe(name)}<br>{with_interval('forward_passes', *passes)} passes<br>"
            f"{title} {with_interval(quality, *good)}<br>{counted(int(runs), 'run')}"
        )
