"""Figures of saved runs. The only room that imports plotly; knows traces and numpy, no torch, no model, no page.

One plot per file, in two halves: `Info(NamedTuple) <- get_info(...)` holds every number that is drawn, and
`draw(info, theme) -> go.Figure` only draws it. Colours, scales and marks come from style.json, which the page reads
too, and so do the words of the maps. A new figure is one file, one entry in `all_figures` and its test.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from credit_viz.errors import SettingsError, one_of
from credit_viz.figures.style import map_words

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from credit_viz.trace.record import Trace

__all__ = ["Figure", "all_figures", "draw"]


class Figure(NamedTuple):
    """Where a figure is drawn, and what it is for.

    `per_run` figures are drawn once for each run on the same axes (`get_info(trace, lane=, span=, **options)`), the
    others once for all runs (`get_info(runs, **options)`).
    """

    module: str
    title: str
    question: str
    help: str
    per_run: bool
    options: Mapping[str, Any] = MappingProxyType({})


@cache
def all_figures() -> Mapping[str, Figure]:
    """Every figure by name: first the maps, with the page's words, then those that only compare runs."""
    return MappingProxyType({**_maps(), **_COMPARISONS})


def _maps() -> dict[str, Figure]:
    statistics = ("confidence", "fused", "credit", "boost", "entropy", "flips")
    heatmaps = {name: _map("heatmap", name, True, {"name": name}) for name in statistics}
    return {
        "waiting": _map("waiting", "waiting", True),
        **heatmaps,
        "difference": _map("difference", "difference", False),
    }


def _map(module: str, name: str, per_run: bool, options: Mapping[str, Any] = MappingProxyType({})) -> Figure:
    return Figure(f"credit_viz.figures.{module}", *map_words(name), per_run, options)


_COMPARISONS: Mapping[str, Figure] = MappingProxyType(
    {
        "reasons": Figure(
            "credit_viz.figures.reasons",
            "Reasons",
            "Why fewer passes?",
            "Tokens by the reason they were written for; every token counts once, for its last write. What credit "
            "wrote is a lower bar or memory: only the same run without history (β 0) tells which.",
            False,
        ),
        "wait_histogram": Figure(
            "credit_viz.figures.wait_histogram",
            "Waits",
            "How many tokens waited how long?",
            "Tokens of the text by the steps from settled to written; end-of-text padding is not counted.",
            False,
        ),
        "position": Figure(
            "credit_viz.figures.position",
            "One token",
            "How did the token that waited longest come about?",
            "Solid: the model's confidence. Dashed: lifted by credit. Dotted: the bar, the confidence that would have "
            "been enough in each step; credit makes it fall. Dash-dotted: another score, where that is compared.",
            False,
        ),
        "settled_written": Figure(
            "credit_viz.figures.settled_written",
            "Settled and written",
            "Which tokens had to wait?",
            "One dot per token of the text. On the diagonal a token was written in the step in which it settled; the "
            "higher above it, the longer it waited. Larger dots are several tokens.",
            False,
        ),
        "order": Figure(
            "credit_viz.figures.order",
            "Order",
            "In which order was the text written?",
            "Every token of the text in its place; the stronger its colour, the earlier it was written in its run. An "
            "island is text that began away from everything written before.",
            False,
        ),
        "decoding_step": Figure(
            "credit_viz.figures.decoding_step",
            "Decoding step",
            "When could each part of the text have been written, and when was it?",
            "Solid: mean step in which tokens were written. Dashed: mean step in which they had settled, the earliest "
            "that was possible. Means over the tokens of these runs in equal parts of the text; nothing else is "
            "smoothed. After Fig. 1 of the paper.",
            False,
        ),
    }
)


def draw(name: str, runs: Mapping[str, Trace], theme: str = "light") -> list[go.Figure]:
    """A figure by name: one per run, in order, or a single one for all runs.

    Args:
        runs: traces by their names for people. Runs side by side share the step axis and all colour scales.
        theme: "light" or "dark".

    Raises:
        SettingsError: unknown figure.
    """
    figures = all_figures()
    if name not in figures:
        raise SettingsError(one_of("figure", name, figures))
    figure = figures[name]
    module = import_module(figure.module)
    if not figure.per_run:
        return [module.draw(module.get_info(runs, **figure.options), theme)]
    span = max(trace.forward_passes for trace in runs.values())
    infos = [module.get_info(trace, lane=i, span=span, **figure.options) for i, trace in enumerate(runs.values())]
    return [module.draw(info, theme) for info in infos]
