"""`credit-viz view FOLDER` in a real Chromium: a sweep of another machine, looked at without a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credit_viz.cli.view import page_of
from credit_viz.lab import InlineCrew, Prompt, SweepResult, sweep
from tests.browser.conftest import Open, serve, snapshot
from tests.browser.lab_pages import backend, lab, lab_with, marks, show, wait_in_lab
from tests.lab.conftest import LabModel, small_plan

__all__ = ["backend"]

pytestmark = pytest.mark.browser

SWEEP = "theirs"
_QUALITY = "document.querySelector('[data-figure={name}] .cv-pic-plot')._fullLayout.yaxis"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve settings on three prompts, none of which is ever answered right."""
    path = tmp_path_factory.mktemp("sweeps") / SWEEP
    prompts = tuple(Prompt(f"p{n}", f"a question {n}", "an answer that it never finds") for n in range(3))
    sweep(small_plan(prompts=prompts), path, InlineCrew(LabModel()))
    return path


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    page, words = page_of((folder,))
    assert words == "1 sweep"
    yield serve(page)
    page.close(verbose=False)


def test_it_opens_at_the_sweep_and_starts_nothing(open_page: Open) -> None:
    page = open_page(finished=False)
    wait_in_lab(page, f"s.sweep === '{SWEEP}' && s.rows === 12")
    page.locator(".cv-lab-title", has_text=SWEEP).wait_for()
    assert snapshot(page)["place"] == "lab"
    sweeps = page.get_by_role("navigation", name="Sweeps")
    assert sweeps.get_by_role("button", name=SWEEP).count() == 1
    assert sweeps.get_by_role("button", name="New sweep").is_hidden()
    assert sweeps.get_by_role("button", name="Remove").count() == 0


def test_a_front_of_nothing_right_stays_within_all_and_nothing(open_page: Open) -> None:
    page = lab_with(open_page, SWEEP)
    assert {row for mark in marks(page, "front") for row in mark.rows} == set(range(12))
    assert_within(page, "front")
    show(page, "slices").locator("[data-option=metric]").select_option(label="exact match")
    page.wait_for_function(f"{_QUALITY.format(name='slices')}.title.text === 'exact match'")
    assert_within(page, "slices")


def assert_within(page: Any, name: str) -> None:
    """A picture's axis of quality shows no less than nothing, and no more than all."""
    show(page, name)
    low, high = page.evaluate(f"{_QUALITY.format(name=name)}.range")
    assert -0.05 <= low < high <= 1.05
    ticks = page.locator(f"[data-figure={name}] .ytick").all_text_contents()
    assert ticks
    assert all(0 <= int(tick.rstrip("%")) <= 100 for tick in ticks)


def test_a_click_lists_the_runs_and_says_why_there_is_no_race(open_page: Open, folder: Path) -> None:
    page = lab_with(open_page, SWEEP)
    mark = next(mark for mark in marks(page, "front") if mark.kind == "dot" and len(mark.rows) == 1)
    page.mouse.click(mark.x, mark.y)
    sheet = page.get_by_role("dialog", name="Runs of a setting")
    sheet.locator("tbody tr").nth(2).wait_for()
    assert "This page has no model to make a run again." in sheet.inner_text()
    result = SweepResult.load(folder)
    shown = [row.locator("td").nth(1).inner_text() for row in sheet.locator("tbody tr").all()]
    rows = {number: sorted(map(str, own["forward_passes"])) for number, own in result.frame.groupby("number")}
    assert sorted(shown) == rows[mark.rows[0]]
    assert sheet.locator("tbody button").count() == 0
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    assert snapshot(page)["place"] == "lab"


def test_report_and_table_can_be_taken_away(open_page: Open, tmp_path: Path) -> None:
    page = lab_with(open_page, SWEEP, accept_downloads=True)
    take = page.get_by_role("group", name="Take away")
    for button, holds in (("Report, HTML", "credit-viz sweep"), ("CSV", "forward_passes")):
        with page.expect_download() as waiting:
            take.get_by_role("button", name=button).click()
        waiting.value.save_as(tmp_path / "file")
        assert holds in (tmp_path / "file").read_text(encoding="utf-8")
    assert lab(page)["error"] == ""
