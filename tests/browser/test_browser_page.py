"""What a visitor does, in a real Chromium: look, run, cancel, scrub, point, choose, read errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Open, at_rest, drawn, serious_violations, snapshot, wait_for
from tests.web.fake import FakeBackend

pytestmark = pytest.mark.browser


def tokens(page: Any, lane: int, selector: str = "") -> Any:
    return page.locator(f"[data-role=tokens][data-lane='{lane}'] [data-role=token]{selector}")


def scrub(page: Any, step: int) -> None:
    page.locator("[data-role=step]").evaluate(
        "(e, step) => { e.value = step; e.dispatchEvent(new Event('input', { bubbles: true })); }", step
    )
    wait_for(page, f"s.step === {step}")


def test_a_first_visit_shows_a_finished_run(open_page: Open) -> None:
    page = open_page()
    shown = snapshot(page)
    assert [lane["decoder"] for lane in shown["lanes"]] == ["vanilla", "credit"]
    assert shown["step"] == shown["steps"] == max(lane["steps"] for lane in shown["lanes"])
    assert tokens(page, 0, ".written").count() == 64
    assert "forward passes" in page.inner_text(".cv-verdict")
    assert page.inner_text(".cv-verdict").count("fewer than Vanilla") == 1
    marks = page.evaluate("performance.getEntriesByType('mark').map((mark) => mark.name)")
    assert {"credit-viz:text", "credit-viz:first-step", "credit-viz:done"} <= set(marks)
    page.wait_for_function("performance.getEntriesByName('credit-viz:ready').length > 0")
    assert page.locator(".cv-figure").count() == 2


def test_running_another_prompt(open_page: Open) -> None:
    page = open_page()
    before = snapshot(page)
    page.fill("#prompt textarea", "Another prompt")
    page.click("#run")
    wait_for(page, f"s.run !== '{before['run']}' && s.state === 'done'")
    after = snapshot(page)
    assert after["lanes"][1]["ids"] != before["lanes"][1]["ids"]
    assert after["gaps"] == 0
    assert page.locator("#run").is_visible()
    assert not page.locator("#cancel").is_visible()


def test_enter_in_the_prompt_runs(open_page: Open) -> None:
    page = open_page()
    before = snapshot(page)["run"]
    page.fill("#prompt textarea", "Entered")
    page.press("#prompt textarea", "Enter")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")


def test_an_example_chip_fills_the_prompt_and_runs(open_page: Open) -> None:
    page = open_page()
    before = snapshot(page)["run"]
    page.locator(".cv-chip").nth(1).click()
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")
    assert page.input_value("#prompt textarea") == "Leo has 37 cookies. ${window.pwned=1}"


def test_cancelling_keeps_every_step_and_running_again_works(open_page: Open, backend: FakeBackend) -> None:
    page = open_page()
    before = snapshot(page)["run"]
    backend.seconds = 0.2
    page.click("#run")
    wait_for(page, f"s.run !== '{before}' && s.step > 3")
    assert page.locator("#cancel").is_visible()
    assert not page.locator("#run").is_visible()
    page.click("#cancel")
    wait_for(page, "s.state === 'cancelled' && s.live === 'idle'")
    stopped = snapshot(page)
    assert 3 < stopped["steps"] < 60
    scrub(page, 2)
    assert snapshot(page)["lanes"][0]["written"] == 2
    backend.seconds = 0.0
    page.click("#run")
    wait_for(page, f"s.run !== '{stopped['run']}' && s.state === 'done'")


@pytest.mark.parametrize(
    ("prompt", "options", "message"),
    [
        ("", {}, "The prompt is empty"),
        ("x" * 10_000, {}, "The prompt has 10000 characters"),
        ("kite", {"gen_length": 50}, "Gen_length=50 is not divisible by block_length=32"),
        ("kite", {"block_length": 0}, "Block_length=0; valid: a whole number"),
    ],
)
def test_what_cannot_run_is_said_and_the_last_run_stays(
    open_page: Open, prompt: str, options: dict[str, int], message: str
) -> None:
    page = open_page()
    before = snapshot(page)["run"]
    page.click("text=Decoders and settings")
    for name, value in options.items():
        page.fill(f"#cv-option-{name}", str(value))
        page.locator(f"#cv-option-{name}").blur()
    page.fill("#prompt textarea", prompt)
    page.click("#run")
    wait_for(page, "s.error !== '' && s.live === 'idle'")
    alert = page.locator(".cv-alert[role=alert]")
    assert message in alert.inner_text()
    assert "Traceback" not in page.content()
    assert snapshot(page)["run"] == before
    assert page.input_value("#prompt textarea") == prompt
    assert page.locator("#run").is_visible()


def test_scrubbing_changes_text_and_counts_without_a_request(open_page: Open) -> None:
    page = open_page()
    page.wait_for_function("performance.getEntriesByName('credit-viz:ready').length > 0")
    at_rest(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for step in (0, 1, 10, 30):
        scrub(page, step)
        assert tokens(page, 0, ".written").count() == step == snapshot(page)["lanes"][0]["written"]
    assert tokens(page, 0, ".fresh").count() == 1
    assert tokens(page, 0, ".guess").count() == 64 - 30
    assert requests == []


def test_keys_step_and_play_but_not_while_typing(open_page: Open) -> None:
    page = open_page()
    page.select_option(".cv-speed", "4")
    scrub(page, 20)
    page.locator("body").press("ArrowLeft")
    page.locator("body").press("Shift+ArrowRight")
    wait_for(page, "s.step === 29")
    page.locator("body").press(" ")
    wait_for(page, "s.playing && s.step > 31")
    page.locator("body").press(" ")
    wait_for(page, "!s.playing")
    step = snapshot(page)["step"]
    page.focus("#prompt textarea")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    assert snapshot(page)["step"] == step
    assert not snapshot(page)["playing"]


def test_playing_goes_to_the_end_and_stops(open_page: Open) -> None:
    page = open_page()
    page.select_option(".cv-speed", "64")
    page.click(".cv-play")
    wait_for(page, "s.playing")
    wait_for(page, "!s.playing && s.step === s.steps")


def test_a_clicked_token_is_explained_with_its_numbers(open_page: Open) -> None:
    page = open_page()
    tokens(page, 1, "[data-position='12']").click()
    wait_for(page, "s.selection && s.selection.position === 12 && s.selection.lane === 1")
    inspector = page.locator(".cv-inspector")
    inspector.locator(".cv-bars li").first.wait_for()
    assert "Token 12" in inspector.locator("h2").inner_text()
    sums = inspector.locator(".cv-sum").all_inner_texts()
    assert len(sums) == 2
    assert "odds ×" in sums[1]
    assert "≥ 0.90" in sums[1] or "< 0.90" in sums[1]
    at_rest(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    scrub(page, 1)
    assert "in step 1" in inspector.locator(".cv-when").first.inner_text()
    assert requests == []


def test_a_clicked_cell_selects_its_token_and_step(open_page: Open) -> None:
    page = open_page()
    page.wait_for_function("performance.getEntriesByName('credit-viz:ready').length > 0")
    figure = page.locator(".cv-figure").first
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    figure.click(position={"x": box["width"] * 0.3, "y": box["height"] * 0.5})
    wait_for(page, "s.selection && s.selection.lane === 0 && s.step < 30")
    assert 20 < snapshot(page)["selection"]["position"] < 45


@pytest.mark.parametrize("tab", ["confidence", "fused", "credit", "waiting"])
def test_every_map_draws(open_page: Open, tab: str) -> None:
    page = open_page()
    page.click(f"[data-tab={tab}]")
    wait_for(page, f"s.tab === '{tab}'")
    assert page.locator(".cv-nothing:visible").count() == (tab == "credit")
    drawn = page.evaluate(
        """() => {
          const pixels = (c) => new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);
          const drawn = (figure) => [...figure.querySelectorAll('canvas')].some((c) => pixels(c).some(Boolean));
          return [...document.querySelectorAll('.cv-figure')].map(drawn);
        }"""
    )
    assert drawn == [True, True]


def test_hostile_tokens_are_only_ever_text(open_page: Open) -> None:
    page = open_page()
    assert page.locator(".cv img:not([alt]), .cv b b").count() == 0
    text = page.locator("[data-role=tokens]").first.inner_text()
    assert "<img src=x onerror" in text or "{{constructor" in text or "${window" in text or "</script>" in text
    for position in range(0, 50, 5):
        tokens(page, 1, f"[data-position='{position}']").click(force=True)
    page.locator(".cv-bars li").first.wait_for()


def test_a_phone_shows_one_lane_at_a_time_and_never_scrolls_sideways(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    panes = page.locator(".cv-pane")
    assert [panes.nth(i).is_visible() for i in range(2)] == [False, True]
    page.locator(".cv-lane-tabs button").first.click()
    panes.nth(0).wait_for(state="visible")
    drawn(page)
    assert not panes.nth(1).is_visible()
    for selector in ("#run", ".cv-play", ".cv-chip", ".cv-tab", ".cv-speed", ".cv-add"):
        assert page.locator(selector).first.bounding_box()["height"] >= 44, selector
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_no_width_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page(width, 800)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_lost_packet_is_asked_for(open_page: Open, backend: FakeBackend) -> None:
    page = open_page()
    before = snapshot(page)["run"]
    backend.seconds = 0.01
    page.evaluate(
        """() => {
          const atob = window.atob.bind(window);
          let count = 0;
          window.atob = (text) => ((count += 1) === 3 ? atob(window.lastPacket) : atob((window.lastPacket = text)));
        }"""
    )
    page.click("#run")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done'")
    shown = snapshot(page)
    assert shown["gaps"] >= 1
    assert all(-1 not in lane["ids"] for lane in shown["lanes"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(open_page: Open, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.click(".cv-contrast")
    scrub(page, 5)
    assert serious_violations(page) == []
