"""Figures of sweeps: every one is drawn, its numbers are those of the runs, every mark knows its settings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from credit_viz import lab
from credit_viz.errors import BackendError, SettingsError
from credit_viz.figures.sweeps import SWEEP_FIGURES, contour, draw_sweep, front, importance, parallel, slices
from credit_viz.figures.sweeps.choices import choices_of
from credit_viz.figures.sweeps.metrics import metric, with_interval
from credit_viz.figures.sweeps.tables import settings_table
from tests.lab.made import made_plan, made_result

MARKED = ("front", "heatmap", "slices", "parallel", "contour")  #: importance is of knobs, not of settings


@pytest.fixture(scope="module")
def result() -> lab.SweepResult:
    return made_result(fail=0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SWEEP_FIGURES)
def test_every_figure_is_drawn(name: str, theme: str, result: lab.SweepResult) -> None:
    figure = draw_sweep(name, result, theme)
    assert isinstance(figure, go.Figure)
    figure.to_json(validate=True)
    assert SWEEP_FIGURES[name].question.endswith("?")


def by_hand(result: lab.SweepResult, numbers: list[int], name: str) -> float:
    """Mean over prompts of the means over a prompt's runs of these settings."""
    own = result.frame[result.frame["number"].isin(numbers)]
    return float(own.groupby("prompt")[name].mean().mean())


@pytest.mark.parametrize("kept", [{}, {"block_length": 8, "prompt": ["p1", "p2", "p4"]}], ids=["whole", "filtered"])
def test_the_front_by_hand(result: lab.SweepResult, kept: dict[str, Any]) -> None:
    shown = result.where(**kept)
    dots = [trace for trace in draw_sweep("front", shown).data if trace.customdata is not None]
    seen = []
    for trace in dots:
        for (number,), x, y, text in zip(trace.customdata, trace.x, trace.y, trace.text, strict=True):
            assert x == pytest.approx(by_hand(shown, [number], "forward_passes"))
            assert y == pytest.approx(by_hand(shown, [number], "exact_match"))
            own = shown.frame[shown.frame["number"] == number]
            assert text.startswith(own["setting"].iloc[0])
            assert text.endswith(f"{len(own)} runs")
            seen.append(number)
    assert sorted(seen) == sorted(set(shown.frame["number"])), "every setting once"


@pytest.mark.parametrize("kept", [{}, {"block_length": 8, "prompt": ["p1", "p2", "p4"]}], ids=["whole", "filtered"])
@pytest.mark.parametrize("name", ["forward_passes", "tokens_per_forward", "content_tokens_per_forward", "exact_match"])
def test_cells_and_slices_by_hand(result: lab.SweepResult, kept: dict[str, Any], name: str) -> None:
    shown = result.where(**kept)
    credit = shown.where(decoder="credit")
    (cells,) = draw_sweep("heatmap", shown, x="threshold", y="alpha", metric=name).data
    for row, y in enumerate(cells.y):
        for column, x in enumerate(cells.x):
            numbers = cells.customdata[row][column]
            assert cells.z[row][column] == pytest.approx(by_hand(credit, numbers, name))
            own = credit.where(threshold=float(x), alpha=None if y == "auto" else float(y)).frame
            assert numbers == sorted(set(own["number"]))
            assert f"{len(own)} runs of {len(numbers)} setting" in cells.hovertext[row][column]
    panels = draw_sweep("slices", shown, metric=name).data
    for trace in panels:
        own = shown.where(decoder=trace.name)
        marks = [mark for mark in zip(trace.customdata, trace.x, trace.y, strict=True) if mark[0] is not None]
        assert sorted(n for numbers, _, _ in marks for n in numbers) == sorted(set(own.frame["number"]))
        for numbers, _, y in marks:
            assert y == pytest.approx(by_hand(own, numbers, name))
        if "auto" in trace.x:
            assert (trace.x[-2:], trace.customdata[-2]) == ((None, "auto"), None), "no line leads there"
    assert {trace.name for trace in panels} == {"vanilla", "credit", "threshold"}


