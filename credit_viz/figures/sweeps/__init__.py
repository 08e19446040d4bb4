"""Figures of sweeps: which knobs matter, and what passes cost in quality. Knows tables of results, no model.

As in the room above, every file holds one figure in two halves: `get_info(result, **options)` has every number that is
drawn, `draw(info, theme)` only draws it. A result is whatever has the tables of `credit_viz.lab.SweepResult`.

Every mark carries in `customdata` the list of settings it stands for, by their numbers in the whole sweep (see
`SweepResult.frame`), also where the result is filtered. A bar of importance stands for a knob and has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from credit_viz.errors import SettingsError, one_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from credit_viz.figures.sweeps.tables import Swept

__all__ = ["SWEEP_FIGURES", "SweepFigure", "draw_info", "draw_sweep", "sweep_info"]


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
            "Mean over all other knobs and all prompts. Interval and number of runs are in the note of a cell.",
            x="a knob or option",
            y="another one",
            metric=_METRIC,
            decoder=_DECODER,
        ),
        "slices": _figure(
            "slices",
            "One knob at a time",
            "What does each knob do by itself?",
            "Mean at each value over all other knobs, with its 95 % interval over prompts.",
            metric=_METRIC,
        ),
        "parallel": _figure(
            "parallel",
            "All at once",
            "Which settings go with which results?",
            "One line per setting; the darker it is (on a dark page, the brighter), the higher the quality.",
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
    """A figure of a sweep by name: `draw_info` of its `sweep_info`."""
    return draw_info(name, sweep_info(name, result, **options), theme)


def sweep_info(name: str, result: Swept, **options: Any) -> Any:
    """Every number that a figure draws, the same in every theme.

    Args:
        options: see `SWEEP_FIGURES[name].options`.

    Raises:
        SettingsError: unknown figure, option, column or knob; or the sweep has too little for it. BackendError: it
            needs Optuna, which is not installed.
    """
    module = _module(name)
    valid = SWEEP_FIGURES[name].options
    for option in options:
        if option not in valid:
            raise SettingsError(one_of(f"option of figure {name!r}", option, valid))
    return module.get_info(result, **options)


def draw_info(name: str, info: Any, theme: str = "light") -> go.Figure:
    """A figure from its `sweep_info`."""
    drawn: go.Figure = _module(name).draw(info, theme)
    return drawn


def _module(name: str) -> ModuleType:
    if name not in SWEEP_FIGURES:
        raise SettingsError(one_of("figure", name, SWEEP_FIGURES))
    return import_module(SWEEP_FIGURES[name].module)
