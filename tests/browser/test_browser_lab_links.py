"""Links of the lab in a real Chromium: what is on show travels with them, and Back and Forward bring it back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Open, wait_for
from tests.browser.lab_pages import GRID, drag, lab, lab_with, marks, show, wait_in_lab
from tests.browser.lab_pages import address as address
from tests.browser.lab_pages import backend as backend
from tests.browser.lab_pages import folder as folder
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model

pytestmark = pytest.mark.browser


def chosen(page: Any) -> None:
    """Choose something of everything that a link carries."""
    page.get_by_role("group", name="decoder").get_by_role("button", name="CreditDecoding").click()
    wait_in_lab(page, "s.rows === 6")
    show(page, "heatmap").locator("[data-option=metric]").select_option(label="exact match")
    page.get_by_role("button", name="Landscape").click()
    row = page.locator(".cv-pic-table tbody tr").nth(1)
    row.locator("th").click()
    wait_in_lab(page, "s.brushed !== null")


def settled(page: Any, *parts: str) -> None:
    """Wait until the address says all of this."""
    for part in parts:
        page.wait_for_function("(part) => location.search.includes(part)", arg=part)


def test_a_link_shows_what_its_sender_saw(open_page: Open, address: str) -> None:
    page = lab_with(open_page, GRID)
    chosen(page)
    brushed = lab(page)["brushed"]
    settled(page, "&keep.decoder=credit&", "metric:exact_match", "&tab=contour&", f"&brushed={brushed[0]}")
    sent = page.url.removeprefix(address)
    other = open_page(finished=False, at=sent)
    wait_in_lab(other, "s.rows === 6 && s.brushed !== null")
    assert lab(other)["brushed"] == brushed
    assert lab(other)["filters"] == {"columns": {"decoder": ["credit"]}, "rows": None}
    chip = other.get_by_role("group", name="decoder").get_by_role("button", name="CreditDecoding")
    assert chip.get_attribute("aria-pressed") == "true"
    metric = show(other, "heatmap").locator("[data-option=metric]")
    assert metric.evaluate("e => e.selectedOptions[0].text") == "exact match"
    other.locator("[data-card=importance][data-figure=contour]").wait_for()
    assert not other.locator(".cv-lab-note").is_visible()
    settled(other, sent[sent.index("&keep") :])


def test_kept_settings_travel_as_ranges(open_page: Open) -> None:
    page = open_page(finished=False, at=f"?at=lab&sweep={GRID}&rows=0-2,7")
    wait_in_lab(page, "s.rows === 4")
    assert lab(page)["filters"]["rows"] == [0, 1, 2, 7]
    assert "4 settings kept by hand" in page.locator(".cv-pic-kept").inner_text()
    page.get_by_role("button", name="Show all", exact=True).click()
    wait_in_lab(page, "s.rows === 9")
    page.wait_for_function(f"location.search === '?at=lab&sweep={GRID}'")


def test_what_the_sweep_does_not_have_is_left_out_and_said(open_page: Open) -> None:
    page = open_page(finished=False, at=f"?at=lab&sweep={GRID}&keep.alpha=0.5,7&keep.beta=1&rows=900-999&brushed=x")
    wait_in_lab(page, "s.filters.columns.alpha !== undefined && s.rows < 9")
    note = page.locator(".cv-lab-note")
    note.filter(has_text="this sweep does not have it: alpha “7”, column “beta”, 100 settings, 1 more.").wait_for()
    assert lab(page)["filters"] == {"columns": {"alpha": [0.5]}, "rows": None}
    settled(page, "&keep.alpha=0.5")


def test_brushing_leaves_no_trail_in_the_history_and_back_brings_it_back(open_page: Open) -> None:
    page = lab_with(open_page, GRID)
    length = page.evaluate("history.length")
    found = marks(page, "front")
    left, top, right, bottom = found[0].area
    middle = (left + right) / 2
    drag(page, (left - 2, top - 2), (middle, bottom + 2))
    brushed = lab(page)["brushed"]
    assert brushed
    page.get_by_role("link", name="Race").click()  # sooner than the address follows
    wait_for(page, "s.place === 'race'")
    assert page.evaluate("history.length") == length + 1
    page.go_back()
    wait_in_lab(page, "s.brushed !== null")
    settled(page, "&brushed=")
    assert lab(page)["brushed"] == brushed
    page.keyboard.press("Escape")
    wait_in_lab(page, "s.brushed === null")
    page.wait_for_function(f"location.search === '?at=lab&sweep={GRID}'")
    assert page.evaluate("history.length") == length + 1


def test_back_over_two_visits_shows_each_as_it_was_left(open_page: Open) -> None:
    page = lab_with(open_page, GRID)
    decoders = page.get_by_role("group", name="decoder")
    decoders.get_by_role("button", name="Vanilla").click()
    wait_in_lab(page, "s.rows === 1")
    page.get_by_role("link", name="Race").click()
    wait_for(page, "s.place === 'race'")
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_for(page, "s.place === 'lab'")
    page.get_by_role("button", name="Show all", exact=True).click()
    wait_in_lab(page, "s.rows === 9")
    page.wait_for_function(f"location.search === '?at=lab&sweep={GRID}'")
    page.go_back()
    wait_for(page, "s.place === 'race'")
    page.go_back()
    wait_in_lab(page, "s.rows === 1 && s.filters.columns.decoder?.[0] === 'vanilla'")
    settled(page, "&keep.decoder=vanilla")
    page.go_forward()
    wait_for(page, "s.place === 'race'")


def test_the_link_is_copied(open_page: Open, address: str) -> None:
    page = lab_with(open_page, GRID, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("group", name="decoder").get_by_role("button", name="Threshold").click()
    wait_in_lab(page, "s.rows === 2")
    page.get_by_role("button", name="Copy the link").click()
    page.locator(".cv-lab-saved", has_text="Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}?at=lab&sweep={GRID}&keep.decoder=threshold"
