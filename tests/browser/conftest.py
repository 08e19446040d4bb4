"""The page in a real Chromium, on the fake backend. Skipped where no Chromium is installed, except on CI."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from credit_viz.bench.page.browser import ARGS, find_chromium
from credit_viz.web import build_app, launch
from tests.web.conftest import no_forgotten_loops
from tests.web.fake import FakeBackend

__all__ = ["no_forgotten_loops"]

CHROMIUM = find_chromium()
EXAMPLES = [
    SimpleNamespace(task="story", prompt="Mia takes a red kite to the park."),
    SimpleNamespace(task="<img src=x onerror=window.pwned=1>", prompt="Leo has 37 cookies. ${window.pwned=1}"),
]

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser per module: while playwright runs, nothing else may use an event loop in this thread."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on CI")
        pytest.skip("no Chromium installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


def serve(app: Any) -> str:
    """Serve a page on a port that is free: one that Gradio finds taken costs it a socket, which it leaves open.

    One of this process's own, which no connection is given by the system in between.
    """
    own = int(os.environ["GRADIO_SERVER_PORT"])
    return launch(app, port=next(filter(is_free, range(own, own + 100))), block=False)


def is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


@pytest.fixture(scope="module")
def backend() -> FakeBackend:
    """Fast unless a test slows it down."""
    return FakeBackend()


@pytest.fixture(scope="module")
def address(backend: FakeBackend) -> Iterator[str]:
    """A served page."""
    app = build_app(backend, examples=EXAMPLES)
    yield serve(app)
    app.close(verbose=False)


@pytest.fixture
def open_page(chromium: Any, address: str, backend: FakeBackend) -> Iterator[Open]:
    """Opens the page and fails if it logged an error, asked an outside address, or ran a token's text."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def opened(width: int = 1440, height: int = 900, finished: bool = True, at: str | None = "", **options: Any) -> Any:
        """At an address below the page's; None: nowhere yet, as a page that is left while it begins says so."""
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda m: troubles.append(f"{m.type}: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else troubles.append(r.url))
        if at is None:
            return page
        page.goto(address + at)
        page.wait_for_function("window.creditViz !== undefined")
        if finished:
            wait_for(page, "s.state === 'done' && s.live === 'idle'")
        return page

    yield opened
    backend.seconds = 0.0
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.pwned") is None, "a token's text was executed"
        context.close()
    assert troubles == []


def snapshot(page: Any) -> dict[str, Any]:
    """What the page says it shows."""
    return dict(page.evaluate("window.creditViz.snapshot()"))


def wait_for(page: Any, condition: str) -> None:
    """Wait until a condition on the snapshot `s` holds and is drawn."""
    page.wait_for_function(
        f"(() => {{ const s = window.creditViz?.snapshot(); return s !== undefined && ({condition}); }})()"
    )
    drawn(page)


def drawn(page: Any) -> None:
    """Wait until the page has drawn what its state says: views follow the state in the next frame."""
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")


def at_rest(page: Any) -> None:
    """Wait until what a finished run brings along is there: a token's numbers, and their chart where it is near."""
    page.wait_for_function(
        """() => {
          const chart = document.querySelector(".cv-chart");
          if (!chart.checkVisibility()) return window.creditViz.snapshot().selection === null;
          return chart.getBoundingClientRect().top > innerHeight + 400 || chart.querySelector(".main-svg") !== null;
        }"""
    )
    drawn(page)


def serious_violations(page: Any, part: str = "html") -> list[Any]:
    """What axe-core finds serious or critical in a part; the test is skipped where axe-core is not installed."""
    source = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
    if not source.exists():
        pytest.skip("axe-core is not installed: npm install --no-save axe-core")
    page.wait_for_timeout(500)
    page.evaluate(source.read_text("utf-8"))
    found = page.evaluate("(part) => axe.run(part)", part)["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    return [(violation["id"], [node["target"] for node in violation["nodes"][:3]]) for violation in serious]
