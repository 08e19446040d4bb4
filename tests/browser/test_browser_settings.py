"""The drawer of decoders and settings, as a visitor uses it: knobs, presets, menus, room for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credit_viz.web import build_app
from tests.browser.conftest import EXAMPLES, Open, drawn, serve, snapshot, wait_for
from tests.browser.lanes import backend as backend
from tests.browser.lanes import card, fits, open_drawer, settled, slide
from tests.support import MASK_DECODERS
from tests.web.fake import FakeBackend

pytestmark = pytest.mark.browser


@pytest.fixture
def slow_address() -> Iterator[str]:
    """A page whose model is too large to follow a knob."""
    app = build_app(FakeBackend(), examples=EXAMPLES)
    yield serve(app)
    app.close(verbose=False)


def test_changes_wait_where_that_is_wanted(open_page: Open) -> None:
    page = open_page()
    drawer = open_drawer(page, 1)
    again = drawer.locator(".cv-again")
    assert not again.is_visible()
    drawer.get_by_role("switch").click()
    again.wait_for()
    assert again.inner_text() == "Run again"
    before = snapshot(page)["run"]
    slide(page, "cv-knob-1-threshold", 0.6)
    wait_for(page, "s.stale")
    page.wait_for_timeout(200)
    assert snapshot(page)["run"] == before
    assert again.inner_text() == "Run again with these"
    again.click()
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
    assert "τ 0.6" in card(page, 1).inner_text()
    before = snapshot(page)["run"]
    page.locator("h1").click()
    page.keyboard.press("r")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")


def test_settings_come_from_the_decoders_descriptions(open_page: Open) -> None:
    page = open_page()
    drawer = open_drawer(page, 1)
    lane = drawer.locator(".cv-setting-lane").nth(1)
    assert "fusion strength α" in lane.inner_text()
    groups = lane.locator("select").first.locator("optgroup")
    told: dict[str, list[str]] = {}
    for decoder in MASK_DECODERS.values():
        told.setdefault(decoder.group, []).append(decoder.title)
    found = {group.get_attribute("label"): group.locator("option").all_inner_texts() for group in groups.all()}
    assert found == told
    paper = lane.get_by_role("button", name="paper")
    paper.click()
    wait_for(page, "s.next[1].settings.alpha === 0.65")
    assert paper.get_attribute("aria-pressed") == "true"
    assert lane.locator("#cv-knob-1-alpha").input_value() == "0.65"
    lane.locator("#cv-knob-1-threshold").fill("0.5")
    lane.locator("#cv-knob-1-threshold").blur()
    drawn(page)
    assert paper.get_attribute("aria-pressed") == "false"
    lane.get_by_role("button", name="Back to the values it began with").click()
    drawn(page)
    assert lane.locator("#cv-knob-1-alpha").input_value() == "0.7"
    lane.locator("select").first.focus()
    lane.locator("select").first.select_option("wino")
    wait_for(page, "s.lanes[1].decoder === 'wino'")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Decoder of lane 2"
    lane.get_by_role("button", name="Sudoku").wait_for()
    settled(page)


def test_a_knob_is_left_to_the_decoder_and_taken_back(open_page: Open) -> None:
    page = open_page()
    lane = open_drawer(page, 1).locator(".cv-setting-lane").nth(1)
    alpha, auto = lane.locator("#cv-knob-1-alpha"), lane.get_by_role("button", name="auto fusion strength")
    lane.get_by_role("button", name="tuning-free").click()
    wait_for(page, "s.next[1].settings.alpha === null")
    assert (alpha.input_value(), alpha.get_attribute("placeholder")) == ("", "auto")
    assert auto.get_attribute("aria-pressed") == "true"
    settled(page)
    assert "α auto, β auto, γ 1" in card(page, 1).inner_text()
    auto.click()
    drawn(page)
    assert alpha.input_value() == "0.7"
    assert auto.get_attribute("aria-pressed") == "false"
    alpha.fill("")
    alpha.blur()
    drawn(page)
    assert alpha.input_value() == "0.7", "an empty field is the default"
    settled(page)


def test_a_knob_of_words_is_a_menu_and_a_cache_is_chosen_for_all_lanes(open_page: Open) -> None:
    page = open_page()
    open_drawer(page, 0)
    order = page.locator("#cv-knob-0-order")
    assert order.input_value() == "confidence"
    order.select_option("margin")
    wait_for(page, "s.next[0].settings.order === 'margin'")
    settled(page)
    assert "margin" in card(page, 0).inner_text()
    assert "cache" not in page.locator(".cv-note").inner_text()
    assert page.locator("#cv-option-cache option").all_inner_texts() == ["none", "prefix", "dual"]
    before = snapshot(page)["run"]
    page.select_option("#cv-option-cache", "dual")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")
    assert "approximation" in page.locator("#cv-option-cache-help").inner_text()
    assert "on the fake (0 M), with dual cache (approximate), for this one prompt" in page.inner_text(".cv-note")


@pytest.mark.parametrize(("width", "height"), [(1200, 800), (1440, 900), (1024, 800), (390, 844)])
def test_the_drawer_leaves_room_for_the_page(open_page: Open, width: int, height: int) -> None:
    page = open_page(width, height, has_touch=width < 500)
    link = page.get_by_role("button", name="Decoders and settings")
    link.focus()
    page.keyboard.press("Enter")
    drawer = page.locator(".cv-drawer")
    drawer.wait_for(state="visible")
    assert page.evaluate("document.activeElement.id") == "cv-settings"
    box = drawer.bounding_box()
    stage = page.locator(".cv-stage").bounding_box()
    if width >= 1200:
        assert stage["width"] >= 760
        assert stage["x"] + stage["width"] <= box["x"]
        assert box["height"] == height
    else:
        assert box["y"] == pytest.approx(height / 2, abs=1)
        assert box["width"] == pytest.approx(width, abs=16)
        for _ in range(3):  # parts out of sight take their real height once they are near
            page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
            drawn(page)
        assert page.locator(".cv-foot").bounding_box()["y"] < box["y"], "the page can be scrolled out from behind it"
    assert fits(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('.cv-drawer').contains(document.activeElement)")
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "Decoders and settings"
    assert link.get_attribute("aria-expanded") == "false"


def test_on_a_phone_lanes_are_changed_in_the_drawer_and_looked_at_one_by_one(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True)
    page.get_by_role("button", name="Add a lane").first.click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    drawer = open_drawer(page)
    drawer.get_by_role("button", name="Duplicate Threshold").click()
    wait_for(page, "s.lanes.length === 4 && s.state === 'done'")
    assert fits(page)
    for selector in (
        ".cv-drawer .cv-tool",
        ".cv-setting-head",
        ".cv-drawer .cv-preset",
        ".cv-switch",
        ".cv-knob-row input",
    ):
        for part in page.locator(f"{selector}:visible").all():
            assert part.bounding_box()["height"] >= 44, selector
    page.keyboard.press("Escape")
    tabs = page.locator(".cv-lane-tabs button")
    assert tabs.all_inner_texts() == ["Vanilla", "CreditDecoding", "Threshold", "Threshold (2)"]
    tabs.nth(3).click()
    drawn(page)
    assert [pane.is_visible() for pane in page.locator(".cv-pane").all()] == [False, False, False, True]
    assert fits(page)


def test_a_large_model_waits_for_the_button_and_new_lanes_run_live(chromium: Any, slow_address: str) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(slow_address)
    page.wait_for_function("window.creditViz !== undefined")
    wait_for(page, "s.state === 'done' && s.live === 'idle'")
    drawer = open_drawer(page, 1)
    assert drawer.get_by_role("switch").count() == 0
    before = snapshot(page)["run"]
    slide(page, "cv-knob-1-threshold", 0.6)
    wait_for(page, "s.stale")
    page.wait_for_timeout(200)
    assert snapshot(page)["run"] == before
    drawer.get_by_role("button", name="Run again with these").click()
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")
    assert snapshot(page)["kept"] == [0]
    page.get_by_role("button", name="Add a lane").first.click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    assert snapshot(page)["kept"] == [0, 1]
    page.close()
