"""What if, as a visitor meets it: a knob is turned, the record answers over the map, and the real run agrees."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import credit_viz
from credit_viz.backend.local import LocalBackend
from credit_viz.web import build_app
from credit_viz.whatif import sentence, what_if
from tests.browser.conftest import Open, drawn, serious_violations, serve, snapshot, wait_for

pytestmark = pytest.mark.browser

EXAMPLES = [SimpleNamespace(task="story", prompt="Tell a story with the word 'kite'.")]


class RealBackend(LocalBackend):
    """As fast as it is."""

    seconds = 0.0


@pytest.fixture(scope="module")
def backend() -> LocalBackend:
    """The embedded model: its runs agree with what its records predict."""
    return RealBackend(credit_viz.load_model(device="cpu"))


@pytest.fixture(scope="module")
def address(backend: LocalBackend) -> Iterator[str]:
    """A served page."""
    app = build_app(backend, examples=EXAMPLES)
    yield serve(app)
    app.close(verbose=False)


def turn(page: Any, knob: str, value: float) -> dict[str, Any]:
    """Drag a knob of the panel and wait for the answer to it."""
    slider = page.locator(f".cv-whatif .cv-knob:has(#cv-whatif-{knob}) input[type=range]")
    slider.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", str(value))
    wait_for(page, f"s.supposed && s.supposed.settings.{knob} === {value}")
    return dict(snapshot(page)["supposed"])


def knobs_of(page: Any, decoder: str) -> dict[str, Any]:
    """What a lane was asked to use."""
    return next(dict(lane["settings"]) for lane in snapshot(page)["next"] if lane["decoder"] == decoder)


def test_a_turned_knob_is_answered_from_the_record(open_page: Open, backend: LocalBackend) -> None:
    page = open_page()
    page.locator("[data-role=whatif] > summary").click()
    wait_for(page, "s.supposed !== null")
    assert snapshot(page)["supposed"]["ended"] == "same"
    assert page.locator(".cv-whatif-answer").inner_text().startswith("Same as recorded to the end: ")
    assert page.get_by_role("button", name="Run it").count() == 0

    found = turn(page, "threshold", 0.6)
    trace = credit_viz.decode(backend.model, EXAMPLES[0].prompt, decoder="credit", settings=knobs_of(page, "credit"))
    predicted = what_if(trace, settings={"threshold": 0.6})
    assert found["diverges_at"] == predicted.diverges_at is not None
    assert found["sentence"] == sentence(trace, predicted)
    assert page.locator(".cv-whatif-answer").inner_text() == found["sentence"]

    lanes = len(snapshot(page)["lanes"])
    page.get_by_role("button", name="Run it").click()
    wait_for(page, f"s.lanes.length === {lanes + 1} && s.state === 'done' && s.live === 'idle'")
    settings = {**knobs_of(page, "credit"), "threshold": 0.6}
    real = credit_viz.decode(backend.model, EXAMPLES[0].prompt, decoder="credit", settings=settings)
    shown = snapshot(page)
    assert shown["lanes"][-1]["steps"] == real.forward_passes
    assert shown["supposed"] is None
    # what was predicted for the step in which they part has happened in the lane that ran
    page.locator("input[data-role=step]").evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", predicted.diverges_at
    )
    drawn(page)
    ids = snapshot(page)["lanes"][-1]["ids"]
    for write in predicted.steps[-1].writes:
        assert ids[write.position] == write.token_id


def test_other_lanes_and_decoders_on_a_phone(open_page: Open) -> None:
    page = open_page(390, 844)
    page.locator("[data-role=whatif] > summary").click()
    wait_for(page, "s.supposed !== null && s.supposed.decoder === 'credit'")
    # a number that is still being typed belongs to the decoder it was typed for
    page.locator("#cv-whatif-threshold").fill("0.8")
    page.locator("#cv-whatif-decoder").select_option("margin")
    wait_for(page, "s.supposed !== null && s.supposed.decoder === 'margin'")
    page.locator("#cv-whatif-decoder").select_option("threshold")
    wait_for(page, "s.supposed !== null && s.supposed.decoder === 'threshold' && s.supposed.settings.threshold === 0.9")
    page.get_by_label("Lane", exact=False).locator("visible=true").last.select_option("0")
    wait_for(page, "s.supposed !== null && s.supposed.lane === 0 && s.supposed.decoder === 'vanilla'")
    page.locator("#cv-whatif-decoder").select_option("threshold")
    wait_for(page, "s.supposed !== null && s.supposed.decoder === 'threshold' && s.supposed.ended === 'differs'")
    page.locator("#cv-whatif-decoder").select_option("wino")
    wait_for(page, "s.supposed !== null && s.supposed.ended === 'not recorded'")
    assert "cannot be said from the record" in page.locator(".cv-whatif-answer").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert serious_violations(page, ".cv-map-section") == []


def test_what_other_decoders_would_do_in_the_same_state(open_page: Open) -> None:
    page = open_page()
    section = page.locator("[data-role=same-state]")
    assert page.locator(".cv-same-list li").count() == 0
    section.locator("summary").click()
    page.locator(".cv-same-list li").first.wait_for()
    assert "No separate run" in section.inner_text()
    words = page.locator(".cv-same-list li[data-decoder=threshold] .cv-same-what").inner_text()
    assert words.startswith(("write", "wait"))
    assert "Cannot be said from the record: " in section.inner_text()
    # it follows the shown step
    before = section.locator(".cv-help").first.inner_text()
    page.locator("input[data-role=step]").evaluate(
        "(e) => { e.value = 1; e.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    page.wait_for_function(
        "(old) => document.querySelector('[data-role=same-state] .cv-help').textContent !== old", arg=before
    )
    assert "in step 1" in section.locator(".cv-help").first.inner_text()
    assert serious_violations(page, ".cv-inspector") == []
