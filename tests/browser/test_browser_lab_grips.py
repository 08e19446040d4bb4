"""Brushing along parallel axes by their grips: with keys, and with a finger that everywhere else scrolls the page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Open, drawn, serious_violations
from tests.browser.lab_pages import GRID, lab, lab_with, marks, show, wait_in_lab
from tests.browser.lab_pages import address as address
from tests.browser.lab_pages import backend as backend
from tests.browser.lab_pages import folder as folder
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model

pytestmark = pytest.mark.browser

_MIDDLE = """
(element) => {
  const { left, top, width, height } = element.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}
"""


def grip(page: Any, name: str) -> Any:
    """One end of an axis, in sight."""
    return page.locator("[data-card=parallel]").get_by_role("slider", name=name)


def middle_of(lines: list[Any]) -> float:
    """Height in the middle of the first axis."""
    heights = [line.points[0][1] for line in lines]
    return (min(heights) + max(heights)) / 2


def swipe(page: Any, start: tuple[float, float], down: float) -> None:
    """A finger is put down, moved, and lifted."""
    session = page.context.new_cdp_session(page)
    x, y = start
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 9):
        point = {"x": x, "y": y + down * part / 8}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    drawn(page)


def test_keys_move_the_ends_of_an_axis(open_page: Open) -> None:
    page = lab_with(open_page, GRID)
    lines = marks(page, "parallel")
    lower = grip(page, "threshold, lower end")
    lower.focus()
    assert lower.get_attribute("aria-valuetext") == "no limit"
    for _ in range(4):
        page.keyboard.press("PageUp")
    wait_in_lab(page, "s.brushed !== null")
    assert set(lab(page)["brushed"]) == {
        row for line in lines for row in line.rows if line.points[0][1] < middle_of(lines)
    }
    assert lower.get_attribute("aria-valuetext") == "between 0.6 and 0.9"
    page.keyboard.press("ArrowRight")
    second = grip(page, "alpha, lower end")
    assert second.evaluate("e => e === document.activeElement")
    narrowed = len(lab(page)["brushed"])
    page.keyboard.press("End")
    wait_in_lab(page, f"s.brushed.length < {narrowed}")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    wait_in_lab(page, "s.brushed === null")


def test_a_finger_moves_a_grip_and_scrolls_everywhere_else(open_page: Open) -> None:
    page = lab_with(open_page, GRID, width=390, height=844, has_touch=True)
    lines = marks(page, "parallel")
    upper = grip(page, "threshold, upper end")
    x, y = upper.evaluate(_MIDDLE)
    heights = [line.points[0][1] for line in lines]
    half = (max(heights) - min(heights)) / 2
    swipe(page, (x, y), half)
    wait_in_lab(page, "s.brushed !== null")
    assert upper.evaluate(_MIDDLE) == pytest.approx([x, y + half], abs=2), "it stays below the finger"
    brushed = lab(page)["brushed"]
    assert brushed == sorted(row for line in lines for row in line.rows if line.points[0][1] > middle_of(lines))
    before = page.evaluate("scrollY")
    swipe(page, (x + 32, y + half), -200)
    page.wait_for_function(f"scrollY > {before} + 100")
    assert lab(page)["brushed"] == brushed


def test_a_finger_that_scrolls_over_a_picture_keeps_what_is_brushed(open_page: Open) -> None:
    page = lab_with(open_page, GRID, width=390, height=844, has_touch=True)
    page.locator(".cv-pic-table tbody tr th").first.click()
    wait_in_lab(page, "s.brushed !== null")
    brushed = lab(page)["brushed"]
    left, top, right, bottom = marks(page, "front")[0].area
    before = page.evaluate("scrollY")
    swipe(page, ((left + right) / 2, (top + bottom) / 2), -200)
    page.wait_for_function(f"scrollY > {before} + 100")
    assert lab(page)["brushed"] == brushed


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_grips_stand_in_nobody_s_way(open_page: Open, scheme: str) -> None:
    page = lab_with(open_page, GRID, width=390, height=844, has_touch=True, color_scheme=scheme)
    show(page, "parallel")
    for name in ("threshold, upper end", "exact match, lower end"):
        box = grip(page, name).bounding_box()
        assert (box["width"], box["height"]) == (44, 44), name
    frame = page.locator("[data-card=parallel] .cv-pic-frame")
    assert frame.evaluate("e => e.scrollHeight <= e.clientHeight"), "only sideways"
    assert serious_violations(page, "[data-card=parallel]") == []
