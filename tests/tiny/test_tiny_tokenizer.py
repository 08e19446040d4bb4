"""The tokenizer: lossless, one token per word and number, and the same ids through the published layout."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from credit_viz.tiny.tasks import TASKS
from credit_viz.tiny.tokenizer import (
    SPECIALS,
    build_tokenizer,
    prompt_ids,
    response_ids,
    save_tokenizer,
    special_id,
)

LONGEST_RESPONSE = 64


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build_tokenizer()


@pytest.mark.parametrize("task", TASKS)
def test_texts_survive_and_fit(tokenizer: Tokenizer, task: str) -> None:
    rng = random.Random(21)
    for _ in range(500):
        example = TASKS[task].sample(rng)
        ids = response_ids(tokenizer, example.response)
        assert tokenizer.decode(ids) == example.response
        assert tokenizer.decode(prompt_ids(tokenizer, example.prompt)) == example.prompt
        assert len(ids) <= LONGEST_RESPONSE


@pytest.mark.parametrize("task", TASKS)
def test_every_word_and_number_is_one_token(tokenizer: Tokenizer, task: str) -> None:
    rng = random.Random(22)
    for _ in range(200):
        example = TASKS[task].sample(rng)
        tokens = tokenizer.encode(f"{example.response}").tokens
        pieces = re.findall(r"[A-Za-z]+|\d+", example.response)
        assert sum(bool(re.search(r"[A-Za-z0-9]", token)) for token in tokens) == len(pieces)


def test_a_number_has_one_token_wherever_it_stands(tokenizer: Tokenizer) -> None:
    for number in range(100):
        ids = tokenizer.encode(f" {number}").ids
        assert len(ids) == 1
        assert tokenizer.encode(f"Leo has {number} cookies, {number}.").ids.count(ids[0]) == 2


def test_prompt_frame(tokenizer: Tokenizer) -> None:
    ids = prompt_ids(tokenizer, "Tell a story")
    first, second, *_, last = (tokenizer.id_to_token(i) for i in ids)
    assert (first, second, last) == ("<|startoftext|>", "<|user|>", "<|assistant|>")
    assert response_ids(tokenizer, "x")[-1] == special_id(tokenizer, "<|endoftext|>")


def test_same_vocabulary_every_time(tokenizer: Tokenizer) -> None:
    assert build_tokenizer().to_str() == tokenizer.to_str()
    assert [tokenizer.id_to_token(i) for i in range(len(SPECIALS))] == list(SPECIALS)


def test_unknown_special_is_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match=r"'<\|other\|>' is not in the vocabulary"):
        special_id(tokenizer, "<|other|>")


@given(st.text(max_size=40).filter(lambda text: "<|" not in text))
def test_any_text_survives(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_published_files(tokenizer: Tokenizer, tmp_path: Path) -> None:
    save_tokenizer(tokenizer, tmp_path, 512)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert config["eos_token"] == config["pad_token"] == "<|endoftext|>"
    again = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert again.encode("Leo has 37 cookies.").ids == tokenizer.encode("Leo has 37 cookies.").ids
