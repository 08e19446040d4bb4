"""The Lab tab in a real Chromium, on the embedded model: the way there and back, the form, progress, the list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from credit_viz.lab import Arm, InlineCrew, Plan, TaskPrompts, sweep
from credit_viz.models.base import DiffusionLM
from tests.browser.conftest import Open, serious_violations, snapshot, wait_for
from tests.browser.lab_pages import address as address
from tests.browser.lab_pages import backend as backend
from tests.browser.lab_pages import cancel, lab, wait_in_lab
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model

pytestmark = pytest.mark.browser

RECORDED = "recorded"  #: a sweep that is there from the start
#: what a finger would miss, with its height.
_SMALL_TARGETS = """
[".cv-lab-form :is(button, select, input, textarea)", ".cv-lab-side button", ".cv-places a"]
  .flatMap((selector) => [...document.querySelectorAll(selector)])
  .filter((part) => part.checkVisibility() && !part.closest(".cv-unseen") && part.type !== "file")
  .map((part) => (part.closest(".cv-lab-knob label, .cv-check") ?? part))
  .map((part) => [part.getBoundingClientRect().height, part.className])
  .filter(([height]) => height < 43.5)
"""
_FOCUSED = "[document.activeElement.tagName, document.activeElement.textContent.trim().slice(0, 40)]"


@pytest.fixture(scope="module")
def folder(model: DiffusionLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three settings on three prompts."""
    path: Path = tmp_path_factory.mktemp("sweeps")
    arms = (Arm("vanilla"), Arm("credit", {"threshold": (0.6, 0.9)}))
    sweep(Plan(arms, tasks=TaskPrompts(("story",), count=3)), path / RECORDED, InlineCrew(model))
    return path


@pytest.fixture
def open_lab(open_page: Open, address: str) -> Open:
    """A page that was opened at the lab, with its first sweep on show."""

    def opened(**options: Any) -> Any:
        page = open_page(at=None, **options)
        page.asked = []
        page.on("request", lambda request: page.asked.append(f"{request.url} {request.post_data}"))
        page.goto(f"{address}?at=lab")
        wait_in_lab(page, "s.sweep !== null && s.rows > 0")
        return page

    return opened


def ask_for(page: Any, prompts: int) -> None:
    """Open the form and ask for a sweep of its first question on so many prompts."""
    page.get_by_role("button", name="New sweep").click()
    page.get_by_label("How many").fill(str(prompts))
    comes_to(page, f"24 settings on {prompts} prompt")


def comes_to(page: Any, words: str) -> None:
    """Wait until the form says what its sweep comes to."""
    page.locator(".cv-lab-outlook", has_text=words).wait_for()


def fetched(page: Any) -> list[str]:
    """Names of the page's own files that were fetched."""
    names = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    return [name.rsplit("/", 1)[-1] for name in names]


# the way there and back ----------------------------------------------------------------------------------------------


def test_the_lab_is_a_click_away_and_so_is_the_way_back(open_page: Open) -> None:
    page = open_page()
    run = snapshot(page)["run"]
    assert not [name for name in fetched(page) if name.startswith("lab") and name != "labels.js"]
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_in_lab(page, "s.sweep !== null && s.rows > 0")
    page.wait_for_function(f"location.search === '?at=lab&sweep={RECORDED}'")
    assert not page.locator("#prompt").is_visible()
    assert not page.locator(".cv-transport").is_visible()
    assert page.get_by_role("link", name="Lab", exact=True).get_attribute("aria-current") == "page"
    page.get_by_role("link", name="Race").click()
    wait_for(page, "s.place === 'race'")
    page.locator("#prompt").wait_for()
    page.locator(".cv-maps canvas").first.wait_for()
    assert snapshot(page)["run"] == run
    page.wait_for_function("!location.search.includes('at=lab')")


