"""The picture of the study: passes and quality, credit and its control apart. Knows figures and a browser."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from tempfile import TemporaryDirectory

from credit_viz.bench.page.browser import chromium
from credit_viz.figures.sweeps import draw_sweep
from credit_viz.lab.result import SweepResult
from credit_viz.study.scores import NO_HISTORY

__all__ = ["by_family", "write_picture"]

_WIDTH, _HEIGHT, _SHARPNESS = 960, 500, 2


def by_family(result: SweepResult) -> SweepResult:
    """The result with credit's control as a decoder of its own."""
    frame = result.frame.copy()
    control = (frame["decoder"] == "credit") & (frame["beta"] == 0)
    frame.loc[control, "decoder"] = f"credit, {NO_HISTORY}"
    return dataclasses.replace(result, frame=frame)


def write_picture(result: SweepResult, path: Path) -> None:
    """The front as PNG, twice as sharp as it is wide.

    Raises:
        BackendError: no browser, or one that does not start.
    """
    figure = draw_sweep("front", by_family(result), "light")
    # prompts differ more than settings do: bands of this many decoders only hide each other
    figure.data = [trace for trace in figure.data if trace.fill != "toself"]
    figure.update_layout(width=_WIDTH, height=_HEIGHT)
    with TemporaryDirectory() as folder, chromium() as visitors:
        page = Path(folder) / "front.html"
        figure.write_html(page, include_plotlyjs=True, config={"displayModeBar": False})
        with visitors.visit(page.as_uri(), _WIDTH, _HEIGHT, device_scale_factor=_SHARPNESS) as visit:
            visit.page.goto(visit.address)
            drawing = visit.page.locator(".plot-container").first
            drawing.locator(".legend").wait_for()
            drawing.screenshot(path=path)