@pytest.mark.parametrize("kept", [{}, {"block_length": 8, "prompt": ["p1", "p2", "p4"]}], ids=["whole", "filtered"])
def test_lines_by_hand(result: lab.SweepResult, kept: dict[str, Any]) -> None:
    shown = result.where(**kept).where(decoder="credit")
    figure = draw_sweep("parallel", shown)
    names = [axis.name for axis in parallel.get_info(shown).axes]
    assert names[-3:] == ["forward passes", "mean wait (steps)", "exact match"]
    heights: dict[int, dict[int, float]] = {}
    for trace in figure.data:
        assert trace.type == "scatter", "nothing here needs WebGL"
        for numbers, x, y in zip(trace.customdata, trace.x, trace.y, strict=True):
            if numbers is None:
                assert np.isnan(x)
                assert np.isnan(y)
            else:
                heights.setdefault(int(x), {})[numbers[0]] = y
    assert set(heights) == set(range(len(names)))
    for place, name in enumerate(("forward_passes", "mean_wait", "exact_match"), len(names) - 3):
        means = {number: by_hand(shown, [number], name) for number in set(shown.frame["number"])}
        low, high = min(means.values()), max(means.values())
        assert heights[place] == pytest.approx({n: (mean - low) / (high - low) for n, mean in means.items()})
    by_knob = shown.frame.drop_duplicates("number").set_index("number")["threshold"]
    steps = {0.3: 0, 0.6: 0.5, 0.9: 1}
    assert all(
        abs(height - steps[by_knob[n]]) <= 0.025 + 1e-9 for n, height in heights[names.index("threshold")].items()
    )


def test_dots_of_the_contour_by_hand(result: lab.SweepResult) -> None:
    *drawn, dots = draw_sweep("contour", result, x="threshold", y="alpha", metric="mean_wait").data
    assert [trace.type for trace in drawn] == ["contour"]
    credit = result.where(decoder="credit")
    info = contour.get_info(result, "threshold", "alpha", "mean_wait")
    assert (info.x, info.y) == ("alpha", "threshold"), "in the order of the alphabet, as Optuna has them"
    for numbers, x, y, mean in zip(dots.customdata, dots.x, dots.y, info.means[:, 0], strict=True):
        own = credit.where(alpha=None if x == "auto" else float(x), threshold=y).frame
        assert numbers == sorted(set(own["number"]))
        assert mean == pytest.approx(by_hand(credit, numbers, "mean_wait"))
    # Optuna's grid has a line for each value of its axes
    assert {str(value) for value in dots.x} <= {str(value) for value in drawn[0].x}
    assert set(dots.y) <= set(drawn[0].y)


@pytest.mark.parametrize("name", SWEEP_FIGURES)
def test_every_mark_of_every_figure_stands_for_settings(name: str, result: lab.SweepResult) -> None:
    kept = result.where(block_length=8)
    known = set(kept.frame["number"])
    found = [n for trace in draw_sweep(name, kept).data for n in numbers_in(trace.customdata)]
    assert set(found) <= known
    assert bool(found) == (name in MARKED)


def numbers_in(data: Any) -> Iterator[int]:
    """Whole numbers of nested lists."""
    if isinstance(data, (list, tuple, np.ndarray)):
        for part in data:
            yield from numbers_in(part)
    elif data is not None:
        assert isinstance(data, (int, np.integer))
        yield int(data)


def test_axes_are_what_varies(result: lab.SweepResult) -> None:
    assert result.axes == ["steps", "alpha", "threshold", "block_length"]
    assert result.where(decoder="credit", alpha=None).frame["alpha"].isna().all()
    assert set(result.where(block_length=4).frame["block_length"]) == {4}


