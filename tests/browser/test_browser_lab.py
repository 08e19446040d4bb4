"""The lab in a real Chromium, on the embedded model: a new sweep, its pictures, the race behind a mark, and back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from credit_viz.decoding import make_decoder
from credit_viz.lab import Arm, InlineCrew, Plan, SweepResult, sweep
from credit_viz.models.base import DiffusionLM
from credit_viz.web.laboratory import Laboratory
from tests.browser.conftest import Open, serious_violations, snapshot, wait_for
from tests.browser.lab_pages import (
    GRID,
    Mark,
    cancel,
    drag,
    grid_plan,
    lab,
    lab_with,
    marks,
    raced,
    start,
    strip_of,
    wait_in_lab,
)
from tests.browser.lab_pages import address as address
from tests.browser.lab_pages import backend as backend
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model
from tests.lab.conftest import LabModel

pytestmark = pytest.mark.browser

SLOW = 240_000  #: milliseconds that a sweep may take to begin
FOREIGN = "foreign"  #: a sweep of another model
MANY = 190  #: prompts of a sweep that goes on until it is stopped
#: a sweep says how far it is, as long as it is on its way.
_PROGRESS = """
() => {
  const { status } = window.creditViz.lab();
  const words = document.querySelector(".cv-lab-progress-words").textContent;
  return status && (status.state === "done" || (status.done > 0 && words.startsWith(`${status.done} of 100 runs`)));
}
"""
_IN_SIGHT = """
() => {
  const { top, bottom } = document.querySelector(".cv-trail").getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}
"""


@pytest.fixture(scope="module")
def folder(model: DiffusionLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded sweep, and one of another model."""
    path = tmp_path_factory.mktemp("sweeps")
    sweep(grid_plan(), path / GRID, InlineCrew(model))
    other = Plan(
        (Arm("vanilla"), Arm("threshold", {"threshold": (0.1, 0.2)})), ("one", "two"), options={"gen_length": 32}
    )
    sweep(other, path / FOREIGN, InlineCrew(LabModel()))
    return path


def dots(page: Any, count: int) -> list[Mark]:
    """The front's marks, of so many settings."""
    found = [mark for mark in marks(page, "front") if mark.kind == "dot"]
    assert len(found) == count
    return found


def drag_around(page: Any, chosen: list[Mark]) -> None:
    """Draw a box around marks."""
    left, right = (pick(mark.x for mark in chosen) for pick in (min, max))
    top, bottom = (pick(mark.y for mark in chosen) for pick in (min, max))
    drag(page, (left - 8, top - 8), ((left + right) / 2, (top + bottom) / 2), (right + 8, bottom + 8))


def cell_of(page: Any, result: SweepResult, **values: Any) -> tuple[dict[str, float], int]:
    """Where the heatmap shows one credit setting, read off its axes; and the setting's number."""
    number = int(result.where(decoder="credit", **values).frame["number"].iloc[0])
    cells = [mark for mark in marks(page, "heatmap") if mark.kind == "cell" and number in mark.rows]
    assert len(cells) == 1
    across, up = (page.locator(f"[data-figure=heatmap] .{letter}title").text_content() for letter in "xy")
    labels = [
        page.locator(f"[data-figure=heatmap] .{letter}tick", has_text=re.compile(f"^{values[knob]}$"))
        for letter, knob in (("x", across), ("y", up))
    ]
    ticks = [label.bounding_box() for label in labels]
    place = {"x": ticks[0]["x"] + ticks[0]["width"] / 2, "y": ticks[1]["y"] + ticks[1]["height"] / 2}
    assert abs(cells[0].x - place["x"]) < 6
    assert abs(cells[0].y - place["y"]) < 6
    return place, number