def test_back_and_forward_go_between_the_places(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_in_lab(page, "s.rows > 0")
    page.get_by_role("link", name="Race").click()
    wait_for(page, "s.place === 'race'")
    page.go_back()
    wait_for(page, "s.place === 'lab'")
    page.locator(".cv-lab-list").wait_for()
    page.go_back()
    wait_for(page, "s.place === 'race'")
    page.wait_for_function("!location.search.includes('at=lab')")
    page.go_forward()
    wait_for(page, "s.place === 'lab'")
    page.wait_for_function(f"location.search === '?at=lab&sweep={RECORDED}'")


def test_one_key_goes_there_and_the_race_s_keys_are_silent_there(open_page: Open) -> None:
    page = open_page()
    step = snapshot(page)["step"]
    page.keyboard.press("Shift+L")
    wait_in_lab(page, "s.rows > 0")
    for key in ("ArrowLeft", "t", "Home", " "):
        page.keyboard.press(key)
    after = snapshot(page)
    assert (after["step"], after["table"], after["playing"]) == (step, False, False)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Help").wait_for()
    assert "race or lab" in page.get_by_role("dialog", name="Help").inner_text()
    page.keyboard.press("Escape")
    wait_for(page, "!s.help")
    page.keyboard.press("Shift+L")
    wait_for(page, "s.place === 'race'")


def test_a_link_opens_the_lab_and_decodes_nothing(open_lab: Open) -> None:
    page = open_lab()
    assert lab(page)["sweep"] == RECORDED
    assert not [url for url in page.asked if "queue/join" in url]
    page.get_by_role("link", name="Race").click()
    wait_for(page, "s.place === 'race'")
    page.locator("#run").click()
    wait_for(page, "s.state === 'done' && s.live === 'idle'")
    assert page.locator(".cv-maps canvas").first.bounding_box()["width"] > 300


def test_a_link_to_a_sweep_that_is_gone_says_so(open_page: Open) -> None:
    page = open_page(finished=False, at="?at=lab&sweep=0123456789abcdef")
    wait_in_lab(page, "s.rows > 0")
    assert "not here" in page.locator(".cv-lab-note").inner_text()
    assert lab(page)["sweep"] == RECORDED


# the form ------------------------------------------------------------------------------------------------------------


def test_a_sweep_is_started_followed_and_found_again(open_lab: Open) -> None:
    page = open_lab()
    ask_for(page, 2)
    page.get_by_label("Name", exact=True).fill("Mine <b>")
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, "s.asking === false && s.status !== null")
    mine = lab(page)["sweep"]
    assert mine != RECORDED
    assert page.locator(".cv-lab-head h2").inner_text() == "Mine <b>"
    wait_in_lab(page, "s.status?.state === 'done' && s.counted === 48 && s.rows === 24", 240)
    assert page.locator(".cv-lab-lead").inner_text()
    assert not page.locator(".cv-lab-progress").is_visible()
    assert page.locator(".cv-lab-sweep", has_text="Mine <b>").get_attribute("aria-current") == "true"
    page.reload()
    wait_in_lab(page, "s.rows > 0")
    assert lab(page)["sweep"] == mine


def test_what_is_wrong_is_said_beside_its_field(open_lab: Open) -> None:
    page = open_lab()
    ask_for(page, 4)
    start = page.get_by_role("button", name="Start", exact=True)
    field = page.locator(".cv-lab-form").get_by_role("textbox", name="acceptance threshold").nth(1)
    field.fill("0.9, 7")
    wrong = page.locator("#cv-lab-wrong-arms-2")
    wrong.wait_for()
    assert "threshold" in wrong.inner_text()
    assert "7" in wrong.inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    assert start.is_disabled()
    field.fill("0.9, 0.7")
    comes_to(page, "20 settings on 4 prompts")
    assert not wrong.is_visible()
    page.get_by_label("Block lengths").fill("32, many")
    page.locator("#cv-lab-wrong-block_length").wait_for()
    assert "many" in page.locator("#cv-lab-wrong-block_length").inner_text()
    page.get_by_label("Block lengths").fill("16, 32")
    comes_to(page, "40 settings on 4 prompts")
    page.get_by_label("How many").fill("200")
    page.locator("#cv-lab-wrong-all").wait_for()
    assert "credit-viz sweep" in page.locator("#cv-lab-wrong-all").inner_text()
    assert start.is_disabled()


def test_own_prompts_and_a_dropped_file(open_lab: Open) -> None:
    page = open_lab()
    page.get_by_role("button", name="New sweep").click()
    tasks = page.get_by_role("group", name="Tasks")  # chips of the pictures bear the same names
    for task in ("story", "arithmetic", "json", "code"):
        tasks.get_by_role("button", name=task, exact=True).click()
    page.get_by_label("Your own").fill("One day, Mia\nLeo has 3 cookies.")
    comes_to(page, "25 settings on 2 prompts")
    drop = "(files) => { const data = new DataTransfer(); files.forEach((f) => data.items.add(f)); return data; }"
    handle = page.evaluate_handle(
        f'() => ({drop})([new File([\'{{"prompt": "a"}}\\n{{"prompt": 1}}\'], \'mine.jsonl\')])'
    )
    box = page.locator(".cv-lab-own")
    box.dispatch_event("drop", {"dataTransfer": handle})
    page.locator("#cv-lab-wrong-jsonl").wait_for()
    assert "line 2" in page.locator("#cv-lab-wrong-jsonl").inner_text()
    good = page.evaluate_handle(f"() => ({drop})([new File(['{{\"prompt\": \"a\"}}'], 'mine.jsonl')])")
    box.dispatch_event("drop", {"dataTransfer": good})
    comes_to(page, "25 settings on 3 prompts")
    assert "mine.jsonl" in box.inner_text()
    page.get_by_role("button", name="Take it back").click()
    comes_to(page, "25 settings on 2 prompts")


