"""The tokenizer of a checkpoint folder, its special tokens and its chat template. Knows families; no networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerBase
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from credit_viz.errors import CheckpointError, PromptError
from credit_viz.models.checkpoint_files import check_small_files, read_json
from credit_viz.models.families.base import Family
from credit_viz.models.text import TextCodec
from credit_viz.models.uniform import NO_MASK

__all__ = ["end_ids", "load_text", "mask_id"]

_TOKEN_FIELDS = frozenset({"content", "lstrip", "normalized", "rstrip", "single_word", "special"})


def load_text(folder: Path, family: Family, name: str, vocab_size: int) -> TextCodec:
    """Tokenizer and chat template.

    Args:
        name: folder name or hub id: a base model says so in it.
        vocab_size: rows of the embedding.

    Raises:
        CheckpointError: a file is missing or damaged, or there are more tokens than rows; names the file.
    """
    check_small_files(folder, family.tokenizer_files)
    main = folder / family.tokenizer_files[0]
    _check_added_tokens(folder / "tokenizer_config.json")
    if "merges.txt" in family.tokenizer_files:
        _check_merges(folder / "merges.txt", _byte_vocabulary(folder / "vocab.json"))
    try:
        # the class is the family's: no code in the folder is ever looked for
        tokenizer: PreTrainedTokenizerBase = family.tokenizer_class.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # the tokenizer library raises bare Exceptions for files it cannot read: nothing narrower would catch them
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{main} or tokenizer_config.json cannot be read: {reason}") from error
    tokenizer.model_max_length = VERY_LARGE_INTEGER  # how long a text may be is for the canvas to say
    text = TextCodec(tokenizer, _chat_template(tokenizer, family, name))
    if text.size > vocab_size:
        raise CheckpointError(f"{main} has token ids up to {text.size - 1}; the model has only 0..{vocab_size - 1}")
    _check_template(folder, text)
    return text


def _check_added_tokens(path: Path) -> None:
    """Special tokens have the fields of one: the tokenizer library prints what it does not know, and goes on."""
    added = read_json(path).get("added_tokens_decoder", {})
    if not isinstance(added, dict):
        raise CheckpointError(f"{path} has added_tokens_decoder={str(added)[:40]!r}; expected tokens by their ids")
    for number, token in added.items():
        odd = sorted(token.keys() - _TOKEN_FIELDS) if isinstance(token, dict) else [str(token)[:40]]
        if odd or not isinstance(token.get("content"), str) or not number.isdecimal():
            what = f"an unknown field {odd[0]!r}" if odd else "no content or no id"
            raise CheckpointError(f"{path} is damaged: token {number[:20]!r} of added_tokens_decoder has {what}")


def _byte_vocabulary(path: Path) -> dict[str, int]:
    """The tokens of a vocab.json, which can spell every byte."""
    vocabulary = read_json(path)
    ids = list(vocabulary.values())
    if not all(type(i) is int for i in ids) or len(set(ids)) != len(ids):
        raise CheckpointError(f"{path} is damaged: its ids are not whole numbers, each used once")
    if lost := set(ByteLevel.alphabet()) - vocabulary.keys():
        raise CheckpointError(f"{path} is damaged: it lacks {len(lost)} of the 256 tokens of a single byte")
    return vocabulary


def _check_merges(path: Path, vocabulary: Mapping[str, int]) -> None:
    """merges.txt makes the longer tokens of vocab.json: one that was cut off would spell words out, silently."""
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not valid UTF-8: {error}") from error
    if not lines[0].startswith("#version"):
        raise CheckpointError(f"{path} is damaged: it does not begin with its #version")
    made = set()
    for number, line in enumerate(lines[1:], 2):
        parts = line.split(" ")
        if len(parts) != 2 or "".join(parts) not in vocabulary:
            raise CheckpointError(f"{path} is damaged: line {number} makes no token of vocab.json: {line[:40]!r}")
        made.add("".join(parts))
    longer = {token for token in vocabulary if len(token) > 1 and not token.startswith("<|")}
    if made and longer - made:
        raise CheckpointError(
            f"{path} is damaged: it makes {len(made)} of the {len(longer)} longer tokens of vocab.json"
        )


def _chat_template(tokenizer: PreTrainedTokenizerBase, family: Family, name: str) -> str | None:
    """The tokenizer's own template, else the family's.

    Without one of its own, a base model (by its name) gets the bare prompt, and so does a tokenizer that does not
    know the end of a turn.
    """
    own: Any = tokenizer.chat_template
    if own is not None:
        own = own.get("default") if isinstance(own, dict) else own
        if not isinstance(own, str | None):
            raise CheckpointError(f"tokenizer_config.json has chat_template={str(own)[:40]!r}; expected a text")
        return own or None
    base = "base" in re.split(r"[^a-z]+", name.lower())
    return family.chat_template if not base and family.end_tokens[0] in tokenizer.get_vocab() else None


def _check_template(folder: Path, text: TextCodec) -> None:
    """The template can render a prompt."""
    try:
        if not text.encode("prompt"):
            raise PromptError("it leaves nothing of a prompt")
    except PromptError as error:
        names = ("chat_template.jinja", "tokenizer_config.json")
        file = next(folder / name for name in names if (folder / name).is_file())
        raise CheckpointError(f"{file} has a damaged chat template: {error}") from error


def mask_id(config: Mapping[str, Any], text: TextCodec, family: Family, vocab_size: int) -> int:
    """Id of the mask token; where config and tokenizer both know it, they must agree. -1 in a family without one.

    Raises:
        CheckpointError: neither knows it, they disagree, or it is no id of the model.
    """
    if not family.mask_tokens:
        return NO_MASK
    by_text = next((i for i in map(text.find, family.mask_tokens) if i is not None), None)
    by_config = config.get("mask_token_id")
    if by_config is None and by_text is None:
        wanted = " or ".join(family.mask_tokens)
        raise CheckpointError(f"no mask token: config.json lacks mask_token_id and the tokenizer lacks {wanted}")
    found = _token_id("mask_token_id", by_text if by_config is None else by_config, vocab_size)
    if by_text is not None and by_text != found:
        raise CheckpointError(f"config.json has mask_token_id={found}, but the tokenizer's mask is {by_text}")
    return found


def end_ids(config: Mapping[str, Any], text: TextCodec, family: Family, vocab_size: int) -> tuple[int, ...]:
    """Ids that end the text: those the config (else the tokenizer) names, then the family's own.

    Raises:
        CheckpointError: there is none, or it is no id of the model.
    """
    named = config.get("eos_token_id")
    if named is None:
        named = text.eos_id
    if named is None or named == []:
        raise CheckpointError("no end-of-text token: neither config.json (eos_token_id) nor the tokenizer names one")
    listed = named if isinstance(named, list) else [named]
    ends = [_token_id("eos_token_id", token, vocab_size) for token in listed]
    ends += [i for i in map(text.find, family.end_tokens) if i is not None]
    return tuple(dict.fromkeys(ends))


def _token_id(name: str, value: object, vocab_size: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < vocab_size:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a token id 0..{vocab_size - 1}")
    return value
