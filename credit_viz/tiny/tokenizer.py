"""The embedded model's tokenizer: one token per word and per number 0..99, bytes for the rest.

Knows text and ids. Does not know tasks' rules, models or training. The vocabulary is written down, not
learned: 256 bytes so that every text can be spelled, then each word as it stands in the tasks' texts. A number
has the same token wherever a space precedes it, which is everywhere in the tasks. Specials follow the
published LLaDA layout.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from credit_viz.tiny.tasks import TASKS

BOS, EOS, MASK = "<|startoftext|>", "<|endoftext|>", "<|mdm_mask|>"
USER, ASSISTANT = "<|user|>", "<|assistant|>"
SPECIALS = (BOS, EOS, MASK, USER, ASSISTANT)
TEMPLATE = (
    "{{ '" + BOS + "' }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '" + ASSISTANT + "' }}{% endif %}"
)
# A word, a number of at most two digits, a line break with its indentation, punctuation, other space.
PIECES = r" ?[A-Za-z]+| ?\d{1,2}|\n *| ?[^\sA-Za-z0-9_]+|_| ?\d|\s+"
LARGEST_NUMBER = 99
SURVEY_PER_TASK = 4000
# Best segmentation = highest sum of scores: a known word always beats its own spelling in bytes.
WORD_SCORE, BYTE_SCORE = -1.0, -10.0


def _splitter() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _survey(seed: int) -> Iterable[str]:
    """Texts that between them hold every word of every task."""
    rng = random.Random(seed)
    for task in TASKS.values():
        for _ in range(SURVEY_PER_TASK):
            example = task.sample(rng)
            yield example.prompt
            yield example.response


def _words(texts: Iterable[str]) -> list[str]:
    splitter = _splitter()
    found = {piece for text in texts for piece, _ in splitter.pre_tokenize_str(text)}
    found |= {splitter.pre_tokenize_str(f" {number}")[0][0] for number in range(LARGEST_NUMBER + 1)}
    return sorted(piece for piece in found if len(piece) > 1)


def build_tokenizer(seed: int = 0) -> Tokenizer:
    """The same vocabulary on every call: specials first, then bytes, then words in alphabetical order."""
    pieces = [(special, 0.0) for special in SPECIALS]
    pieces += [(byte, BYTE_SCORE) for byte in sorted(pre_tokenizers.ByteLevel.alphabet())]
    pieces += [(word, WORD_SCORE) for word in _words(_survey(seed))]
    # The unknown id is never produced, since every byte has a piece; the class wants one.
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.pre_tokenizer = _splitter()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in SPECIALS])
    return tokenizer


def prompt_ids(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """What the chat template makes of one user message, with the generation prompt."""
    text = f"{BOS}{USER}{prompt}{ASSISTANT}"
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def response_ids(tokenizer: Tokenizer, response: str) -> list[int]:
    """The answer and its end mark; the rest of a canvas is filled with the same mark."""
    ids: list[int] = tokenizer.encode(response, add_special_tokens=False).ids
    return [*ids, special_id(tokenizer, EOS)]


def special_id(tokenizer: Tokenizer, token: str) -> int:
    found: int | None = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"token {token!r} is not in the vocabulary of {tokenizer.get_vocab_size()} tokens")
    return found


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_length: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` as the published checkpoints have them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "added_tokens_decoder": {
            str(special_id(tokenizer, token)): {
                "content": token,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for token in SPECIALS
        },
        "bos_token": BOS,
        "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": EOS,
        "model_max_length": max_length,
        "pad_token": EOS,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
