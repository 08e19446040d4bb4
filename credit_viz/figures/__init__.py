"""Figures of saved runs. The only room that imports plotly; knows traces and numpy, no torch, no model, no page.

One plot per file, in two halves: `Info(NamedTuple) <- get_info(...)` holds every number that is drawn, and
`draw(info, theme) -> go.Figure` only draws it. Colours, scales and marks come from style.json, which the page reads
too. A new figure is one file, one line in FIGURES and its test.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from credit_viz.errors import SettingsError, one_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from credit_viz.trace.record import Trace

__all__ = ["FIGURES", "Figure", "draw"]


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


def _map(name: str, title: str, question: str, help: str) -> Figure:
    return Figure("credit_viz.figures.heatmap", title, question, help, True, MappingProxyType({"name": name}))


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "waiting": Figure(
            "credit_viz.figures.waiting",
            "Waiting",
            "How long did each token wait?",
            "Each bar runs from the step in which the best guess settled on the final token to the step in which it "
            "was written for good. A dot alone never waited.",
            True,
        ),
        "confidence": _map(
            "confidence",
            "Confidence",
            "How sure was the model?",
            "Probability of the model's best guess at every open position, before any credit.",
        ),
        "fused": _map(
            "fused",
            "Fused confidence",
            "How sure was the decoder?",
            "Probability of the token the decoder would write: confidence, lifted by any Trace Credit.",
        ),
        "credit": _map(
            "credit",
            "Trace Credit",
            "Which guesses kept winning?",
            "Credit of the leading guess in the active block. It grows while the guess keeps winning, and fades.",
        ),
        "boost": _map(
            "boost",
            "Boost",
            "How much did credit lift the leading guess?",
            "What credit adds to the logit of the leading guess, in nats. One nat makes it 2.7 times as likely.",
        ),
        "entropy": _map(
            "entropy",
            "Entropy",
            "How many guesses were in play?",
            "Spread of the model's guesses in nats: 0 when only one is in play, 1.6 for five equal ones.",
        ),
        "flips": _map(
            "flips",
            "Flips",
            "Where did the model change its mind?",
            "A bright cell is a step in which the best guess for a token was another than in the step before.",
        ),
        "difference": Figure(
            "credit_viz.figures.difference",
            "Difference",
            "Where was one lane surer than the other?",
            "Fused confidence of the second run minus that of the first, for the same token at the same step. Where a "
            "cell is grey, they agree; where it is pale, only one of them was still open.",
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
    if name not in FIGURES:
        raise SettingsError(one_of("figure", name, FIGURES))
    figure = FIGURES[name]
    module = import_module(figure.module)
    if not figure.per_run:
        return [module.draw(module.get_info(runs, **figure.options), theme)]
    span = max(trace.forward_passes for trace in runs.values())
    infos = [module.get_info(trace, lane=i, span=span, **figure.options) for i, trace in enumerate(runs.values())]
    return [module.draw(info, theme) for info in infos]
