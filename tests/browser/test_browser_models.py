"""The model menu in a real Chromium: named, listed, copyable, harmless, usable on a phone and by keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit_viz.web import build_app
from tests.browser.conftest import EXAMPLES, Open, serve
from tests.web.fake import FakeBackend

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=window.pwned=1>"
COMMAND = "credit-viz serve --model owner/a-model-with-quite-a-long-name"
MENU = {
    "served": {
        "name": "owner/served-model",
        "facts": ["8.0 B parameters", "llada family", "nf4 (bfloat16) on cuda:0", f"commit {HOSTILE}"],
        "note": "a note",
        "licence": "MIT",
    },
    "known": [
        {"name": HOSTILE, "facts": ["7.0 B"], "note": "", "licence": "see the model's page", "command": COMMAND},
        *({"name": f"owner/{i}", "facts": ["1.0 B"], "note": "n", "licence": "MIT", "command": "x"} for i in range(9)),
    ],
}


@pytest.fixture(scope="module")
def address(backend: FakeBackend) -> Iterator[str]:
    """A served page with a model menu."""
    app = build_app(backend, examples=EXAMPLES, models=MENU)
    yield serve(app)
    app.close(verbose=False)


def test_the_served_model_is_named_and_described(open_page: Open) -> None:
    page = open_page()
    button = page.locator(".cv-model-button")
    assert button.inner_text() == "Model: served-model"
    assert not page.locator(".cv-models").is_visible()
    button.click()
    served = page.locator(".cv-model.served").inner_text()
    for fact in ("owner/served-model", "8.0 B parameters", "llada family", "nf4 (bfloat16) on cuda:0", HOSTILE, "MIT"):
        assert fact in served
    assert page.locator(".cv-model").count() == 11
    assert "licence: see the model's page" in page.locator(".cv-model").nth(1).inner_text()


def test_a_command_can_be_copied(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.click(".cv-model-button")
    copy = page.locator(".cv-model-command button").first
    copy.click()
    page.wait_for_function("document.querySelector('.cv-model-command button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == COMMAND
    assert copy.get_attribute("aria-label") == f"Copy the command {COMMAND}"


def test_without_a_clipboard_the_command_is_selected(open_page: Open) -> None:
    page = open_page()
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error()))")
    page.click(".cv-model-button")
    page.locator(".cv-model-command button").first.click()
    page.wait_for_function("document.querySelector('.cv-model-command button').textContent === 'Selected'")
    assert page.evaluate("getSelection().toString()").replace("\n", " ") == COMMAND


def test_keyboard_opens_and_closes_the_sheet(open_page: Open) -> None:
    page = open_page()
    page.locator(".cv-model-button").focus()
    page.keyboard.press("Enter")
    page.locator(".cv-models").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.locator(".cv-models").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className").endswith("cv-model-button")
    page.keyboard.press("Enter")
    page.mouse.click(4, 4)
    page.locator(".cv-models").wait_for(state="hidden")


@pytest.mark.parametrize("width", [360, 390, 1440])
def test_nothing_scrolls_sideways(open_page: Open, width: int) -> None:
    page = open_page(width, 800)
    page.click(".cv-model-button")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.cv-models'))")
    if width < 720:
        for selector in (".cv-model-button", ".cv-sheet-close", ".cv-model-command button"):
            assert page.locator(selector).first.bounding_box()["height"] >= 44, selector


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_of_the_sheet(open_page: Open, scheme: str) -> None:
    source = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
    if not source.exists():
        pytest.skip("axe-core is not installed: npm install --no-save axe-core")
    page = open_page(color_scheme=scheme)
    page.click(".cv-model-button")
    page.wait_for_timeout(300)
    page.evaluate(source.read_text("utf-8"))
    found = page.evaluate("axe.run('.cv-models')")["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert [(v["id"], [node["target"] for node in v["nodes"][:3]]) for v in serious] == []
