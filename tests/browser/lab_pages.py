"""A laboratory with a recorded sweep behind a served page, and what tests do there: wait, point, drag, read.

A picture can be pointed at once it lies still: everything in sight is drawn, of the runs that the table counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from credit_viz import load_model
from credit_viz.backend.local import LocalBackend
from credit_viz.backend.sweeps import LocalSweeps
from credit_viz.lab import Arm, InlineCrew, ModelSource, Plan, TaskPrompts, sweep
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny import SETTINGS, examples
from credit_viz.web import build_app
from credit_viz.web.laboratory import Laboratory
from tests.browser.conftest import Open, drawn, serve, wait_for

__all__ = [
    "GRID",
    "Mark",
    "address",
    "backend",
    "cancel",
    "drag",
    "folder",
    "grid_plan",
    "lab",
    "lab_with",
    "laboratory",
    "marks",
    "model",
    "raced",
    "show",
    "start",
    "strip_of",
    "wait_in_lab",
]

GRID = "grid"  #: a sweep that is there from the start
SECONDS = 60.0  #: what is computed may take so long
#: the pictures in or near sight that are still to change: on their way, of fewer runs than the table, of another width.
_RESTLESS = """
(() => {
  const { counted } = window.creditViz.lab();
  return [...document.querySelectorAll(".cv-pic")].filter((card) => {
    const { top, bottom } = card.getBoundingClientRect();
    if (!card.checkVisibility() || bottom < -380 || top > innerHeight + 380) return false;
    if (card.hasAttribute("aria-busy") || card.dataset.runs !== String(counted)) return true;
    if (!card.querySelector(".cv-pic-sentence").hidden) return false;
    const width = card.querySelector(".cv-pic-plot")._fullLayout?.width;
    return card.dataset.drawn !== card.dataset.figure || width !== card.querySelector(".cv-pic-room").clientWidth;
  });
})()
"""
#: what stands for settings in a picture in the middle of the window, and where, once everything lies still.
_MARKS = """
async ([name, seconds]) => {
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const { marksOf } = await import(loaded.find((address) => address.endsWith("/labmarks.js")));
  const frame = () => new Promise(requestAnimationFrame);
  const plot = () => document.querySelector(`[data-figure=${name}] .cv-pic-plot`);
  const read = () => {
    const { left, top } = plot().getBoundingClientRect();
    return marksOf(plot()).filter(({ rows }) => rows.length).map(({ kind, rows, points, box, area }) => ({
      kind,
      rows,
      x: left + (box ? (box.left + box.right) / 2 : points[0][0]),
      y: top + (box ? (box.top + box.bottom) / 2 : points[0][1]),
      points: points.map(([x, y]) => [left + x, top + y]),
      area: [left + area.left, top + area.top, left + area.right, top + area.bottom],
    }));
  };
  const until = performance.now() + 1000 * seconds;
  for (let before = ""; performance.now() < until; ) {
    plot().scrollIntoView({ block: "center", behavior: "instant" });
    for (let i = 0; i < 3; i += 1) await frame();
    const still = !RESTLESS.length;
    const now = still ? read() : [];
    if (still && now.length && JSON.stringify(now) === before) return now;
    before = JSON.stringify(now);
  }
  throw new Error(`the picture ${name} does not come to rest`);
}
""".replace("RESTLESS", _RESTLESS)


class Mark(NamedTuple):
    """What stands for settings in a picture: its middle, all of its points, and the picture's area, in the window."""

    kind: str
    rows: list[int]
    x: float
    y: float
    points: list[list[float]]
    area: list[float]


def grid_plan() -> Plan:
    """Nine settings on six prompts."""
    knobs = {"alpha": (0, 0.5, 1), "threshold": (0.6, 0.9)}
    arms = (Arm("vanilla"), Arm("threshold", {"threshold": (0.6, 0.9)}), Arm("credit", knobs))
    return Plan(arms, tasks=TaskPrompts(("story", "arithmetic"), count=6))


@pytest.fixture(scope="module")
def model() -> DiffusionLM:
    return load_model()


@pytest.fixture(scope="module")
def backend() -> Any:
    """What `open_page` slows down is not here."""
    return SimpleNamespace(seconds=0.0)


@pytest.fixture(scope="module")
def folder(model: DiffusionLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sweeps lie; modules that need others than `GRID` have a folder of their own."""
    path = tmp_path_factory.mktemp("sweeps")
    sweep(grid_plan(), path / GRID, InlineCrew(model))
    return path


@pytest.fixture(scope="module")
def laboratory(model: DiffusionLM, folder: Path) -> Iterator[Laboratory]:
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


def wait_in_lab(page: Any, condition: str, seconds: float = SECONDS) -> None:
    """Wait until a condition on the lab's state `s` holds and is drawn."""
    page.wait_for_function(
        f"(() => {{ const s = window.creditViz?.lab?.(); return s !== undefined && ({condition}); }})()",
        timeout=1000 * seconds,
    )
    drawn(page)


def lab_with(open_page: Open, name: str, **options: Any) -> Any:
    """A sweep in a browser of its own, with its table."""
    page = open_page(finished=False, at=f"?at=lab&sweep={name}", **options)
    wait_in_lab(page, f"s.sweep === '{name}' && s.rows !== null")
    return page


def show(page: Any, name: str) -> Any:
    """Scroll the card of a picture into view and wait until everything there is drawn."""
    card = page.locator(f"[data-card={name}]")
    card.locator(".cv-title").scroll_into_view_if_needed()
    page.wait_for_function(f"document.querySelector('[data-card={name}]').dataset.runs !== undefined")
    page.wait_for_function(f"!{_RESTLESS}.length")
    drawn(page)
    return card


def marks(page: Any, name: str) -> list[Mark]:
    """The marks of a picture that stand for settings, once they lie still."""
    return [Mark(**mark) for mark in page.evaluate(_MARKS, [name, SECONDS])]


def drag(page: Any, *path: tuple[float, float]) -> None:
    """A drag of the mouse along some points."""
    page.mouse.move(*path[0])
    page.mouse.down()
    for x, y in path[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    drawn(page)


def start(page: Any, title: str, prompts: int) -> str:
    """Start a sweep of 25 settings from the form; returns its id."""
    before = lab(page)["sweep"]
    page.get_by_role("button", name="New sweep").click()
    page.get_by_role("button", name=re.compile("How much credit")).click()
    page.get_by_label("How many").fill(str(prompts))
    page.get_by_label("Name", exact=True).fill(title)
    page.locator(".cv-lab-outlook", has_text=f"25 settings on {prompts} prompts").wait_for()
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, f"s.sweep !== '{before}' && !s.asking")
    return str(lab(page)["sweep"])


def cancel(page: Any) -> None:
    """Stop the sweep on show; all of its runs are counted then."""
    page.get_by_role("button", name="Cancel", exact=True).locator("visible=true").click()
    wait_in_lab(
        page, "s.status?.state === 'cancelled' && s.sweeps.find(({ id }) => id === s.sweep).state === 'cancelled'"
    )


def raced(page: Any) -> None:
    """Wait until the run that was asked for in the lab is finished and on show."""
    wait_for(page, "s.place === 'race' && s.state === 'done' && s.live === 'idle'")
    page.locator(".cv-trail-facts", has_text="as in the sweep").wait_for()
    drawn(page)


def strip_of(page: Any) -> str:
    """What the strip above the race says."""
    return " ".join(str(page.locator(".cv-trail").inner_text()).split())
