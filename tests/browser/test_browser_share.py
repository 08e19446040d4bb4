"""Links and the gallery, from a visitor's view: what was on show comes back from its address; recordings open."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlparse

import pytest

from credit_viz.backend.base import Event, RunRequest
from credit_viz.gallery import Exhibit
from credit_viz.web import build_app
from tests.browser.conftest import EXAMPLES, Open, serious_violations, serve, snapshot, wait_for
from tests.web.fake import FakeBackend
from tests.web.recordings import saved

pytestmark = pytest.mark.browser

HOSTILE = "</textarea><img src=x onerror=window.pwned=1>&lane=bogus#${window.pwned=1} {{x}} ünï\u202e 100 % + ; ="


class CountingBackend(FakeBackend):
    """Counts the runs it was asked for."""

    runs = 0

    def stream(self, request: RunRequest) -> Iterator[Event]:
        self.runs += 1
        return super().stream(request)


@pytest.fixture(scope="module")
def backend() -> CountingBackend:
    return CountingBackend()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> list[Exhibit]:
    folder = tmp_path_factory.mktemp("gallery")
    return [
        saved(folder, "hero", "Mia takes a kite.", ("vanilla", "credit")),
        saved(folder, "race", "Leo has a boat.", ("vanilla", "threshold", "credit")),
        dataclasses.replace(saved(folder, "foreign", "From elsewhere.", ("credit",)), model="embedded"),
    ]


@pytest.fixture(scope="module")
def address(backend: CountingBackend, gallery: list[Exhibit]) -> Iterator[str]:
    app = build_app(backend, examples=EXAMPLES, gallery=gallery, welcome=True)
    yield serve(app)
    app.close(verbose=False)


def run_with(page: Any, prompt: str, choice: dict[str, Any]) -> None:
    """Run a prompt with choices that would take many clicks."""
    before = snapshot(page)["run"]
    page.evaluate(
        """(changes) => {
          const choice = window.creditViz.choice;
          window.creditViz.choice = () => {
            window.creditViz.choice = choice;
            return JSON.stringify({ ...JSON.parse(choice()), ...changes });
          };
        }""",
        choice,
    )
    page.fill("#prompt textarea", prompt)
    page.click("#run")
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")


def address_of(page: Any, part: str) -> str:
    """The address once it holds this part."""
    page.wait_for_function("(part) => decodeURIComponent(location.href).includes(part)", arg=part)
    return str(page.url)


def opened(open_page: Open, link: str, finished: bool = True, **options: Any) -> Any:
    """A link in a browser of its own."""
    page = open_page(at=None, **options)
    page.goto(link)
    page.wait_for_function("window.creditViz !== undefined")
    if finished:
        wait_for(page, "s.state === 'done' && s.live === 'idle'")
    return page


def test_a_first_visit_opens_a_recording_and_decodes_nothing(open_page: Open, backend: CountingBackend) -> None:
    before = backend.runs
    page = open_page()
    shown = snapshot(page)
    assert shown["exhibit"] == "hero"
    assert [lane["decoder"] for lane in shown["lanes"]] == ["vanilla", "credit"]
    assert shown["step"] == shown["steps"] == 64
    look = page.locator(".cv-look").inner_text()
    assert "Look at hero: <img src=x" in look
    assert "Recorded earlier on fake (0 M), seed 0." in look
    page.locator("[data-role=tokens][data-lane='1'] [data-position='12']").click()
    page.locator(".cv-inspector .cv-bars li").first.wait_for()
    page.wait_for_timeout(700)
    assert backend.runs == before
    page.reload()
    wait_for(page, "s.state === 'done' && s.selection && s.selection.position === 12")
    assert snapshot(page)["exhibit"] == "hero"
    assert backend.runs == before


def test_a_plain_visit_keeps_its_plain_address_until_something_changes(open_page: Open, address: str) -> None:
    page = open_page()
    page.wait_for_timeout(900)
    assert page.url == address
    page.locator("body").press("ArrowLeft")
    assert parse_qs(urlparse(address_of(page, "step=63")).query)["prompt"] == ["Mia takes a kite."]


def test_a_link_brings_back_lanes_step_token_and_map(open_page: Open) -> None:
    page = open_page()
    lanes = [
        {"decoder": "vanilla", "settings": {}},
        {"decoder": "threshold", "settings": {"threshold": 0.8}},
        {"decoder": "credit", "settings": {"beta": 0, "threshold": 0.85}},
    ]
    run_with(page, "A kite, a boat & 3 ships?", {"lanes": lanes, "gen_length": 32, "block_length": 16, "seed": 7})
    page.locator("[data-role=tokens][data-lane='2'] [data-position='9']").click()
    page.click("[data-tab=fused]")
    page.locator("body").press("Home")
    for _ in range(4):
        page.locator("body").press("ArrowRight")
    link = address_of(page, "step=4")
    here = snapshot(page)
    assert "lane=threshold;threshold=0.8&" in link
    there = opened(open_page, link)
    wait_for(there, "s.step === 4")
    shown = snapshot(there)
    for key in ("step", "steps", "tab", "selection", "front", "lanes"):
        assert shown[key] == here[key], key
    assert there.input_value("#prompt textarea") == "A kite, a boat & 3 ships?"
    there.wait_for_timeout(700)
    assert there.url == link
    assert there.locator(".cv-notice").is_hidden()


def test_a_prompt_of_any_kind_travels(open_page: Open) -> None:
    page = open_page()
    run_with(page, HOSTILE, {})
    link = address_of(page, "model=fake")
    here = snapshot(page)
    there = opened(open_page, link)
    assert there.input_value("#prompt textarea") == HOSTILE
    assert snapshot(there)["lanes"] == here["lanes"]
    assert there.locator(".cv-notice").is_hidden()


def test_a_link_waits_for_the_prompt_box(chromium: Any, address: str) -> None:
    """Gradio draws its parts in any order: what is put where there is no box yet is lost."""
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    held: list[tuple[Any, Any]] = []

    def hold(route: Any) -> None:
        answer = route.fetch()
        held.append((route, answer)) if b"textbox" in answer.body() else route.fulfill(response=answer)

    page.route("**/assets/Index-*.js", hold)
    page.goto(f"{address}?{urlencode({'prompt': 'A late box.', 'lane': 'credit'})}", wait_until="commit")
    page.wait_for_function("window.creditViz !== undefined")
    page.wait_for_timeout(300)
    assert page.locator("#prompt textarea").count() == 0
    for route, answer in held:
        route.fulfill(response=answer)
    wait_for(page, "s.state === 'done' && s.live === 'idle'")
    assert page.input_value("#prompt textarea") == "A late box."
    assert "?prompt=A+late+box." in address_of(page, "model=fake")
    page.close()


def test_brackets_that_were_plain_text_stay_so(open_page: Open, address: str) -> None:
    page = opened(open_page, f"{address}?{urlencode({'prompt': 'Leo [MASK:5] has.', 'lane': 'credit'})}")
    assert not page.get_by_role("switch", name="Fill the gaps").is_checked()
    assert "infill" not in address_of(page, "model=fake")


def test_a_long_prompt_travels_behind_the_hash(open_page: Open, address: str) -> None:
    page = open_page()
    prompt = "긴 이야기 " * 500
    run_with(page, prompt, {})
    link = address_of(page, "#prompt=")
    assert len(link) > 10_000
    there = opened(open_page, link)
    assert there.input_value("#prompt textarea") == prompt
    refused = opened(open_page, f"{address}#{urlencode({'prompt': 'x' * 10_000, 'lane': 'vanilla'})}", finished=False)
    wait_for(refused, "s.error.includes('10000 characters')")
    assert refused.input_value("#prompt textarea") == "x" * 10_000


def test_what_is_wrong_with_a_link_is_said_and_the_rest_works(open_page: Open, address: str) -> None:
    query = "?prompt=kite&lane=bogus&lane=credit;alpha=99;threshold=0.8&step=9999&token=700&front=4&map=nope&colour=red"
    page = opened(open_page, address + query)
    wait_for(page, "s.notice.includes('9999')")
    notice = page.locator(".cv-notice").inner_text()
    for part in ("“bogus”", "“alpha=99”", "map is “nope”", "“colour”", "step is 9999", "token is 700", "front is 4"):
        assert part in notice, part
    assert [lane["decoder"] for lane in snapshot(page)["lanes"]] == ["credit"]
    page.get_by_role("button", name="Close this note").click()
    page.locator(".cv-notice").wait_for(state="hidden")
    address_of(page, "lane=credit;threshold=0.8&model")


def test_a_link_from_another_model_asks_first(open_page: Open, address: str, backend: CountingBackend) -> None:
    before = backend.runs
    page = opened(open_page, f"{address}?prompt=kite&lane=vanilla&step=3&model=GSAI-ML/LLaDA-8B", finished=False)
    wait_for(page, "s.notice !== ''")
    assert "made on GSAI-ML/LLaDA-8B; this page serves fake (0 M)" in page.locator(".cv-notice").inner_text()
    assert page.input_value("#prompt textarea") == "kite"
    page.wait_for_timeout(400)
    assert (backend.runs, snapshot(page)["run"]) == (before, None)
    page.get_by_role("button", name="Run it here").click()
    wait_for(page, "s.state === 'done' && s.step === 3")
    assert backend.runs == before + 1


def test_a_card_opens_a_recording_without_a_run(open_page: Open, backend: CountingBackend) -> None:
    page = open_page()
    before = backend.runs
    posted: list[str] = []
    page.on("request", lambda r: posted.append(r.url) if r.method == "POST" else None)
    card = page.get_by_role("button", name="Title of race <b>")
    card.click()
    wait_for(page, "s.exhibit === 'race' && s.state === 'done'")
    assert [lane["decoder"] for lane in snapshot(page)["lanes"]] == ["vanilla", "threshold", "credit"]
    assert card.get_attribute("aria-pressed") == "true"
    assert page.input_value("#prompt textarea") == "Leo has a boat."
    assert posted == [] or all("queue" not in url for url in posted)
    page.get_by_role("button", name="Show me").click()
    wait_for(page, "s.step === 5 && s.tab === 'fused' && s.selection.position === 3 && s.selection.lane === 2")
    link = address_of(page, "step=5")
    page.wait_for_timeout(300)
    assert backend.runs == before
    there = opened(open_page, link)
    wait_for(there, "s.step === 5")
    assert snapshot(there)["exhibit"] == "race"
    assert backend.runs == before
    page.click("#run")
    wait_for(page, "s.exhibit === null && s.state === 'done'")
    assert backend.runs == before + 1
    assert page.locator(".cv-look").is_hidden()
    assert [lane["decoder"] for lane in snapshot(page)["lanes"]] == ["vanilla", "threshold", "credit"]


def test_recordings_of_another_model_say_so(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Title of foreign <b>").click()
    wait_for(page, "s.exhibit === 'foreign' && s.state === 'done'")
    assert "Recorded earlier on the embedded model" in page.locator(".cv-look").inner_text()


def test_copy_link_by_menu_and_by_key(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy link").click()
    page.locator(".cv-share-status", has_text="Link copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlparse(copied).query) == {
        "prompt": ["Mia takes a kite."],
        "lane": ["vanilla", "credit"],
        "model": ["fake (0 M)"],
    }
    page.keyboard.press("Escape")
    page.locator(".cv-share-panel").wait_for(state="hidden")
    page.locator("body").press("ArrowLeft")
    page.locator("body").press("l")
    page.locator(".cv-share-button", has_text="Link copied.").wait_for()
    assert "step=63" in page.evaluate("navigator.clipboard.readText()")


def test_the_address_changes_at_most_twice_a_second_and_history_does_not_grow(open_page: Open) -> None:
    page = open_page()
    page.evaluate(
        """() => {
          window.written = 0;
          const replace = history.replaceState.bind(history);
          history.replaceState = (...given) => { window.written += 1; replace(...given); };
        }"""
    )
    length = page.evaluate("history.length")
    page.locator("[data-role=step]").evaluate(
        """async (slider) => {
          for (let step = 60; step > 20; step -= 1) {
            slider.value = step;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise((resolve) => setTimeout(resolve, 40));
          }
        }"""
    )
    address_of(page, "step=21")
    assert 1 <= page.evaluate("window.written") <= 1 + 2 * page.evaluate("performance.now()") / 1000
    assert page.evaluate("window.written") < 20
    assert page.evaluate("history.length") == length
    page.goto("about:blank")
    page.go_back()
    page.wait_for_function("window.creditViz !== undefined")
    wait_for(page, "s.state === 'done' && s.step === 21")


def test_on_a_phone(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True, permissions=["clipboard-read", "clipboard-write"])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for selector in (".cv-exhibit", ".cv-look button", ".cv-share-button"):
        assert page.locator(selector).first.bounding_box()["height"] >= 44, selector
    page.get_by_role("button", name="Title of race <b>").tap()
    wait_for(page, "s.exhibit === 'race' && s.state === 'done'")
    page.get_by_role("button", name="Show me").tap()
    wait_for(page, "s.step === 5 && s.front === 2")
    page.get_by_role("button", name="Share").tap()
    panel = page.locator(".cv-share-panel").bounding_box()
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= 390
    page.get_by_role("button", name="Copy link").tap()
    page.locator(".cv-share-status", has_text="Link copied.").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(open_page: Open, address: str, scheme: str) -> None:
    page = opened(
        open_page,
        f"{address}?prompt=Leo+has+a+boat.&lane=vanilla&lane=threshold&lane=credit&map=no",
        color_scheme=scheme,
    )
    page.click(".cv-contrast")
    page.get_by_role("button", name="Share").click()
    assert serious_violations(page) == []
