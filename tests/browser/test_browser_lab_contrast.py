"""Why two settings differ, in a real Chromium on the embedded model: chosen, read, raced side by side, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from credit_viz.decoding import make_decoder
from credit_viz.lab import Arm, InlineCrew, Plan, SweepResult, TaskPrompts, sweep
from credit_viz.models.base import DiffusionLM
from credit_viz.web.laboratory import Laboratory
from tests.browser.conftest import Open, drawn, serious_violations, snapshot, wait_for
from tests.browser.lab_pages import address as address
from tests.browser.lab_pages import backend as backend
from tests.browser.lab_pages import lab, lab_with, marks, raced, show, strip_of, wait_in_lab
from tests.browser.lab_pages import laboratory as laboratory
from tests.browser.lab_pages import model as model

pytestmark = pytest.mark.browser

SWEEP = "two"
PROMPTS = 6
MINUS = "−"


@pytest.fixture(scope="module")
def folder(model: DiffusionLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vanilla, the threshold alone, and credit with and without history, at two block lengths."""
    path = tmp_path_factory.mktemp("sweeps")
    arms = (
        Arm("vanilla"),
        Arm("threshold", {"threshold": (0.6, 0.9)}),
        Arm("credit", {"alpha": (0.7,), "beta": (0.8, 0), "threshold": (0.9, 0.95)}),
    )
    plan = Plan(arms, tasks=TaskPrompts(("story", "arithmetic"), count=PROMPTS), options={"block_length": (32, 64)})
    sweep(plan, path / SWEEP, InlineCrew(model))
    return path


@pytest.fixture
def result(laboratory: Laboratory) -> SweepResult:
    return laboratory.result(SWEEP)


def number_of(result: SweepResult, **values: Any) -> int:
    """The one setting with these values."""
    found = result.where(**values).frame["number"].unique()
    assert len(found) == 1
    return int(found[0])


def pair_of(result: SweepResult, block: int = 64) -> tuple[int, int]:
    """The rule alone, and credit at the same threshold."""
    return (
        number_of(result, decoder="threshold", threshold=0.9, block_length=block),
        number_of(result, decoder="credit", threshold=0.9, beta=0.8, block_length=block),
    )


def panel(page: Any) -> Any:
    """The panel, in sight."""
    found = page.get_by_role("region", name="Why do two settings differ?")
    found.scroll_into_view_if_needed()
    return found


def settled(page: Any, shown: str = "[") -> Any:
    """The panel, once it shows a pair whose text begins so: before that, it moves what is below it."""
    found = panel(page)
    page.locator(f".cv-con[data-drawn^='{shown}']:not([aria-busy])").wait_for()
    drawn(page)
    return found


def compared(page: Any, first: int, second: int) -> Any:
    """The panel, once it shows these two."""
    return settled(page, json.dumps([first, second], separators=(",", ":")))


def row(page: Any, number: int) -> Any:
    """A setting in the table."""
    return page.locator(f".cv-pic-table tr[data-number='{number}']")


def choose(page: Any, first: int, second: int) -> Any:
    """Make two settings A and B by the buttons of the table; returns the panel that shows them."""
    settled(page)
    row(page, first).locator("[data-side=A]").click()
    settled(page, f"[{first},")
    row(page, second).locator("[data-side=B]").click()
    return compared(page, first, second)


def means(result: SweepResult, number: int, column: str) -> Any:
    """Values of each prompt."""
    return result.where(number=number).frame.set_index("prompt")[column].sort_index().astype(float)


def signed(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else MINUS}{text}"


