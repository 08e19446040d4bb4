"""Forward passes against quality: a dot per setting, a line with its band per decoder."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.style import lane_color
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.tables import Swept, check_metric, settings_table
from credit_viz.pareto import unbeaten

__all__ = ["Curve", "FrontInfo", "draw", "get_info"]

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """One decoder: S settings, fewest passes first."""

    decoder: str
    names: tuple[str, ...]  #: of the settings
    passes: Floats  #: (S,)
    quality: Floats  #: (S, 3) mean, low and high end of the interval
    best: NDArray[np.bool_]  #: (S,) no other setting of this decoder beats it


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
    varying = [name for name in result.axes if name in ("gen_length", "block_length", "early_stop", "cache")]
    curves = []
    for decoder, rows in table.sort_values("forward_passes", kind="stable").groupby("decoder", sort=False):
        names = [
            ", ".join([row["setting"], *(f"{axis.replace('_', ' ')} {row[axis]}" for axis in varying)])
            for _, row in rows.iterrows()
        ]
        columns = rows[[quality, f"{quality}_low", f"{quality}_high"]].to_numpy(np.float64)
        passes = rows["forward_passes"].to_numpy(np.float64)
        curves.append(Curve(str(decoder), tuple(names), passes, columns, unbeaten(passes, columns[:, 0])))
    return FrontInfo(quality, tuple(curves))


def draw(info: FrontInfo, theme: str = "light") -> go.Figure:
    """Bands below, lines, then dots."""
    figure = go.Figure()
    for place, curve in enumerate(info.curves):
        color, dash = lane_color(place, theme), _DASHES[place // 4 % len(_DASHES)]
        x, y = curve.passes[curve.best], curve.quality[curve.best]
        figure.add_scatter(
            x=np.concatenate([x, x[::-1]]),
            y=np.concatenate([y[:, 2], y[::-1, 1]]),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=_faint(color),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=curve.decoder,
        )
        figure.add_scatter(
            x=x,
            y=y[:, 0],
            mode="lines",
            line={"color": color, "width": 2, "dash": dash},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=curve.decoder,
        )
        figure.add_scatter(
            x=curve.passes,
            y=curve.quality[:, 0],
            mode="markers",
            name=curve.decoder,
            legendgroup=curve.decoder,
            marker={
                "color": color,
                "size": 8,
                "opacity": np.where(curve.best, 1.0, 0.35),
                "symbol": _SYMBOLS[place // 4 % len(_SYMBOLS)],
            },
            text=curve.names,
            customdata=curve.quality[:, 1:],
            hovertemplate="%{text}<br>%{x:.1f} passes<br>%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]"
            "<extra></extra>",
        )
    figure.update_layout(
        **base_layout(theme, "", 460),
        showlegend=True,
        xaxis=plain_axis(theme, "forward passes per prompt")
        | {"type": "log", "tickvals": [2**power for power in range(13)]},  # decoders differ by factors
        yaxis=plain_axis(theme, about(info.quality).title),
    )
    return figure


def _faint(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.13)"
