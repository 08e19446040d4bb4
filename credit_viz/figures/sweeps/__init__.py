"""Figures of sweeps: which knobs matter, and what passes cost in quality. Knows tables of results, no model.

As in the room above, every file holds one figure in two halves: `get_info(result, **options)` has every number that is
drawn, `draw(info, theme)` only draws it. A result is whatever has the tables of `credit_viz.lab.SweepResult`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from credit_viz.errors import SettingsError, one_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from credit_viz.figures.sweeps.tables import Swept

__all__ = ["SWEEP_FIGURES", "SweepFigure", "draw_sweep"]


class SweepFigure(NamedTuple):
    """Where a figure of a sweep is drawn, and what it is for."""

    module: str
    title: str
    question: str
    help: str
    options: Mapping[str, str]  #: keywords of its get_info, with what they mean


def _figure(module: str, title: str, question: str, help: str, **options: str) -> SweepFigure:
    return SweepFigure(f"credit_viz.figures.sweeps.{module}", title, question, help, MappingProxyType(options))


_METRIC = "a column of results; by default the passes"
_DECODER = "one decoder; by default the one with most settings"

SWEEP_FIGURES: Mapping[str, SweepFigure] = MappingProxyType(
    {
        "front": _figure(
            "front",
            "Passes and quality",
            "What do fewer passes cost in quality?",
            "One dot per setting. Each decoder's line joins those of its settings that no other of them beats; the "
            "band is the 95 % interval over prompts.",
            quality="a column of results of which more is better",
        ),
        "heatmap": _figure(
            "heatmap",
            "Two knobs",
            "Where do two knobs work best together?",
            "Mean over all other settings and all prompts. The number of runs behind a cell is in its note.",
            x="a knob or option",
            y="another one",
            metric=_METRIC,
            decoder=_DECODER,
        ),
        "slices": _figure(
            "slices",
            "One knob at a time",
            "What does each knob do by itself?",
            "Mean at each value over all other settings, with its 95 % interval over prompts.",
            metric=_METRIC,
        ),
        "parallel": _figure(
            "parallel",
            "All at once",
            "Which settings go with which results?",
            "One line per setting. Drag along an axis to keep only the lines that pass there.",
            decoder=_DECODER,
        ),
        "importance": _figure(
            "importance",
            "Importance",
            "Which knobs matter?",
            "Share of the differences between settings that each knob explains (fANOVA, computed by Optuna).",
            metric=_METRIC,
            decoder=_DECODER,
        ),
        "contour": _figure(
            "contour",
            "Landscape",
            "What does the landscape of two knobs look like?",
            "Optuna's contour over the settings that were tried; dots are those settings.",
            x="a knob or option",
            y="another one",
            metric=_METRIC,
            decoder=_DECODER,
        ),
    }
)


def draw_sweep(name: str, result: Swept, theme: str = "light", **options: Any) -> go.Figure:
    """A figure of a sweep by name.

    Args:
        options: see `SWEEP_FIGURES[name].options`.

    Raises:
        SettingsError: unknown figure, option, column or knob; or the sweep has too little for it. BackendError: it
            needs Optuna, which is not installed.
    """
    if name not in SWEEP_FIGURES:
        raise SettingsError(one_of("figure", name, SWEEP_FIGURES))
    figure = SWEEP_FIGURES[name]
    for option in options:
        if option not in figure.options:
            raise SettingsError(one_of(f"option of figure {name!r}", option, figure.options))
    module = import_module(figure.module)
    drawn: go.Figure = module.draw(module.get_info(result, **options), theme)
    return drawn