def test_two_settings_are_chosen_in_the_table_and_their_numbers_are_those_of_the_runs(
    open_page: Open, result: SweepResult
) -> None:
    page = lab_with(open_page, SWEEP)
    first, second = pair_of(result)
    found = choose(page, first, second)
    assert lab(page)["pair"] == [first, second]
    measured = found.get_by_role("table", name="What the two are set to, and what was measured")
    passes, others = (means(result, number, "forward_passes") for number in (first, second))
    cells = measured.get_by_role("row", name="forward passes").get_by_role("cell").all_inner_texts()
    assert [float(text) for text in cells[:2]] == pytest.approx([passes.mean(), others.mean()], abs=0.051)
    assert float(cells[2].split()[0].replace(MINUS, "-")) == pytest.approx((others - passes).mean(), abs=0.051)
    right = [means(result, number, "exact_match").mean() for number in (first, second)]
    cells = measured.get_by_role("row", name="exact match").get_by_role("cell").all_inner_texts()
    assert [float(text.removesuffix(" %")) for text in cells[:2]] == pytest.approx(
        [100 * each for each in right], abs=0.5
    )
    assert cells[2].startswith(f"{signed(100 * (right[1] - right[0]), 1)} points")
    assert measured.get_by_role("row", name="decoder").get_by_role("cell").all_inner_texts()[:2] == [
        "threshold",
        "credit",
    ]

    reasons = found.get_by_role("table", name="Tokens per prompt by the reason they were written for")
    for reason in ("confident", "credit", "forced"):
        sums = [means(result, number, f"written_{reason}").mean() for number in (first, second)]
        line = reasons.locator(f"tr[data-reason={reason}]")
        assert line.count() == int(any(sums))
        if any(sums):
            assert line.get_by_role("cell").all_inner_texts()[:2] == [f"{value:.1f}" for value in sums]

    steps = others - passes
    fewer, more = int((steps < 0).sum()), int((steps > 0).sum())
    spread = (
        f"B needs fewer passes on {fewer} of {PROMPTS} prompts, as many on {PROMPTS - fewer - more}, more on {more}"
    )
    assert spread in found.inner_text()
    listed = found.get_by_role("table", name="Forward passes on each prompt, most different first")
    prompts = listed.locator("tbody tr").evaluate_all("all => all.map((row) => row.dataset.prompt)")
    assert sorted(prompts) == sorted(steps.index)
    assert abs(steps[prompts[0]]) == steps.abs().max()
    for prompt in prompts:
        cells = listed.locator(f"tr[data-prompt='{prompt}']").get_by_role("cell").all_inner_texts()
        told = [
            f"{values[prompt]:g} {'right' if means(result, number, 'exact_match')[prompt] else 'wrong'}"
            for number, values in ((first, passes), (second, others))
        ]
        assert [" ".join(text.split()) for text in cells[1:]] == [*told, signed(steps[prompt], 0)]


def test_a_difference_whose_interval_holds_nothing_is_not_told_apart(open_page: Open, result: SweepResult) -> None:
    page = lab_with(open_page, SWEEP)
    vanilla = number_of(result, decoder="vanilla", block_length=64)
    first, second = pair_of(result)
    found = choose(page, vanilla, second)
    assert "B is better" in found.locator("tr[data-measure=forward_passes][data-told=apart]").inner_text()
    found = choose(page, second, number_of(result, decoder="credit", threshold=0.9, beta=0, block_length=64))
    alike = found.locator("tr[data-told=alike]")
    assert alike.count() > 0
    assert all("not told apart" in text for text in alike.all_inner_texts())
    found.get_by_role("button", name="Swap A and B").click()
    compared(page, number_of(result, decoder="credit", threshold=0.9, beta=0, block_length=64), second)
    assert first not in lab(page)["pair"]


def test_the_panel_begins_with_the_answer_and_its_rival_and_keeps_what_was_chosen(
    open_page: Open, result: SweepResult, address: str
) -> None:
    page = lab_with(open_page, SWEEP)
    settled(page)
    assert lab(page)["pair"] is None
    shown = json.loads(page.locator(".cv-con").get_attribute("data-drawn"))
    settings = result.settings.set_index("number")
    assert set(settings.loc[shown, "decoder"]) == {"threshold", "credit"}
    assert settings.loc[shown, "block_length"].nunique() == 1
    first, second = pair_of(result)
    choose(page, first, second)
    filters = page.get_by_role("region", name="Filters")
    filters.get_by_role("button", name="Vanilla", exact=True).click()
    wait_in_lab(page, "s.rows === 2")
    assert lab(page)["pair"] == [first, second]
    words = compared(page, first, second).inner_text()
    assert "which the filters leave out" in words
    filters.get_by_role("button", name="Show all", exact=True).click()
    wait_in_lab(page, "s.rows === 14")
    page.wait_for_function("location.search.includes('pair=')")
    assert parse_qs(urlparse(page.url).query)["pair"] == [f"{first},{second}"]
    there = open_page(finished=False, at=page.url.removeprefix(address))
    wait_in_lab(there, f"s.rows === 14 && s.pair?.join() === '{first},{second}'")
    compared(there, first, second)