def test_the_front_is_of_each_decoder(result: lab.SweepResult) -> None:
    info = front.get_info(result)
    assert info.quality == "exact_match"
    assert [curve.decoder for curve in info.curves] == ["vanilla", "credit", "threshold"]
    for curve in info.curves:
        table = result.where(decoder=curve.decoder).front("exact_match", ["setting", "block_length"])
        best = sorted(zip(curve.passes[curve.best, 0], curve.quality[curve.best, 0], strict=True))
        expected = sorted(zip(table["forward_passes"], table["exact_match"], strict=True))
        assert np.allclose(best, expected)
        assert (curve.quality[:, 1] <= curve.quality[:, 0] + 1e-12).all()
    named = [trace.name for trace in draw_sweep("front", result).data if trace.showlegend is not False]
    assert named == ["vanilla", "credit", "threshold"], "each once in the legend"


@pytest.mark.parametrize("right", [0, 1])
def test_shares_that_are_all_equal_stay_between_nothing_and_all(right: int) -> None:
    whole = made_result()
    whole.frame["exact_match"] = right
    for name in ("front", "slices"):
        axis = draw_sweep(name, whole, **({"metric": "exact_match"} if name == "slices" else {})).layout.yaxis
        assert (axis.autorangeoptions.clipmin, axis.autorangeoptions.clipmax) == pytest.approx((0, 1), abs=0.05)
    for name in ("heatmap", "contour"):
        cells = draw_sweep(name, whole, metric="exact_match").data[0]
        assert (cells.zmin, cells.zmax) == (0, 1)
    with pytest.raises(SettingsError, match="exact match is the same with every setting of this decoder; valid: a"):
        draw_sweep("importance", whole, metric="exact_match")
    assert draw_sweep("heatmap", made_result(), metric="exact_match").data[0].zmin is None
    assert draw_sweep("slices", whole, metric="mean_wait").layout.yaxis.autorangeoptions.clipmin is None


def test_slices_of_decoders_share_a_panel_in_order(result: lab.SweepResult) -> None:
    info = slices.get_info(result)
    assert info.axes["threshold"] == ["0.3", "0.45", "0.6", "0.9"]
    assert info.axes["alpha"] == ["auto", "0.7", "2"]
    assert {part.decoder for part in info.slices if part.axis == "threshold"} == {"credit", "threshold"}
    figure = draw_sweep("slices", result)
    orders = [axis.categoryarray for axis in figure.select_xaxes()]
    assert ("0.3", "0.45", "0.6", "0.9") in orders


def test_a_knob_with_many_values_lies_on_a_scale() -> None:
    values = tuple(round(0.3 + 0.05 * n, 2) for n in range(13))
    plan = made_plan(arms=(lab.Arm("threshold", {"threshold": values}),))
    axis = parallel.get_info(made_result(plan)).axes[0]
    assert (axis.heights.min(), axis.heights.max()) == (0, 1)
    assert len(axis.ticks) < 8
    for height, label in axis.ticks:
        assert height == pytest.approx((float(label) - 0.3) / 0.6)


def test_importance_is_of_knobs(result: lab.SweepResult) -> None:
    shares = importance.get_info(result)
    assert set(shares.knobs) == {"alpha", "threshold", "block_length"}
    assert sum(shares.shares) == pytest.approx(1)


def test_the_table_of_settings_is_in_the_order_of_numbers(result: lab.SweepResult) -> None:
    table = settings_table(result, ["forward_passes"])
    assert table["number"].tolist() == list(range(28))
    assert table["name"].iloc[0] == "vanilla steps=4, block length 4"
    shuffled = lab.SweepResult(result.manifest, result.frame.sample(frac=1, random_state=0))
    other = settings_table(shuffled, ["forward_passes"])
    pd.testing.assert_frame_equal(other[table.columns[:8]], table[table.columns[:8]])
    assert settings_table(result.where(block_length=8), [])["name"].iloc[0] == "vanilla steps=4"


