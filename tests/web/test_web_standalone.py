"""The page in a file of its own: complete, inert, the same for the same runs, and as exact as its size allows."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest
from credit_viz.errors import TraceError
from credit_viz.figures.plotlyjs import plotly_js
from credit_viz.trace.cells import encode_cells
from credit_viz.trace.codec import decode_columns, encode_position, open_packet
from credit_viz.trace.record import Trace
from credit_viz.web.assets import static_texts
from credit_viz.web.standalone import SIZE, render_page, write_page
from tests.support import trace_of
from tests.web.fake import FakeBackend

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>${pwn}$title\u202e\x1b[31m\ud800"


def lanes(gen_length: int = 32) -> list[Trace]:
    """Two finished lanes of one fake run, in order."""
    request = RunRequest("kite", (LaneRequest("vanilla"), LaneRequest("credit")), gen_length, min(32, gen_length))
    finished = {e.lane: e.trace for e in FakeBackend().stream(request) if isinstance(e, LaneFinished)}
    return [finished[0], finished[1]]


def part(page: str, name: str) -> str:
    """What lies in the page under a name, as it stands there."""
    found = re.search(rf'id="cv-{name}">([^<]*)</script>', page)
    assert found
    return found[1]


def unpacked(page: str, name: str) -> str:
    """The same, unpacked."""
    return gzip.decompress(base64.b85decode(part(page, name).replace("[", "<"))).decode("utf-8")


def without_payload(page: str) -> str:
    """The page's own markup, scripts and styles."""
    return re.sub(r'(id="cv-\w+">)[^<]*<', r"\1<", page)


@pytest.fixture(scope="module")
def traces() -> list[Trace]:
    return lanes()


@pytest.fixture(scope="module")
def page(traces: list[Trace]) -> str:
    return render_page(traces)


def test_every_module_is_inside_and_every_import_finds_its_module(page: str) -> None:
    modules = json.loads(unpacked(page, "page"))["modules"]
    for text in modules.values():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        imported = re.findall(r'\bfrom\s*"([^"]+)"|\bimport\s*"([^"]+)"', code)
        assert {one or other for one, other in imported} <= set(modules)
    assert {"credit-viz/standalone.js", "credit-viz/main.js", "credit-viz/maps.js"} <= set(modules)


def test_what_needs_a_server_stays_outside(page: str) -> None:
    lab = {f"credit-viz/{name}" for name in static_texts() if name.startswith("lab") and name != "labels.js"}
    assert len(lab) > 5
    assert not lab & set(json.loads(unpacked(page, "page"))["modules"])
    assert "cv-lab-list" not in page


def test_the_run_and_plotly_are_inside(page: str, traces: list[Trace]) -> None:
    assert unpacked(page, "plotly") == plotly_js()
    columns = decode_columns(json.loads(unpacked(page, "page"))["packets"])
    assert [len([c for c in columns if c.lane == lane]) for lane in (0, 1)] == [t.forward_passes for t in traces]


def test_the_page_knows_what_it_cannot_do(page: str) -> None:
    boot = json.loads(unpacked(page, "page"))["boot"]
    assert boot["can"] == {"run": False, "ask": False}
    assert set(boot["decoders"]) == {"vanilla", "credit"}
    assert boot["model"] == FakeBackend.model_name


def test_nothing_is_fetched(page: str) -> None:
    own = re.sub(r'href="data:[^"]*"', "", without_payload(page))
    assert not re.search(r"(?:src|href)\s*=|@import|url\(|https?://", own)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', own)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'nonce-[\w+/]{24}' blob:", rules["script-src"])
    assert rules["base-uri"] == rules["form-action"] == "'none'"


def test_readers_without_scripts_see_prompt_model_and_results(page: str) -> None:
    own = without_payload(page)
    for words in ("kite", "fake (0 M)", "32 positions in blocks of 32", "<h2>Vanilla</h2>", "forward passes"):
        assert words in own


def test_hostile_texts_are_inert_everywhere() -> None:
    texts = dict.fromkeys(range(10), HOSTILE)
    info = {"model": HOSTILE, "prompt": HOSTILE, "text": HOSTILE, "decoder": HOSTILE, "token_text": texts}
    page = render_page([trace_of([{0: 1, 1: 2}], [(1, 0, 1)], gen_length=2, block=(0, 2), **info)])
    own = without_payload(page)
    assert own.count("<script") == 4
    assert "<img" not in own
    assert "\x1b" not in own
    assert "$title" in own, "no second round of substitution"
    page.encode("utf-8")