def assert_race_is(page: Any, result: SweepResult, number: int, prompt: str) -> None:
    """Prompt, lanes, their settings and their passes are those of the sweep."""
    row = result.where(number=number, prompt=prompt).frame.iloc[0]
    texts = {each.id: each.text for each in result.plan.all_prompts}
    raced(page)
    shown = snapshot(page)
    assert page.input_value("#prompt textarea") == texts[prompt]
    chosen = result.plan.settings[[setting.content for setting in result.plan.settings].index(_content(result, row))]
    assert [lane["decoder"] for lane in shown["next"]] == ["vanilla", chosen.decoder]
    assert make_decoder(chosen.decoder, shown["next"][1]["settings"]).settings.to_dict() == dict(chosen.values)
    vanilla = result.where(setting="vanilla", prompt=prompt).frame.iloc[0]
    assert [lane["steps"] for lane in shown["lanes"]] == [vanilla["forward_passes"], row["forward_passes"]]
    assert f"{vanilla['forward_passes']} and {row['forward_passes']} passes, as in the sweep" in strip_of(page)
    assert ("right there" if row["exact_match"] else "wrong there") in strip_of(page)


def _content(result: SweepResult, row: Any) -> str:
    return {name: content for content, name in result.plan.names().items()}[row["setting"]]


def test_a_sweep_from_the_form_to_the_race_and_back(open_page: Open, laboratory: Laboratory) -> None:
    page = open_page()
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_in_lab(page, "s.sweeps?.length === 2 && s.rows !== null")
    own = start(page, "Mine", prompts=4)
    page.wait_for_function(_PROGRESS, timeout=SLOW)  # the workers load first
    wait_in_lab(page, "s.rows > 0")
    assert parse_qs(urlparse(page.url).query)["at"] == ["lab"]
    wait_in_lab(page, "s.status?.state === 'done' && s.rows === 25 && s.counted === 100", 240)
    result = laboratory.result(own)
    assert len(result.frame) == 100
    assert result.missing == 0
    page.locator(".cv-lab-title", has_text="Mine").wait_for()

    # brush the quickest settings on the front, keep only those, and filter
    credit = [mark for mark in dots(page, 25) if mark.rows != [0]]
    quick = sorted(credit, key=lambda mark: mark.x)[:6]
    drag_around(page, quick)
    brushed = lab(page)["brushed"]
    assert {row for mark in quick for row in mark.rows} <= set(brushed)
    assert len(brushed) < 24
    line = page.locator(".cv-pic-brushed").inner_text()
    assert f"{len(brushed)} of 25 settings brushed" in line
    page.get_by_role("button", name="Keep only these").click()
    wait_in_lab(page, f"s.rows === {len(brushed)} && s.brushed === null")
    assert lab(page)["filters"]["rows"] == brushed
    page.get_by_role("button", name="Show all").click()
    wait_in_lab(page, "s.rows === 25")
    page.get_by_role("button", name="CreditDecoding", exact=True).click()
    wait_in_lab(page, "s.rows === 24")
    drag_around(page, [mark for mark in dots(page, 24) if mark.rows[0] in brushed])
    again = lab(page)["brushed"]
    assert set(brushed) <= set(again)

    # a cell opens its run in the race, with everything set
    cell, number = cell_of(page, result, alpha=0.4, threshold=0.9)
    scrolled = page.evaluate("scrollY")
    page.mouse.click(cell["x"], cell["y"])
    raced(page)
    runs = result.where(number=number).frame.sort_values(
        ["exact_match", "forward_passes"], ascending=[True, False], kind="stable"
    )
    first, second = runs["prompt"].iloc[:2]
    assert_race_is(page, result, number, first)
    assert f"on {first}" in strip_of(page)
    assert "Prompt 1 of 4" in strip_of(page)
    assert page.get_by_role("button", name="Previous prompt").is_disabled()
    before = snapshot(page)["run"]
    page.get_by_role("button", name="Next prompt").click()
    wait_for(page, f"s.run !== '{before}'")
    assert_race_is(page, result, number, second)

    # back to the lab: nothing there has changed
    page.get_by_role("button", name="Back to the lab").click()
    wait_for(page, "s.place === 'lab'")
    there = lab(page)
    assert (there["sweep"], there["brushed"], there["rows"]) == (own, again, 24)
    assert there["filters"]["columns"] == {"decoder": ["credit"]}
    assert abs(page.evaluate("scrollY") - scrolled) < 2
    page.go_back()
    wait_for(page, "s.place === 'race'")
    page.locator(".cv-trail").wait_for()