def test_exactly_two_brushed_settings_can_be_compared(open_page: Open, result: SweepResult) -> None:
    page = lab_with(open_page, SWEEP)
    first, second = pair_of(result)
    button = page.get_by_role("button", name="Compare these two")
    settled(page)
    for number, count in ((first, 1), (second, 2)):
        assert not button.is_visible()
        row(page, number).locator("th").click()
        wait_in_lab(page, f"s.brushed?.length === {count}")
    button.click()
    compared(page, first, second)
    page.wait_for_function("document.activeElement.id === 'cv-con-title'")
    row(page, number_of(result, decoder="vanilla", block_length=32)).locator("th").click()
    wait_in_lab(page, "s.brushed?.length === 3")
    page.get_by_role("button", name="Why A and B differ").wait_for()


def test_keys_and_shift_clicks_choose_as_well(open_page: Open, result: SweepResult) -> None:
    page = lab_with(open_page, SWEEP)
    first, second = pair_of(result)
    for number, key in ((first, "a"), (second, "b")):
        row(page, number).focus()
        page.keyboard.press(key)
        row(page, number).locator(f"[data-side={key.upper()}][aria-pressed=true]").wait_for()
    compared(page, first, second)
    show(page, "front")
    dots = [mark for mark in marks(page, "front") if mark.kind == "dot" and len(mark.rows) == 1]
    one, other = (next(mark for mark in dots if mark.rows == [number]) for number in (0, second))
    for mark in (one, other):
        page.mouse.move(mark.x, mark.y)
        page.keyboard.down("Shift")
        page.mouse.click(mark.x, mark.y)
        page.keyboard.up("Shift")
        wait_in_lab(page, f"s.pair?.[1] === {mark.rows[0]}")
    compared(page, 0, second)
    assert snapshot(page)["place"] == "lab"


def test_a_prompt_opens_both_settings_in_the_race_and_the_lab_keeps_them(
    open_page: Open, result: SweepResult, address: str
) -> None:
    page = lab_with(open_page, SWEEP)
    first, second = pair_of(result)
    listed = choose(page, first, second).get_by_role("table", name="Forward passes on each prompt")
    prompt = listed.locator("tbody tr").nth(1).get_attribute("data-prompt")
    listed.locator("tbody button").nth(1).click()
    raced(page)
    assert_both_in_race(page, result, (first, second), prompt)
    page.wait_for_function("location.search.includes('beside=')")
    link = page.url
    assert parse_qs(urlparse(link).query)["beside"] == [str(first)]
    before = snapshot(page)["run"]
    page.get_by_role("button", name="Next prompt").click()
    wait_for(page, f"s.run !== '{before}'")
    page.locator(".cv-trail", has_text=f"Prompt 3 of {PROMPTS}").wait_for()
    raced(page)
    page.get_by_role("button", name="All prompts of these two").click()
    assert page.locator("dialog.cv-runs tbody tr").count() == PROMPTS
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Back to the lab").click()
    wait_for(page, "s.place === 'lab'")
    assert lab(page)["pair"] == [first, second]
    compared(page, first, second)

    there = open_page(finished=False, at=link.removeprefix(address))
    raced(there)
    assert_both_in_race(there, result, (first, second), prompt)


