"""Lanes as a visitor changes them: cards, runs that follow a knob, numbers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Open, serious_violations, snapshot, wait_for
from tests.browser.lanes import (
    HASTY,
    VANILLA,
    CountingBackend,
    card,
    fits,
    open_drawer,
    race,
    run_again,
    settled,
    slide,
)
from tests.browser.lanes import backend as backend

pytestmark = pytest.mark.browser


def scrub(page: Any, step: int) -> None:
    page.locator("[data-role=step]").evaluate(
        "(e, step) => { e.value = step; e.dispatchEvent(new Event('input', { bubbles: true })); }", step
    )
    wait_for(page, f"s.step === {step}")


def test_lanes_are_added_duplicated_and_removed_and_only_new_ones_are_decoded(
    open_page: Open, backend: CountingBackend
) -> None:
    page = open_page()
    run_again(page)
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
    run_again(page)
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
    backend.seconds = 1.0  # there is time to press Cancel; it is heard at the next step
    slide(page, "cv-knob-1-threshold", 0.85)
    page.locator("#cancel").wait_for(state="visible")
    assert snapshot(page)["run"] == before["run"]
    page.click("#cancel")
    wait_for(page, "s.live === 'idle' && !s.behind")
    backend.seconds = 0.0
    after = snapshot(page)
    assert (after["run"], after["error"]) == (before["run"], "")
    slide(page, "cv-knob-1-threshold", 0.8)
    wait_for(page, f"s.run !== '{before['run']}' && s.state === 'done'")
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


def test_all_numbers_stand_in_rows_and_a_link_leads_to_the_first_difference(open_page: Open) -> None:
    page = open_page()
    page.fill("#prompt textarea", "Another text by another seed")
    run_again(page)
    table = page.locator(".cv-costs")
    assert not table.is_visible()
    more = page.get_by_role("button", name="More numbers")
    more.click()
    table.wait_for()
    assert more.get_attribute("aria-expanded") == "true"
    # passes stand there twice: counted, and by the clock
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in reversed(table.locator("tr").all()[1:])
    }
    shown = snapshot(page)["lanes"]
    assert rows["Forward passes"] == [str(lane["steps"]) for lane in shown]
    assert rows["Tokens per pass"] == [f"{64 / lane['steps']:.2f}" for lane in shown]
    assert rows["Decoder"] == [f"{0.0005 * lane['steps']:.2f} s" for lane in shown]
    assert any("cpu, float32" in name for name in rows)
    page.get_by_role("button", name="Add a lane").click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    assert table.locator("tr").last.locator("td").all_inner_texts()[:2] == ["kept from an earlier run"] * 2
    more.click()
    table.wait_for(state="hidden")


def test_a_text_that_differs_is_linked(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, HASTY)
    ids = [lane["ids"] for lane in snapshot(page)["lanes"]]
    first = next(place for place, (one, other) in enumerate(zip(*ids, strict=True)) if one != other)
    page.locator(".cv-verdict .cv-differs").click()
    wait_for(page, "s.selection !== null")
    assert snapshot(page)["selection"] == {"lane": 1, "position": first}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_of_the_drawer_and_the_numbers(open_page: Open, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.click(".cv-contrast")
    open_drawer(page, 1)
    page.get_by_role("button", name="More numbers").click()
    page.get_by_role("button", name="Add a lane").first.click()
    wait_for(page, "s.lanes.length === 3 && s.state === 'done'")
    assert serious_violations(page) == []
