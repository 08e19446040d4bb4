"""The maps from a visitor's view: colours, marks, zoom, the difference of two lanes, the table, large runs, a phone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest
from credit_viz.figures.style import Scale, map_scale
from credit_viz.trace.codec import PLANES
from credit_viz.trace.record import Reason, Trace
from tests.browser.conftest import EXAMPLES, Open, at_rest, drawn, snapshot, wait_for
from tests.web.fake import FakeBackend

READY = "performance.getEntriesByName('credit-viz:ready').length > 0"
ONE_LANE = ("waiting", "confidence", "fused", "credit", "boost", "entropy", "flips")


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    """What the page shows first, decoded here."""
    request = RunRequest(EXAMPLES[0].prompt, (LaneRequest("vanilla"), LaneRequest("credit")))
    finished = [event for event in FakeBackend().stream(request) if isinstance(event, LaneFinished)]
    return [event.trace for event in sorted(finished, key=lambda event: event.lane)]


def show(page: Any, tab: str) -> None:
    page.click(f"[data-tab={tab}]")
    wait_for(page, f"s.tab === '{tab}'")


def scrub(page: Any, step: int) -> None:
    page.locator("[data-role=step]").fill(str(step))
    wait_for(page, f"s.step === {step}")


def run_lanes(page: Any, lanes: list[dict[str, Any]], length: int = 64, block: int = 32) -> None:
    """Run other lanes than the page would."""
    before = snapshot(page)["run"]
    page.evaluate(
        """([lanes, gen_length, block_length]) => {
          window.pageChoice ??= creditViz.choice;
          creditViz.choice = (...how) =>
            JSON.stringify({ ...JSON.parse(window.pageChoice(...how)), lanes, gen_length, block_length });
        }""",
        [lanes, length, block],
    )
    page.click("#run")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle' && s.lanes[0].length === {length}")


def frames(page: Any) -> list[dict[str, Any]]:
    return [
        json.loads(text)
        for text in page.evaluate("[...document.querySelectorAll('.cv-figure')].map((f) => f.dataset.frame)")
    ]


def cell_color(page: Any, figure: int, position: int, step: int) -> list[int]:
    """RGBA in the middle of a cell, below the marks."""
    return list(
        page.evaluate(
            """([index, position, step]) => {
              const figure = document.querySelectorAll('.cv-figure')[index];
              const { area, x, y } = JSON.parse(figure.dataset.frame);
              const left = area.left + ((step - x[0]) / (x[1] - x[0])) * area.width;
              const top = area.top + ((position - y[0]) / (y[1] - y[0])) * area.height;
              const canvas = figure.querySelector('canvas');
              const ratio = canvas.width / figure.clientWidth;
              return [...canvas.getContext('2d').getImageData(left * ratio, top * ratio, 1, 1).data];
            }""",
            [figure, position, step],
        )
    )


def expected_color(value: float, name: str) -> list[int]:
    """What the scale says of a value that has travelled as a byte."""
    plane = PLANES.get(name)
    travelled = plane.from_bytes(plane.to_bytes(np.array([value])))[0] if plane else value
    scale: Scale = map_scale(name)
    share = float(np.clip(scale.height(np.float32(travelled)) / scale.top, 0, 1))  # these scales begin at zero
    colors = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in scale.colors], float)
    place = share * (len(colors) - 1)
    low = min(int(place), len(colors) - 2)
    return [round(part) for part in colors[low] + (colors[low + 1] - colors[low]) * (place - low)]


def test_every_map_draws_its_cells_in_the_colours_of_its_scale(open_page: Open, traces: list[Trace]) -> None:
    page = open_page()
    page.wait_for_function(READY)
    for tab in ONE_LANE:
        show(page, tab)
        granted = tab in ("credit", "boost")
        assert page.locator(".cv-nothing:visible").count() == granted, "vanilla grants no credit"
        for lane, trace in enumerate(traces):
            if tab == "waiting" or (granted and lane == 0):
                continue
            grid = trace.grid(tab)
            for position, step in ((0, 1), (40, 3), (50, 12)):
                shown = cell_color(page, lane, position, step)
                assert shown[3] == 255
                np.testing.assert_allclose(shown[:3], expected_color(grid[position, step - 1], tab), atol=2)
            assert cell_color(page, lane, int(trace.commit_step.argmin()), trace.forward_passes)[3] == 0, "blank after"
    legend = page.locator(".cv-map-about .cv-legend").inner_text()
    assert "another guess" in legend


def test_the_legend_names_the_marks_that_occur_and_no_others(open_page: Open, traces: list[Trace]) -> None:
    page = open_page()
    show(page, "fused")
    legend = page.locator(".cv-map-about .cv-legend").inner_text()
    reasons = {Reason(reason) for trace in traces for reason in trace.event_reasons.tolist()}
    assert {Reason.CREDIT, Reason.FORCED} <= reasons
    assert "settled" in legend
    assert "written thanks to credit" in legend
    assert "written all the same" in legend
    assert "taken back" not in legend
    run_lanes(page, [{"decoder": "vanilla", "settings": {}}])
    legend = page.locator(".cv-map-about .cv-legend").inner_text()
    assert "thanks to credit" not in legend
    assert not page.locator("[data-tab=difference]").is_visible(), "one lane differs from nothing"


def test_zoom_is_linked_names_the_tokens_and_survives_a_run(open_page: Open, traces: list[Trace]) -> None:
    page = open_page()
    show(page, "confidence")
    reset = page.get_by_role("button", name="Reset zoom")
    assert not reset.is_visible()
    assert not frames(page)[0]["named"]
    selected = snapshot(page)["selection"]
    figure = page.locator(".cv-figure").first
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    page.mouse.move(box["x"] + 120, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 180, steps=4)
    page.mouse.up()
    wait_for(page, "s.zoom !== null")
    one, other = frames(page)
    assert (one["x"], one["y"]) == (other["x"], other["y"])
    assert one["named"]
    assert one["x"][1] - one["x"][0] < 25
    assert one["y"][1] - one["y"][0] < 15
    assert snapshot(page)["selection"] == selected, "a drag is no click"
    position, step = round(sum(one["y"]) / 2), round(sum(one["x"]) / 2)
    value = traces[0].grid("confidence")[position, step - 1]
    if np.isfinite(value):
        np.testing.assert_allclose(cell_color(page, 0, position, step)[:3], expected_color(value, "confidence"), atol=2)
    zoom = snapshot(page)["zoom"]
    page.fill("#prompt textarea", "Another prompt")
    before = snapshot(page)["run"]
    page.click("#run")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
    assert snapshot(page)["zoom"] == zoom
    assert frames(page)[1]["x"] == zoom[0]
    assert reset.is_visible()
    page.locator("body").press("z")
    wait_for(page, "s.zoom === null")
    assert not reset.is_visible()
    figure.hover(position={"x": 200, "y": 120})
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    wait_for(page, "s.zoom !== null")
    reset.click()
    wait_for(page, "s.zoom === null")
    page.locator("body").press("+")
    wait_for(page, "s.zoom !== null")
    figure.dblclick(position={"x": 200, "y": 120})
    wait_for(page, "s.zoom === null")


def test_lanes_that_are_alike_differ_nowhere(open_page: Open) -> None:
    page = open_page()
    vanilla = {"decoder": "vanilla", "settings": {}}
    run_lanes(page, [vanilla, vanilla])
    show(page, "difference")
    assert page.locator(".cv-figure").count() == 1
    neutral = expected_neutral()
    for position, step in ((0, 1), (63, 2), (30, 5)):
        assert cell_color(page, 0, position, step) == [*neutral, 255]
    assert page.locator(".cv-map-pair select").count() == 1, "two lanes need no choice of lanes"


def expected_neutral() -> list[int]:
    colors = map_scale("difference").colors
    middle = colors[len(colors) // 2]
    return [int(middle[i : i + 2], 16) for i in (1, 3, 5)]


def test_the_difference_of_two_of_three_lanes(open_page: Open) -> None:
    page = open_page()
    lanes = [{"decoder": name, "settings": {}} for name in ("vanilla", "credit", "vanilla")]
    run_lanes(page, lanes)
    show(page, "difference")
    request = RunRequest(EXAMPLES[0].prompt, (LaneRequest("vanilla"), LaneRequest("credit")))
    finished = [event for event in FakeBackend().stream(request) if isinstance(event, LaneFinished)]
    vanilla, credit = (event.trace for event in sorted(finished, key=lambda event: event.lane))
    gain = credit.grid("fused")[:, 0] - vanilla.grid("fused")[:, 0]
    position = int(np.nanargmax(gain))
    assert gain[position] > 0.02
    surer = cell_color(page, 0, position, 1)
    assert surer[0] > surer[2], "the second lane is surer: its side of the scale is the warm one"
    names = page.locator(".cv-map-pair select")
    assert names.count() == 3
    page.select_option("[data-role=pair-1]", index=0)
    drawn(page)
    assert "minus" in page.locator(".cv-map .cv-lane-name").inner_text()
    swapped = cell_color(page, 0, position, 1)
    assert swapped[2] > swapped[0]
    page.select_option("[data-role=quantity]", "confidence")
    wait_for(page, "s.quantity === 'confidence'")
    assert cell_color(page, 0, position, 1) == [*expected_neutral(), 255], "confidence is before any credit"
    figure = page.locator(".cv-figure")
    figure.scroll_into_view_if_needed()
    figure.hover(position={"x": 300, "y": 60})
    page.locator(".cv-tip").wait_for()
    assert "Vanilla" in page.locator(".cv-tip").inner_text()


def test_the_table_holds_what_the_map_shows(open_page: Open, traces: list[Trace]) -> None:
    page = open_page()
    show(page, "fused")
    scrub(page, 7)
    page.locator("body").press("t")
    wait_for(page, "s.table")
    assert not page.locator(".cv-figure").first.is_visible()
    table = page.locator(".cv-map-section").get_by_role("table")
    assert "Fused confidence" in table.locator("caption").inner_text()
    assert table.locator("thead th[scope=col]").count() == 8
    page.wait_for_function("document.querySelectorAll('.cv-table tbody tr').length === 64")
    trace = traces[snapshot(page)["front"]]
    fused = trace.grid("fused")[:, 6]
    page.wait_for_function(  # rows out of sight follow when the step rests
        """(unknown) => [...document.querySelectorAll(".cv-table .cv-value")]
          .every((value, i) => (value.textContent === "–") === unknown[i])""",
        arg=np.isnan(fused).tolist(),
    )
    rows = page.evaluate(
        "[...document.querySelectorAll('.cv-table tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    for position, cells in enumerate(rows):
        value = fused[position]
        known = [str(position), str(trace.converge_step[position]), str(trace.commit_step[position])]
        assert [cells[0], cells[3], cells[4]] == known
        assert [cells[5], cells[6]] == [str(trace.wait[position]), str(trace.flips[position])]
        assert (cells[2] == "–") == bool(np.isnan(value))
        if np.isfinite(value) and 0.01 < value < 0.99:
            assert abs(float(cells[2]) - value) < 0.01
    why = {cells[7] for cells in rows}
    assert "only Trace Credit lifted it over the bar" in why
    scrub(page, 1)
    assert "step 1" in table.locator("thead").inner_text()
    page.wait_for_function("document.querySelector('.cv-table .cv-value').textContent !== '–'")
    page.select_option("#cv-table-lane", index=0)
    wait_for(page, "s.front === 0")
    page.wait_for_function("document.querySelectorAll('.cv-table tbody tr').length === 64")
    show(page, "credit")
    page.wait_for_function("document.querySelector('.cv-table .cv-value').textContent === 'none in this lane'")
    page.locator("body").press("t")
    wait_for(page, "!s.table")
    assert page.locator(".cv-figure").first.is_visible()


def test_a_large_run_scrubs_without_a_request_and_its_table_comes_in_pieces(open_page: Open) -> None:
    page = open_page()
    lanes = [{"decoder": name, "settings": {}} for name in ("vanilla", "credit")]
    run_lanes(page, lanes, 512, 128)
    show(page, "confidence")
    at_rest(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for step in (0, 100, 511, 3):
        scrub(page, step)
    assert requests == []
    assert cell_color(page, 0, 500, 1)[3] == 255
    for _ in range(600):  # painted to the end, over several frames
        if cell_color(page, 0, 500, 300)[3]:
            break
        drawn(page)
    assert cell_color(page, 0, 500, 300)[3] == 255
    page.locator("body").press("t")
    page.wait_for_function("document.querySelectorAll('.cv-table tbody tr').length === 512")


def test_high_contrast_draws_stronger_marks_and_a_thinner_veil(open_page: Open) -> None:
    page = open_page()
    show(page, "fused")
    scrub(page, 2)
    veil = "document.querySelectorAll('.cv-figure canvas')[2].getContext('2d').getImageData(300, 200, 1, 1).data[3]"
    marks = """[...document.querySelectorAll('.cv-figure canvas')[1].getContext('2d').getImageData(0, 0, 500, 300).data]
      .filter((value, i) => i % 4 === 3 && value > 0).length"""
    before = page.evaluate(f"[{veil}, {marks}]")
    page.click(".cv-contrast")
    wait_for(page, "s.contrast")
    page.wait_for_function(f"{veil} < {before[0]} && {marks} > {before[1] * 1.2}")


def test_on_a_phone_tabs_scroll_and_two_fingers_zoom(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True)
    page.locator(".cv-map-section").scroll_into_view_if_needed()
    show(page, "difference")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.wait_for_function(
        """() => {
          const { left, right } = document.querySelector("[data-tab=difference]").getBoundingClientRect();
          return left >= 0 && right <= 390;
        }"""
    )
    show(page, "confidence")
    figure = page.locator(".cv-figure:visible")
    assert figure.count() == 1
    figure.evaluate(
        """(figure) => {
          const { left, top } = figure.getBoundingClientRect();
          const finger = (type, pointerId, x, y) => figure.dispatchEvent(new PointerEvent(type, {
            pointerId, pointerType: 'touch', clientX: left + x, clientY: top + y, bubbles: true }));
          finger('pointerdown', 1, 150, 100);
          finger('pointerdown', 2, 190, 140);
          for (let i = 1; i <= 8; i += 1) {
            finger('pointermove', 1, 150 - 8 * i, 100 - 8 * i);
            finger('pointermove', 2, 190 + 8 * i, 140 + 8 * i);
          }
          finger('pointerup', 1, 86, 36);
          finger('pointerup', 2, 254, 204);
        }"""
    )
    wait_for(page, "s.zoom !== null")
    shown = json.loads(figure.get_attribute("data-frame"))
    assert shown["named"], "rows are tall enough for their tokens"
    page.get_by_role("button", name="Reset zoom").tap()
    wait_for(page, "s.zoom === null")
    page.get_by_role("button", name="Table").tap()
    wait_for(page, "s.table")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
