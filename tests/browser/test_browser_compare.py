"""Comparing lanes, in a real Chromium: where they part, texts, waits, order, decoding steps; the sum of a decision."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.conftest import Open, at_rest, drawn, serious_violations, snapshot, wait_for
from tests.browser.lanes import HASTY, VANILLA, race

pytestmark = pytest.mark.browser

CREDIT = {"decoder": "credit", "settings": {}}
#: what is there once a tab of the comparison is drawn.
CONTENTS = {
    "parting": ".cv-compare .cv-parting-story",
    "text": ".cv-compare .cv-diff-summary",
    "reasons": ".cv-compare .cv-reasons tbody tr",
    "waits": ".cv-compare .cv-scatter .js-plotly-plot",
    "order": ".cv-compare .cv-order-lane",
    "steps": ".cv-compare .js-plotly-plot",
}


def show(page: Any, tab: str) -> Any:
    """Open a tab of the comparison."""
    page.locator(".cv-compare").scroll_into_view_if_needed()
    page.click(f"[data-compare={tab}]")
    wait_for(page, f"s.compare === '{tab}'")
    return page.locator(".cv-compare")


def parted(page: Any, one: int = 0, other: int = 1) -> list[int]:
    """Positions at which both lanes hold a token at the shown step, and not the same."""
    lanes = snapshot(page)["lanes"]
    pairs = zip(lanes[one]["ids"], lanes[other]["ids"], strict=True)
    return [position for position, (a, b) in enumerate(pairs) if a >= 0 and b >= 0 and a != b]


def test_where_lanes_part_is_said_shown_and_gone_to(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, HASTY)
    section = show(page, "parting")
    section.locator(".cv-both tbody tr").first.wait_for()
    story = section.locator(".cv-parting-story").inner_text()
    assert story.count("wrote") == 2
    assert "differ." in story
    assert section.locator(".cv-both tbody tr").count() >= 3
    assert section.locator(".cv-both .wrote").count() == 2
    page.locator(".cv-go").click()
    wait_for(page, "s.selection && s.step > 0 && s.step < s.steps")
    there = snapshot(page)
    assert f"After step {there['step']}, at token {there['selection']['position']}: " in story
    assert parted(page)[0] == there["selection"]["position"]
    assert page.locator(".cv-inspector").is_visible()
    page.locator("body").press("ArrowLeft")
    wait_for(page, f"s.step === {there['step'] - 1}")
    assert parted(page) == []
    page.locator("body").press("End")
    page.locator("body").press("Escape")
    page.locator("body").press("d")
    wait_for(page, f"s.step === {there['step']} && s.selection !== null")
    assert snapshot(page)["selection"] == there["selection"]


def test_lanes_that_agree_say_so(open_page: Open) -> None:
    page = open_page()
    race(page, CREDIT, CREDIT)
    section = show(page, "parting")
    section.get_by_text("Both wrote the same text. They wrote it in the same order, too.").wait_for()
    assert not page.locator(".cv-go").is_visible()
    assert "are the same." in show(page, "text").locator(".cv-diff-summary").inner_text()
    before = snapshot(page)["step"]
    page.locator("body").press("d")
    drawn(page)
    assert snapshot(page)["step"] == before


def test_one_lane_is_compared_with_none(open_page: Open) -> None:
    page = open_page()
    race(page, CREDIT)
    for tab in ("parting", "text"):
        show(page, tab).get_by_text("There is only one lane.").wait_for()
    for tab in ("waits", "steps"):
        show(page, tab).locator(".js-plotly-plot").first.wait_for()
    section = show(page, "order")
    section.locator(".cv-order-lane").first.wait_for()
    assert section.locator(".cv-order-lane").count() == 1


def test_the_texts_are_laid_over_each_other(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, HASTY)
    section = show(page, "text")
    different = parted(page)
    assert different, "lanes this different write different texts"
    section.locator(".cv-diff .different").first.wait_for()
    places = section.locator(".cv-diff .different").evaluate_all("(all) => all.map((e) => Number(e.dataset.position))")
    assert places == different
    assert f"{len(different)} differ" in section.locator(".cv-diff-summary").inner_text()
    assert section.locator(".cv-diff img, .cv-diff script, .cv-diff b b").count() == 0
    section.locator(f".cv-diff [data-position='{different[-1]}']").click()
    wait_for(page, f"s.selection && s.selection.position === {different[-1]}")
    assert page.locator("[data-role=token].selected").first.get_attribute("data-position") == str(different[-1])


def test_waits_are_counted_and_each_dot_leads_to_its_token(open_page: Open) -> None:
    page = open_page()
    section = show(page, "waits")
    section.locator(".cv-scatter .js-plotly-plot .scatterlayer").wait_for()
    section.locator(".js-plotly-plot .barlayer").wait_for()
    assert section.locator(".js-plotly-plot").count() == 2
    section.locator(".cv-numbers summary").click()
    row = section.locator(".cv-numbers tbody tr").nth(20)
    position = int(row.locator("th").inner_text())
    settled, written, waited = (int(text) for text in row.locator("td").all_inner_texts()[1:4])
    assert written - settled == waited
    at = page.evaluate(
        """([settled, written]) => {
          const plot = document.querySelector(".cv-scatter .js-plotly-plot");
          plot.scrollIntoView({ block: "center" });
          const { xaxis, yaxis } = plot._fullLayout;
          const box = plot.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.d2p(settled), box.top + yaxis._offset + yaxis.d2p(written)];
        }""",
        [settled, written],
    )
    page.mouse.move(*at)
    page.locator(".cv-scatter.pointing").wait_for()
    told = section.locator(".cv-scatter-told").inner_text()
    assert f"settled in step {settled}, written in step {written}" in told
    wait_for(page, "true")
    assert page.locator("[data-role=token].hover").count() == 2
    assert section.locator(".cv-ring.hover").count() == 2
    page.mouse.click(*at)
    wait_for(page, "s.selection !== null")
    chosen = snapshot(page)["selection"]
    again = section.locator(".cv-numbers tbody tr").filter(has=page.locator(f"th:text-is('{chosen['position']}')"))
    cells = again.locator("td").all_inner_texts()[4 * chosen["lane"] + 1 :][:2]
    assert cells == [str(settled), str(written)], f"token {position} or one with the same two steps"
    assert section.locator(".cv-ring.selected").count() == 2


def test_order_reads_as_text_and_leads_to_the_step(open_page: Open) -> None:
    page = open_page()
    section = show(page, "order")
    lane = section.locator(".cv-order-lane").first
    lane.wait_for()
    assert "in reading order" in lane.inner_text()
    token = lane.locator("[data-position]").nth(9)
    step = int(token.locator("small").inner_text())
    token.click()
    wait_for(page, f"s.step === {step} && s.selection.position === 9 && s.selection.lane === 0")
    assert "written" in (page.locator("[data-role=tokens][data-lane='0'] .fresh").get_attribute("class") or "")


def test_decoding_steps_say_what_they_average(open_page: Open) -> None:
    page = open_page()
    section = show(page, "steps")
    section.locator(".js-plotly-plot").wait_for()
    said = section.inner_text()
    assert "text tokens of this run" in said
    assert "nothing else is smoothed" in said
    section.locator(".cv-numbers summary").click()
    rows = section.locator(".cv-numbers tbody tr")
    rows.first.wait_for()
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    *parts, whole = ([int(row[0]), float(row[1]), float(row[2])] for row in cells)
    assert sum(part[0] for part in parts) == whole[0]
    for column in (1, 2):
        mean = sum(part[0] * part[column] for part in parts) / whole[0]
        assert mean == pytest.approx(whole[column], abs=0.02)
    assert whole[2] <= whole[1]


def test_only_the_tab_on_show_draws_and_scrubbing_asks_nothing(open_page: Open) -> None:
    page = open_page()
    show(page, "steps").locator(".js-plotly-plot").wait_for()
    assert page.locator(".cv-order, .cv-diff, .cv-scatter").count() == 0
    at_rest(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate(
        """() => {
          window.changes = 0;
          const body = document.querySelector(".cv-compare-body");
          new MutationObserver((all) => (window.changes += all.length))
            .observe(body, { childList: true, subtree: true, attributes: true, characterData: true });
        }"""
    )
    for step in (3, 9, 20):
        page.locator("[data-role=step]").evaluate(
            "(e, step) => { e.value = step; e.dispatchEvent(new Event('input', { bubbles: true })); }", step
        )
        wait_for(page, f"s.step === {step}")
    assert page.evaluate("window.changes") == 0
    assert requests == []


def test_four_lanes_are_compared_in_pairs_and_the_sum_is_measured_against_the_first(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, HASTY, CREDIT, {"decoder": "credit", "settings": {"beta": 0.0}})
    section = show(page, "parting")
    menus = section.locator(".cv-pair select")
    assert menus.count() == 2
    menus.nth(1).select_option("3")
    wait_for(page, "s.pair[0] === 0 && s.pair[1] === 3")
    menus.nth(0).select_option("3")
    wait_for(page, "s.pair[0] === 3 && s.pair[1] === 0")
    assert [menus.nth(side).input_value() for side in (0, 1)] == ["3", "0"]
    page.locator("[data-role=tokens][data-lane='2'] [data-position='12']").click()
    wait_for(page, "s.selection && s.selection.position === 12")
    sums = page.locator(".cv-inspector .cv-sum")
    sums.nth(3).wait_for()
    texts = sums.all_inner_texts()
    assert not any(name in texts[0] for name in ("before Vanilla", "after Vanilla", "same step as"))
    assert all("Vanilla" in text for text in texts[1:])
    assert "odds ×" in texts[2]
    keys = page.locator(".cv-bar-keys")
    assert "boost" in keys.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_a_phone_everything_fits(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True)
    race(page, VANILLA, HASTY, CREDIT)
    for tab in ("parting", "text", "reasons", "waits", "order", "steps"):
        show(page, tab)
        page.locator(CONTENTS[tab]).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
    for selector in ("[data-compare=order]", ".cv-numbers summary"):
        assert page.locator(f".cv-compare {selector}").first.bounding_box()["height"] >= 44, selector
    show(page, "parting")
    page.locator(".cv-go").wait_for()
    assert page.locator(".cv-go").bounding_box()["height"] >= 44
    assert page.locator(".cv-pair select").first.bounding_box()["height"] >= 44


def test_names_and_tokens_are_only_ever_text(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, HASTY)
    for tab in ("parting", "text", "reasons", "waits", "order", "steps"):
        section = show(page, tab)
        page.locator(CONTENTS[tab]).first.wait_for()
        for details in section.locator(".cv-numbers summary").all():
            details.click()
        assert section.locator("img, script").count() == 0
    assert json.dumps(snapshot(page)["pair"]) == "[0, 1]"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(open_page: Open, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    race(page, VANILLA, HASTY)
    for tab in ("parting", "order"):
        show(page, tab)
        page.locator(CONTENTS[tab]).first.wait_for()
        assert serious_violations(page) == [], tab
