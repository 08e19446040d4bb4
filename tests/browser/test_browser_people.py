"""The page without a pointer, without colours, by ear, on a phone: keys, focus, names, contrast, widths."""

from __future__ import annotations

from typing import Any

import pytest

from credit_viz.bench.page.browser import unreached
from tests.browser.conftest import Open, drawn, serious_violations, snapshot, wait_for

pytestmark = pytest.mark.browser

COMMANDS = """
async () => {
  const files = document.querySelector("link[href*='credit-viz/']").href;
  const { commandsHere } = await import(new URL("commands.js", files));
  const boot = await (await fetch(new URL("boot.json", files))).json();
  return commandsHere(boot).map(({ keys, shown, words, group }) => ({ keys, shown, words, group }));
}
"""


def press(page: Any, key: str) -> None:
    """With the focus on nothing in particular."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)
    drawn(page)


#: the whole snapshot as text, but for the lanes' tokens; and what the Share button says.
SHOWN = (
    "JSON.stringify([{ ...creditViz.snapshot(), lanes: 0 }, document.querySelector('.cv-share-button').textContent])"
)


def neutral(page: Any) -> None:
    """Midway through the run, a token in hand, a part of the map: every key has something to do."""
    press(page, "Escape")
    if snapshot(page)["table"]:
        press(page, "t")
    press(page, "z")
    press(page, "1")
    page.locator("[data-role=step]").evaluate(
        "(e) => { e.value = 20; e.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    for key in ("j", "j", "+"):
        press(page, key)
    wait_for(page, "s.step === 20 && s.selection && s.live === 'idle'")


def test_every_key_of_the_list_does_something(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    commands = page.evaluate(COMMANDS)
    maps = len(page.locator("[data-tab]").all())
    keys = [key for command in commands for key in command["keys"] if not key.isdigit() or int(key) <= maps]
    assert len(keys) == len(set(keys)), "a key stands for one thing"
    for key in keys:
        neutral(page)
        if key == "1":
            press(page, "2")
        before = page.evaluate(SHOWN)
        press(page, key)
        page.wait_for_function(f"(before) => {SHOWN} !== before", arg=before)
        wait_for(page, "s.live === 'idle'")
        press(page, "Escape")


def test_help_names_every_key_and_every_term_and_gives_the_focus_back(open_page: Open) -> None:
    page = open_page()
    button = page.get_by_role("button", name="Help")
    button.focus()
    page.keyboard.press("Enter")
    sheet = page.locator("dialog.cv-help")
    sheet.wait_for()
    text = sheet.inner_text()
    for command in page.evaluate(COMMANDS):
        assert command["shown"] in text
        assert command["words"] in text
    for word in ("settled", "converge step", "written", "forward pass", "NFE", "Trace Credit", "boost", "threshold"):
        assert word in text
    assert "cv-sheet-close" in page.evaluate("document.activeElement.className")
    page.keyboard.press("j")
    assert snapshot(page)["help"], "keys of the page wait until the sheet is closed"
    page.keyboard.press("Escape")
    wait_for(page, "!s.help")
    assert "cv-help-button" in page.evaluate("document.activeElement.className")


def test_keys_are_left_alone_while_someone_types(open_page: Open) -> None:
    page = open_page()
    before = page.evaluate(SHOWN)
    page.fill("#prompt textarea", "")
    page.type("#prompt textarea", "jkzt?1[]d rl")
    assert page.input_value("#prompt textarea") == "jkzt?1[]d rl"
    assert page.evaluate(SHOWN) == before


def test_tab_reaches_every_control(open_page: Open) -> None:
    page = open_page()
    assert unreached(page) == []
    page.get_by_role("button", name="Decoders and settings").first.click()
    wait_for(page, "s.drawer")
    page.evaluate("for (const seen of document.querySelectorAll('[data-reached]')) delete seen.dataset.reached")
    assert unreached(page) == []


def test_the_focus_is_always_seen(open_page: Open) -> None:
    page = open_page()
    unseen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        look = page.evaluate(
            """() => {
              const at = document.activeElement;
              if (at === document.body) return "";
              const rings = [at, at.parentElement, at.closest("#prompt")].filter(Boolean).map(getComputedStyle);
              const seen = rings.some((ring) => parseFloat(ring.outlineWidth) > 1 && ring.outlineStyle !== "none")
                || rings.some((ring) => ring.boxShadow !== "none");
              return seen ? "" : at.outerHTML.slice(0, 90);
            }"""
        )
        unseen += [look] if look else []
    assert unseen == []


def test_a_screen_reader_hears_how_a_run_ended_and_which_token_was_chosen(open_page: Open) -> None:
    page = open_page()
    region = page.locator(".cv-unseen[role=status]")
    assert region.inner_text() == "", "the run of a first visit is read, not announced"
    before = snapshot(page)
    page.fill("#prompt textarea", "Heard")
    page.click("#run")
    wait_for(page, f"s.run !== '{before['run']}' && s.state === 'done' && s.live === 'idle'")
    passes = [f"{lane['title']} {lane['steps']} forward passes" for lane in snapshot(page)["lanes"]]
    page.wait_for_function("document.querySelector('.cv-unseen').textContent.includes('passes')")
    assert region.inner_text() == f"{', '.join(passes)}."
    press(page, "j")
    position = snapshot(page)["selection"]["position"]
    page.wait_for_function(f"document.querySelector('.cv-unseen').textContent.startsWith('Token {position},')")


def test_names_for_everything_that_can_be_used(open_page: Open) -> None:
    page = open_page()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, [role=img], [tabindex='0']")]
          .filter((part) => part.checkVisibility())
          .filter((part) => !(part.getAttribute("aria-label") || part.getAttribute("aria-labelledby") || part.title
            || part.textContent.trim() || part.labels?.length))
          .map((part) => part.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


@pytest.mark.parametrize("width", [360, 390, 768, 1024, 1200, 1440])
def test_no_width_scrolls_sideways_with_anything_open(open_page: Open, width: int) -> None:
    page = open_page(width, 800)
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits)
    page.get_by_role("button", name="Decoders and settings").first.click()
    wait_for(page, "s.drawer")
    assert page.evaluate(fits), "with the drawer"
    page.keyboard.press("Escape")
    press(page, "?")
    assert page.evaluate(fits), "with the help"
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.cv-help[open]'))")


def test_targets_on_a_phone_are_large_enough(open_page: Open) -> None:
    page = open_page(390, 844, has_touch=True)
    small = page.evaluate(
        """() => [...document.querySelectorAll(".cv button:not(.cv-term), .cv select, .cv summary, .cv input, #run")]
          .filter((part) => part.checkVisibility({ visibilityProperty: true }))
          .map((part) => [part.closest("label") ?? part, part])
          .filter(([box]) => box.getBoundingClientRect().height < 44 || box.getBoundingClientRect().width < 24)
          .map(([box, part]) => `${Math.round(box.getBoundingClientRect().height)} ${part.outerHTML.slice(0, 90)}`)"""
    )
    assert small == []


def test_nothing_moves_by_itself_where_motion_is_unwanted(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    moving = page.evaluate(
        """() => [...document.querySelectorAll(".cv *")].filter((part) => {
          const look = getComputedStyle(part);
          return parseFloat(look.transitionDuration) > 0 || parseFloat(look.animationDuration) > 0;
        }).map((part) => part.className)"""
    )
    assert moving == []


def test_high_contrast_is_a_switch_and_follows_the_system(open_page: Open) -> None:
    page = open_page()
    assert not snapshot(page)["contrast"]
    line = "getComputedStyle(document.documentElement).getPropertyValue('--cv-line')"
    before = page.evaluate(line)
    page.get_by_role("button", name="High contrast").click()
    wait_for(page, "s.contrast")
    assert page.evaluate(line) != before
    asked = open_page(contrast="more")
    assert snapshot(asked)["contrast"]


def test_forced_colours_keep_the_text_and_what_stands_out(open_page: Open) -> None:
    page = open_page(forced_colors="active")
    press(page, "Home")
    press(page, "j")
    invisible = page.evaluate(
        """() => [...document.querySelectorAll("[data-role=token], .cv-verdict h2, .cv-tab")]
          .filter((part) => getComputedStyle(part).color === getComputedStyle(document.body).backgroundColor).length"""
    )
    assert invisible == 0
    chosen = page.locator("[data-role=token].selected").first
    assert chosen.evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_accessibility_of_every_state(open_page: Open, scheme: str, width: int) -> None:
    page = open_page(width, 844, color_scheme=scheme)
    page.get_by_role("button", name="High contrast").click()
    press(page, "Home")
    assert serious_violations(page) == []
    press(page, "t")
    assert serious_violations(page) == [], "with a table"
    press(page, "t")
    page.get_by_role("button", name="Decoders and settings").first.click()
    wait_for(page, "s.drawer")
    assert serious_violations(page) == [], "with the drawer"
    page.keyboard.press("Escape")
    press(page, "?")
    assert serious_violations(page) == [], "with the help"
