"""Why lanes need fewer passes, on the embedded model: tokens by reason, what they say, controls a click away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credit_viz.backend.base import Event, LaneFinished, RunRequest
from credit_viz.backend.local import LocalBackend
from credit_viz.decoding import make_decoder
from credit_viz.figures import reasons
from credit_viz.figures.style import reason_name
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny import SETTINGS, examples
from credit_viz.trace.record import Trace
from credit_viz.web import build_app
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.standalone import write_page
from tests.browser.conftest import Open, drawn, serious_violations, serve, snapshot, wait_for
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model
from tests.browser.lanes import race

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844, "has_touch": True}
VANILLA, THRESHOLD = ({"decoder": name, "settings": {}} for name in ("vanilla", "threshold"))
CREDIT = {"decoder": "credit", "settings": {"alpha": 1.0}}
FORGETS = {"decoder": "credit", "settings": {"alpha": 1.0, "beta": 0.0}}
HISTORY, PLAIN = "Add the same without history", "Add the same without credit"
#: settings of the lanes that were asked for, and what came of them
Asked = list[tuple[str, dict[str, Any]]]


class Watched(LocalBackend):
    """The embedded model; says what it decoded, and keeps it."""

    def __init__(self, model: DiffusionLM) -> None:
        super().__init__(model)
        self.asked: Asked = []
        self.traces: dict[str, Trace] = {}

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """As `LocalBackend.stream`."""
        self.asked.extend((lane.decoder, dict(lane.settings)) for lane in request.lanes)
        for event in super().stream(request):
            if isinstance(event, LaneFinished):
                info = event.trace.info
                self.traces[name_of(info.decoder, dict(info.settings))] = event.trace
            yield event


def name_of(decoder: str, settings: dict[str, Any]) -> str:
    """A lane by all of its knobs."""
    return json.dumps([decoder, make_decoder(decoder, settings).settings.to_dict()])


@pytest.fixture(scope="module")
def backend(model: DiffusionLM) -> Watched:
    return Watched(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No sweep."""
    return Path(tmp_path_factory.mktemp("sweeps"))


@pytest.fixture(scope="module")
def address(backend: Watched, laboratory: Laboratory) -> Iterator[str]:
    app = build_app(backend, examples=examples(), settings=SETTINGS, laboratory=laboratory)
    yield serve(app)
    app.close(verbose=False)


def by_link(open_page: Open, *lanes: str, **options: Any) -> Any:
    """A page whose lanes are those of a link."""
    return open_page(at="?prompt=Tell+a+sad+story+about+Emma.&" + "&".join(f"lane={lane}" for lane in lanes), **options)


def show(page: Any, lanes: int) -> Any:
    """Open the tab, and wait until it shows so many lanes."""
    page.locator(".cv-compare").scroll_into_view_if_needed()
    page.click("[data-compare=reasons]")
    return shown(page, lanes)


def shown(page: Any, lanes: int) -> Any:
    page.wait_for_function(f"document.querySelectorAll('.cv-reasons tbody tr').length === {lanes}")
    drawn(page)
    return page.get_by_role("region", name="Compare")


def add(page: Any, words: str, lanes: int) -> Any:
    """Press a button that adds a control, and wait for its run."""
    page.get_by_role("button", name=words).click()
    wait_for(page, f"s.lanes.length === {lanes} && s.state === 'done' && s.live === 'idle' && !s.behind")
    return shown(page, lanes)


def said(section: Any) -> str:
    """What is said of the lane with credit."""
    text = section.get_by_role("group", name=re.compile("^CreditDecoding")).locator("p").first.inner_text()
    return " ".join(str(text).split())


def told(backend: Watched, *lanes: dict[str, Any]) -> list[list[str]]:
    """What the rows of the table must say, by Python."""
    named = {str(i): backend.traces[name_of(**lane)] for i, lane in enumerate(lanes)}
    return [
        [
            *(f"{count} {reason_name(reason)}" for reason, count in run.counts.items()),
            str(run.passes),
            f"{run.tokens_per_pass:.2f}",
            f"{run.mean_wait:.0f}" if run.mean_wait >= 10 else f"{run.mean_wait:.1f}".removesuffix(".0"),
            str(run.redundant_guesses),
        ]
        for run in reasons.get_info(named).runs
    ]


def table(section: Any) -> list[list[str]]:
    """Counts by reason and costs, row by row."""
    rows = section.locator(".cv-reasons tbody tr").all()
    return [row.locator(".cv-key, .cv-reason-cost").all_inner_texts() for row in rows]


def passes(backend: Watched, lane: dict[str, Any]) -> int:
    return backend.traces[name_of(**lane)].forward_passes


def test_tokens_by_reason_are_those_of_the_traces(open_page: Open, backend: Watched) -> None:
    page = open_page()
    race(page, VANILLA, CREDIT, THRESHOLD)
    section = show(page, 3)
    assert table(section) == told(backend, VANILLA, CREDIT, THRESHOLD)
    width = "(part) => part.getBoundingClientRect().width"
    for row in section.locator("tbody tr").all():
        parts = [part.evaluate(width) for part in row.locator(".cv-reason-bar i").all()]
        assert sum(parts) == pytest.approx(row.locator(".cv-reason-bar").evaluate(width), abs=2)
    said_of = section.locator(".cv-reasons-said [role=group]").evaluate_all("(all) => all.map((e) => e.ariaLabel)")
    assert said_of == ["CreditDecoding", "Threshold"], "of the first lane there is nothing to say"


