"""The pictures of a sweep in a real Chromium, on the embedded model: drawn, pointed at, brushed, filtered, sorted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from credit_viz.lab import Arm, InlineCrew, Plan, TaskPrompts, sweep
from credit_viz.models.base import DiffusionLM
from credit_viz.web.laboratory import Laboratory
from tests.browser.conftest import Open, drawn, serious_violations
from tests.browser.lab_pages import address as address
from tests.browser.lab_pages import backend as backend
from tests.browser.lab_pages import drag, lab, lab_with, marks, raced, show, wait_in_lab
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model

pytestmark = pytest.mark.browser

SWEEP = "small"
CARDS = ("front", "heatmap", "importance", "slices", "parallel")
BRUSHABLE = ("front", "heatmap", "slices", "parallel")
EVIL = "<img src=x onerror=window.pwned=1><evil-name>"
#: is anything painted over a picture?
_PAINTED = """
((card) => {
  const canvas = document.querySelector(`[data-card=${card}] canvas`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value) => value > 0);
})
"""


@pytest.fixture(scope="module")
def folder(model: DiffusionLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of 16 rows on four prompts."""
    path = tmp_path_factory.mktemp("sweeps")
    arms = (
        Arm("vanilla"),
        Arm("threshold", {"threshold": (0.7, 0.9, 0.95)}),
        Arm("credit", {"alpha": (0.0, 0.7), "threshold": (0.8, 0.9)}),
    )
    plan = Plan(arms, tasks=TaskPrompts(("story", "json"), count=4), options={"block_length": (32, 64)})
    sweep(plan, path / SWEEP, InlineCrew(model))
    return path


@pytest.fixture
def open_lab(open_page: Open) -> Open:
    """A page with the sweep on show and its front drawn."""

    def opened(width: int = 1440, height: int = 900, **options: Any) -> Any:
        page = lab_with(open_page, SWEEP, width=width, height=height, **options)
        page.wait_for_selector("[data-card=front][data-drawn=front]")
        page.wait_for_selector(".cv-pic-table tbody tr")
        return page

    return opened


def settings_of(page: Any, card: str) -> list[int]:
    """The settings that a picture shows, once it is drawn."""
    return sorted({row for mark in marks(page, card) for row in mark.rows})


def painted(page: Any, card: str, yes: bool = True) -> None:
    """Wait until something, or nothing, is painted over a picture."""
    page.wait_for_function(f"{_PAINTED}('{card}') === {json.dumps(yes)}")


def numbers(page: Any) -> list[str]:
    """Settings of the rows of the table that are on show."""
    rows = page.locator(".cv-pic-table tbody tr")
    return list(rows.evaluate_all("all => all.map((row) => row.dataset.number)"))


