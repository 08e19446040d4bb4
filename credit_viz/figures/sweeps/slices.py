"""One knob at a time: a result at each of its values, one small plot per knob."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from credit_viz.errors import SettingsError
from credit_viz.figures.labels import counted, safe
from credit_viz.figures.layout import base_layout, plain_axis
from credit_viz.figures.sweeps.looks import scale_of, series
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.metrics import with_interval
from credit_viz.figures.sweeps.tables import UNSET, Swept, axes_of, behind, check_metric, labels_in_order, value_label

__all__ = ["Slice", "SlicesInfo", "draw", "get_info"]

_COLUMNS = 3
_HEIGHT = 230  #: pixels of a panel
_MOST_NAMED = 8  #: values of a knob
_FACTOR = 4  #: between the most and the fewest passes, from which on a scale of factors says more

Floats = NDArray[np.float64]


class Slice(NamedTuple):
    """One knob of one decoder."""

    axis: str
    decoder: str
    labels: tuple[str, ...]  #: (V,) values in order
    means: Floats  #: (V, 3) mean, low and high
    runs: tuple[int, ...]  #: (V,)
    numbers: tuple[tuple[int, ...], ...]  #: (V,) settings behind each value


class SlicesInfo(NamedTuple):
    """All slices of a sweep."""

    metric: str
    decoders: tuple[str, ...]
    axes: dict[str, list[str]]  #: values of each knob in order, over all decoders that have it
    slices: tuple[Slice, ...]


def get_info(result: Swept, metric: str = "forward_passes") -> SlicesInfo:
    """Means at each value of each knob that varies.

    Raises:
        SettingsError: unknown metric, or nothing varies.
    """
    check_metric(result, metric)
    decoders = [str(name) for name in result.settings["decoder"].unique()]
    slices = [
        _slice(own, axis, decoder, metric)
        for decoder, own in ((name, result.where(decoder=name)) for name in decoders)
        for axis in axes_of(own)
    ]
    if not slices:
        raise SettingsError("nothing varies in this sweep; valid: a sweep of one knob or more")
    shown = {axis: {part.decoder for part in slices if part.axis == axis} for axis in result.axes}
    axes = {
        axis: labels_in_order(result.settings.loc[result.settings["decoder"].isin(having), axis])
        for axis, having in shown.items()
        if having
    }
    return SlicesInfo(metric, tuple(decoders), axes, tuple(slices))


def _slice(own: Swept, axis: str, decoder: str, metric: str) -> Slice:
    table = own.table([axis], [metric]).sort_values(axis, na_position="first")
    means = table[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy(np.float64)
    settings, labels = behind(own, [axis]), tuple(map(value_label, table[axis]))
    numbers = tuple(tuple(settings[label,]) for label in labels)
    return Slice(axis, decoder, labels, means, tuple(map(int, table["runs"])), numbers)


def draw(info: SlicesInfo, theme: str = "light") -> go.Figure:
    """A panel per knob, a line per decoder."""
    axes = list(info.axes)
    columns = min(_COLUMNS, len(axes))
    rows = -(-len(axes) // columns)
    figure = make_subplots(rows, columns, shared_yaxes="all", horizontal_spacing=0.04, vertical_spacing=0.2 / rows)
    shown: set[str] = set()
    for part in info.slices:
        row, column = divmod(axes.index(part.axis), columns)
        trace = _line(part, info, theme).update(showlegend=part.decoder not in shown)
        figure.add_trace(trace, row + 1, column + 1)
        shown.add(part.decoder)
    for place, axis in enumerate(axes):
        values = info.axes[axis]
        category = {"type": "category", "showgrid": False, "categoryorder": "array", "categoryarray": values}
        category |= {"tickvals": values[:: -(-len(values) // _MOST_NAMED)]}
        at = {"row": place // columns + 1, "col": place % columns + 1}
        figure.update_xaxes(plain_axis(theme, axis.replace("_", " ")) | category, **at)
    figure.update_yaxes(plain_axis(theme, "") | _scale(info))
    figure.update_yaxes(title_text=about(info.metric).title, col=1)
    figure.update_layout(**base_layout(theme, "", 70 + _HEIGHT * rows), showlegend=True)
    return figure


def _scale(info: SlicesInfo) -> dict[str, Any]:
    """Passes of different decoders differ by factors."""
    means = np.concatenate([part.means[:, 0] for part in info.slices])
    if info.metric == "forward_passes" and np.nanmax(means) > _FACTOR * np.nanmin(means):
        return {"type": "log", "tickvals": [2**power for power in range(13)]}
    return scale_of(info.metric)


def _line(part: Slice, info: SlicesInfo, theme: str) -> go.Scatter:
    style = series(info.decoders.index(part.decoder), theme)
    mean, low, high = part.means.T
    places = _places(part)

    def at(values: Sequence[Any], gap: Any) -> list[Any]:
        return [gap if place is None else values[place] for place in places]

    return go.Scatter(
        x=at(part.labels, None),
        y=at(mean, np.nan),
        error_y={
            "type": "data",
            "array": at(high - mean, 0),
            "arrayminus": at(mean - low, 0),
            "thickness": 1,
            "width": 3,
        },
        mode="lines+markers",
        name=safe(part.decoder),
        legendgroup=part.decoder,
        line={"color": style.color, "width": 2, "dash": style.dash},
        marker={"color": style.color, "symbol": style.symbol, "size": 7},
        customdata=at([list(numbers) for numbers in part.numbers], None),
        text=at(_hovers(part, info.metric), ""),
        hovertemplate="%{text}<extra></extra>",
    )


def _places(part: Slice) -> list[int | None]:
    """Marks in order: no line leads from a value that is not set to those that are."""
    unset = [place for place, label in enumerate(part.labels) if label == UNSET]
    others: list[int | None] = [place for place, label in enumerate(part.labels) if label != UNSET]
    return [*others, None, *unset] if unset else others


def _hovers(part: Slice, metric: str) -> list[str]:
    return [
        f"{safe(part.decoder)}, {part.axis.replace('_', ' ')} {safe(label)}<br>"
        f"{about(metric).title} {with_interval(metric, *means)}<br>"
        f"{counted(runs, 'run')} of {counted(len(numbers), 'setting')}"
        for label, means, runs, numbers in zip(part.labels, part.means, part.runs, part.numbers, strict=True)
    ]
