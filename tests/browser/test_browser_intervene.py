"""A run changed by hand, as a visitor does it, on the embedded model; given texts, and prompts with gaps."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import credit_viz
from credit_viz.backend.local import LocalBackend
from credit_viz.tiny import SETTINGS
from credit_viz.web import build_app
from tests.browser.conftest import Open, serious_violations, serve, snapshot, wait_for

PROMPT = "Tell a sad story about Emma and a strange hat at the zoo."
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


class Embedded(LocalBackend):
    """The embedded model; the shared fixtures may set on it what they set on a fake."""


@pytest.fixture(scope="module")
def backend() -> Embedded:
    """On the CPU."""
    return Embedded(credit_viz.load_model(device="cpu"))


@pytest.fixture(scope="module")
def address(backend: Embedded) -> Iterator[str]:
    """A served page whose first run is a story, by settings that suit the model."""
    app = build_app(backend, examples=[SimpleNamespace(task="story", prompt=PROMPT)], settings=SETTINGS)
    yield serve(app)
    app.close(verbose=False)


def go_to(page: Any, step: int) -> None:
    page.locator("input[data-role=step]").fill(str(step))
    wait_for(page, f"s.step === {step}")


def select(page: Any, lane: int, position: int) -> None:
    page.locator(f"[data-role=tokens][data-lane='{lane}'] [data-position='{position}']").click()
    wait_for(page, f"s.selection && s.selection.position === {position} && s.selection.lane === {lane}")
    page.locator(f".cv-inspect-lane[data-lane='{lane}'] .cv-bars li").first.wait_for()


def a_masked_place(page: Any, lane: int, step: int) -> int:
    """A position that is still open after a step, with text in the end."""
    go_to(page, step)
    ids: list[int] = snapshot(page)["lanes"][lane]["ids"]
    return next(place for place, token in enumerate(ids) if token < 0)


def ids_at(page: Any, lane: int, step: int) -> list[int]:
    go_to(page, step)
    found: list[int] = snapshot(page)["lanes"][lane]["ids"]
    return found


def arrived(page: Any, lanes: int, lane: int) -> None:
    wait_for(page, f"s.lanes.length === {lanes} && s.live === 'idle' && s.selection && s.selection.lane === {lane}")


def test_a_candidate_is_written_by_hand_and_the_run_goes_on_as_a_new_lane(open_page: Open) -> None:
    page = open_page()
    place = a_masked_place(page, 1, 3)
    select(page, 1, place)
    rows = page.locator(".cv-inspect-lane[data-lane='1'] .cv-bars li")
    token = rows.nth(1).locator(".cv-token").text_content()
    button = rows.nth(1).get_by_role("button", name="write this here")
    assert button.get_attribute("title") == f"Run on from step 3 with {token} written here, as a new lane"
    button.click()
    arrived(page, 3, 2)

    shown = snapshot(page)
    assert (shown["step"], shown["selection"]) == (3, {"position": place, "lane": 2})
    assert shown["lanes"][2]["title"] == f"what if {token} at {place}"
    assert [shown["lanes"][lane]["title"] for lane in (0, 1)] == ["Vanilla", "CreditDecoding"]
    assert page.locator(".cv-verdict .cv-card").nth(2).get_by_text("changed by hand").is_visible()
    chosen = shown["lanes"][2]["ids"][place]
    assert chosen >= 0
    assert ids_at(page, 2, 2) == ids_at(page, 1, 2), "the steps before are the same run"
    ends = ids_at(page, 2, shown["steps"])
    assert ends[place] == chosen
    assert -1 not in ends
    word = page.locator(f"[data-role=tokens][data-lane='2'] [data-position='{place}']")
    assert "by-hand" in (word.get_attribute("class") or "")
    assert word.get_attribute("title") == "written by hand after step 3"
    assert "written by hand after step 3" in (page.locator(".cv-inspect-lane[data-lane='2']").text_content() or "")
    assert "dotted = written by hand" in (page.locator(".cv-note").text_content() or "")

    # the same again from its link
    page.wait_for_function("location.search.includes('write=3.')")
    again = open_page(at=None)
    again.goto(page.url)
    wait_for(again, "s.lanes.length === 3 && s.state === 'done' && s.live === 'idle'")
    assert ids_at(again, 2, shown["steps"]) == ends


def test_a_written_token_is_taken_back_and_another_typed(open_page: Open) -> None:
    page = open_page()
    a_masked_place(page, 1, 4)
    ids: list[int] = snapshot(page)["lanes"][1]["ids"]
    place = next(place for place, token in enumerate(ids) if token >= 0)
    select(page, 1, place)
    byhand = page.get_by_role("region", name="Change it by hand")
    assert "right after step 4: the run goes on from there as a new lane" in (byhand.text_content() or "")
    byhand.get_by_role("button", name="Take back").click()
    arrived(page, 3, 2)
    assert snapshot(page)["lanes"][2]["title"] == f"what if {place} is taken back"
    assert snapshot(page)["lanes"][2]["ids"][place] == -1
    story = page.locator(".cv-inspect-lane[data-lane='2'] .cv-story")
    assert "taken back by hand" in (story.text_content() or "")

    field = byhand.get_by_label("Another token to write here")
    field.fill("kite")
    field.press("Enter")
    byhand.get_by_text("Write one of these").wait_for()
    byhand.get_by_role("button", name="␣kite").click()
    arrived(page, 4, 3)
    assert snapshot(page)["lanes"][3]["title"] == f"what if ␣kite at {place}"
    text = page.locator("[data-role=tokens][data-lane='3']").text_content() or ""
    assert "kite" in text

    # four lanes are all there is room for: the newest by hand gives way, once that is agreed to
    field.fill(" hat")
    field.press("Enter")
    assert "“what if ␣kite at" in (byhand.get_by_text("would give way").text_content() or "")
    byhand.get_by_role("button", name="Keep it").click()
    byhand.get_by_text("would give way").wait_for(state="detached")
    field.press("Enter")
    byhand.get_by_role("button", name="Replace it").click()
    wait_for(page, "s.lanes.length === 4 && s.live === 'idle' && s.lanes[3].title.startsWith('what if ␣hat')")
    go_to(page, snapshot(page)["steps"])  # faint guesses are faint on purpose
    assert serious_violations(page) == []


def test_what_cannot_be_changed_says_why(open_page: Open) -> None:
    page = open_page()
    steps = snapshot(page)["lanes"][1]["steps"]
    go_to(page, steps)
    select(page, 1, 0)
    byhand = page.get_by_role("region", name="Change it by hand")
    button = byhand.get_by_role("button", name="Take back")
    assert button.get_attribute("aria-disabled") == "true"
    title = button.get_attribute("title") or ""
    assert title.startswith("its block was finished in step ")
    button.click(force=True)  # one that says why it cannot be pressed
    byhand.get_by_text(f"Not possible: {title}.").wait_for()
    assert len(snapshot(page)["lanes"]) == 2
    byhand.get_by_role("button", name="Write it here").click()
    byhand.get_by_text("Not possible: write the text of a token first.").wait_for()
    go_to(page, 0)
    assert byhand.get_by_role("button", name="Take back").count() == 0
    byhand.get_by_label("Another token to write here").fill("<img src=x onerror=window.pwned=1>")
    byhand.get_by_role("button", name="Write it here").click()
    byhand.get_by_text("Not possible: nothing has happened yet: go one step on first.").wait_for()
    go_to(page, 2)
    byhand.get_by_role("button", name="Write it here").click()
    byhand.get_by_text("Write one of these").wait_for()
    assert "<img" in (byhand.text_content() or "")


def test_texts_are_given_before_the_run(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Decoders and settings").click()
    page.get_by_role("button", name="Give a text").click()
    page.get_by_label("Position of given text 1").fill("12")
    text = page.get_by_label("Given text 1", exact=True)
    text.fill(" kite in the")
    text.press("Tab")
    page.wait_for_selector("[data-role=tokens][data-lane='1'] .given")
    wait_for(page, "s.state === 'done' && s.live === 'idle' && !s.behind && !s.stale")
    given = page.locator("[data-role=tokens][data-lane='1'] .given").all_text_contents()
    assert given == ["kite", "in", "the"]
    position = page.get_by_label("Position of given text 1")
    position.fill("63")
    position.press("Tab")
    alert = page.get_by_role("alert").filter(has_text="Given text ' kite in the' at position 63")
    alert.wait_for()
    assert "valid: 0..63" in (alert.text_content() or "")
    page.get_by_role("button", name="Remove given text 1").click()
    wait_for(page, "s.error === '' && s.live === 'idle'")
    page.wait_for_function("!document.querySelector('[data-role=tokens] .given')")


def test_gaps_of_the_prompt_are_filled(open_page: Open) -> None:
    page = open_page()
    switch = page.get_by_label("Fill the gaps of the prompt")
    assert not switch.is_visible()
    box = page.locator("#prompt textarea")
    run = snapshot(page)["run"]
    box.fill("Emma saw a [MASK:2] at the [MASK].")
    page.get_by_role("switch", name="Fill the gaps of the prompt", checked=True).wait_for()
    page.get_by_role("button", name="Decoders and settings").click()
    length = page.get_by_label("Generated positions", exact=True)
    assert length.is_disabled()
    assert "Follows from the prompt" in (length.get_attribute("title") or "")
    assert snapshot(page)["run"] == run, "typing runs nothing"
    page.locator("#run").click()
    wait_for(page, f"s.run !== '{run}' && s.state === 'done' && s.live === 'idle'")
    shown = snapshot(page)
    given = page.locator("[data-role=tokens][data-lane='0'] .given").count()
    assert shown["lanes"][0]["length"] == given + 3
    box.fill("Emma saw a hat.")
    switch.wait_for(state="hidden")
    assert length.is_enabled()


def test_a_phone_changes_a_run_by_hand(open_page: Open) -> None:
    page = open_page(**PHONE)
    page.locator(".cv-lane-tabs button").nth(1).click()
    place = a_masked_place(page, 1, 3)
    select(page, 1, place)
    button = page.locator(".cv-inspect-lane[data-lane='1'] .cv-bars .cv-write").nth(1)
    size = button.bounding_box()
    assert size is not None
    assert size["height"] >= 40
    button.click()
    arrived(page, 3, 2)
    assert snapshot(page)["lanes"][2]["title"].startswith("what if ")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