def test_a_cell_of_several_settings_walks_through_them(open_page: Open, laboratory: Laboratory) -> None:
    page = lab_with(open_page, GRID)
    result = laboratory.result(GRID)
    chosen = next(mark for mark in marks(page, "slices") if len(mark.rows) > 1)
    page.mouse.click(chosen.x, chosen.y)
    raced(page)
    assert f"Setting 1 of {len(chosen.rows)} of this mark" in strip_of(page)
    before = snapshot(page)["run"]
    prompt = re.search(r" on (\S+) ", strip_of(page)).group(1)  # type: ignore[union-attr]
    page.get_by_role("button", name="Next setting").click()
    wait_for(page, f"s.run !== '{before}'")
    assert_race_is(page, result, chosen.rows[1], prompt)


def test_the_link_of_a_run_brings_its_strip_along(open_page: Open, laboratory: Laboratory, address: str) -> None:
    page = lab_with(open_page, GRID)
    result = laboratory.result(GRID)
    cell, number = cell_of(page, result, alpha=0.5, threshold=0.6)
    page.mouse.click(cell["x"], cell["y"])
    raced(page)
    page.wait_for_function("location.search.includes('row=')")
    link = page.url
    assert parse_qs(urlparse(link).query)["sweep"] == [GRID]
    here = strip_of(page)
    there = open_page(finished=False, at=link.removeprefix(address))
    raced(there)
    assert strip_of(there) == here
    assert snapshot(there)["lanes"] == snapshot(page)["lanes"]
    there.keyboard.press("n")
    there.locator(".cv-trail", has_text="Prompt 2 of 6").wait_for()
    raced(there)
    there.get_by_role("button", name="All runs of this setting").click()
    sheet = there.locator("dialog.cv-runs")
    sheet.wait_for()
    assert sheet.locator("tbody tr").count() == 6
    sheet.locator("tbody button").last.click()
    there.locator(".cv-trail", has_text="Prompt 6 of 6").wait_for()
    raced(there)
    there.get_by_role("button", name="Back to the lab").click()
    wait_in_lab(there, f"s.sweep === '{GRID}' && s.rows === 9")
    assert number in result.frame["number"].to_list()


def test_the_strip_goes_when_the_visitor_does_something_else(open_page: Open) -> None:
    page = lab_with(open_page, GRID)

    def opened() -> None:
        if snapshot(page)["place"] == "race":
            page.get_by_role("link", name="Lab", exact=True).click()
        page.locator("tr[data-number='5'] [data-open]").click()
        raced(page)

    opened()
    page.fill("#prompt textarea", "Tell a story about Mia.")
    page.click("#run")
    page.locator(".cv-trail").wait_for(state="hidden")
    wait_for(page, "s.state === 'done' && s.live === 'idle'")
    page.wait_for_function("!location.search.includes('sweep=')")
    opened()
    page.get_by_role("button", name="Add a lane").click()
    page.locator(".cv-trail").wait_for(state="hidden")
    wait_for(page, "s.lanes.length === 3 && s.state === 'done' && s.live === 'idle' && !s.behind && !s.stale")
    opened()
    page.get_by_role("button", name="Close this strip").click()
    page.locator(".cv-trail").wait_for(state="hidden")
    assert len(snapshot(page)["lanes"]) == 2


def test_runs_of_another_model_are_listed_and_not_made_up(open_page: Open, laboratory: Laboratory) -> None:
    page = lab_with(open_page, FOREIGN)
    page.locator("tr[data-number='1'] [data-open]").click()
    sheet = page.locator("dialog.cv-runs")
    sheet.wait_for()
    words = sheet.inner_text()
    assert "which would write something else" in words
    own = laboratory.result(FOREIGN).where(number=1).frame
    rows = [row.split("\t") for row in sheet.locator("tbody").inner_text().splitlines()]
    assert sorted((row[0], row[2]) for row in rows) == sorted(
        zip(own["prompt"], map(str, own["forward_passes"]), strict=True)
    )
    assert sheet.locator("tbody button").count() == 0
    page.keyboard.press("Escape")
    sheet.wait_for(state="detached")
    assert snapshot(page)["place"] == "lab"


