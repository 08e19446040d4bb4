"""A trace shows itself in a notebook: its numbers, its waits, and no markup of its own texts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from credit_viz.trace.record import Trace
from tests.support import trace_of

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>'\"&\u202e\x00"


def shown(trace: Trace) -> ET.Element:
    """The HTML, which is also well-formed XML."""
    return ET.fromstring(trace._repr_html_())


def finished() -> Trace:
    """Position 0 never waits, position 1 settles in step 1 and is written in step 3."""
    return trace_of([{0: 1, 1: 2}, {1: 2}, {1: 2}], [(1, 0, 1), (3, 1, 2)], gen_length=2, block=(0, 2), prompt="kite")


def test_headline_numbers_stand_under_their_names() -> None:
    root = shown(finished())
    names = [cell.text for cell in root.iter("th")]
    values = [cell.text for cell in root.iter("td")]
    assert dict(zip(names, values, strict=True)) == {
        "forward passes": "3",
        "tokens per pass": "0.67",
        "text tokens per pass": "0.67",
        "mean wait": "1.0 steps",
        "redundant guesses": "2",
    }
    assert "kite" in [paragraph.text for paragraph in root.iter("p")]


def test_a_bar_runs_from_settled_to_written() -> None:
    bars = [bar for bar in shown(finished()).iter("rect") if bar.get("fill-opacity") == ".8"]
    lefts, widths = ([float(bar.get(name) or "nan") for bar in bars] for name in ("x", "width"))
    np.testing.assert_allclose(lefts, [0, 0])
    np.testing.assert_allclose(widths, [640 / 3, 640], atol=0.1)


def test_unfinished_runs_say_so() -> None:
    trace = trace_of([{0: 1, 1: 1}], [(1, 0, 1)])
    assert f"1 of {trace.gen_length} tokens" in trace._repr_html_()
    assert shown(trace_of([], [])).find("table") is not None


@pytest.mark.parametrize("field", ["prompt", "text", "model", "decoder", "settings"])
def test_hostile_texts_stay_text(field: str) -> None:
    value = {"a": HOSTILE} if field == "settings" else HOSTILE
    text = trace_of([{0: 1}], [(1, 0, 1)], **{field: value})._repr_html_()
    assert not re.search(r"<(script|img)", text)
    assert "\u202e" not in text
    assert "\x00" not in text
    assert ET.fromstring(text).tag == "div"


def test_long_texts_are_cut_and_nothing_is_fetched() -> None:
    text = trace_of([{0: 1}], [(1, 0, 1)], text="x" * 100_000, prompt="y" * 100_000)._repr_html_()
    assert len(text) < 5000
    assert not re.search(r"(?:src|href)\s*=|url\(|https?://", text)
