"""The lab in a real Chromium, on the embedded model: a new sweep, its pictures, the race behind a mark, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from credit_viz import load_model
from credit_viz.backend.local import LocalBackend
from credit_viz.backend.sweeps import LocalSweeps
from credit_viz.decoding import make_decoder
from credit_viz.lab import Arm, InlineCrew, ModelSource, Plan, SweepResult, TaskPrompts, sweep
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny import SETTINGS, examples
from credit_viz.web import build_app
from credit_viz.web.laboratory import Laboratory
from tests.browser.conftest import Open, drawn, serious_violations, serve, snapshot, wait_for
from tests.lab.conftest import LabModel

pytestmark = pytest.mark.browser

GRID = "grid"  #: a sweep that is there from the start
FOREIGN = "foreign"  #: one of another model
#: every mark of a picture: its settings, and where it lies in the window.
_MARKS = """
async (name) => {
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const { marksOf } = await import(loaded.find((address) => address.endsWith("/labmarks.js")));
  const plot = document.querySelector(`[data-figure=${name}] .cv-pic-plot`);
  plot.scrollIntoView({ block: "center", behavior: "instant" });
  const { left, top } = plot.getBoundingClientRect();
  return marksOf(plot).map(({ kind, rows, points, box }) => ({
    kind,
    rows,
    x: left + (box ? (box.left + box.right) / 2 : points[0][0]),
    y: top + (box ? (box.top + box.bottom) / 2 : points[0][1]),
  }));
}
"""


@pytest.fixture(scope="module")
def model() -> DiffusionLM:
    return load_model()


@pytest.fixture(scope="module")
def backend() -> Any:
    """What `open_page` slows down is not here."""
    return SimpleNamespace(seconds=0.0)


@pytest.fixture(scope="module")
def laboratory(model: DiffusionLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Holds a sweep of nine settings on six prompts, and one of another model."""
    folder = tmp_path_factory.mktemp("sweeps")
    knobs = {"alpha": (0, 0.5, 1), "threshold": (0.6, 0.9)}
    arms = (Arm("vanilla"), Arm("threshold", {"threshold": (0.6, 0.9)}), Arm("credit", knobs))
    plan = Plan(arms, tasks=TaskPrompts(("story", "arithmetic"), count=6))
    sweep(plan, folder / GRID, InlineCrew(model))
    other = Plan(
        (Arm("vanilla"), Arm("threshold", {"threshold": (0.1, 0.2)})), ("one", "two"), options={"gen_length": 32}
    )
    sweep(other, folder / FOREIGN, InlineCrew(LabModel()))
    kept = Laboratory(LocalSweeps(model, ModelSource(), most_workers=2), folder)
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def address(model: DiffusionLM, laboratory: Laboratory) -> Iterator[str]:
    app = build_app(LocalBackend(model), examples=examples(), settings=SETTINGS, laboratory=laboratory)
    yield serve(app)
    app.close(verbose=False)


def lab(page: Any) -> dict[str, Any]:
    """What the lab says of itself."""
    return dict(page.evaluate("window.creditViz.lab()"))


def wait_in_lab(page: Any, condition: str, seconds: float = 60) -> None:
    """Wait until a condition on the lab's state `s` holds and is drawn."""
    page.wait_for_function(
        f"(() => {{ const s = window.creditViz?.lab?.(); return s !== undefined && ({condition}); }})()",
        timeout=1000 * seconds,
    )
    drawn(page)


def lab_with(open_page: Open, name: str, **options: Any) -> Any:
    """A sweep in a browser of its own."""
    page = open_page(finished=False, at=f"?at=lab&sweep={name}", **options)
    wait_in_lab(page, f"s.sweep === '{name}' && s.rows !== null")
    return page


def marks(page: Any, name: str) -> list[dict[str, Any]]:
    """The marks of a picture that stand for settings, once they lie still."""
    page.locator(f"[data-figure={name}]").scroll_into_view_if_needed()
    seen: list[dict[str, Any]] = []
    for _ in range(100):
        page.locator(f"[data-figure={name}][data-drawn={name}]").wait_for()
        drawn(page)
        before, seen = seen, [mark for mark in page.evaluate(_MARKS, name) if mark["rows"]]
        if seen and seen == before:
            break
        page.wait_for_timeout(300)
    return seen


def dots(page: Any, count: int) -> list[dict[str, Any]]:
    """The front's marks, once it is drawn of so many settings."""
    for _ in range(100):
        found = [mark for mark in marks(page, "front") if mark["kind"] == "dot"]
        if len(found) == count:
            break
        page.wait_for_timeout(300)
    assert len(found) == count
    return found