def assert_both_in_race(page: Any, result: SweepResult, pair: tuple[int, int], prompt: str) -> None:
    """Both lanes are those of the sweep, and so are their passes."""
    shown = snapshot(page)
    texts = {each.id: each.text for each in result.plan.all_prompts}
    assert page.input_value("#prompt textarea") == texts[prompt]
    runs = [result.where(number=number, prompt=prompt).frame.iloc[0] for number in pair]
    assert [lane["decoder"] for lane in shown["next"]] == [run["decoder"] for run in runs]
    settings = [make_decoder(lane["decoder"], lane["settings"]).settings.to_dict() for lane in shown["next"]]
    assert settings[0]["threshold"] == settings[1]["threshold"] == 0.9
    assert settings[1]["beta"] == 0.8
    assert [lane["steps"] for lane in shown["lanes"]] == [run["forward_passes"] for run in runs]
    said = strip_of(page)
    assert f"{runs[0]['forward_passes']} and {runs[1]['forward_passes']} passes, as in the sweep" in said
    told = ["right" if run["exact_match"] else "wrong" for run in runs]
    assert (f"both {told[0]} there" if told[0] == told[1] else f"{told[0]} and {told[1]} there") in said


def test_settings_that_share_no_race_are_offered_one_by_one(open_page: Open, result: SweepResult) -> None:
    page = lab_with(open_page, SWEEP)
    first, second = pair_of(result, 32)[0], pair_of(result, 64)[1]
    found = choose(page, first, second)
    bars = found.locator(".cv-con-picture > i")
    assert bars.count() == PROMPTS
    bars.nth(2).hover()
    pointed = found.locator(".cv-con-told", has_text=re.compile(r"^[a-z]+-\d+: \d+ and \d+ passes, "))
    prompt = str(pointed.inner_text()).split(":")[0]
    bars.nth(2).click()
    refused = found.locator(".cv-con-refused")
    refused.get_by_role("button", name="B beside vanilla").wait_for()
    assert "block" in refused.inner_text()
    assert snapshot(page)["place"] == "lab"
    refused.get_by_role("button", name="B beside vanilla").click()
    raced(page)
    assert [lane["decoder"] for lane in snapshot(page)["next"]] == ["vanilla", "credit"]
    assert f"on {prompt}" in strip_of(page)


def test_controls_are_a_click_from_being_compared_and_missing_ones_have_a_command(
    open_page: Open, result: SweepResult
) -> None:
    page = lab_with(open_page, SWEEP, permissions=["clipboard-read", "clipboard-write"])
    first, _ = pair_of(result)
    credit, forgetful = (
        number_of(result, decoder="credit", threshold=0.95, beta=beta, block_length=64) for beta in (0.8, 0)
    )
    found = choose(page, first, credit)
    controls = found.get_by_role("table", name="Controls of the settings with credit")
    without = controls.get_by_role("row", name="without history")
    passes = means(result, forgetful, "forward_passes").mean()
    assert float(without.get_by_role("cell").first.inner_text()) == pytest.approx(passes, abs=0.051)
    assert "Not in this sweep" in controls.get_by_role("row", name="without credit").inner_text()
    command = found.locator(".cv-con-command code").inner_text()
    assert command.startswith("credit-viz attribute")
    found.get_by_role("button", name="Copy the command").click()
    found.locator(".cv-con-command", has_text="Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == command
    without.locator("[data-side=A]").click()
    compared(page, forgetful, credit)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: Open, result: SweepResult, scheme: str) -> None:
    page = lab_with(open_page, SWEEP, color_scheme=scheme)
    choose(page, *pair_of(result))
    assert serious_violations(page, ".cv-con") == []
    assert serious_violations(page, ".cv-pic-table") == []


def test_a_phone_needs_no_sideways_scroll_and_fingers_have_room(open_page: Open, result: SweepResult) -> None:
    page = lab_with(open_page, SWEEP, width=390, height=844, has_touch=True)
    found = choose(page, *pair_of(result))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for table in found.get_by_role("table").all():
        assert table.evaluate("(table) => table.scrollWidth <= table.parentElement.clientWidth + 1")
    for number, count in zip(pair_of(result), (1, 2), strict=True):
        row(page, number).locator("th").click()
        wait_in_lab(page, f"s.brushed?.length === {count}")
    compare = page.get_by_role("button", name="Compare these two")
    compare.wait_for()
    line = page.locator(".cv-pic-line")
    edges = line.evaluate(
        "(line) => [line, ...line.querySelectorAll('button')].map((e) => e.getBoundingClientRect().right)"
    )
    assert max(edges[1:]) < edges[0] <= 390
    buttons = found.get_by_role("button").all()
    assert all(button.bounding_box()["height"] >= 44 for button in buttons)
