"""The page against the trace: every registered decoder on the embedded model, and runs that change their mind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import credit_viz
from credit_viz.backend.base import RunRequest
from credit_viz.backend.local import LocalBackend
from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race
from credit_viz.trace.record import Trace
from credit_viz.web import build_app
from tests.browser.conftest import Open, drawn, serious_violations, serve, snapshot, wait_for
from tests.support import MASK_DECODERS

pytestmark = pytest.mark.browser

PROMPT = "Leo has 37 cookies and gives away 6. How many cookies now?"
SIZES = {"gen_length": 32, "block_length": 16}


class GivenBackend(LocalBackend):
    """Every third position of a run is given."""

    given: Mapping[int, int] = {}

    def stream(self, request: RunRequest) -> Iterator[Any]:
        """As `LocalBackend.stream`, with fixed tokens where the prompt asks for them."""
        if "[given]" not in request.prompt:
            return super().stream(request)
        decoders = [make_decoder(lane.decoder, lane.settings) for lane in request.lanes]
        options = RunOptions(request.gen_length, request.block_length, request.seed)
        return self._events(Race.start(self.model, decoders, options, request.prompt, fixed=self.given))


@pytest.fixture(scope="module")
def model() -> DiffusionLM:
    """The embedded model."""
    return credit_viz.load_model(device="cpu")


@pytest.fixture(scope="module")
def backend(model: DiffusionLM) -> GivenBackend:
    """The real one."""
    return GivenBackend(model)


@pytest.fixture(scope="module")
def address(backend: GivenBackend) -> Iterator[str]:
    """A page that starts empty."""
    app = build_app(backend)
    yield serve(app)
    app.close(verbose=False)


def run_on(page: Any, decoder: str, settings: Mapping[str, Any], prompt: str = PROMPT) -> None:
    """Run one decoder and wait for its end."""
    before = json.dumps(snapshot(page)["run"])
    choice = json.dumps({"lanes": [{"decoder": decoder, "settings": settings}], **SIZES})
    page.evaluate(
        "(choice) => { const { creditViz: c } = window; c.mine ??= c.choice; "
        "c.choice = () => JSON.stringify({ ...JSON.parse(c.mine()), ...JSON.parse(choice) }); }",
        choice,
    )
    page.fill("#prompt textarea", prompt)
    for _ in range(20):  # Gradio may not listen to its button yet
        page.click("#run")
        if heard(page, f"s.live !== 'idle' || s.run !== {before}"):
            break
    wait_for(page, f"s.run !== {before} && s.state === 'done' && s.live === 'idle'")


def heard(page: Any, condition: str) -> bool:
    """Does a condition on the snapshot `s` come true soon?"""
    soon = "new Promise((resolve) => setTimeout(() => resolve(false), 3000))"
    look = f"(resolve) => setInterval(() => {{ const s = creditViz.snapshot(); ({condition}) && resolve(true); }}, 20)"
    return bool(page.evaluate(f"Promise.race([{soon}, new Promise({look})])"))


def scrub(page: Any, step: int) -> None:
    """Show a step."""
    page.locator("[data-role=step]").evaluate(
        "(e, step) => { e.value = step; e.dispatchEvent(new Event('input', { bubbles: true })); }", step
    )
    wait_for(page, f"s.step === {step}")


def check_every_step(page: Any, trace: Trace) -> None:
    """Canvas, count and pane are the trace's at every step."""
    mask = trace.info.mask_id
    shown = page.evaluate(SCRUB_THROUGH, trace.forward_passes)
    assert len(shown) == trace.forward_passes + 1
    for step, (at, ids, count, written, given) in enumerate(shown):
        canvas = trace.canvas(step).tolist()
        assert at == step
        assert [mask if token < 0 else token for token in ids] == canvas
        standing = [place for place, token in enumerate(canvas) if token != mask]
        assert written == [place for place in standing if place not in trace.info.fixed]
        assert count == len(written)
        assert given == sorted(trace.info.fixed)


#: every step on show: step, token ids, written count, and the positions that look written and given in the pane.
SCRUB_THROUGH = """async (steps) => {
  const range = document.querySelector("[data-role=step]");
  const frame = () => new Promise(requestAnimationFrame);
  const places = (look) => [...document.querySelectorAll(`[data-role=token].${look}`)].map((e) => +e.dataset.position);
  const shown = [];
  for (let step = 0; step <= steps; step += 1) {
    range.value = step;
    range.dispatchEvent(new Event("input", { bubbles: true }));
    await frame();
    await frame();
    const { step: at, lanes } = window.creditViz.snapshot();
    shown.push([at, lanes[0].ids, lanes[0].written, places("written"), places("given")]);
  }
  return shown;
}"""


