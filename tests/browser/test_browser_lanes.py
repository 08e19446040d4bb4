"""Lanes and their settings as a visitor changes them: cards, drawer, runs that follow a knob, numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credit_viz.backend.base import Event, RunRequest
from credit_viz.web import build_app
from tests.browser.conftest import EXAMPLES, Open, drawn, serious_violations, serve, snapshot, wait_for
from tests.support import MASK_DECODERS
from tests.web.fake import FakeBackend

pytestmark = pytest.mark.browser


class CountingBackend(FakeBackend):
    """A quick model that says which lanes it decoded."""

    def __init__(self) -> None:
        super().__init__(quick=True)
        self.asked: list[list[str]] = []

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """As the fake."""
        self.asked.append([lane.decoder for lane in request.lanes])
        return super().stream(request)


@pytest.fixture(scope="module")
def backend() -> CountingBackend:
    """Quick unless a test slows it down."""
    return CountingBackend()


@pytest.fixture
def slow_address() -> Iterator[str]:
    """A page whose model is too large to follow a knob."""
    app = build_app(FakeBackend(), examples=EXAMPLES)
    yield serve(app)
    app.close(verbose=False)


def open_drawer(page: Any, lane: int | None = None) -> Any:
    """Open the drawer, at a lane."""
    if lane is None:
        page.get_by_role("button", name="Decoders and settings").click()
    else:
        page.locator(f".cv-verdict .cv-card[data-lane='{lane}'] [data-tool=change]").click()
    drawer = page.locator(".cv-drawer")
    drawer.wait_for(state="visible")
    return drawer


def card(page: Any, lane: int) -> Any:
    return page.locator(f".cv-verdict .cv-card[data-lane='{lane}']")


def slide(page: Any, knob: str, *values: float) -> None:
    """Drag a slider: an input event per value, one frame apart."""
    page.locator(f".cv-knob-row:has(#{knob}) input[type=range]").evaluate(
        """async (slider, values) => {
          for (const value of values) {
            slider.value = value;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise(requestAnimationFrame);
          }
        }""",
        list(values),
    )


def settled(page: Any) -> dict[str, Any]:
    """Wait until nothing runs and nothing waits to be run."""
    wait_for(page, "s.live === 'idle' && !s.behind && !s.stale && s.state === 'done'")
    return snapshot(page)


def scrub(page: Any, step: int) -> None:
    page.locator("[data-role=step]").evaluate(
        "(e, step) => { e.value = step; e.dispatchEvent(new Event('input', { bubbles: true })); }", step
    )
    wait_for(page, f"s.step === {step}")


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_lanes_are_added_duplicated_and_removed_and_only_new_ones_are_decoded(
    open_page: Open, backend: CountingBackend
) -> None:
    page = open_page()
    page.click("#run")
    settled(page)
    backend.asked.clear()
    page.get_by_role("button", name="Add a lane").click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    assert backend.asked == [["threshold"]]
    assert snapshot(page)["kept"] == [0, 1]
    page.get_by_role("button", name="Duplicate CreditDecoding").click()
    wait_for(page, "s.lanes.length === 4 && s.state === 'done'")
    assert backend.asked == [["threshold"]], "a copy is decoded already"
    titles = [lane["title"] for lane in snapshot(page)["lanes"]]
    assert titles == ["Vanilla", "CreditDecoding", "CreditDecoding (2)", "Threshold"]
    assert page.get_by_role("button", name="Add a lane").count() == 0
    assert page.locator("[data-tool=duplicate]").count() == 0
    for selector in (".cv-pane", ".cv-map"):
        boxes = [part.bounding_box() for part in page.locator(selector).all()]
        assert [round(box["y"]) == round(boxes[0]["y"]) for box in boxes] == [True, True, False, False], selector
    assert len({round(part.bounding_box()["y"]) for part in page.locator(".cv-verdict .cv-card").all()}) == 1
    assert fits(page)
    page.get_by_role("button", name="Remove Vanilla").focus()
    page.keyboard.press("Enter")
    wait_for(page, "s.lanes.length === 3 && s.lanes[0].decoder === 'credit'")
    assert page.evaluate("document.activeElement.dataset.tool") == "remove", "the keyboard stays where it was"
    for count in (2, 1):
        page.locator(".cv-verdict [data-tool=remove]").last.click()
        wait_for(page, f"s.lanes.length === {count}")
    assert page.locator("[data-tool=remove]").count() == 0, "the last lane stays"
    assert "finished" in card(page, 0).inner_text()
    assert backend.asked == [["threshold"]]


WATCH = """() => {
  window.seen = { bare: 0, heights: new Set() };
  const look = () => {
    const tokens = [...document.querySelectorAll("[data-role=tokens]")];
    if (!tokens.length || tokens.some((pane) => !pane.textContent.trim())) window.seen.bare += 1;
    const { top } = document.querySelector(".cv-map-section").getBoundingClientRect();
    window.seen.heights.add(Math.round(scrollY + top));
    requestAnimationFrame(look);
  };
  look();
}"""


def test_a_dragged_slider_is_felt_and_nothing_else_changes(open_page: Open, backend: CountingBackend) -> None:
    page = open_page()
    page.click("#run")
    settled(page)
    open_drawer(page, 1)
    page.locator("[data-role=token][data-position='7']").first.click()
    page.click("[data-tab=confidence]")
    scrub(page, 9)
    before = snapshot(page)
    page.evaluate(WATCH)
    backend.asked.clear()
    slide(page, "cv-knob-1-threshold", 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
    wait_for(page, "s.next[1].settings.threshold === 0.5")
    after = settled(page)
    assert after["run"] != before["run"]
    assert "τ 0.5" in card(page, 1).inner_text(), "the last value is the one that was run last"
    assert after["lanes"][1]["steps"] < before["lanes"][1]["steps"]
    assert set(map(tuple, backend.asked)) == {("credit",)}, "the other lane is not decoded again"
    for name in ("step", "selection", "tab", "front"):
        assert after[name] == before[name], name
    assert page.evaluate("window.seen.bare") == 0, "the text never blinked"
    page.locator(".cv-bars li").first.wait_for()
    page.keyboard.press("End")
    wait_for(page, "s.step === s.steps")
    page.evaluate("window.seen.heights.clear()")
    slide(page, "cv-knob-1-threshold", 0.9, 0.7)
    at_end = settled(page)
    assert at_end["step"] == at_end["steps"], "at the end it stays at the end"
    assert page.evaluate("window.seen.heights.size") == 1, "nothing jumped"
    assert page.locator("#run").is_visible()


def test_two_changes_in_a_burst_end_with_the_latest(open_page: Open, backend: CountingBackend) -> None:
    page = open_page()
    open_drawer(page, 1)
    backend.seconds = 0.002
    slide(page, "cv-knob-1-threshold", 0.8)
    wait_for(page, "s.behind")
    slide(page, "cv-knob-1-threshold", 0.7, 0.6)
    page.fill("#cv-option-seed", "5")
    page.locator("#cv-option-seed").blur()
    backend.seconds = 0.0
    wait_for(page, "s.behind || s.next[1].settings.threshold === 0.6")
    settled(page)
    assert "τ 0.6" in card(page, 1).inner_text()
    seeds = page.evaluate("window.creditViz.choice && JSON.parse(window.creditViz.choice(true)).seed")
    assert seeds == 5
    page.evaluate("window.creditViz.settled(true)")


def test_a_slow_run_behind_can_be_cancelled_and_what_was_shown_stays(open_page: Open, backend: CountingBackend) -> None:
    page = open_page()
    open_drawer(page, 1)
    before = snapshot(page)
    backend.seconds = 0.1
    slide(page, "cv-knob-1-threshold", 0.85)
    page.locator("#cancel").wait_for(state="visible")
    assert snapshot(page)["run"] == before["run"]
    page.click("#cancel")
    wait_for(page, "s.live === 'idle' && !s.behind")
    backend.seconds = 0.0
    after = snapshot(page)
    assert (after["run"], after["error"]) == (before["run"], "")
    slide(page, "cv-knob-1-threshold", 0.8)
    wait_for(page, f"s.run !== '{before['run']}'")
    assert -1 not in snapshot(page)["lanes"][1]["ids"]


def test_a_refused_change_says_why_and_keeps_everything(open_page: Open) -> None:
    page = open_page()
    open_drawer(page)
    before = snapshot(page)
    page.fill("#cv-option-block_length", "30")
    page.locator("#cv-option-block_length").blur()
    wait_for(page, "s.error !== ''")
    assert "Gen_length=64 is not divisible by block_length=30" in page.locator(".cv-alert").inner_text()
    after = settled(page)
    assert (after["run"], after["step"], after["selection"]) == (before["run"], before["step"], before["selection"])
    page.fill("#cv-option-block_length", "16")
    page.locator("#cv-option-block_length").blur()
    wait_for(page, f"s.run !== '{before['run']}' && s.error === ''")
    assert not page.locator(".cv-alert").is_visible()


def test_changes_wait_where_that_is_wanted(open_page: Open) -> None:
    page = open_page()
    drawer = open_drawer(page, 1)
    again = drawer.locator(".cv-again")
    assert not again.is_visible()
    drawer.get_by_role("switch").click()
    assert again.inner_text() == "Run again"
    before = snapshot(page)["run"]
    slide(page, "cv-knob-1-threshold", 0.6)
    wait_for(page, "s.stale")
    page.wait_for_timeout(200)
    assert snapshot(page)["run"] == before
    assert again.inner_text() == "Run again with these"
    again.click()
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")
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
    wait_for(page, f"s.run !== '{before}'")
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


def test_all_numbers_stand_in_rows_and_a_link_leads_to_the_first_difference(open_page: Open) -> None:
    page = open_page()
    page.fill("#prompt textarea", "Another text by another seed")
    page.click("#run")
    settled(page)
    table = page.locator(".cv-costs")
    assert not table.is_visible()
    more = page.get_by_role("button", name="More numbers")
    more.click()
    assert more.get_attribute("aria-expanded") == "true"
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in table.locator("tr").all()[1:]
    }
    shown = snapshot(page)["lanes"]
    assert rows["Forward passes"][:2] == [str(lane["steps"]) for lane in shown] or "Forward passes" in rows
    assert rows["Tokens per pass"] == [f"{64 / lane['steps']:.2f}" for lane in shown]
    assert rows["Decoder"] == [f"{0.0005 * lane['steps']:.2f} s" for lane in shown]
    assert any("cpu, float32" in name for name in rows)
    page.get_by_role("button", name="Add a lane").click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    assert table.locator("tr").last.locator("td").all_inner_texts()[:2] == ["kept from an earlier run"] * 2
    more.click()
    assert not table.is_visible()


def test_a_text_that_differs_is_linked(open_page: Open) -> None:
    page = open_page()
    open_drawer(page, 1)
    page.fill("#cv-option-seed", "0")
    page.evaluate(
        """() => {
          const { lanes } = window.creditViz.snapshot();
          window.same = JSON.stringify(lanes[0].ids) === JSON.stringify(lanes[1].ids);
        }"""
    )
    links = page.locator(".cv-verdict .cv-differs")
    assert (links.count() == 0) == page.evaluate("window.same")
    if links.count():
        links.first.click()
        drawn(page)
        shown = snapshot(page)
        place = shown["selection"]["position"]
        ids = [lane["ids"] for lane in shown["lanes"]]
        assert shown["selection"]["lane"] == 1
        assert ids[1][place] != ids[0][place]


def test_a_large_model_waits_for_the_button_and_new_lanes_run_live(chromium: Any, slow_address: str) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_of_the_drawer_and_the_numbers(open_page: Open, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.click(".cv-contrast")
    open_drawer(page, 1)
    page.get_by_role("button", name="More numbers").click()
    page.get_by_role("button", name="Add a lane").first.click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    assert serious_violations(page) == []