def test_the_report_opens_without_a_network(open_page: Open, chromium: Any, tmp_path: Path) -> None:
    page = lab_with(open_page, GRID, accept_downloads=True)
    with page.expect_download() as waiting:  # it is made only now
        page.get_by_role("button", name="Report").click()
    path = tmp_path / "report.html"
    waiting.value.save_as(path)
    context = chromium.new_context(offline=True, viewport={"width": 1440, "height": 900})
    report = context.new_page()
    report.set_default_timeout(60_000)
    troubles: list[str] = []
    requests: list[str] = []
    report.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    report.on("pageerror", lambda error: troubles.append(str(error)))
    report.on("request", lambda request: requests.append(request.url))
    report.goto(path.as_uri())
    report.locator(".js-plotly-plot").nth(3).wait_for()
    figures = report.locator(".js-plotly-plot")
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        assert figure.locator(".main-svg").first.bounding_box()["height"] > 100
    assert figures.count() >= 4
    assert "credit-viz sweep" in report.locator("body").inner_text()
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    assert troubles == []
    context.close()


def test_a_cancelled_sweep_keeps_its_rows_and_a_reload_finds_it(open_page: Open, laboratory: Laboratory) -> None:
    page = lab_with(open_page, GRID)
    started = start(page, "To be stopped", MANY)
    wait_in_lab(page, f"s.sweep === '{started}' && s.status?.state === 'running' && s.status.done > 20", 240)
    page.reload()
    wait_in_lab(page, f"s.sweep === '{started}' && s.status?.state === 'running'")
    cancel(page)
    kept = len(laboratory.result(started).frame)
    assert 20 < kept < 25 * MANY
    wait_in_lab(page, f"s.counted === {kept} && s.rows > 0")
    assert "What is there stays" in page.locator(".cv-lab-progress").inner_text()
    page.reload()
    wait_in_lab(page, f"s.sweep === '{started}' && s.rows > 0")
    assert "stopped early" in page.locator(".cv-lab-sweep[aria-current]").inner_text()
    laboratory.delete(started)


def test_two_tabs_share_the_workers_and_not_their_brushes(open_page: Open, laboratory: Laboratory) -> None:
    one, other = (lab_with(open_page, GRID) for _ in range(2))
    first = start(one, "First", MANY)
    second = start(other, "Second", prompts=2)
    wait_in_lab(one, "s.status?.state === 'running'", 240)
    assert lab(other)["status"] is None or lab(other)["status"]["state"] in ("queued", "loading", "running")
    wait_in_lab(other, "s.status?.state === 'queued'")
    assert "Waiting" in other.locator(".cv-lab-progress").inner_text()
    cancel(one)
    wait_in_lab(other, "s.status?.state === 'done' && s.rows === 25 && s.counted === 50", 240)
    other.locator("tbody tr[data-number='3'] th").click()
    wait_in_lab(other, "s.brushed !== null")
    assert (lab(other)["brushed"], lab(one)["brushed"]) == ([3], None)
    for name in (first, second):
        laboratory.delete(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(open_page: Open, scheme: str) -> None:
    page = lab_with(open_page, GRID, width=390, height=844, has_touch=True, color_scheme=scheme)
    cell = [mark for mark in marks(page, "heatmap") if mark.kind == "cell"][1]
    page.touchscreen.tap(cell.x, cell.y)
    page.get_by_role("button", name="See its runs in the race").tap()
    raced(page)
    strip = page.locator(".cv-trail")
    page.wait_for_function(_IN_SIGHT)  # it is scrolled to once it is drawn
    for button in strip.locator("button").all():
        assert button.bounding_box()["height"] >= 44, button.inner_text()
    assert serious_violations(page, ".cv-trail") == []
    page.get_by_role("button", name="All runs of this setting").tap()
    page.locator("dialog.cv-runs tbody tr").first.wait_for()
    assert serious_violations(page, "dialog.cv-runs") == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
