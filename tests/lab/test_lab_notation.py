"""Arms in words."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.errors import SettingsError
from credit_viz.lab import notation
from credit_viz.lab.notation import parse_arm, write_arm
from credit_viz.lab.spaces import Arm, Span


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("credit", Arm("credit")),
        ("credit:", Arm("credit")),
        ("credit[paper]", Arm("credit", preset="paper")),
        ("credit[no history]: alpha=0.5", Arm("credit", {"alpha": 0.5}, "no history")),
        (
            " credit : alpha = 0..2/5 ,threshold=0.8, 0.9,0.95 ",
            Arm("credit", {"alpha": Span(0, 2, 5), "threshold": (0.8, 0.9, 0.95)}),
        ),
        ("credit: alpha=unset,0.7", Arm("credit", {"alpha": (None, 0.7)})),
        ("vanilla: order=random,margin, steps=4", Arm("vanilla", {"order": ("random", "margin"), "steps": 4})),
        ("credit: sweep, alpha=1,2", Arm.swept("credit", knobs={"alpha": (1, 2)})),
        ("credit: alpha=1,2, sweep", Arm.swept("credit", knobs={"alpha": (1, 2)})),
        ("credit: alpha=.5..2, beta=1, random 20", Arm("credit", {"alpha": Span(0.5, 2), "beta": 1}, draws=20)),
        ("credit: random 3 seed 7, alpha=0..2", Arm("credit", {"alpha": Span(0, 2)}, draws=3, seed=7)),
        ("entropy-bound: gamma=1e-3..1e-1/3", Arm("entropy-bound", {"gamma": Span(0.001, 0.1, 3)})),
    ],
)
def test_words_become_arms(text: str, arm: Arm) -> None:
    assert parse_arm(text) == arm


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "''"),
        ("credit alpha=1", "'credit alpha=1'"),
        ("credit: alpha", "'alpha'; valid: KNOB=VALUES"),
        ("credit: alpha=", "'alpha='"),
        ("credit: =1", "'=1'"),
        ("credit: alpha=1, alpha=2", "'alpha=2'; valid: each knob once"),
        ("credit: alpha=0..2, threshold", "'0..2'; valid: values between commas, or one range"),
        ("credit: alpha=0..2/x", "'0..2/x'; valid: LOW..HIGH/COUNT"),
        ("credit: alpha=a..b", "'a..b'"),
        ("credit: alpha=1,,2", "''; valid: values"),
        ("credit: random x, alpha=1", "'random x'"),
        ("credit: alpha=0..2, random 5, sweep", "'sweep'; valid: a grid"),
        ("credit: alpha=2..1/3", "range 2..1 is empty"),
        ("credit: alpha=high", "alpha='high' is not a number"),
        ("credits: alpha=1", "unknown decoder 'credits'"),
    ],
)
def test_the_bad_part_is_quoted(text: str, part: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_arm(text)
    assert part in str(caught.value)


@given(st.text(alphabet="credit:[]=,./0129 alphrndomsweu-", max_size=40))
def test_nothing_else_is_raised(text: str) -> None:
    with suppress(SettingsError):
        assert isinstance(parse_arm(text), Arm)


def test_the_examples_of_the_module_are_arms() -> None:
    lines = [line.strip() for line in (notation.__doc__ or "").splitlines() if line.strip().startswith("credit")]
    assert len(lines) == 7
    for line in lines:
        parse_arm(line.partition("   ")[0])


@pytest.mark.parametrize(
    "arm",
    [
        Arm("credit"),
        Arm("credit", preset="no history"),
        Arm("credit", {"alpha": (None, 0.7), "threshold": Span(0.8, 0.9, 3)}, "paper"),
        Arm("credit", {"alpha": Span(0, 2)}, draws=7, seed=3),
        Arm("vanilla", {"order": ("random", "margin"), "steps": (8, None)}),
    ],
)
def test_an_arm_is_written_as_it_is_read(arm: Arm) -> None:
    assert parse_arm(write_arm(arm)) == arm
