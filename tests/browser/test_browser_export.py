"""Taking runs away and bringing them in, in a real Chromium: downloads, figures, one-file pages, dropped traces."""

from __future__ import annotations

import base64
import io
import re
import struct
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest
from credit_viz.backend.none import NoModel
from credit_viz.figures import all_figures
from credit_viz.trace.files import lanes_frame, read_trace, trace_bytes
from credit_viz.trace.record import Trace
from credit_viz.web import build_app
from credit_viz.web.opening import as_run
from credit_viz.web.standalone import render_page
from tests.browser.conftest import Open, drawn, serious_violations, serve, snapshot, wait_for
from tests.web.fake import FakeBackend

pytestmark = pytest.mark.browser

HOSTILE_NAME = "<img src=x onerror=window.pwned=1>.safetensors"
NUMBERS = """[...document.querySelectorAll('.cv-inspector :is(.cv-bars .cv-token, .cv-num, .cv-credit, .cv-equation)')]
  .map((part) => part.innerText)"""


def fake_traces(seed: int = 0, gen_length: int = 64) -> list[Trace]:
    """Vanilla and credit, finished."""
    lanes = (LaneRequest("vanilla"), LaneRequest("credit"))
    events = FakeBackend().stream(RunRequest("A saved <b>prompt</b>", lanes, gen_length, 32, seed))
    found = {event.lane: event.trace for event in events if isinstance(event, LaneFinished)}
    return [found[0], found[1]]


def until(page: Any, condition: str) -> None:
    """Wait until a condition on the snapshot `s` holds. Asked from outside: the saved page evaluates no strings."""
    for _ in range(600):
        if page.evaluate(
            f"(() => {{ const s = window.creditViz?.snapshot(); return Boolean(s && ({condition})); }})()"
        ):
            return drawn(page)
        page.wait_for_timeout(100)
    return pytest.fail(f"never came true: {condition}")


def scrub(page: Any, step: int) -> None:
    page.locator("[data-role=step]").evaluate(
        "(e, step) => { e.value = step; e.dispatchEvent(new Event('input', { bubbles: true })); }", step
    )
    until(page, f"s.step === {step}")


def inspected(page: Any, step: int, position: int) -> list[str]:
    """Candidates and sums of a token at a step, as they stand in the inspector."""
    page.locator(f"[data-role=tokens][data-lane='1'] [data-position='{position}']").click()
    scrub(page, step)
    until(page, "document.querySelectorAll('.cv-bars li').length > 1")
    return list(page.evaluate(NUMBERS))


def saved(page: Any, click: Any) -> tuple[str, bytes]:
    """Name and content of the file that a click saves."""
    with page.expect_download() as waiting:
        click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def shared(page: Any, words: str) -> tuple[str, bytes]:
    """A file from the Share menu."""
    page.get_by_role("button", name="Share", exact=True).click()
    found = saved(page, page.locator(".cv-share-item", has_text=words).click)
    page.locator(".cv-share-status", has_text=f"Saved as {found[0]}.").wait_for()
    page.keyboard.press("Escape")
    page.locator(".cv-share-panel").wait_for(state="hidden")
    return found


def drop(page: Any, *files: tuple[str, bytes], only_drag: bool = False) -> None:
    """What the browser tells a page when files are dragged over it and let go."""
    page.evaluate(
        """([files, onlyDrag]) => {
          const dataTransfer = new DataTransfer();
          for (const [name, data] of files) {
            dataTransfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
          }
          const tell = (kind) => document.querySelector('h1').dispatchEvent(
            new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
          tell('dragenter');
          if (!onlyDrag) ['dragover', 'drop'].map(tell);
        }""",
        [[[name, base64.b64encode(data).decode()] for name, data in files], only_drag],
    )


def alert(page: Any) -> str:
    page.wait_for_function("!document.querySelector('.cv-alert').hidden")
    return str(page.inner_text(".cv-alert"))


