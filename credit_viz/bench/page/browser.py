"""A headless Chromium and what it can tell of a visit: requests, bytes, shifts, tasks. Knows playwright, which is a
development dependency, and the page's snapshot; nothing of what is measured or how a page is made.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from credit_viz.errors import BackendError, SettingsError

__all__ = ["ARGS", "Visit", "Visitors", "chromium", "find_chromium", "unreached"]

#: a Chromium that is alone with the page: no first run, nothing fetched in the background
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: adds up what moves without the visitor having touched anything.
_WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput)
      window.shifts.push({
        value: entry.value,
        at: Math.round(entry.startTime),
        what: entry.sources.map(({ node }) => node?.className || node?.nodeName).join(" "),
      });
}).observe({ type: "layout-shift", buffered: true });
"""


_WAIT = """
() => new Promise((resolve) => {
  const until = performance.now() + 60_000;
  const look = () => {
    if (%s) return resolve(true);
    return performance.now() > until ? resolve(false) : setTimeout(look, 20);
  };
  look();
})
"""

#: controls that are shown and enabled, but were never focused.
_UNREACHED = """
() => [...document.querySelectorAll("button, a[href], input, select, textarea, summary, [tabindex='0']")]
  .filter((control) => control.checkVisibility({ visibilityProperty: true }) && !control.disabled)
  .filter((control) => !control.closest("[inert], [tabindex='-1']") && !("reached" in control.dataset))
  .map((control) => control.outerHTML.slice(0, 120))
"""


#: true where the focus has been before.
_MARK_FOCUSED = """
() => {
  const at = document.activeElement;
  const known = "reached" in at.dataset;
  at.dataset.reached = "";
  return known && at !== document.body;
}
"""


class Visit:
    """One visitor's page, fresh: nothing is in its cache."""

    def __init__(self, context: Any, address: str) -> None:
        self.address = address
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.add_init_script(_WATCH)
        self.errors: list[str] = []  #: of the console, and uncaught ones
        self.requests: list[str] = []
        self._context = context
        self._wire: dict[str, float] = {}  #: bytes by request
        self._address: dict[str, str] = {}
        self._listen()

    def open(self) -> None:
        """Go to the page, and wait until its first run is there."""
        self.page.goto(self.address)
        self.until("s.state === 'done' && s.live === 'idle'")
        self._wait("performance.getEntriesByName('credit-viz:ready').length > 0")

    def until(self, condition: str) -> None:
        """Wait for a condition on the page's snapshot `s`."""
        self._wait(f"window.creditViz && ((s) => {condition})(creditViz.snapshot())")

    def _wait(self, condition: str) -> None:
        # not playwright's own wait: that evaluates text, which the policy of an exported file forbids
        waited = self.page.evaluate(_WAIT % condition)
        if not waited:
            raise BackendError(f"the page never came to this within a minute: {condition}")

    @property
    def outside(self) -> list[str]:
        """Requests to anything but the page's own server."""
        own = (self.address, "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]

    def rest(self) -> None:
        """Wait until the page does nothing of its own accord any more: what it fetches late is there."""
        before = -1.0
        while self.main_thread_seconds() - before > 0.01:
            before = self.main_thread_seconds()
            self.page.wait_for_timeout(400)

    def wire_bytes(self, part: str = "") -> float:
        """Received so far from addresses with this part, as compressed as it travelled."""
        return sum(size for request, size in self._wire.items() if part in self._address.get(request, ""))

    @property
    def shifts(self) -> list[dict[str, Any]]:
        """What moved by itself, in order: value, at (ms), what."""
        return list(self.page.evaluate("window.shifts"))

    def mark(self, name: str) -> float:
        """Seconds from the start of the visit to a performance mark or paint."""
        return float(self.page.evaluate("(name) => performance.getEntriesByName(name)[0].startTime", name)) / 1e3

    def main_thread_seconds(self) -> float:
        """CPU time that the page's main thread has taken, whatever else the machine does."""
        metrics = self._devtools.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    def _listen(self) -> None:
        page = self.page
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        self._devtools = self._context.new_cdp_session(page)
        self._devtools.send("Network.enable")
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._devtools.on("Network.requestWillBeSent", self._sent)
        self._devtools.on("Network.dataReceived", self._received)
        self._devtools.on("Network.loadingFinished", self._loaded)

    def _sent(self, event: dict[str, Any]) -> None:
        self._address[event["requestId"]] = event["request"]["url"]

    def _received(self, event: dict[str, Any]) -> None:
        request = event["requestId"]
        self._wire[request] = self._wire.get(request, 0) + event["encodedDataLength"]

    def _loaded(self, event: dict[str, Any]) -> None:
        self._wire[event["requestId"]] = event["encodedDataLength"]  # with the headers


class Visitors:
    """Makes visits; see `chromium`."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    @property
    def version(self) -> str:
        """The browser's."""
        return str(self._browser.version)

    @contextmanager
    def visit(self, address: str, width: int = 1440, height: int = 900, **options: Any) -> Iterator[Visit]:
        """A visitor who leaves at the end; options are playwright's for a new context."""
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        try:
            yield Visit(context, address)
        finally:
            context.close()

    @contextmanager
    def tasks(self, visit: Visit) -> Iterator[list[float]]:
        """Fills with the CPU time in milliseconds of every task of the page's main thread meanwhile."""
        found: list[float] = []
        self._browser.start_tracing(page=visit.page, categories=["toplevel"])
        yield found
        events = json.loads(self._browser.stop_tracing())["traceEvents"]
        found += _task_times(events)


def _task_times(events: list[dict[str, Any]]) -> list[float]:
    """Of the renderer whose main thread did most: that of the page."""
    threads = [event for event in events if event.get("name") == "thread_name"]
    mains = {(each["pid"], each["tid"]) for each in threads if each["args"]["name"] == "CrRendererMain"}
    times: dict[tuple[int, int], list[float]] = {}
    for event in events:
        thread = (event["pid"], event["tid"])
        if thread in mains and event["name"] == "ThreadControllerImpl::RunTask" and "tdur" in event:
            times.setdefault(thread, []).append(event["tdur"] / 1e3)
    return max(times.values(), key=sum, default=[])


def find_chromium() -> str | None:
    """Path of the browser: CHROMIUM of the environment, or what is installed; None where there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def chromium() -> Iterator[Visitors]:
    """A browser of our own.

    Raises:
        SettingsError: playwright or a Chromium is missing; the message says how to get it.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise SettingsError("the page's bench needs playwright: pip install 'credit-viz[dev]'") from error
    path = find_chromium()
    if path is None:
        raise SettingsError("no Chromium found; valid: chromium or google-chrome on PATH, or its path in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        try:
            yield Visitors(browser)
        finally:
            browser.close()


def unreached(page: Any, most: int = 600) -> list[str]:
    """Controls that Tab does not reach: it is pressed until the focus has gone round. Leaves marks on the page."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(_MARK_FOCUSED):
            break
    return list(page.evaluate(_UNREACHED))