def test_controls_are_added_and_the_sentence_says_what_they_show(open_page: Open, backend: Watched) -> None:
    page = by_link(open_page, "vanilla", "credit;alpha=1")
    section = show(page, 2)
    lifted = int(next(word for word in table(section)[1] if word.endswith(" credit")).split()[0])
    fewer = passes(backend, VANILLA) - passes(backend, CREDIT)
    start = f"CreditDecoding takes {passes(backend, CREDIT)} passes, {fewer} fewer than Vanilla. "
    start += f"Credit wrote {lifted} of 64 tokens before their own confidence was enough. "
    assert said(section) == f"{start}That is a lower bar or memory: the same without history tells."

    backend.asked.clear()
    section = add(page, HISTORY, 3)
    assert [(name, knobs["beta"]) for name, knobs in backend.asked] == [("credit", 0)], "only the new lane is decoded"
    assert snapshot(page)["kept"] == [0, 1]
    assert table(section) == told(backend, VANILLA, CREDIT, FORGETS)
    history, own = passes(backend, FORGETS), passes(backend, CREDIT)
    assert f"The same without history takes {history} passes" in said(section)
    assert ("nothing here came from memory" in said(section)) == (history == own)
    assert section.get_by_role("button", name=HISTORY).count() == 0
    assert page.evaluate("document.activeElement.textContent") == PLAIN, "the keyboard goes on to the other control"

    backend.asked.clear()
    section = add(page, PLAIN, 4)
    assert [(name, knobs["alpha"]) for name, knobs in backend.asked] == [("credit", 0)]
    without = {"decoder": "credit", "settings": {"alpha": 0.0}}
    assert table(section) == told(backend, VANILLA, CREDIT, without, FORGETS)
    words = f"The same takes {passes(backend, without)} passes without credit and {history} without history: here a"
    assert words in said(section)
    assert section.get_by_role("button", name="Add the same").count() == 0
    assert section.get_by_role("group", name=re.compile("^CreditDecoding")).count() == 1, "controls are no subjects"


def test_where_no_lane_is_left_it_says_so_and_without_credit_there_is_no_control(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, THRESHOLD, CREDIT, {"decoder": "factor", "settings": {}})
    section = show(page, 4)
    assert section.get_by_role("button", name="Add the same").count() == 0
    section.get_by_text("All 4 lanes are in use: remove one, and a control can be added.").wait_for()
    race(page, VANILLA, THRESHOLD)
    section = show(page, 2)
    assert section.get_by_role("button", name="Add the same").count() == 0
    assert "for their own confidence." in section.get_by_role("group", name="Threshold").inner_text()
    race(page, FORGETS)
    section = show(page, 1)
    assert "that is a lower bar, and no memory." in said(section)
    assert section.get_by_role("button", name=HISTORY).count() == 0
    assert section.get_by_role("button", name=PLAIN).count() == 1


def test_one_prompt_points_to_the_lab(open_page: Open) -> None:
    page = open_page()
    race(page, VANILLA, CREDIT)
    show(page, 2).get_by_role("button", name="Ask the Lab about many").click()
    wait_for(page, "s.place === 'lab'")


def test_a_saved_page_has_the_tab_too_and_offers_nothing(
    chromium: Any, open_page: Open, backend: Watched, tmp_path: Path
) -> None:
    race(open_page(), VANILLA, CREDIT)
    write_page([backend.traces[name_of(**lane)] for lane in (VANILLA, CREDIT)], tmp_path / "run.html")
    context = chromium.new_context(offline=True, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto((tmp_path / "run.html").as_uri())
    page.locator(".cv-compare").scroll_into_view_if_needed()
    page.locator("[data-compare=reasons]").click()
    page.locator(".cv-reasons tbody tr").nth(1).wait_for()
    section = page.get_by_role("region", name="Compare")
    assert table(section) == told(backend, VANILLA, CREDIT)
    assert section.get_by_role("button", name=re.compile("Add the same|Lab")).count() == 0
    page.locator("[data-compare=steps]").click()
    page.locator(".cv-compare .js-plotly-plot").wait_for()
    context.close()


def test_a_tab_that_does_not_load_says_so_and_the_others_do(open_page: Open) -> None:
    page = open_page()
    torn = {"body": "throw new Error('torn')", "content_type": "text/javascript"}
    page.route("**/reasons.js", lambda route: route.fulfill(**torn))
    page.locator(".cv-compare").scroll_into_view_if_needed()
    page.click("[data-compare=reasons]")
    page.locator(".cv-compare .cv-alert", has_text="could not be loaded: torn").wait_for()
    page.click("[data-compare=text]")
    page.locator(".cv-diff-summary").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(open_page: Open, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    race(page, VANILLA, CREDIT)
    show(page, 2)
    assert serious_violations(page) == []


def test_on_a_phone_it_fits_and_can_be_pressed(open_page: Open) -> None:
    page = by_link(open_page, "vanilla", "credit;alpha=1", **PHONE)
    section = show(page, 2)
    for name in (HISTORY, PLAIN):
        assert section.get_by_role("button", name=name).bounding_box()["height"] >= 44
    section = add(page, HISTORY, 3)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert serious_violations(page, ".cv-compare") == []
