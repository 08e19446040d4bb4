"""How much each knob explains of the differences between settings, by Optuna's fANOVA."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from credit_viz.errors import SettingsError
from credit_viz.figures.layout import plain_axis
from credit_viz.figures.style import lane_color
from credit_viz.figures.sweeps.looks import bare_layout
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.studies import study_of
from credit_viz.figures.sweeps.tables import Swept, one_decoder

__all__ = ["ImportanceInfo", "draw", "get_info"]

_SEED = 0  #: of the random forest
_TREES = 32  #: Optuna's 64 take twice as long; shares differ by less than one in a hundred


class ImportanceInfo(NamedTuple):
    """Knobs, the most important first; shares sum to 1."""

    metric: str
    knobs: tuple[str, ...]
    shares: tuple[float, ...]


def get_info(result: Swept, metric: str = "forward_passes", decoder: str | None = None) -> ImportanceInfo:
    """Shares of one decoder's knobs.

    Raises:
        SettingsError: all settings come to the same. SettingsError, BackendError: see `study_of`.
    """
    optuna, study, axes = study_of(one_decoder(result, decoder), metric)
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=_SEED)
    try:
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=axes)
    except RuntimeError:  # without differences
        raise SettingsError(
            f"{about(metric).title} is the same with every setting of this decoder; valid: a result that differs"
        ) from None
    return ImportanceInfo(metric, tuple(found), tuple(float(share) for share in found.values()))


def draw(info: ImportanceInfo, theme: str = "light") -> go.Figure:
    """Bars, the longest on top."""
    figure = go.Figure(
        go.Bar(
            x=info.shares[::-1],
            y=[knob.replace("_", " ") for knob in info.knobs[::-1]],
            orientation="h",
            marker={"color": lane_color(0, theme)},
            texttemplate="%{x:.0%}",
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    title = f"share of the differences<br>in {about(info.metric).title}"  # two lines fit a phone
    figure.update_layout(
        **bare_layout(theme, 96 + 36 * len(info.knobs)),
        xaxis=plain_axis(theme, title) | {"tickformat": ".0%", "range": [0, max(1.0, *info.shares) * 1.08]},
        yaxis=plain_axis(theme, "") | {"showgrid": False},
    )
    return figure
