"""Many visitors at once, visitors who leave, runs that are stopped and begun again: what the page holds is what the
server decoded, and the server keeps nothing of those who left.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from credit_viz.backend.base import Event, RunRequest
from credit_viz.trace.record import StepRecord
from credit_viz.web import build_app
from credit_viz.web.page import Page
from tests.browser.conftest import EXAMPLES, Open, serve, snapshot, wait_for
from tests.web.fake import FakeBackend
from tests.web.held import held_by

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABS, RESTARTS = 8, 20


class WatchedBackend(FakeBackend):
    """Counts the runs that are being decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.running = 0
        self._lock = threading.Lock()

    def stream(self, request: RunRequest) -> Iterator[Event]:
        events = super().stream(request)

        def watched() -> Iterator[Event]:
            with self._lock:
                self.running += 1
            try:
                yield from events
            finally:
                with self._lock:
                    self.running -= 1

        return watched()


@pytest.fixture(scope="module")
def backend() -> WatchedBackend:
    return WatchedBackend()


@pytest.fixture(scope="module")
def app(backend: WatchedBackend) -> Iterator[Page]:
    page = build_app(backend, examples=EXAMPLES)
    serve(page)
    yield page
    page.close(verbose=False)


@pytest.fixture(scope="module")
def address(app: Page) -> str:
    return str(app.local_url)


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    """Does it become true in time? The server learns of a closed tab a moment later."""
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.1)
    return true()


def records_alive() -> int:
    gc.collect()
    return sum(type(each) is StepRecord for each in gc.get_objects())


def ask(page: Any, prompt: str) -> str:
    """Press Run; answers the run that was on show before."""
    before = str(snapshot(page)["run"])
    page.fill("#prompt textarea", prompt)
    page.click("#run")
    return before


def holds_what_was_decoded(page: Any, app: Page) -> None:
    shown = snapshot(page)
    traces = app.store.get(shown["run"]).traces()
    assert page.evaluate("window.creditViz.held()") == [held_by(trace) for trace in traces]
    assert [lane["steps"] for lane in shown["lanes"]] == [len(trace.cell_counts) for trace in traces]


def leave(page: Any, app: Page) -> None:
    """Close the visitor's tab and wait until the server has let go of its runs."""
    page.context.close()
    assert eventually(lambda: app.store.nbytes == 0)


def test_eight_tabs_at_once_hold_what_was_decoded_for_them(open_page: Open, app: Page, backend: WatchedBackend) -> None:
    leave(open_page(), app)  # the first visitor makes the run that all others are shown
    began = records_alive()
    pages = [open_page(finished=True) for _ in range(TABS)]
    assert app.store.nbytes == 0, "looking costs the server nothing"
    backend.seconds = 0.005
    before = [ask(page, f"Visitor {i} asks.") for i, page in enumerate(pages)]
    for i, page in enumerate(pages):
        wait_for(page, f"s.run !== '{before[i]}' && s.state === 'done' && s.live === 'idle'")
        assert app.store.get(snapshot(page)["run"]).request.prompt == f"Visitor {i} asks."
        holds_what_was_decoded(page, app)
    assert len({snapshot(page)["run"] for page in pages}) == TABS
    assert app.store.nbytes > 0
    for page in pages:
        page.context.close()
    assert eventually(lambda: app.store.nbytes == 0)
    assert eventually(lambda: records_alive() <= began)
    assert backend.running == 0


def test_a_tab_closed_in_the_middle_stops_its_run(open_page: Open, app: Page, backend: WatchedBackend) -> None:
    page, other = open_page(), open_page()
    backend.seconds = 0.4
    before = ask(other, "Somebody else goes on.")
    wait_for(other, f"s.run !== '{before}' && s.steps > 2")
    ask(page, "Never finished.")
    wait_for(page, "s.live === 'running' && s.steps > 2")
    assert backend.running == 2
    page.context.close()
    assert eventually(lambda: backend.running == 1), "within a moment, while the other run goes on"
    backend.seconds = 0.0
    wait_for(other, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
    holds_what_was_decoded(other, app)
    leave(other, app)


def test_stopped_and_begun_again_twenty_times(open_page: Open, app: Page, backend: WatchedBackend) -> None:
    page = open_page()
    backend.seconds = 0.1
    for i in range(RESTARTS):
        before = ask(page, f"Try {i}.")
        wait_for(page, f"s.run !== '{before}' && s.live === 'running' && s.steps > {i % 4}")
        page.click("#cancel")
        wait_for(page, "s.live === 'idle'")
        assert snapshot(page)["state"] == "cancelled"
        holds_what_was_decoded(page, app)
    backend.seconds = 0.0
    before = ask(page, "At last.")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
    holds_what_was_decoded(page, app)
    assert eventually(lambda: backend.running == 0)
    leave(page, app)
