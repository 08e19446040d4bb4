"""One knob at a time: a result at each of its values, one small plot per knob."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from credit_viz.errors import SettingsError
from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.style import lane_color
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.tables import Swept, axes_of, check_metric, value_label

__all__ = ["Slice", "SlicesInfo", "draw", "get_info"]

_COLUMNS = 3

Floats = NDArray[np.float64]


class Slice(NamedTuple):
    """One knob of one decoder."""

    axis: str
    decoder: str
    labels: tuple[str, ...]  #: (V,) values in order
    means: Floats  #: (V, 3) mean, low and high


class SlicesInfo(NamedTuple):
    """All slices of a sweep."""

    metric: str
    decoders: tuple[str, ...]
    slices: tuple[Slice, ...]


def get_info(result: Swept, metric: str = "forward_passes") -> SlicesInfo:
    """Means at each value of each knob that varies.

    Raises:
        SettingsError: unknown metric, or nothing varies.
    """
    check_metric(result, metric)
    decoders = [str(name) for name in result.frame["decoder"].unique()]
    slices = []
    for decoder in decoders:
        own = result.where(decoder=decoder)
        for axis in axes_of(own):
            table = own.table([axis], [metric]).sort_values(axis, na_position="first")
            columns = table[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(np.float64, na_value=np.nan)
            slices.append(Slice(axis, decoder, tuple(map(value_label, table[axis])), columns))
    if not slices:
        raise SettingsError("nothing varies in this sweep; valid: a sweep of one knob or more")
    return SlicesInfo(metric, tuple(decoders), tuple(slices))


def draw(info: SlicesInfo, theme: str = "light") -> go.Figure:
    """A panel per knob, a line per decoder."""
    axes = list(dict.fromkeys(part.axis for part in info.slices))
    columns = min(_COLUMNS, len(axes))
    rows = -(-len(axes) // columns)
    figure = make_subplots(rows, columns, shared_yaxes="all", horizontal_spacing=0.04, vertical_spacing=0.2 / rows)
    shown = set()
    for part in info.slices:
        place = axes.index(part.axis)
        at = {"row": place // columns + 1, "col": place % columns + 1}
        lane = info.decoders.index(part.decoder)
        mean, low, high = part.means.T
        figure.add_scatter(
            x=list(part.labels),
            y=mean,
            error_y={"type": "data", "array": high - mean, "arrayminus": mean - low, "thickness": 1, "width": 3},
            mode="lines+markers",
            name=part.decoder,
            legendgroup=part.decoder,
            showlegend=part.decoder not in shown,
            line={"color": lane_color(lane, theme), "width": 2},
            hovertemplate=f"{part.decoder}, {part.axis} %{{x}}: %{{y:.4g}}<extra></extra>",
            **at,
        )
        shown.add(part.decoder)
        figure.update_xaxes(
            plain_axis(theme, part.axis.replace("_", " ")) | {"type": "category", "showgrid": False}, **at
        )
    figure.update_yaxes(plain_axis(theme, ""))
    figure.update_yaxes(title_text=about(info.metric).title, col=1)
    figure.update_layout(**base_layout(theme, "", 60 + 250 * rows), showlegend=True)
    return figure
