"""Text with gaps: the notation, and what it becomes on a canvas."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz import decode
from credit_viz.errors import PromptError
from credit_viz.models.base import DiffusionLM
from credit_viz.prompt import Infill, lay_out, parse_slots, place_texts
from tests.support import MockModel


class Characters:
    """One id per character."""

    def __init__(self, block_length: int | None = None) -> None:
        self.block_length = block_length

    def encode_text(self, text: str) -> list[int]:
        return [ord(character) for character in text]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a [MASK] b", ["a", 1, " b"]),
        ("a[MASK:5]b", ["a", 5, "b"]),
        ("[MASK][MASK:2] x", [1, 2, " x"]),
        ("a  [MASK]", ["a ", 1]),
        (r"a \[MASK] b", ["a [MASK] b"]),
        (r"\[MASK:3] and [MASK]", ["[MASK:3] and", 1]),
        (r"a\\[MASK]", ["a\\", 1]),
        (r"a\\\[MASK]", [r"a\[MASK]"]),
        (r"C:\x [MASK]", [r"C:\x", 1]),
        ("[mask] [MASK [MASKS] MASK]", ["[mask] [MASK [MASKS] MASK]"]),
        ("", []),
    ],
)
def test_notation(text: str, pieces: list[str | int]) -> None:
    assert parse_slots(text) == pieces


@pytest.mark.parametrize(
    "slot", ["[MASK:]", "[MASK:0]", "[MASK:-1]", "[MASK:x]", "[MASK:65536]", "[MASK:1.5]", "[MASK:²]"]
)
def test_malformed_slots_are_named(slot: str) -> None:
    with pytest.raises(PromptError) as raised:
        parse_slots(f"a {slot} b")
    assert slot in str(raised.value)
    assert "valid: [MASK], [MASK:1]" in str(raised.value)


@given(st.text(st.characters(exclude_characters="\\"), max_size=30))
def test_escaped_text_comes_back(text: str) -> None:
    escaped = text.replace("[MASK", "\\[MASK")
    assert "".join(map(str, parse_slots(escaped))) == text


def test_a_text_on_the_canvas() -> None:
    assert lay_out(Characters(), "ab [MASK:2]c[MASK]de") == Infill(
        prompt_ids=(97, 98), fixed={2: 99, 4: 100, 5: 101}, gen_length=6, block_length=6
    )


def test_a_block_causal_model_keeps_its_blocks() -> None:
    laid = lay_out(Characters(block_length=4), "a[MASK:3]bcd")
    assert (laid.gen_length, laid.block_length) == (8, 4)
    assert laid.fixed == {3: 98, 4: 99, 5: 100}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("no gap", "has no slot to fill"), ("[MASK] first", "begins with a slot"), (" [MASK]", "begins with a slot")],
)
def test_what_cannot_be_laid_out(text: str, problem: str) -> None:
    with pytest.raises(PromptError, match=problem):
        lay_out(Characters(), text)


# ------------------------------------------------------------------ decoded


@pytest.mark.parametrize("decoder", ["vanilla", "threshold", "credit"])
def test_gaps_are_filled_and_the_rest_stays(peaky: DiffusionLM, decoder: str) -> None:
    text = "The capital of [MASK:3] is Paris[MASK]."
    trace = decode(peaky, text, infill=True, decoder=decoder)
    laid = lay_out(peaky, text)
    assert trace.complete
    assert trace.gen_length == laid.gen_length
    assert trace.info.prompt_ids == laid.prompt_ids == tuple(peaky.encode_text("The capital of"))
    assert trace.info.prompt == text
    assert trace.info.fixed == laid.fixed
    assert {i: int(trace.token_ids[i]) for i in laid.fixed} == laid.fixed
    assert set(laid.fixed.values()) <= set(trace.info.token_text)
    assert int((trace.commit_step > 0).sum()) == 4


def test_infill_needs_a_text_sent_as_it_is() -> None:
    model = MockModel()
    for options in ({"prompt_ids": [1]}, {"prompt": "a [MASK]", "prompt_ids": [1]}):
        with pytest.raises(PromptError, match="infill fills the gaps of a prompt's text"):
            decode(model, infill=True, **options)  # type: ignore[arg-type]
    for more in ({"raw": True}, {"history": [("user", "a")]}):
        with pytest.raises(PromptError, match="leave out raw and history"):
            decode(model, "a [MASK]", infill=True, **more)  # type: ignore[arg-type]


def test_without_the_switch_a_slot_is_plain_text(peaky: DiffusionLM) -> None:
    trace = decode(peaky, "a [MASK] b", gen_length=8, block_length=8)
    assert trace.info.prompt_ids == tuple(peaky.encode("a [MASK] b"))
    assert trace.info.fixed == {}


def test_raw_and_history_reach_the_model(peaky: DiffusionLM) -> None:
    raw = decode(peaky, "hello", raw=True, gen_length=8, block_length=8)
    assert raw.info.prompt_ids == tuple(peaky.encode("hello", raw=True))
    with pytest.raises(PromptError, match="raw and history are for a prompt's text"):
        decode(peaky, prompt_ids=[1, 2], raw=True)


def test_history_through_a_chat_template(fixtures: Path) -> None:
    from credit_viz import load_model

    model = load_model(fixtures / "dream", device="cpu", dtype="float32")
    turns = [("user", "one"), ("assistant", "two")]
    trace = decode(model, "three", history=turns, gen_length=8, block_length=8)
    assert trace.info.prompt_ids == tuple(model.encode("three", history=turns))
    assert len(trace.info.prompt_ids) > len(model.encode("three"))


# ------------------------------------------------------------------ given texts


def test_texts_are_given_from_a_position_on() -> None:
    assert place_texts(Characters(), [(5, "ab"), (0, "c")], 8) == {5: 97, 6: 98, 0: 99}
    assert place_texts(Characters(), [], 8) == {}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([(2, "")], "given text '' at position 2 is empty"),
        ([(6, "abc")], r"given text 'abc' at position 6 takes positions 6\.\.8; valid: 0\.\.7"),
        ([(9, "a")], r"takes positions 9\.\.9; valid: 0\.\.7"),
        ([(2, "abc"), (4, "d")], "given text 'd' at position 4 meets another at position 4"),
        ([(4, "d"), (2, "abc")], "given text 'abc' at position 2 meets another at position 4"),
        ([(0, "x" * 10**6)], r"given text 'x+' at position 0 takes positions"),
    ],
)
def test_given_texts_that_do_not_fit_are_refused(texts: list[tuple[int, str]], message: str) -> None:
    with pytest.raises(PromptError, match=message) as raised:
        place_texts(Characters(), texts, 8)
    assert len(str(raised.value)) < 200