def test_decoders_come_and_go_with_their_knobs(open_lab: Open) -> None:
    page = open_lab()
    page.get_by_role("button", name="New sweep").click()
    page.get_by_role("button", name="How much credit?").click()
    comes_to(page, "25 settings on 20 prompts")
    page.get_by_role("button", name="Add a decoder").click()
    comes_to(page, "26 settings on 20 prompts")
    third = page.get_by_label("Decoder 3", exact=True)
    third.select_option("margin")
    page.get_by_label("Change a knob of decoder 3").select_option("margin")
    comes_to(page, "30 settings on 20 prompts")
    assert page.get_by_role("group", name="Decoder 3").get_by_role("textbox").input_value() == "0..1/5"
    page.get_by_role("button", name="Remove decoder 2").click()
    comes_to(page, "6 settings on 20 prompts")
    assert page.get_by_label("Decoder 2", exact=True).input_value() == "margin"


# progress and the list -----------------------------------------------------------------------------------------------


def test_a_sweep_is_cancelled_kept_and_removed(open_lab: Open) -> None:
    page = open_lab()
    ask_for(page, 200)
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, "!s.asking && s.status !== null && s.status.done > 0", 240)
    cancel(page)
    mine = lab(page)["sweep"]
    assert "Stopped after" in page.locator(".cv-lab-progress").inner_text()
    wait_in_lab(page, "s.rows > 0")
    stopped = lab(page)["status"]["done"]
    page.get_by_role("button", name="Go on", exact=True).click()
    wait_in_lab(page, f"s.status?.state === 'running' && s.status.done > {stopped}", 240)
    wait_in_lab(page, f"s.sweeps.find(({{ id }}) => id === '{mine}').state !== 'cancelled'")
    cancel(page)
    item = page.locator("li", has=page.locator("[aria-current=true]"))
    assert "stopped early" in item.inner_text()
    item.get_by_role("button", name="Remove “Which decoder?”").click()
    item.get_by_role("button", name="Keep").click()
    assert lab(page)["sweep"] == mine
    item.get_by_role("button", name="Remove “Which decoder?”").click()
    item.get_by_role("button", name="Remove", exact=True).click()
    wait_in_lab(page, f"s.sweep !== null && s.sweep !== '{mine}' && s.rows > 0")
    assert all(entry["id"] != mine for entry in lab(page)["sweeps"])


def test_a_server_that_does_not_answer_is_asked_again(open_lab: Open) -> None:
    page = open_lab()
    ask_for(page, 200)
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, "!s.asking && s.status !== null && s.status.done > 0", 240)
    page.route(re.compile("component_server"), lambda route: route.fulfill(status=200, body="null"))
    words = page.locator(".cv-lab-progress-words")
    words.filter(has_text="The server does not answer").wait_for()
    page.unroute(re.compile("component_server"))
    words.filter(has_text="runs").wait_for()
    cancel(page)


def test_nobody_asks_while_nobody_looks(open_lab: Open) -> None:
    page = open_lab()
    ask_for(page, 200)
    page.get_by_role("button", name="Start", exact=True).click()
    wait_in_lab(page, "!s.asking && s.status !== null && s.status.done > 0", 240)
    page.get_by_role("link", name="Race").click()
    wait_for(page, "s.place === 'race'")
    page.wait_for_timeout(1000)
    before = len([asked for asked in page.asked if "lab_status" in asked])
    assert before > 0
    page.wait_for_timeout(2000)
    assert len([asked for asked in page.asked if "lab_status" in asked]) == before
    page.get_by_role("link", name="Lab", exact=True).click()
    cancel(page)


# people --------------------------------------------------------------------------------------------------------------


def test_everything_is_reached_by_keyboard(open_lab: Open) -> None:
    page = open_lab()
    page.locator("body").press("Tab")

    def go_to(words: str, back: bool = False) -> None:
        for _ in range(120):
            if words in page.evaluate(_FOCUSED)[1]:
                return
            page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{words} is not reached; the focus is on {page.evaluate(_FOCUSED)}")

    go_to("New sweep")
    page.keyboard.press("Enter")
    wait_in_lab(page, "s.asking")
    assert page.evaluate(_FOCUSED) == ["H2", "New sweep"]
    go_to("Is it memory?")
    page.keyboard.press("Enter")
    comes_to(page, "18 settings on 20 prompts")
    go_to("arithmetic")
    page.keyboard.press(" ")
    tasks = page.get_by_role("group", name="Tasks")
    tasks.get_by_role("button", name="arithmetic", exact=True, pressed=False).wait_for()
    comes_to(page, "18 settings on 20 prompts")
    go_to("Start")
    page.keyboard.press("Escape")
    wait_in_lab(page, "s.asking === false")


def test_a_phone_shows_one_column(open_lab: Open) -> None:
    page = open_lab(width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="New sweep").click()
    comes_to(page, "24 settings on 20 prompts")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(_SMALL_TARGETS)
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_anybody_s_way(open_lab: Open, scheme: str) -> None:
    page = open_lab(color_scheme=scheme)
    assert serious_violations(page) == []
    page.get_by_role("button", name="New sweep").click()
    page.get_by_label("How many").fill("0")
    page.locator("#cv-lab-wrong-count").wait_for()
    assert serious_violations(page) == []
