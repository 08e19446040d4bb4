"""The exported page: self-contained, inert, honest about its runs."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from credit_viz.errors import TraceError
from credit_viz.figures import FIGURES
from credit_viz.figures.page import _bytes, render_page, write_page
from credit_viz.figures.plotlyjs import plotly_js
from credit_viz.trace.record import Reason, Trace
from tests.support import trace_of

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>${pwn}$title\u202e\x1b[31m\ud800"
STEPS = [{0: 1, 1: 2}, {1: 2}, {1: 2}]
WRITES = [(1, 0, 1), (3, 1, 2)]


def page(**info: Any) -> str:
    """A page of two runs, the second three times as fast."""
    slow = trace_of(
        STEPS,
        WRITES,
        gen_length=2,
        block=(0, 2),
        decoder="vanilla",
        settings={"steps": None, "temperature": 0.0},
        **info,
    )
    fast = trace_of([{0: 1, 1: 2}], [(1, 0, 1), (1, 1, 2)], gen_length=2, block=(0, 2), settings={"alpha": 0.7}, **info)
    return render_page({"slow": slow, "fast": fast})


def unpacked(text: str, name: str) -> str:
    """What lies compressed in the page."""
    found = re.search(rf'id="{name}-gz">([A-Za-z0-9+/=]+)</script>', text)
    assert found
    return gzip.decompress(base64.b64decode(found[1])).decode("utf-8")


def without_payload(text: str) -> str:
    """The page's own markup, scripts and styles."""
    return re.sub(r'-gz">[A-Za-z0-9+/=]+<', "<", text)


def test_header_states_the_runs() -> None:
    text = page()
    for words in (
        "3 forward passes",
        "0.67 tokens per pass · mean wait 1.0 steps",
        "1 forward pass<",
        "3.00x fewer passes than slow",
        "decoder credit: alpha 0.7",
        "decoder vanilla: steps auto, temperature 0",
        "mock (mock, float32 on cpu)",
        "2 positions in blocks of 2",
    ):
        assert words in text
    assert "fewer passes than fast" not in text


def test_runs_of_different_tasks_are_not_compared() -> None:
    one = trace_of([{0: 1}], [(1, 0, 1)], gen_length=1, block_length=1, block=(0, 1), prompt_ids=(1,))
    two = trace_of([{0: 1}, {0: 1}], [(2, 0, 1)], gen_length=1, block_length=1, block=(0, 1), prompt_ids=(2,))
    assert "fewer" not in render_page({"one": one, "two": two})


def changing() -> Trace:
    """Position 0 is taken back and written again, 1 is edited."""
    remasked, edited = int(Reason.REMASKED), int(Reason.EDITED)
    writes = [(1, 0, 5), (1, 1, 2), (2, 0, 9, remasked), (3, 0, 1), (3, 1, 4, edited)]
    return trace_of([{0: 1, 1: 2}] * 3, writes, gen_length=2, block=(0, 2), settings={"habit": "both", "keep": None})


def test_second_thoughts_are_counted_and_explained_where_there_are_any() -> None:
    text = render_page({"fickle": changing()})
    assert "1 token taken back · 1 edited" in text
    assert "taken back: a written token became a mask again" in text
    assert "edited: a written token was replaced by another" in text
    assert "habit both, keep auto" in text
    for words in ("taken back", "edited"):
        assert words not in without_payload(page())


def test_unfinished_runs_say_so() -> None:
    assert "unfinished: 1 of 4 tokens" in render_page({"cut": trace_of([{0: 1, 1: 1}], [(1, 0, 1)])})


def test_nothing_external() -> None:
    own = without_payload(page())
    assert not re.search(r"(?:src|href)\s*=|@import|url\(|https?://", own)
    assert "default-src 'none'" in own


def test_plotly_is_inside() -> None:
    assert unpacked(page(), "plotly") == plotly_js()


def test_hostile_text_is_inert_everywhere() -> None:
    text = page(model=HOSTILE, prompt=HOSTILE, text=HOSTILE, token_text=dict.fromkeys(range(10), HOSTILE))
    own = without_payload(text)
    assert own.count("<script") == 3
    assert "<img" not in own
    assert "\x1b" not in own
    assert "$title" in own, "no second round of substitution"
    figures = json.loads(unpacked(text, "figures"))
    assert "<script>" not in json.dumps(figures, ensure_ascii=False)


def test_figures_are_all_there_with_their_dark_colours() -> None:
    figures = json.loads(unpacked(page(), "figures"))
    assert [part["name"] for part in (*figures["maps"], *figures["rest"])] == list(FIGURES)
    for part in (*figures["maps"], *figures["rest"]):
        for packed in part["runs"]:
            paths = {tuple(path) for path, _ in packed["dark"]}
            assert ("layout", "paper_bgcolor") in paths
            assert not any("bdata" in path for path in paths), "data does not depend on the theme"
            for path, _ in packed["dark"]:
                owner: Any = packed["figure"]
                for key in path:
                    owner = owner[key]
                assert isinstance(owner, str)


def test_equal_maps_travel_once() -> None:
    figures = json.loads(unpacked(page(), "figures"))
    places = {part["name"]: [run["figure"]["data"][0]["meta"] for run in part["runs"]] for part in figures["maps"]}
    assert places["waiting"] == places["confidence"]
    assert places["fused"] != places["confidence"]
    assert len(figures["heights"]) == len({place for pair in places.values() for place in pair})
    assert figures["heights"][places["confidence"][0]]["shape"] == [2, 3]


def test_guesses_travel_once() -> None:
    figures = json.loads(unpacked(page(), "figures"))
    assert figures["guesses"][0] == [["t1", "", ""], ["t2", "t2", "t2"]]
    for part in figures["maps"]:
        assert part["runs"][0]["figure"]["data"][0].get("text") is None


def test_heights_become_bytes_within_half_a_step() -> None:
    heights = np.array([[0, 0.5, 1, 3, np.nan]], np.float32)
    assert _bytes(heights, 1.0).tolist() == [[0, 127, 254, 254, 255]]
    values = np.random.default_rng(0).random((9, 9), np.float32) * 3
    np.testing.assert_allclose(_bytes(values, 3.0) / 254 * 3, values, atol=3 / 508 + 1e-6)


def test_page_of_a_run_without_steps() -> None:
    assert "0 forward passes" in render_page({"nothing": trace_of([], [])})


def test_prompt_ids_stand_in_for_a_prompt() -> None:
    assert "2 token ids" in page(prompt=None)


def test_same_runs_give_the_same_page() -> None:
    assert page() == page()


def test_written_where_told(tmp_path: Path) -> None:
    runs = {"run": trace_of(STEPS, WRITES, gen_length=2, block=(0, 2))}
    write_page(runs, tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == render_page(runs)
    with pytest.raises(TraceError, match="cannot write"):
        write_page(runs, tmp_path / "nowhere" / "run.html")
