"""Figures of sweeps: every one is drawn, its numbers are those of the tables, bad input is named."""

from __future__ import annotations

import sys

import numpy as np
import plotly.graph_objects as go
import pytest

from credit_viz import lab
from credit_viz.errors import BackendError, SettingsError
from credit_viz.figures.sweeps import SWEEP_FIGURES, draw_sweep, front, heatmap, importance, parallel, slices
from tests.lab.conftest import LabModel


@pytest.fixture(scope="module")
def result() -> lab.SweepResult:
    plan = lab.Plan(
        arms=(
            lab.Arm("vanilla", {"steps": (2, 4, 8)}),
            lab.Arm("credit", {"alpha": (None, 0.7, 2.0), "threshold": (0.3, 0.6, 0.9)}),
        ),
        prompts=("one", "two", "three"),
        options={"gen_length": 8, "block_length": (4, 8)},
    )
    return lab.sweep(plan, workers=lab.InlineCrew(LabModel()))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", SWEEP_FIGURES)
def test_every_figure_is_drawn(name: str, theme: str, result: lab.SweepResult) -> None:
    figure = draw_sweep(name, result, theme)
    assert isinstance(figure, go.Figure)
    figure.to_json(validate=True)
    assert SWEEP_FIGURES[name].question.endswith("?")


def test_axes_are_what_varies(result: lab.SweepResult) -> None:
    assert result.axes == ["steps", "alpha", "threshold", "block_length"]
    assert result.where(decoder="credit", alpha=None).frame["alpha"].isna().all()
    assert set(result.where(block_length=4).frame["block_length"]) == {4}


def test_the_front_is_of_each_decoder(result: lab.SweepResult) -> None:
    info = front.get_info(result)
    assert info.quality == "token_agreement"
    assert [curve.decoder for curve in sorted(info.curves)] == ["credit", "vanilla"]
    for curve in info.curves:
        table = result.where(decoder=curve.decoder).front("token_agreement")
        best = sorted(zip(curve.passes[curve.best], curve.quality[curve.best, 0], strict=True))
        expected = sorted(zip(table["forward_passes"], table["token_agreement"], strict=True))
        assert np.allclose(best, expected)
        assert (curve.quality[:, 1] <= curve.quality[:, 0] + 1e-12).all()


def test_a_cell_is_the_mean_of_its_runs(result: lab.SweepResult) -> None:
    info = heatmap.get_info(result, x="threshold", y="alpha")
    assert info.means.shape == (3, 3)
    assert "auto" in info.y_values
    frame = result.where(decoder="credit", alpha=0.7, threshold=0.6).frame
    row, column = info.y_values.index("0.7"), info.x_values.index("0.6")
    assert info.means[row, column] == pytest.approx(frame["forward_passes"].mean())
    assert info.runs[row, column] == len(frame) == 6


def test_slices_parallel_and_importance_agree_with_the_table(result: lab.SweepResult) -> None:
    info = slices.get_info(result)
    part = next(p for p in info.slices if p.axis == "threshold")
    frame = result.where(decoder="credit").frame
    assert part.labels == ("0.3", "0.6", "0.9")
    assert part.means[:, 0] == pytest.approx(frame.groupby("threshold")["forward_passes"].mean().to_numpy())
    lines = parallel.get_info(result)
    assert [dimension.name for dimension in lines.dimensions][:3] == ["alpha", "threshold", "block length"]
    assert {len(dimension.values) for dimension in lines.dimensions} == {18}
    assert lines.dimensions[0].words == ("auto", "0.7", "2")
    shares = importance.get_info(result)
    assert set(shares.knobs) == {"alpha", "threshold", "block_length"}
    assert sum(shares.shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("heat", {}, "figure 'heat'"),
        ("heatmap", {"z": "alpha"}, "option of figure 'heatmap' 'z'"),
        ("heatmap", {"x": "gamma"}, "knob or option that varies 'gamma'"),
        ("heatmap", {"x": "alpha", "y": "alpha"}, "'alpha' against itself"),
        ("heatmap", {"metric": "beauty"}, "metric of this sweep 'beauty'"),
        ("slices", {"metric": "exact_match"}, "metric of this sweep 'exact_match'"),
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
    plan = lab.Plan(arms=(lab.Arm("vanilla"),), prompts=("one",), options={"gen_length": 8, "block_length": 8})
    alone = lab.sweep(plan, workers=lab.InlineCrew(LabModel()))
    assert isinstance(draw_sweep("front", alone), go.Figure)
    for name in ("heatmap", "slices", "importance", "contour"):
        with pytest.raises(SettingsError, match="valid: a sweep of"):
            draw_sweep(name, alone)