def test_the_nonce_cannot_be_known_before(page: str, traces: list[Trace]) -> None:
    nonces = [re.search(r'nonce="([^"]+)"', text) for text in (page, render_page(traces[:1]))]
    assert nonces[0]
    assert nonces[1]
    assert nonces[0][1] != nonces[1][1]
    assert page.count(nonces[0][1]) == 2, "in the policy and on the one script"


def test_same_runs_give_the_same_page(page: str) -> None:
    assert render_page(lanes()) == page


def test_runs_without_steps_prompt_or_end_make_a_page() -> None:
    for trace in (trace_of([], []), trace_of([{0: 1, 1: 1}], [(1, 0, 1)], prompt=None, prompt_ids=(1, 2))):
        assert "cv-plotly" in render_page([trace])
    assert "2 token ids" in render_page([trace])


def test_traces_that_are_no_lanes_of_one_run_are_refused(traces: list[Trace], tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="differ in gen_length"):
        render_page([traces[0], lanes(16)[0]])
    with pytest.raises(TraceError, match="no traces"):
        render_page([])
    with pytest.raises(TraceError, match="cannot write"):
        write_page(traces, tmp_path / "nowhere" / "run.html")
    write_page(traces, tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text("utf-8") == render_page(traces)


def test_it_imports_no_gradio() -> None:
    code = "import sys, credit_viz.web.standalone; assert 'gradio' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=120)


def numbers(packet: str, lane: int, position: int) -> dict[str, np.ndarray[Any, Any]]:
    """A position of a lane out of a packet of cells, as the browser takes it apart."""
    header, arrays = open_packet(packet)
    entry = header["lanes"][lane]
    found = {name: arrays[f"{lane}.{entry['same'].get(name, name)}"] for name in ("starts", "steps")}
    start, end = found["starts"][position : position + 2]
    result = {"steps": found["steps"][start:end]}
    kinds = {"ids": ("<i4", entry["k"]), "winner_ids": ("<i4", 1)}
    names = ("ids", "p", "credit", "fused", "winner_ids", "winner_p", "winner_fused", "entropy")
    for name in (*names, *(f"channel.{channel}" for channel in entry["channels"])):
        kind, columns = kinds.get(name, ("<f4", entry["k"] if name in ("p", "credit", "fused") else 1))
        stored = arrays[f"{lane}.{entry['same'].get(name, name)}"]
        values = np.ascontiguousarray(stored.reshape(4, -1).T).view(kind).reshape(columns, -1).T[start:end]
        result[name] = values.reshape(-1)
    return result


def test_cells_hold_the_numbers_of_every_position(traces: list[Trace]) -> None:
    packet = encode_cells("r", traces, SIZE)
    assert open_packet(packet).header["kept"] == "candidates"
    records = [list(trace.steps()) for trace in traces]
    texts = traces[0].info.token_text
    for position in range(32):
        expected = open_packet(encode_position("r", position, records, texts))
        for lane in (0, 1):
            for name, values in numbers(packet, lane, position).items():
                np.testing.assert_array_equal(values, expected.arrays[f"{lane}.{name}"], f"{position} {lane} {name}")
        known = dict(open_packet(packet).header["vocab"])
        assert all(known[token] == text for token, text in expected.header["vocab"])


def test_what_does_not_fit_is_left_out_and_said(traces: list[Trace]) -> None:
    packets = [encode_cells("r", traces, SIZE)]
    while open_packet(packets[-1]).header["kept"]:
        packets.append(encode_cells("r", traces, len(packets[-1]) - 1))
    assert [open_packet(packet).header["kept"] for packet in packets] == ["candidates", "winners", "bars", ""]
    _, winners, bars, _ = (open_packet(packet).arrays for packet in packets)
    assert "0.winner_p" in winners
    assert "0.p" not in winners
    assert {name.split(".", 1)[1] for name in bars} == {"starts", "steps", "channel.bar"}


def test_a_large_run_stays_within_its_size() -> None:
    page = render_page(lanes(256))
    assert len(page.encode()) <= 2.2 * 2**20
    assert open_packet(part(page, "cells")).header["kept"] in ("winners", "bars")