def brush_front(page: Any) -> list[int]:
    """Drag a box over the left half of the front; returns what should be brushed."""
    found = marks(page, "front")
    left, top, _, bottom = found[0].area
    middle = sorted(mark.points[0][0] for mark in found)[len(found) // 2] + 1
    drag(page, (left - 2, top - 2), (middle, bottom + 2))
    return sorted({row for mark in found if left <= mark.points[0][0] <= middle for row in mark.rows})


def test_every_picture_is_drawn_and_asked_for_when_it_is_near(open_lab: Open) -> None:
    page = open_lab(height=500)
    assert page.locator("[data-card=parallel][data-drawn]").count() == 0
    for card in CARDS:
        found = show(page, card)
        assert found.locator(".cv-pic-plot svg.main-svg").count() > 0, card
        assert found.locator(".cv-pic-sentence").is_hidden(), card
    page.click("[data-picture=contour]")
    page.wait_for_selector("[data-card=importance][data-drawn=contour]")
    assert page.locator("[data-picture=contour]").get_attribute("aria-pressed") == "true"


def test_pointing_says_the_numbers_of_a_mark(open_lab: Open, laboratory: Laboratory) -> None:
    page = open_lab()
    table = laboratory.result(SWEEP).table(["number", "setting"]).set_index("number")
    mark = marks(page, "front")[0]
    page.mouse.move(*mark.points[0])
    note = page.locator("[data-card=front] .cv-pic-note")
    note.wait_for()
    said = note.inner_text()
    row = table.loc[mark.rows[0]]
    assert str(row["forward_passes"])[:3] in said
    assert "its runs in the race" in said
    mark = marks(page, "heatmap")[0]
    page.mouse.move(*mark.points[0])
    note = page.locator("[data-card=heatmap] .cv-pic-note")
    note.wait_for()
    assert f"{len(mark.rows)} setting" in note.inner_text()
    page.mouse.move(2, 2)
    note.wait_for(state="hidden")


def test_a_box_in_the_front_brushes_everywhere_without_asking(open_lab: Open) -> None:
    page = open_lab()
    for card in CARDS:
        show(page, card)
    rows = lab(page)["rows"]
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    expected = brush_front(page)
    assert 0 < len(expected) < rows
    assert lab(page)["brushed"] == expected
    line = page.locator(".cv-pic-brushed").inner_text()
    assert re.match(rf"{len(expected)} of {rows} settings brushed: forward passes [\d.]+–[\d.]+, exact match", line)
    for card in BRUSHABLE:
        show(page, card).locator(".cv-pic-room.brushing").wait_for()
        painted(page, card)
    assert "brushing" not in (page.locator("[data-card=importance] .cv-pic-room").get_attribute("class") or "")
    page.locator(".cv-pic-table tbody tr[aria-selected=true]").nth(len(expected) - 1).wait_for()
    shown = page.locator(".cv-pic-table tbody tr").evaluate_all("all => all.map((row) => row.ariaSelected)")
    assert shown == ["true"] * len(expected) + ["false"] * (rows - len(expected))
    assert requests == []
    page.keyboard.press("Escape")
    wait_in_lab(page, "s.brushed === null")
    show(page, "parallel")
    painted(page, "parallel", False)


def test_a_lasso_brushes_what_it_surrounds(open_lab: Open) -> None:
    page = open_lab()
    page.locator("[data-card=front] .cv-pic-tools").get_by_role("button", name="Lasso").click()
    found = marks(page, "front")
    fewest = min(found, key=lambda mark: mark.points[0][0])
    x, y = fewest.points[0]
    drag(page, (x - 12, y - 14), (x + 12, y - 14), (x, y + 16))
    brushed = lab(page)["brushed"]
    assert set(fewest.rows) <= set(brushed)
    assert len(brushed) < lab(page)["rows"] / 2


def test_ranges_along_axes_narrow_the_brush(open_lab: Open) -> None:
    page = open_lab()
    lines = marks(page, "parallel")
    assert sorted(row for line in lines for row in line.rows) == sorted({row for line in lines for row in line.rows})
    first, second = lines[0].points[0], lines[0].points[1]
    drag(page, (first[0], first[1] - 20), (first[0] + 3, first[1] + 20))
    one = lab(page)["brushed"]
    assert one == sorted(r for line in lines if abs(line.points[0][1] - first[1]) <= 20 for r in line.rows)
    drag(page, (second[0], second[1] - 20), (second[0] - 3, second[1] + 20))
    both = lab(page)["brushed"]
    assert both == sorted(
        r
        for line in lines
        if abs(line.points[0][1] - first[1]) <= 20 and abs(line.points[1][1] - second[1]) <= 20
        for r in line.rows
    )
    assert set(lines[0].rows) <= set(both) < set(one)


def test_keep_only_these_and_show_all(open_lab: Open) -> None:
    page = open_lab()
    rows = lab(page)["rows"]
    brushed = brush_front(page)
    page.get_by_role("button", name="Keep only these").click()
    wait_in_lab(page, f"s.rows === {len(brushed)}")
    assert lab(page)["filters"]["rows"] == brushed
    assert lab(page)["brushed"] is None
    page.wait_for_function(f"document.querySelectorAll('.cv-pic-table tbody tr').length === {len(brushed)}")
    assert settings_of(page, "front") == brushed
    assert f"{len(brushed)} settings kept by hand" in page.locator(".cv-pic-kept").inner_text()
    page.get_by_role("button", name="Show all").click()
    wait_in_lab(page, f"s.rows === {rows}")


def test_chips_filter_by_decoder_task_and_knob(open_lab: Open) -> None:
    page = open_lab()
    page.locator(".cv-pic-chip", has_text="CreditDecoding").click()
    wait_in_lab(page, "s.rows === 8")
    assert lab(page)["filters"]["columns"] == {"decoder": ["credit"]}
    page.locator(".cv-pic-more summary").click()
    alpha = page.locator("[aria-labelledby=cv-pic-by-alpha]")
    alpha.get_by_role("button", name="0.7").click()
    wait_in_lab(page, "s.rows === 4")
    names = page.locator(".cv-pic-table tbody th").all_inner_texts()
    assert len(names) == 4
    assert all("alpha=0.7" in name for name in names)
    assert settings_of(page, "front") == sorted(int(number) for number in numbers(page))
    alpha.get_by_role("button", name="0.7").click()
    wait_in_lab(page, "s.rows === 8")
    page.locator(".cv-pic-chip", has_text="json").click()
    wait_in_lab(page, "s.filters.columns.task !== undefined")
    assert lab(page)["filters"]["columns"]["task"] == ["json"]


def test_the_table_sorts_and_walks_by_keyboard(open_lab: Open) -> None:
    page = open_lab()
    passes = page.get_by_role("columnheader", name="forward passes")

    def column() -> list[float]:
        cells = page.locator(".cv-pic-table tbody td:nth-child(2)").all_inner_texts()
        return [float(cell.split()[0]) for cell in cells]

    passes.get_by_role("button").click()
    assert passes.get_attribute("aria-sort") == "ascending"
    ascending = column()
    assert ascending == sorted(ascending)
    passes.get_by_role("button").click()
    assert column() == sorted(ascending, reverse=True)
    first = page.locator(".cv-pic-table tbody tr").first
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    drawn(page)
    picked = page.locator(".cv-pic-table tbody tr").nth(1)
    assert picked.get_attribute("aria-selected") == "true"
    assert lab(page)["brushed"] == [int(picked.get_attribute("data-number"))]
    assert picked.evaluate("row => row === document.activeElement")
    page.keyboard.press("Space")
    wait_in_lab(page, "s.brushed === null")
    page.keyboard.press("Enter")
    raced(page)


def test_a_click_on_a_mark_opens_its_runs_in_the_race(open_lab: Open) -> None:
    page = open_lab()
    mark = marks(page, "front")[-1]
    page.mouse.click(*mark.points[0])
    raced(page)


def test_marks_are_walked_by_keyboard(open_lab: Open) -> None:
    page = open_lab()
    found = marks(page, "heatmap")
    page.locator("[data-card=heatmap] .cv-pic-room").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    note = page.locator("[data-card=heatmap] .cv-pic-note")
    note.wait_for()
    page.keyboard.press("Space")
    wait_in_lab(page, "s.brushed !== null")
    assert lab(page)["brushed"] == found[1].rows
    page.keyboard.press("Enter")
    raced(page)


def test_menus_choose_what_a_picture_shows(open_lab: Open) -> None:
    page = open_lab()
    card = show(page, "heatmap")
    across, up = card.locator("[data-option=x]"), card.locator("[data-option=y]")
    before = across.evaluate("e => e.selectedOptions[0].text"), up.evaluate("e => e.selectedOptions[0].text")
    across.select_option(label=before[1])
    page.wait_for_function(
        f"document.querySelector('[data-card=heatmap] .xtitle')?.textContent === {json.dumps(before[1])}"
    )
    assert card.locator(".ytitle").text_content() == before[0]
    card.locator("[data-option=metric]").select_option(label="exact match")
    page.wait_for_function(
        "document.querySelector('[data-card=heatmap] .infolayer').textContent.includes('exact match')"
    )


def test_pictures_follow_the_theme(open_lab: Open) -> None:
    page = open_lab(color_scheme="light")
    show(page, "front")
    axis = "document.querySelector('[data-card=front] .xtick text')?.style.fill"
    light = page.evaluate(axis)
    assert light
    page.evaluate("document.documentElement.classList.add('dark')")
    page.wait_for_function(f"{axis} && {axis} !== {json.dumps(light)}")


def test_a_late_answer_is_dropped(open_lab: Open) -> None:
    page = open_lab()
    card = show(page, "slices")
    held: list[Any] = []

    def hold(route: Any) -> None:
        if not held and "slices" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/component_server*", hold)
    page.route("**/component_server/**", hold)
    metric = card.locator("[data-option=metric]")
    metric.select_option(label="exact match")
    page.wait_for_function("document.querySelector('[data-card=slices]').ariaBusy === 'true'")
    metric.select_option(label="mean wait (steps)")
    title = "document.querySelector('[data-card=slices] .ytitle')?.textContent"
    page.wait_for_function(f"{title} === 'mean wait (steps)'")
    assert len(held) == 1
    held[0].continue_()
    held[0].request.response().finished()
    drawn(page)
    assert page.evaluate(title) == "mean wait (steps)"


def test_a_picture_that_cannot_be_had_says_why(open_lab: Open) -> None:
    page = open_lab()
    show(page, "importance")
    page.locator(".cv-pic-chip", has_text="Vanilla").click()
    wait_in_lab(page, "s.rows === 2")
    show(page, "front")
    sentence = page.locator("[data-card=importance] .cv-pic-sentence")
    sentence.scroll_into_view_if_needed()
    sentence.wait_for()
    assert "valid: a sweep of four or more" in sentence.inner_text()
    assert page.locator("[data-card=importance] .cv-pic-room").is_hidden()
    sentence.get_by_role("button", name="Show it without filters").click()
    wait_in_lab(page, "s.rows > 4")
    show(page, "importance")
    page.locator("[data-card=importance] .cv-pic-room").wait_for()
    assert sentence.is_hidden()


def test_names_are_only_ever_text(open_page: Open, address: str) -> None:
    page = open_page(at=None)

    def spoil(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("alpha=", f"{EVIL}="))

    page.route("**/component_server*", spoil)
    page.route("**/component_server/**", spoil)
    page.goto(f"{address}?at=lab&sweep={SWEEP}")
    page.wait_for_selector("[data-card=front][data-drawn]")
    page.locator(".cv-pic-table tbody th").first.wait_for()
    names = page.locator(".cv-pic-table tbody th").all_inner_texts()
    assert any(EVIL in name for name in names)
    for mark in marks(page, "front")[-2:]:
        page.mouse.move(*mark.points[0])
        drawn(page)
    page.locator("[data-card=front] .cv-pic-note").wait_for()
    for card in CARDS:
        show(page, card)
    assert page.locator(".cv-pic-seen :is(img, evil-name, script)").count() == 0
    page.unroute_all(behavior="wait")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_everything_fits_and_a_tap_says_the_numbers(open_lab: Open, scheme: str) -> None:
    page = open_lab(390, 844, has_touch=True, color_scheme=scheme)
    for card in CARDS:
        show(page, card)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), card
    for selector in (".cv-pic-chip", ".cv-pic-option select", ".cv-pic-open button"):
        assert page.locator(selector).first.bounding_box()["height"] >= 44, selector
    mark = marks(page, "front")[-1]
    page.touchscreen.tap(*mark.points[0])
    page.locator("[data-card=front]").get_by_role("button", name="See its runs in the race").tap()
    raced(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(open_lab: Open, scheme: str) -> None:
    page = open_lab(color_scheme=scheme)
    for card in CARDS:
        show(page, card)
    assert serious_violations(page, ".cv-pic-seen") == []
    brush_front(page)
    assert serious_violations(page, ".cv-pic-seen") == []