def test_choices_are_valid_and_complete(result: lab.SweepResult) -> None:
    options = list(SWEEP_FIGURES["heatmap"].options)
    choices = choices_of(result, options, {})
    assert choices.options == {"x": "alpha", "y": "threshold", "metric": "forward_passes", "decoder": "credit"}
    assert choices.valid["x"] == choices.valid["y"] == ["alpha", "threshold", "block_length"]
    assert choices.valid["decoder"] == ["vanilla", "credit", "threshold"]
    assert {"forward_passes", "tokens_per_forward", "content_tokens_per_forward", "exact_match", "mean_wait"} < set(
        choices.valid["metric"]
    )
    for x, y in (("block_length", "alpha"), ("threshold", "threshold"), ("alpha", "nonsense"), (None, "alpha")):
        told = choices_of(result, options, {"x": x, "y": y}).options
        assert told["x"] != told["y"]
        assert x is None or told["x"] == x
        draw_sweep("heatmap", result, **told)
    other = choices_of(result, options, {"decoder": "threshold", "x": "alpha", "metric": "beauty"})
    assert other.options == {
        "x": "threshold",
        "y": "block_length",
        "metric": "forward_passes",
        "decoder": "threshold",
    }
    assert choices_of(result, ["quality"], {}).valid["quality"] == ["exact_match"]


@pytest.mark.parametrize(
    ("name", "numbers", "text"),
    [
        ("exact_match", (0.94, 0.9, 0.97), "94 % [90, 97]"),
        ("exact_match", (0.996, 0.99, 1.0), "99.6 % [99, 100]"),
        ("token_agreement", (0.004, 0.0001, 0.9997), "0.4 % [0.1, 99.9]"),
        ("forward_passes", (9.3, 8.92, 10.04), "9.30 [8.92, 10.0]"),
        ("redundant_guesses", (129.4, 90.0, 171.0), "129 [90.0, 171]"),
        ("mean_wait", (1.5, np.nan, np.nan), "1.50"),
        ("mean_wait", (np.nan, np.nan, np.nan), "–"),
    ],
)
def test_numbers_for_people(name: str, numbers: tuple[float, float, float], text: str) -> None:
    assert with_interval(name, *numbers) == text


def test_every_metric_has_a_name_for_people() -> None:
    for name in lab.result.METRICS:
        assert metric(name).unit, "known"
        assert metric(name).better in ("more", "less", None)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("heat", {}, "figure 'heat'"),
        ("heatmap", {"z": "alpha"}, "option of figure 'heatmap' 'z'"),
        ("heatmap", {"x": "gamma"}, "knob or option that varies 'gamma'"),
        ("heatmap", {"x": "alpha", "y": "alpha"}, "'alpha' against itself"),
        ("heatmap", {"metric": "beauty"}, "metric of this sweep 'beauty'"),
        ("slices", {"metric": "log_likelihood"}, "metric of this sweep 'log_likelihood'"),
        ("parallel", {"decoder": "wino"}, "decoder of this sweep 'wino'"),
        ("contour", {"decoder": "vanilla", "x": "alpha"}, "'alpha'"),
    ],
)
def test_bad_input_is_named(name: str, options: dict[str, str], message: str, result: lab.SweepResult) -> None:
    with pytest.raises(SettingsError, match=message):
        draw_sweep(name, result, **options)


def test_without_optuna(result: lab.SweepResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BackendError, match=r"pip install -e '\.\[lab\]'"):
        draw_sweep("importance", result)


def test_a_sweep_of_one_setting() -> None:
    plan = made_plan(arms=(lab.Arm("vanilla"),), options={"gen_length": 8, "block_length": 8})
    alone = made_result(plan)
    assert isinstance(draw_sweep("front", alone), go.Figure)
    assert isinstance(draw_sweep("parallel", alone), go.Figure)
    for name in ("heatmap", "slices", "importance", "contour"):
        with pytest.raises(SettingsError, match="valid: a sweep of"):
            draw_sweep(name, alone)


def test_a_sweep_in_which_every_run_failed() -> None:
    failed = made_result(fail=1.0)
    for name in SWEEP_FIGURES:
        with pytest.raises(SettingsError, match=r"valid: |nothing says how good"):
            draw_sweep(name, failed)
