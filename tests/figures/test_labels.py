"""Token text in figures is visible and inert."""

from __future__ import annotations

import pytest

from credit_viz.figures.labels import guess_grid, label, safe, token_label, visible, word_label
from tests.support import trace_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\nb\tc\rd\x7f", "a↵b⇥c␍d␡"),
        ("\x00\x1b[31m", "␀␛[31m"),
        ("\u202eRTL", "‹202E›RTL"),
        ("\ud800lone", "‹D800›lone"),
        ("\u200b", "‹200B›"),
    ],
)
def test_what_draws_nothing_becomes_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown
    visible(text).encode("utf-8")


def test_plotly_reads_no_markup() -> None:
    assert safe("<b>&amp;${x}") == "&lt;b&gt;&amp;amp;&#36;{x}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [(" a ", "␣a␣"), ("  ", "␣␣"), ("", ""), ("x" * 20, "x" * 13 + "…"), ("<" * 20, "&lt;" * 13 + "…")],
)
def test_labels_show_outer_spaces_and_are_cut_before_they_are_escaped(text: str, shown: str) -> None:
    assert label(text) == shown


def test_words_in_a_column_lose_their_space_but_spaces_do_not() -> None:
    trace = trace_of([{0: 1}], [], token_text={1: " word", 2: " ", 3: "  deep", 4: "bare"})
    assert [word_label(trace, i) for i in (1, 2, 3, 4)] == ["word", "␣", "␣␣deep", "bare"]
    assert token_label(trace, 1) == "␣word"
    assert token_label(trace, 77) == "[77]"


def test_guesses_of_a_trace_without_cells_are_blank() -> None:
    assert guess_grid(trace_of([], [])).shape == (4, 0)