def test_every_download_is_the_run_on_show(open_page: Open) -> None:
    page = open_page(accept_downloads=True)
    name, data = shared(page, "Trace files")
    assert name == "credit-viz-traces.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        traces = [read_trace(archive.read(member)) for member in archive.namelist()]
    shown = snapshot(page)
    for trace, lane in zip(traces, shown["lanes"], strict=True):
        assert (trace.info.decoder, trace.forward_passes) == (lane["decoder"], lane["steps"])
        assert trace.token_ids.tolist() == lane["ids"]
    expected = lanes_frame(traces)
    _, data = shared(page, "Table, Parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(data)), expected)
    _, data = shared(page, "Table, CSV")
    by_csv = pd.read_csv(io.BytesIO(data), keep_default_na=False, na_values=[""])
    for column in ("lane", "step", "position", "confidence", "fused", "credit"):
        np.testing.assert_allclose(by_csv[column], expected[column], rtol=1e-6)
    name, data = shared(page, "Page that works offline")
    assert (name, data.decode()) == ("credit-viz-run.html", render_page(traces))


def test_a_run_that_is_gone_is_said_in_one_sentence(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Share", exact=True).click()
    page.evaluate("window.fetch = async () => new Response('it is gone\\n', { status: 404 })")
    page.locator(".cv-share-item", has_text="Trace files").click()
    page.wait_for_function("document.querySelector('.cv-share-status').innerText === 'Not saved: it is gone.'")


def test_every_figure_becomes_an_svg_and_a_png(open_page: Open) -> None:
    page = open_page(accept_downloads=True)
    page.locator(".cv-save-figure").click()
    sheet = page.locator("dialog.cv-figure-sheet")
    assert sheet.get_by_label("Figure").locator("option").count() == len(all_figures())
    for name, figure in all_figures().items():
        sheet.get_by_label("Figure").select_option(name)
        page.wait_for_function(
            "(title) => { const image = document.querySelector('.cv-figure-preview img');"
            " return image.alt.startsWith(title) && image.complete && image.naturalWidth > 0; }",
            arg=f"{figure.title}:",
        )
        assert sheet.get_by_label("Lane").is_visible() == figure.per_run
        stem = f"credit-viz-{name}{'-2' if figure.per_run else ''}"
        file, svg = saved(page, sheet.get_by_role("button", name="Save as SVG").click)
        root = ET.fromstring(svg)
        assert (file, root.tag, root.get("width")) == (f"{stem}.svg", "{http://www.w3.org/2000/svg}svg", "960")
        assert len(list(root.iter())) > 40, "axes, titles and what they measure"
        file, png = saved(page, sheet.get_by_role("button", name="Save as PNG").click)
        assert (file, png[:8]) == (f"{stem}.png", b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", png[16:24]) == (1920, 2 * int(root.get("height") or 0))
        assert len(png) > 5000
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")


class Offline:
    """A page opened from a file without a network, and what went wrong on it."""

    def __init__(self, chromium: Any, path: Path, **options: Any) -> None:
        self.path = path
        self.context = chromium.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        until(self.page, "s.state === 'done'")

    def close(self) -> None:
        """Nothing was fetched, nothing ran, nothing failed."""
        outside = [url for url in self.requests if not url.startswith(("blob:", "data:"))]
        assert outside == [self.path.as_uri()]
        assert self.page.evaluate("window.pwned") is None
        self.context.close()
        assert self.troubles == []


def test_the_saved_page_works_offline_with_scrub_and_inspector(chromium: Any, open_page: Open, tmp_path: Path) -> None:
    live = open_page(accept_downloads=True)
    _, data = shared(live, "Page that works offline")
    (tmp_path / "run.html").write_bytes(data)
    offline = Offline(chromium, tmp_path / "run.html", viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = offline.page
    shown, before = snapshot(page), snapshot(live)
    assert [lane["ids"] for lane in shown["lanes"]] == [lane["ids"] for lane in before["lanes"]]
    for step, position in ((1, 3), (4, 9), (9, 20)):
        assert inspected(page, step, position) == inspected(live, step, position)
    for absent in ("#run", ".cv-share", "dialog.cv-figure-sheet", ".cv-chip", ".cv-drawer", "input[type=file]"):
        assert page.locator(absent).count() == 0, absent
    page.keyboard.press("Escape")
    scrub(page, 0)
    page.keyboard.press("ArrowRight")
    until(page, "s.step === 1 && s.lanes[0].written === 1")
    page.select_option(".cv-speed", "4")
    page.get_by_role("button", name="Play").click()
    until(page, "s.playing && s.step > 2")
    page.get_by_role("button", name="Pause").click()
    for tab in page.locator(".cv-map-section [data-tab]:visible").all():
        tab.click()
        until(page, f"s.tab === '{tab.get_attribute('data-tab')}'")
    page.locator(".cv-compare").scroll_into_view_if_needed()
    page.click("[data-compare=waits]")
    until(page, "document.querySelectorAll('.js-plotly-plot').length > 0")
    page.get_by_role("button", name="Dark colours").click()
    until(page, "getComputedStyle(document.body).backgroundColor === 'rgb(15, 18, 22)'")
    offline.close()


def test_the_saved_page_on_a_dark_phone(chromium: Any, tmp_path: Path) -> None:
    (tmp_path / "run.html").write_text(render_page(fake_traces()), "utf-8")
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
    offline = Offline(chromium, tmp_path / "run.html", **phone)
    page = offline.page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 22)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.inner_text(".cv-facts dd >> nth=0") == "A saved <b>prompt</b>"
    page.locator("[data-role=tokens][data-lane='1'] [data-position='5']").tap()
    until(page, "s.selection?.position === 5")
    page.get_by_role("button", name="Light colours").tap()
    until(page, "getComputedStyle(document.body).backgroundColor === 'rgb(251, 251, 250)'")
    offline.close()


def test_a_page_with_no_room_for_exact_numbers_says_so(chromium: Any, tmp_path: Path) -> None:
    traces = fake_traces()
    (tmp_path / "run.html").write_text(render_page(traces, size=0), "utf-8")
    offline = Offline(chromium, tmp_path / "run.html", viewport={"width": 1440, "height": 900})
    page = offline.page
    page.locator("[data-role=tokens][data-lane='1'] [data-position='5']").click()
    until(page, "document.querySelector('.cv-inspector .cv-help').innerText.includes('rounded')")
    scrub(page, 2)
    rows = page.locator(".cv-inspect-lane[data-lane='0'] .cv-bars li")
    assert rows.count() == 1
    cell = int(np.flatnonzero((traces[0].cell_steps == 2) & (traces[0].positions == 5))[0])
    told = float(re.findall(r"[\d.]+", rows.locator(".cv-num").inner_text())[0])
    assert told == pytest.approx(float(traces[0].confidence[cell]), abs=0.01)
    offline.close()


def test_dropped_traces_are_shown_with_everything_working(open_page: Open) -> None:
    page = open_page(accept_downloads=True)
    traces = fake_traces()
    files = [(HOSTILE_NAME, trace_bytes(traces[0])), ("credit.safetensors", trace_bytes(traces[1]))]
    drop(page, *files, only_drag=True)
    page.locator(".cv-veil").wait_for()
    before = snapshot(page)["run"]
    drop(page, *files)
    wait_for(page, f"s.run !== '{before}' && s.state === 'done' && s.live === 'idle'")
    page.locator(".cv-veil").wait_for(state="hidden")
    shown = snapshot(page)
    assert [lane["ids"] for lane in shown["lanes"]] == [trace.token_ids.tolist() for trace in traces]
    names = f"{HOSTILE_NAME}, credit.safetensors"
    assert page.inner_text(".cv-opened").strip() == f"Opened from {names}, recorded on fake (0 M)."
    assert page.input_value("#prompt textarea") == "A saved <b>prompt</b>"
    assert len(inspected(page, 2, 5)) > 2
    _, data = shared(page, "Trace files")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member, trace in zip(archive.namelist(), traces, strict=True):
            assert read_trace(archive.read(member)).same_run(trace)


def test_bad_drops_are_one_sentence_and_lose_nothing(open_page: Open) -> None:
    page = open_page()
    one, other = fake_traces()
    shorter = fake_traces(gen_length=32)[0]
    elsewhere = replace(other, info=replace(other.info, prompt="other", prompt_ids=(9,)))
    before = snapshot(page)
    for files, sentence in (
        ([("cut.safetensors", trace_bytes(one)[:-9])], "cut.safetensors: is no safetensors file, or is truncated"),
        ([("photo.png", b"\x89PNG\r\n")], "photo.png: is no safetensors file"),
        ([("<b>.x", b"")], "<b>.x: is no safetensors file"),
        ([("a", trace_bytes(one)), ("b", trace_bytes(shorter))], "differ in length (64 and 32 positions)"),
        ([("a", trace_bytes(one)), ("b", trace_bytes(elsewhere))], "are of different prompts"),
        ([("a", trace_bytes(one))] * 5, "5 trace files; valid: 1 to 4"),
    ):
        drop(page, *files)
        page.wait_for_function("(words) => document.querySelector('.cv-alert').innerText.includes(words)", arg=sentence)
        assert page.inner_text(".cv-alert").startswith("Not opened: ")
        page.locator(".cv-veil").wait_for(state="hidden")
    after = snapshot(page)
    assert (after["run"], after["lanes"]) == (before["run"], before["lanes"])


def test_a_file_that_is_too_large_is_not_even_sent(open_page: Open) -> None:
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array((64 << 20) + 1)], 'large.safetensors'));
          document.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
        }"""
    )
    assert "valid: up to 64 MB" in alert(page)
    assert not [url for url in sent if "/open" in url]


def test_the_button_opens_traces_by_keyboard(open_page: Open, tmp_path: Path) -> None:
    page = open_page(width=390, height=844)
    trace = fake_traces()[1]
    trace.save(tmp_path / "credit.safetensors")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open a trace").press("Enter")
    chooser.value.set_files(tmp_path / "credit.safetensors")
    wait_for(page, "s.lanes.length === 1 && s.state === 'done' && s.live === 'idle'")
    assert snapshot(page)["lanes"][0]["ids"] == trace.token_ids.tolist()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture
def viewed() -> Iterator[str]:
    """What `credit-viz view` serves."""
    app = build_app(NoModel(), opened=as_run([(HOSTILE_NAME, trace) for trace in fake_traces()]))
    yield serve(app)
    app.close(verbose=False)


def test_a_page_without_a_model_shows_saved_runs_and_starts_none(chromium: Any, viewed: str, tmp_path: Path) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page.set_default_timeout(60_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
    page.goto(viewed)
    page.wait_for_function("window.creditViz !== undefined")
    wait_for(page, "s.state === 'done'")
    for absent in ("#run", "#prompt", ".cv-chip", ".cv-drawer"):
        assert not page.locator(absent).first.is_visible(), absent
    assert "A saved <b>prompt</b>" in page.inner_text(".cv-opened")
    assert len(inspected(page, 3, 7)) > 2
    assert shared(page, "Table, CSV")[1].startswith(b'"lane"')
    fake_traces(seed=5)[0].save(tmp_path / "one.safetensors")
    page.locator("input[type=file]").set_input_files(tmp_path / "one.safetensors")
    wait_for(page, "s.lanes.length === 1")
    assert page.evaluate("window.pwned") is None
    page.close()
    assert troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_menu_sheet_and_saved_page_have_no_serious_violations(
    chromium: Any, open_page: Open, tmp_path: Path, scheme: str
) -> None:
    page = open_page(color_scheme=scheme)
    page.get_by_role("button", name="Share", exact=True).click()
    assert serious_violations(page) == []
    page.locator(".cv-share-item", has_text="Figure").click()
    page.wait_for_function("document.querySelector('.cv-figure-preview img').naturalWidth > 0")
    assert serious_violations(page) == []
    page.keyboard.press("Escape")
    drop(page, ("a.safetensors", trace_bytes(fake_traces()[0])), only_drag=True)
    assert serious_violations(page) == []
    (tmp_path / "run.html").write_text(render_page(fake_traces()), "utf-8")
    offline = Offline(chromium, tmp_path / "run.html", color_scheme=scheme)
    assert serious_violations(offline.page) == []
    offline.close()
