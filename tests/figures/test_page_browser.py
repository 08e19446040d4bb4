"""The exported page in a real Chromium, from a file: it draws, fetches nothing, and hostile tokens stay text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from credit_viz.decoding import make_decoder
from credit_viz.figures import FIGURES
from credit_viz.figures.page import write_page
from credit_viz.figures.style import surface
from tests.support import MockModel, run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

HOSTILE = (
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "<a href='javascript:window.pwned=1'>x</a>",
    "${window.pwned=1}",
    "%{customdata}",
    "\ud800",
    "\u202e",
    "\n",
)


class Visit:
    """A page opened from a file, and what went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two runs over hostile tokens."""
    model = MockModel(texts=lambda i: HOSTILE[i % len(HOSTILE)])
    names = ("vanilla", "credit")
    runs = {name: run(model, make_decoder(name), gen_length=24, block_length=12) for name in names}
    path = tmp_path_factory.mktemp("page") / "runs.html"
    write_page({f"{HOSTILE[0]}{name}": trace for name, trace in runs.items()}, path)
    return path


@pytest.fixture(scope="module")
def visit(file: Path) -> Iterator[Visit]:
    """The page, drawn, on a wide light screen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        found = Visit(browser.new_page(viewport={"width": 1280, "height": 1400}, color_scheme="light"))
        found.page.goto(file.as_uri())
        found.page.wait_for_selector("html[data-ready]", timeout=30_000)
        yield found
        browser.close()


def card_colors(page: Page) -> set[str]:
    """Backgrounds of all drawn figures."""
    colors = page.evaluate("[...document.querySelectorAll('.figure')].map((figure) => figure.layout.paper_bgcolor)")
    return set(colors)


def test_every_map_can_be_chosen(visit: Visit) -> None:
    maps = [figure for figure in FIGURES.values() if figure.per_run]
    for figure in maps:
        visit.page.get_by_role("button", name=figure.title, exact=True).click()
        assert visit.page.locator("[aria-pressed=true]").all_inner_texts() == [figure.title]
        assert visit.page.locator("#question").inner_text() == figure.question
    assert visit.page.locator(".figure .main-svg").count() > 0
    assert visit.page.locator("#maps .figure").count() == 2


def test_heights_are_unpacked(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Confidence", exact=True).click()
    z = visit.page.evaluate("[...document.querySelector('#maps .figure').data[0].z].map((row) => [...row])")
    values = [value for row in z for value in row if value == value]  # NaN: nothing recorded
    assert len(z) == 24
    assert 0 <= min(values) < max(values) <= 1
    assert len(values) < sum(map(len, z)), "blank after the commit"


def test_pointing_at_a_cell_names_its_guess(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Confidence", exact=True).click()
    box = visit.page.locator("#maps .nsewdrag").first.bounding_box()
    assert box is not None
    for share in (0.02, 0.1, 0.3):
        visit.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.9)
        visit.page.wait_for_timeout(100)
    assert "best guess" in (visit.page.locator("#maps .hoverlayer").first.text_content() or "")


def test_dark_follows_the_reader(visit: Visit) -> None:
    assert card_colors(visit.page) == {surface("light")["card"]}
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_timeout(300)
    assert card_colors(visit.page) == {surface("dark")["card"]}
    visit.page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_sideways_scrolling(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_was_fetched_and_nothing_ran(visit: Visit, file: Path) -> None:
    outside = [url for url in visit.requests if not url.startswith(("data:", "blob:"))]
    assert outside == [file.as_uri()]
    assert visit.problems == []
    assert visit.page.evaluate("window.pwned") is None
