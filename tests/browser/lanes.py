"""What a visitor does with lanes and their settings, and a quick model that says what it decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credit_viz.backend.base import Event, RunRequest
from tests.browser.conftest import snapshot, wait_for
from tests.web.fake import FakeBackend

__all__ = [
    "HASTY",
    "VANILLA",
    "CountingBackend",
    "backend",
    "card",
    "fits",
    "open_drawer",
    "race",
    "run_again",
    "settled",
    "slide",
]

VANILLA = {"decoder": "vanilla", "settings": {}}
HASTY = {"decoder": "threshold", "settings": {"threshold": 0.3}}


class CountingBackend(FakeBackend):
    """A quick model that says which lanes it decoded."""

    def __init__(self) -> None:
        super().__init__(quick=True)
        self.asked: list[list[str]] = []

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """As the fake."""
        self.asked.append([lane.decoder for lane in request.lanes])
        return super().stream(request)


@pytest.fixture(scope="module")
def backend() -> CountingBackend:
    """Quick unless a test slows it down."""
    return CountingBackend()


def open_drawer(page: Any, lane: int | None = None) -> Any:
    """Open the drawer, at a lane."""
    if lane is None:
        page.get_by_role("button", name="Decoders and settings").click()
    else:
        page.locator(f".cv-verdict .cv-card[data-lane='{lane}'] [data-tool=change]").click()
    drawer = page.locator(".cv-drawer")
    drawer.wait_for(state="visible")
    return drawer


def card(page: Any, lane: int) -> Any:
    return page.locator(f".cv-verdict .cv-card[data-lane='{lane}']")


def slide(page: Any, knob: str, *values: float) -> None:
    """Drag a slider: an input event per value, one frame apart."""
    page.locator(f".cv-knob-row:has(#{knob}) input[type=range]").evaluate(
        """async (slider, values) => {
          for (const value of values) {
            slider.value = value;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise(requestAnimationFrame);
          }
        }""",
        list(values),
    )


def settled(page: Any) -> dict[str, Any]:
    """Wait until nothing runs and nothing waits to be run."""
    wait_for(page, "s.live === 'idle' && !s.behind && !s.stale && s.state === 'done'")
    return snapshot(page)


def run_again(page: Any) -> None:
    """Press Run and wait for the run that it starts."""
    before = snapshot(page)["run"]
    page.click("#run")
    wait_for(page, f"s.run !== '{before}'")
    settled(page)


def fits(page: Any) -> bool:
    """Nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def race(page: Any, *lanes: dict[str, Any]) -> None:
    """Run these lanes."""
    before = snapshot(page)["run"]
    page.evaluate(
        """(lanes) => {
          const choice = window.creditViz.choice;
          window.creditViz.choice = (behind) => JSON.stringify({ ...JSON.parse(choice(behind)), lanes });
        }""",
        list(lanes),
    )
    page.click("#run")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
