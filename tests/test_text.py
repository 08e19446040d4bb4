"""Numbers in words: people's minus sign, a plus where it is a difference, and no sign before nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.text import rounded, signed

PACKAGE = Path(__file__).parents[1] / "credit_viz"


@pytest.mark.parametrize(
    ("value", "digits", "plain", "difference"),
    [
        (0.42, 1, "0.4", "+0.4"),
        (-1.25, 2, "−1.25", "−1.25"),
        (0.04, 1, "0.0", "0.0"),
        (-0.04, 1, "0.0", "0.0"),
        (-0.0, 3, "0.000", "0.000"),
        (0.06, 1, "0.1", "+0.1"),
        (-12.0, 0, "−12", "−12"),
        (0.4, 0, "0", "0"),
        (float("nan"), 1, "nan", "nan"),
    ],
)
def test_numbers_in_words(value: float, digits: int, plain: str, difference: str) -> None:
    assert rounded(value, digits) == plain
    assert signed(value, digits) == difference


@given(value=st.floats(-1e6, 1e6), digits=st.integers(0, 4))
def test_the_sign_is_that_of_what_is_said(value: float, digits: int) -> None:
    said = signed(value, digits)
    number = float(said.replace("−", "-"))
    assert number == float(f"{value:.{digits}f}")
    assert (said[0] in "+−") == (number != 0)
    assert rounded(value, digits) == said.removeprefix("+")


def test_signs_are_written_in_one_place() -> None:
    signs = re.compile(r'replace\("-", "−"\)|(?<![%{])\{\w+:\+')  # a hover's %{z:+.3f} is Plotly's
    writing = [file.name for file in PACKAGE.rglob("*.py") if signs.search(file.read_text("utf-8"))]
    assert writing == ["text.py"]
