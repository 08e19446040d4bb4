"""A thousand token texts and prompts that try to be more than text: in panes, maps, inspector, tables, comparisons,
links, files. Nothing runs, nothing breaks, nothing is fetched; the fixture looks for the errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credit_viz.backend.base import LaneRequest
from credit_viz.web import build_app
from credit_viz.web.request import Choice
from tests.browser.conftest import EXAMPLES, Open, drawn, serve, snapshot, wait_for
from tests.web.hostile import HostileBackend, hostile_texts

pytestmark = pytest.mark.browser

COUNT = 1000
#: what a text could have become: elements, handlers, addresses, frames.
MADE = """
() => {
  const parts = [...document.querySelectorAll(".cv, .cv *")];
  const kinds = new Set(parts.map((part) => part.localName));
  const address = /^(href|src|action|formaction|xlink:href)$/;
  const wrong = parts.flatMap((part) => [...part.attributes]).filter(({ name, value }) =>
    /^on/.test(name) || (address.test(name) && /^\\s*(javascript|data:text)/i.test(value)));
  return { kinds: [...kinds].sort(), wrong: wrong.map(({ name, value }) => `${name}=${value}`) };
}
"""
FILES = ("guesses.csv", "guesses.parquet", "traces.zip", "run.html")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return hostile_texts(COUNT)


@pytest.fixture(scope="module")
def backend(texts: list[str]) -> HostileBackend:
    return HostileBackend(texts)


@pytest.fixture(scope="module")
def address(backend: HostileBackend) -> Iterator[str]:
    choice = Choice((LaneRequest("threshold"), LaneRequest("credit")), gen_length=256, block_length=64)
    app = build_app(backend, examples=EXAMPLES, choice=choice)
    yield serve(app)
    app.close(verbose=False)


def use_everything(page: Any) -> None:
    """Look at the present run in every way that shows token texts."""
    page.evaluate("document.activeElement.blur()")
    for key in ("Home", "Shift+ArrowRight", "End", "j", "j", "+", "+", "+", "2", "1", "t", "j", "t", "z", "l"):
        page.keyboard.press(key)
    for tab in page.locator("[data-compare]").all():
        tab.click()
        drawn(page)
    for lane in range(2):
        page.locator(f"[data-role=tokens][data-lane='{lane}'] [data-role=token]").nth(7).hover(force=True)
    page.locator(".cv-figure").first.hover()
    drawn(page)


def test_a_thousand_texts_stay_texts(open_page: Open, backend: HostileBackend, texts: list[str]) -> None:
    assert len(set(texts)) == COUNT
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    kinds: set[str] = set()
    written = 0
    for number in range(len(backend.packs)):
        before = snapshot(page)["run"]
        page.fill("#prompt textarea", f"{number} {texts[number][:3000]} {texts[-number - 1][:500]}")
        page.click("#run")
        wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
        if number % 4 == 0:
            use_everything(page)
        made = page.evaluate(MADE)
        assert made["wrong"] == []
        kinds |= set(made["kinds"])
        shown = snapshot(page)
        written += len({token for lane in shown["lanes"] for token in lane["ids"]})
        assert shown["error"] == ""
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), number
    assert written > 0.9 * COUNT
    allowed = set(page.evaluate(OWN_ELEMENTS))
    assert kinds <= allowed, kinds - allowed


#: what the page's own modules make, as their sources say, and Plotly's drawings.
OWN_ELEMENTS = """
async () => {
  const drawn = "svg g path rect text tspan defs clipPath circle line image style linearGradient stop".split(" ");
  const base = document.querySelector("link[href*='credit-viz/']").href.replace(/[^/]*$/, "");
  const found = new Set(drawn);
  const names = performance.getEntriesByType("resource").map(({ name }) => name);
  for (const name of names.filter((each) => each.startsWith(base) && each.endsWith(".js") && !each.includes("plotly")))
    for (const [, tag] of (await (await fetch(name)).text()).matchAll(/\\bh\\(\\s*"([a-z0-9]+)"/g)) found.add(tag);
  return [...found];
}
"""


def test_files_of_hostile_runs_are_made_and_an_exported_page_runs_nothing(
    open_page: Open, backend: HostileBackend, tmp_path: Path
) -> None:
    page = open_page()
    for number in range(0, len(backend.packs), 5):
        before = snapshot(page)["run"]
        page.fill("#prompt textarea", f"{number} </script><script>window.pwned=1</script>")
        page.click("#run")
        wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
        for name in FILES:
            address = f"credit-viz/run/{snapshot(page)['run']}/{name}"
            answer = page.context.request.get(f"{page.url.split('?')[0].rstrip('/')}/{address}")
            assert answer.ok, name
            (tmp_path / name).write_bytes(answer.body())
        file = page.context.new_page()
        errors: list[str] = []
        file.on("pageerror", lambda error: errors.append(str(error)))  # noqa: B023
        file.goto((tmp_path / "run.html").as_uri())
        file.locator("[data-role=token].written").first.wait_for()
        file.evaluate("new Promise((resolve) => setTimeout(resolve, 500))")
        use_everything(file)
        made = file.evaluate(MADE)
        assert made["wrong"] == []
        assert file.evaluate("window.pwned") is None
        assert errors == []
        file.close()