def drag_around(page: Any, chosen: list[dict[str, Any]]) -> None:
    """Draw a box around marks."""
    left, right = (pick(mark["x"] for mark in chosen) for pick in (min, max))
    top, bottom = (pick(mark["y"] for mark in chosen) for pick in (min, max))
    page.mouse.move(left - 8, top - 8)
    page.mouse.down()
    page.mouse.move((left + right) / 2, (top + bottom) / 2, steps=3)
    page.mouse.move(right + 8, bottom + 8, steps=3)
    page.mouse.up()
    drawn(page)


def cell_of(page: Any, result: SweepResult, **values: Any) -> tuple[dict[str, float], int]:
    """Where the heatmap shows one credit setting, read off its axes; and the setting's number."""
    number = int(result.where(decoder="credit", **values).frame["number"].iloc[0])
    cells = [mark for mark in marks(page, "heatmap") if mark["kind"] == "cell" and number in mark["rows"]]
    assert len(cells) == 1
    across, up = (page.locator(f"[data-figure=heatmap] .{letter}title").text_content() for letter in "xy")
    labels = [
        page.locator(f"[data-figure=heatmap] .{letter}tick", has_text=re.compile(f"^{values[knob]}$"))
        for letter, knob in (("x", across), ("y", up))
    ]
    for label in labels:
        label.wait_for()  # while the picture is drawn anew it has no place
    ticks = [label.bounding_box() for label in labels]
    place = {"x": ticks[0]["x"] + ticks[0]["width"] / 2, "y": ticks[1]["y"] + ticks[1]["height"] / 2}
    assert abs(cells[0]["x"] - place["x"]) < 6
    assert abs(cells[0]["y"] - place["y"]) < 6
    return place, number


def raced(page: Any) -> dict[str, Any]:
    """What is on show, once the run that was asked for is finished."""
    wait_for(page, "s.place === 'race' && s.state === 'done' && s.live === 'idle'")
    page.locator(".cv-trail-facts", has_text="as in the sweep").wait_for()
    return snapshot(page)


def strip_of(page: Any) -> str:
    return " ".join(str(page.locator(".cv-trail").inner_text()).split())


def assert_race_is(page: Any, result: SweepResult, number: int, prompt: str) -> None:
    """Prompt, lanes, their settings and their passes are those of the sweep."""
    row = result.where(number=number, prompt=prompt).frame.iloc[0]
    texts = {each.id: each.text for each in result.plan.all_prompts}
    assert page.input_value("#prompt textarea") == texts[prompt]
    shown = raced(page)
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
    page.get_by_role("button", name="New sweep").click()
    page.get_by_role("button", name=re.compile("How much credit")).click()
    page.get_by_label("How many").fill("4")
    page.get_by_label("Name", exact=True).fill("Mine")
    page.locator(".cv-lab-outlook", has_text=re.compile(r"100 runs.*25 settings.*4 prompts")).wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, "s.status?.state === 'running' && s.status.done > 0")
    assert page.locator(".cv-lab-progress").inner_text().startswith(f"{lab(page)['status']['done']}"[0])
    wait_in_lab(page, "s.rows > 0")
    own = lab(page)["sweep"]
    assert parse_qs(urlparse(page.url).query)["at"] == ["lab"]
    wait_in_lab(page, "s.status?.state === 'done' && s.rows === 25 && s.version === 100", 180)
    result = laboratory.result(own)
    assert len(result.frame) == 100
    assert result.missing == 0
    assert page.locator(".cv-lab-title", has_text="Mine").is_visible()

    # brush the quickest settings on the front, keep only those, and filter
    credit = [mark for mark in dots(page, 25) if mark["rows"] != [0]]
    quick = sorted(credit, key=lambda mark: mark["x"])[:6]
    drag_around(page, quick)
    brushed = lab(page)["brushed"]
    assert {row for mark in quick for row in mark["rows"]} <= set(brushed)
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
    drag_around(page, [mark for mark in dots(page, 24) if mark["rows"][0] in brushed])
    again = lab(page)["brushed"]
    assert set(brushed) <= set(again)

    # a cell opens its run in the race, with everything set
    cell, number = cell_of(page, result, alpha=0.4, threshold=0.9)
    scrolled = page.evaluate("scrollY")
    page.mouse.click(cell["x"], cell["y"])
    wait_for(page, "s.place === 'race'")
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
    assert page.locator(".cv-trail").is_visible()