@pytest.mark.parametrize("name", MASK_DECODERS)
def test_every_decoder_is_shown_as_it_ran(open_page: Open, model: DiffusionLM, name: str) -> None:
    page = open_page(finished=False)
    run_on(page, name, {})
    trace = credit_viz.decode(model, PROMPT, decoder=name, **SIZES)
    (lane,) = snapshot(page)["lanes"]
    assert (lane["decoder"], lane["title"]) == (name, DECODERS[name].title)
    assert lane["steps"] == trace.forward_passes
    assert lane["meanWait"] == pytest.approx(trace.mean_wait)
    check_every_step(page, trace)
    counts = page.locator(".cv-second").all_inner_texts()
    assert bool(counts) == bool(trace.taken_back or trace.edited)
    place = int((trace.commit_step * trace.content_mask).argmax())
    page.locator(f"[data-role=token][data-position='{place}']").click()
    page.locator(".cv-bars li").first.wait_for()
    scrub(page, int(trace.commit_step[place]))
    assert page.locator(".cv-sum").inner_text().startswith(("p ", "score "))


@pytest.fixture(params=["light"])
def doubtful(open_page: Open, model: DiffusionLM, request: pytest.FixtureRequest) -> tuple[Any, Trace]:
    """A run in which tokens are taken back, on show."""
    page = open_page(finished=False, color_scheme=request.param)
    prompt, settings = "Tell a sad story about Emma and a strange hat at the zoo.", {"threshold": 0.5}
    run_on(page, "wino", settings, prompt)
    trace = credit_viz.decode(model, prompt, decoder="wino", settings=settings, **SIZES)
    assert trace.taken_back
    return page, trace


def test_a_token_taken_back_is_struck_out_then_a_guess_with_a_sign(doubtful: tuple[Any, Trace]) -> None:
    page, trace = doubtful
    back = int((trace.event_ids == trace.info.mask_id).argmax())
    step, place = int(trace.event_steps[back]), int(trace.event_positions[back])
    token = page.locator(f"[data-role=token][data-position='{place}']")
    scrub(page, step)
    assert set((token.get_attribute("class") or "").split()) >= {"retracted", "fresh"}
    assert f"was taken back in step {step}" in token.get_attribute("title")
    was = trace.info.token_text[int(trace.canvas(step - 1)[place])]
    assert token.inner_text() == was.strip() or not was.strip()
    token.click()
    page.locator(".cv-story li").first.wait_for()
    events = trace.event_steps[trace.event_positions == place].tolist()
    links = page.locator(".cv-story button").all_inner_texts()
    assert [int(link.removeprefix("step ")) for link in links] == events[: len(links)]
    assert "taken back: with the other tokens in place" in page.locator(".cv-sum").inner_text()
    page.locator(".cv-story button").first.click()
    wait_for(page, f"s.step === {events[0]}")


@pytest.mark.parametrize("doubtful", ["light", "dark"], indirect=True)
def test_second_thoughts_are_accessible(doubtful: tuple[Any, Trace]) -> None:
    page, trace = doubtful
    back = int((trace.event_ids == trace.info.mask_id).argmax())
    place = int(trace.event_positions[back])
    page.click(".cv-contrast")
    scrub(page, int(trace.event_steps[back]))
    page.locator(f"[data-role=token][data-position='{place}']").click()
    page.locator(".cv-story li").first.wait_for()
    assert serious_violations(page) == []


def test_the_legend_names_what_happened(doubtful: tuple[Any, Trace]) -> None:
    page, trace = doubtful
    for tab in ("confidence", "waiting"):
        page.click(f"[data-tab={tab}]")
        drawn(page)
        assert "taken back" in page.locator(".cv-legend").first.inner_text()
        assert "edited" not in page.locator(".cv-legend").first.inner_text()
    assert "= taken back in this step" in page.locator(".cv-note").inner_text()
    counted = f"{trace.taken_back} token" + "s" * (trace.taken_back > 1) + " taken back"
    assert page.locator(".cv-second").inner_text() == counted


def test_given_tokens_are_shown_and_are_no_decision(open_page: Open, model: DiffusionLM, backend: GivenBackend) -> None:
    page = open_page(finished=False)
    prompt = f"{PROMPT} [given]"
    given = {0: int(model.encode("Leo")[-1]), 5: 7, 20: 9}
    object.__setattr__(backend, "given", given)
    for name in ("credit", "editing"):
        run_on(page, name, {}, prompt)
        trace = credit_viz.decode(model, prompt, decoder=name, fixed=given, **SIZES)
        check_every_step(page, trace)
    assert "= given" in page.locator(".cv-note").inner_text()
    selected = snapshot(page)["selection"]
    page.locator("[data-role=token][data-position='5']").click()
    drawn(page)
    assert snapshot(page)["selection"] == selected
    assert "32" not in page.locator(".cv-count").inner_text()
