"""No figure raises, whatever the run; colours and axes are the same in all runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import pytest

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RECORD_MODES, RunOptions
from credit_viz.errors import SettingsError
from credit_viz.figures import all_figures, draw, heatmap
from credit_viz.figures.layout import ticks_of_steps
from credit_viz.run import Race
from credit_viz.trace.record import Trace
from tests.rewriting import Fickle
from tests.support import MASK_DECODERS, MockModel, run, trace_of

HOSTILE = ("<img src=x onerror=pwn()>", "${x}", "{{x}}", "\ud800", "\x1b[2J", "%{customdata}", "</script>", "\n")


def one(decoder: str, **options: object) -> Trace:
    """A short run of a decoder at its defaults."""
    model = MockModel(texts=lambda i: HOSTILE[i % len(HOSTILE)])
    return run(model, make_decoder(decoder), gen_length=12, block_length=4, **options)


def unfinished() -> Trace:
    """A run cancelled after two steps."""
    race = Race.start(MockModel(), [make_decoder("vanilla")], RunOptions(8, 4), prompt_ids=(1, 2))
    steps = race.steps()
    next(steps)
    next(steps)
    steps.close()
    return race.trace(0)


ODD: Mapping[str, Trace] = {
    "unfinished": unfinished(),
    "no step": trace_of([], []),
    "no write": trace_of([{0: 1}], []),
    "rewritten": run(MockModel(seed=3), Fickle(), gen_length=12, block_length=4),
    "given": run(MockModel(), Fickle(), fixed={0: 3, 11: 1}, gen_length=12, block_length=4),
}
RUNS = {name: one(name) for name in MASK_DECODERS} | {
    f"record {mode}": one("credit", record=mode) for mode in RECORD_MODES
}


@pytest.mark.parametrize("name", all_figures())
@pytest.mark.parametrize("label", [*RUNS, *ODD, "one candidate", "long"])
def test_no_figure_raises(name: str, label: str) -> None:
    extra = {"one candidate": lambda: one("credit", top_k=1), "long": _long}
    trace = extra[label]() if label in extra else {**RUNS, **ODD}[label]
    for figure in draw(name, {label: trace}, "dark"):
        assert isinstance(figure, go.Figure)
        figure.to_json(validate=True)


def _long() -> Trace:
    """More positions than can be named."""
    return trace_of([dict.fromkeys(range(100), 1)], [(1, i, 1) for i in range(100)], gen_length=100, block_length=50)


@pytest.mark.parametrize("name", all_figures())
def test_all_runs_side_by_side(name: str) -> None:
    figures = draw(name, RUNS)
    assert len(figures) == (len(RUNS) if all_figures()[name].per_run else 1)
    ranges = {tuple(figure.layout.xaxis.range) for figure in figures if all_figures()[name].per_run}
    assert len(ranges) <= 1, "runs side by side share the step axis"


@pytest.mark.parametrize("name", [name for name in all_figures() if all_figures()[name].per_run])
def test_colour_scales_do_not_depend_on_the_run(name: str) -> None:
    maps = [figure.data[0] for figure in draw(name, RUNS)]
    assert len({(one.zmin, one.zmax, one.colorscale) for one in maps}) == 1
    assert all(one.z.dtype == np.float32 for one in maps)


def test_unknown_figure_lists_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match="waiting"):
        draw("nope", RUNS)


def test_data_does_not_depend_on_the_theme() -> None:
    info = heatmap.get_info(RUNS["credit"], "credit")
    light, dark = (heatmap.draw(info, theme) for theme in ("light", "dark"))
    np.testing.assert_array_equal(light.data[0].z, dark.data[0].z)
    assert light.layout.paper_bgcolor != dark.layout.paper_bgcolor


def test_labels_hold_no_markup_of_tokens() -> None:
    for figure in draw("confidence", {"credit": RUNS["credit"]}):
        texts = [*figure.layout.yaxis.ticktext, *(text for row in figure.data[0].text for text in row)]
        assert not any("<" in text or "$" in text or "\x1b" in text for text in texts)


@pytest.mark.parametrize(
    ("span", "ticks"),
    [(0, [1]), (1, [1]), (5, [1, 2, 3, 4, 5]), (10, [1, 2, 4, 6, 8, 10]), (64, [1, 10, 20, 30, 40, 50, 60])],
)
def test_ticks_are_whole_steps_from_1(span: int, ticks: list[int]) -> None:
    assert ticks_of_steps(span) == ticks


def test_ticks_stay_few() -> None:
    assert all(len(ticks_of_steps(span)) <= 10 for span in range(1, 5000))