def test_a_cell_of_several_settings_walks_through_them(open_page: Open, laboratory: Laboratory) -> None:
    page = lab_with(open_page, GRID)
    result = laboratory.result(GRID)
    several = [mark for mark in marks(page, "slices") if len(mark["rows"]) > 1]
    chosen = several[0]
    page.mouse.click(chosen["x"], chosen["y"])
    raced(page)
    assert f"Setting 1 of {len(chosen['rows'])} of this mark" in strip_of(page)
    before = snapshot(page)["run"]
    prompt = re.search(r" on (\S+) ", strip_of(page)).group(1)  # type: ignore[union-attr]
    page.get_by_role("button", name="Next setting").click()
    wait_for(page, f"s.run !== '{before}'")
    assert_race_is(page, result, chosen["rows"][1], prompt)


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
    wait_for(page, "s.lanes.length === 3 && s.live === 'idle' && !s.behind")
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
    assert snapshot(page)["place"] == "lab"


def test_the_report_opens_without_a_network(open_page: Open, chromium: Any, tmp_path: Path) -> None:
    page = lab_with(open_page, GRID, accept_downloads=True)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report").click()
    path = tmp_path / "report.html"
    waiting.value.save_as(path)
    context = chromium.new_context(offline=True, viewport={"width": 1440, "height": 900})
    report = context.new_page()
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
    started = start(page, "To be stopped", prompts=60)
    wait_in_lab(page, f"s.sweep === '{started}' && s.status?.state === 'running' && s.status.done > 20")
    page.reload()
    wait_in_lab(page, f"s.sweep === '{started}' && s.status?.state === 'running'")
    page.get_by_role("button", name="Cancel", exact=True).locator("visible=true").click()
    wait_in_lab(page, "s.status?.state === 'cancelled'")
    kept = len(laboratory.result(started).frame)
    assert 20 < kept < 1500
    wait_in_lab(page, f"s.version === {kept} && s.rows > 0")
    assert "What is there stays" in page.locator(".cv-lab-progress").inner_text()
    page.reload()
    wait_in_lab(page, f"s.sweep === '{started}' && s.rows > 0")
    assert "stopped early" in page.locator(".cv-lab-sweep[aria-current]").inner_text()
    laboratory.delete(started)


def start(page: Any, title: str, prompts: int) -> str:
    """Start a sweep from the form; returns its id."""
    before = lab(page)["sweep"]
    page.get_by_role("button", name="New sweep").click()
    page.get_by_role("button", name=re.compile("How much credit")).click()
    page.get_by_label("How many").fill(str(prompts))
    page.get_by_label("Name", exact=True).fill(title)
    page.locator(".cv-lab-outlook", has_text=f"{prompts} prompts").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, f"s.sweep !== {json.dumps(before)} && !s.asking")
    return str(lab(page)["sweep"])


def test_two_tabs_share_the_workers_and_not_their_brushes(open_page: Open, laboratory: Laboratory) -> None:
    one, other = (lab_with(open_page, GRID) for _ in range(2))
    first = start(one, "First", prompts=60)
    second = start(other, "Second", prompts=2)
    wait_in_lab(one, "s.status?.state === 'running'")
    assert lab(other)["status"] is None or lab(other)["status"]["state"] in ("queued", "loading", "running")
    wait_in_lab(other, "s.status?.state === 'queued'")
    assert "Waiting" in other.locator(".cv-lab-progress").inner_text()
    one.get_by_role("button", name="Cancel", exact=True).locator("visible=true").click()
    wait_in_lab(one, "s.status?.state === 'cancelled'")
    wait_in_lab(other, "s.status?.state === 'done'", 180)
    wait_in_lab(other, "s.rows === 25")
    other.locator("tbody tr[data-number='3'] th").click()
    assert (lab(other)["brushed"], lab(one)["brushed"]) == ([3], None)
    for name in (first, second):
        laboratory.delete(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(open_page: Open, scheme: str) -> None:
    page = lab_with(open_page, GRID, width=390, height=844, has_touch=True, color_scheme=scheme)
    cell = [mark for mark in marks(page, "heatmap") if mark["kind"] == "cell"][1]
    page.touchscreen.tap(cell["x"], cell["y"])
    page.get_by_role("button", name="See its runs in the race").tap()
    raced(page)
    strip = page.locator(".cv-trail")
    box = strip.bounding_box()
    assert 0 <= box["y"] <= 844 - box["height"]
    for button in strip.locator("button").all():
        assert button.bounding_box()["height"] >= 44, button.inner_text()
    assert serious_violations(page, ".cv-trail") == []
    page.get_by_role("button", name="All runs of this setting").tap()
    page.locator("dialog.cv-runs tbody tr").first.wait_for()
    assert serious_violations(page, "dialog.cv-runs") == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
