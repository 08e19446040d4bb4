"""What is measured of the page, in sections. Knows the hooks it keeps for this: ids, data-role, performance marks,
`creditViz.snapshot()`; nothing of how it is made.

Wall-clock figures are for a machine that does nothing else; CPU times, bytes and counts hold on a busy one too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, NamedTuple

from credit_viz.backend.base import LaneRequest, RunRequest
from credit_viz.backend.local import LocalBackend
from credit_viz.bench.page.browser import Visit, Visitors, unreached
from credit_viz.bench.page.serving import Served, served, served_by
from credit_viz.bench.page.synthetic import SyntheticBackend
from credit_viz.bench.table import Row, Section
from credit_viz.models.loading import load_model
from credit_viz.trace.codec import encode_traces
from credit_viz.web.standalone import write_page

__all__ = ["FIGURES", "Options"]

_KIB, _MIB = 1024.0, 1024.0**2
_SCRUB_AIMS: Mapping[int, str] = MappingProxyType({64: ">= 55", 256: ">= 55", 512: ">= 50", 1024: ">= 40"})
_WIDTHS = (360, 390, 768, 1024, 1200, 1440)

#: moves the step once per frame, from the end down and up again.
_SCRUB = """
(seconds) => new Promise((resolve) => {
  const range = document.querySelector("[data-role=step]");
  const most = Number(range.max);
  let frames = 0;
  let began = 0;
  const tick = (now) => {
    began ||= now;
    if (now - began >= 1000 * seconds) return resolve({ fps: (1000 * frames) / (now - began), frames });
    frames += 1;
    range.value = Math.abs(most - (frames % (2 * most)));
    range.dispatchEvent(new Event("input", { bubbles: true }));
    return requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})
"""
#: presses Run and follows the frames until the run is done; times in milliseconds.
_FOLLOW_RUN = """
() => new Promise((resolve) => {
  const label = document.querySelector(".cv-step");
  const root = document.documentElement;
  const gaps = [];
  const began = performance.now();
  let first = 0;
  let last = 0;
  const tick = (now) => {
    const running = root.dataset.cvLive === "running";
    if (!first && running && label.textContent.startsWith("step ") && !label.textContent.startsWith("step 0 "))
      first = now - began;
    if (first && last) gaps.push(now - last);
    last = now;
    if (first && !running) return resolve({ first, gaps });
    return requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  document.querySelector("#run").click();
})
"""


class Options(NamedTuple):
    """How much is measured."""

    length: int = 256  #: positions, steps of each of the two lanes
    lengths: tuple[int, ...] = (64, 256, 512, 1024)  #: for scrubbing
    rounds: int = 3  #: first visits
    seconds: float = 3.0  #: of scrubbing
    step_seconds: float = 0.02  #: of a step while a run is live


def visits(visitors: Visitors, options: Options) -> Iterable[Section]:
    """Cold first visits to a server that has a run to show."""
    with served(options.length) as page:
        with visitors.visit(page.address) as visit:
            visit.open()  # the server's very first visitor, for whom the run is made
            alone = _shift(visit)
        seen = [_first_visit(visitors, page.address) for _ in range(options.rounds)]
        phone = _first_visit(visitors, page.address, width=390, height=844)
    of = {name: median(each[name] for each in seen) for name in seen[0]}
    yield Section(
        f"a first visit, {options.length} positions x {options.length} steps x 2 lanes, nothing cached",
        [
            Row("first paint", of["paint"], "s", "<= 0.6"),
            Row("text usable", of["text"], "s", "<= 1.2"),
            Row("maps", of["maps"], "s", "<= 1.8"),
            Row("main thread until the maps, CPU", of["cpu"], "s"),
            Row("on the wire", of["wire"] / _MIB, "MiB", "<= 1.9"),
            Row("requests to anywhere else", of["outside"], aim="<= 0"),
            Row("console errors", of["errors"], aim="<= 0"),
            Row("layout shift", of["shift"], aim="<= 0.05"),
            Row("layout shift, phone", phone["shift"], aim="<= 0.05"),
            Row("layout shift, the server's first visitor", alone, aim="<= 0.05"),
        ],
        note=f"medians of {options.rounds} visits",
    )


def _first_visit(visitors: Visitors, address: str, **how: int) -> dict[str, float]:
    with visitors.visit(address, **how) as visit:
        visit.open()
        cpu = visit.main_thread_seconds()
        visit.page.wait_for_timeout(700)  # what still comes after the maps
        return {
            "paint": visit.mark("first-contentful-paint"),
            "text": visit.mark("credit-viz:text"),
            "maps": visit.mark("credit-viz:ready"),
            "cpu": cpu,
            "wire": visit.wire_bytes(),
            "outside": len(visit.outside),
            "errors": len(visit.errors),
            "shift": _shift(visit),
        }


def _shift(visit: Visit) -> float:
    return sum(float(each["value"]) for each in visit.shifts)


def scrubbing(visitors: Visitors, options: Options) -> Iterable[Section]:
    """Moving the step once per frame."""
    rows: list[Row] = []
    requests = 0
    for length in options.lengths:
        with served(length) as page, visitors.visit(page.address) as visit:
            visit.open()
            visit.page.locator(".cv-map-section").scroll_into_view_if_needed()
            visit.rest()
            asked, cpu = len(visit.requests), visit.main_thread_seconds()
            found = visit.page.evaluate(_SCRUB, options.seconds)
            work = (visit.main_thread_seconds() - cpu) / found["frames"]
            requests += len(visit.requests) - asked
            rows.append(Row(f"{length} x {length} x 2", found["fps"], "fps", _SCRUB_AIMS.get(length, "")))
            rows.append(Row(f"{length} x {length} x 2, main thread per step, CPU", work * 1e3, "ms"))
    yield Section("scrubbing", [*rows, Row("requests meanwhile", requests, aim="<= 0")])


def live(visitors: Visitors, options: Options) -> Iterable[Section]:
    """A run as it happens."""
    with served(options.length) as page:
        with visitors.visit(page.address) as visit:
            visit.open()
            page.backend.seconds = options.step_seconds
            visit.page.fill("#prompt textarea", "Another prompt, so that nothing is known of it yet.")
            visit.rest()
            received = visit.wire_bytes("/queue/")
            with visitors.tasks(visit) as tasks:
                found = visit.page.evaluate(_FOLLOW_RUN)
            visit.page.wait_for_timeout(300)
            wire = visit.wire_bytes("/queue/") - received
            errors = len(visit.errors)
        late = _steps_after_cancel(visitors, page)
        saved = sum(map(len, encode_traces("run", page.backend.prepare(page.request), {})))
    yield Section(
        f"a live run, {options.length} positions x {options.length} steps x 2 lanes, {options.step_seconds} s a step",
        [
            Row("first step shown after Run", found["first"] / 1e3 - options.step_seconds, "s", "<= 0.25"),
            Row("gap between frames, 95 of 100", _percentile(found["gaps"], 95), "ms", "<= 35"),
            Row("longest task, CPU", max(tasks, default=0.0), "ms", "<= 60"),
            Row("received", wire / _KIB, "KiB", "<= 450"),
            Row("the same run saved", saved / _KIB, "KiB", "<= 180"),
            Row("steps begun after Cancel", late, aim="<= 1"),
            Row("console errors", errors, aim="<= 0"),
        ],
        note="the first step's delay is without the step itself",
    )


def _steps_after_cancel(visitors: Visitors, page: Served) -> int:
    page.backend.seconds = 0.25
    with visitors.visit(page.address) as visit:
        visit.open()
        visit.page.fill("#prompt textarea", "A prompt to be stopped.")
        visit.page.click("#run")
        visit.until("s.live === 'running' && s.steps > 1")
        pressed = time.monotonic()
        visit.page.evaluate("document.querySelector('#cancel').click()")
        visit.until("s.live === 'idle'")
    return sum(begun > pressed for begun in page.backend.begun)


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1] if len(values) > 1 else max(values, default=0.0)


#: moves a knob of the last lane and waits for the run that follows from it; milliseconds until it is drawn.
_FOLLOW_KNOB = """
(share) => new Promise((resolve) => {
  const slider = [...document.querySelectorAll("#cv-settings .cv-knob input[type=range]")].filter((each) =>
    each.checkVisibility())[0];
  const before = creditViz.snapshot().run;
  slider.value = Number(slider.min) + share * (Number(slider.max) - Number(slider.min));
  const began = performance.now();
  for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind, { bubbles: true }));
  const look = () => {
    const { run, state, behind } = creditViz.snapshot();
    if (run === before || state !== "done" || behind) return setTimeout(look, 5);
    return requestAnimationFrame(() => resolve(performance.now() - began));
  };
  look();
})
"""


def again(visitors: Visitors, options: Options) -> Iterable[Section]:
    """A knob that is let go on the embedded model, until the maps of its run are there."""
    backend = LocalBackend(load_model(device="cpu"))
    taken = []
    with served_by(backend) as address, visitors.visit(address) as visit:
        visit.open()
        visit.page.get_by_role("button", name="Decoders and settings").first.click()
        visit.until("s.drawer")
        visit.rest()
        for turn in range(2 * options.rounds + 1):
            taken.append(float(visit.page.evaluate(_FOLLOW_KNOB, 0.2 + 0.6 * turn / (2 * options.rounds))))
            visit.page.wait_for_timeout(200)
    yield Section(
        "a knob let go, embedded model, 64 positions",
        [Row("until the new maps", median(taken[1:]), "ms", "<= 300")],
        note="median; the first, which nothing is known of, left out",
    )


def offline(visitors: Visitors, options: Options) -> Iterable[Section]:
    """A run exported as one HTML file, opened without a network."""
    lanes = (LaneRequest("vanilla"), LaneRequest("credit"))
    request = RunRequest("Write something.", lanes, options.length, min(64, options.length))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "run.html"
        write_page(SyntheticBackend().prepare(request), file)
        size = file.stat().st_size
        with visitors.visit(file.as_uri(), offline=True) as visit:
            visit.open()
            rows = [
                Row("size", size / _MIB, "MiB", "<= 2.2"),
                Row("text usable", visit.mark("credit-viz:text"), "s", "<= 1"),
                Row("maps", visit.mark("credit-viz:ready"), "s"),
                Row("main thread until the maps, CPU", visit.main_thread_seconds(), "s"),
                Row("requests", len(visit.outside), aim="<= 0"),
                Row("console errors", len(visit.errors), aim="<= 0"),
                Row("layout shift", _shift(visit), aim="<= 0.05"),
            ]
    yield Section(f"one HTML file, {options.length} positions x {options.length} steps x 2 lanes", rows)


def everyone(visitors: Visitors, options: Options) -> Iterable[Section]:
    """Widths, keyboard, and what axe-core finds."""
    with served(min(64, options.length)) as page:
        sideways = [width for width in _WIDTHS if _scrolls_sideways(visitors, page.address, width)]
        with visitors.visit(page.address) as visit:
            visit.open()
            missed = unreached(visit.page)
        found, note = _axe(visitors, page.address)
    yield Section(
        "for everyone",
        [
            Row(f"widths that scroll sideways, of {', '.join(map(str, _WIDTHS))}", len(sideways), aim="<= 0"),
            Row("controls that Tab does not reach", len(missed), aim="<= 0"),
            *found,
        ],
        note=note,
        data={"sideways": sideways, "unreached": missed},
    )


def _scrolls_sideways(visitors: Visitors, address: str, width: int) -> bool:
    with visitors.visit(address, width=width) as visit:
        visit.open()
        return bool(visit.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def _axe(visitors: Visitors, address: str) -> tuple[list[Row], str]:
    """Serious and critical findings per theme; a note instead where axe-core is not installed."""
    source = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
    if not source.exists():
        return [], "axe-core is not installed (npm install --no-save axe-core): no accessibility figures"
    rows = []
    for scheme in ("light", "dark"):
        with visitors.visit(address, color_scheme=scheme) as visit:
            visit.open()
            visit.page.click(".cv-contrast")
            visit.page.wait_for_timeout(500)
            visit.page.evaluate(source.read_text("utf-8"))
            found: list[dict[str, Any]] = visit.page.evaluate("axe.run()")["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        rows.append(Row(f"axe-core, serious or critical, {scheme}", len(serious), aim="<= 0"))
    return rows, ""


#: what there is to measure, in the order it is printed.
FIGURES: Mapping[str, Callable[[Visitors, Options], Iterable[Section]]] = MappingProxyType(
    {"visit": visits, "scrub": scrubbing, "live": live, "again": again, "offline": offline, "everyone": everyone}
)
