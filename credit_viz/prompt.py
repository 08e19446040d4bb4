r"""Text with gaps: "The capital of [MASK] is Paris." as prompt, given tokens and free positions.

Knows the notation and how to lay a text out, or pieces of text at positions; no networks, no decoders.

"[MASK]" is one free position, "[MASK:5]" are five. A backslash makes it plain text: "\[MASK]"; before a slot, a
backslash itself is written twice. One space right before a slot belongs to the slot, because most tokenizers begin a
word's token with its space: a model fills "of [MASK] is" with " France".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from credit_viz.errors import PromptError
from credit_viz.trace.record import MAX_LENGTH

__all__ = ["Infill", "lay_out", "parse_slots", "place_texts"]

_SLOT = re.compile(r"(\\*)(\[MASK(?::([^\]\n]*))?\])")


class _Encoder(Protocol):
    """What laying out needs of a model."""

    block_length: int | None

    def encode_text(self, text: str) -> list[int]:
        """Ids of a piece of text as it is."""


@dataclass(frozen=True)
class Infill:
    """A text with gaps on the canvas: the prompt, then a generated region in which some positions are given."""

    prompt_ids: tuple[int, ...]  #: what stands before the first slot
    fixed: dict[int, int]  #: given token by position of the generated region
    gen_length: int  #: from the first slot to the end of the text, and what fills the model's last block
    block_length: int  #: all at once; a block-causal model has blocks of its own


def parse_slots(text: str) -> list[str | int]:
    r"""Pieces of a text in order: plain text, and numbers of free positions.

    Raises:
        PromptError: "[MASK:...]" does not hold a whole number from 1 on.
    """
    pieces: list[str | int] = []
    plain, end = "", 0
    for match in _SLOT.finditer(text):
        backslashes, slot, count = match.groups()
        plain += text[end : match.start()] + "\\" * (len(backslashes) // 2)
        end = match.end()
        if len(backslashes) % 2:
            plain += slot
            continue
        pieces += [plain.removesuffix(" "), _count(slot, count)]
        plain = ""
    return [piece for piece in (*pieces, plain + text[end:]) if piece != ""]


def _count(slot: str, count: str | None) -> int:
    if count is None:
        return 1
    if not (count.isascii() and count.isdigit() and 1 <= int(count[:6]) <= MAX_LENGTH):
        valid = f"[MASK], [MASK:1] to [MASK:{MAX_LENGTH}], or \\[MASK for plain text"
        raise PromptError(f"{slot} is no slot; valid: {valid}")
    return int(count)


def lay_out(model: _Encoder, text: str) -> Infill:
    """Lay out a text with gaps; it is sent as it is, not through a chat template.

    Raises:
        PromptError: it has no slot, begins with one, or a slot is malformed.
    """
    pieces = parse_slots(text)
    first = next((i for i, piece in enumerate(pieces) if isinstance(piece, int)), None)
    if first is None:
        raise PromptError("the text has no slot to fill; write [MASK] or [MASK:5] where the model shall write")
    if first == 0:
        raise PromptError("the text begins with a slot, and a model needs something to begin from; write a word first")
    laid: list[int | None] = []
    for piece in pieces[first:]:
        laid += [None] * piece if isinstance(piece, int) else model.encode_text(piece)
    block = model.block_length or len(laid)
    return Infill(
        prompt_ids=tuple(model.encode_text(str(pieces[0]))),
        fixed={position: token for position, token in enumerate(laid) if token is not None},
        gen_length=-(-len(laid) // block) * block,
        block_length=block,
    )


def place_texts(model: _Encoder, texts: Sequence[tuple[int, str]], length: int) -> dict[int, int]:
    """Given token by position, from texts and the positions they begin at; each is tokenized as it is, alone.

    Raises:
        PromptError: a text is empty, ends behind the last of `length` positions, or meets another.
    """
    given: dict[int, int] = {}
    for start, text in texts:
        ids = model.encode_text(text)
        end, named = start + len(ids), f"given text {text[:40]!r} at position {start}"
        if not ids:
            raise PromptError(f"{named} is empty; valid: at least one token")
        if end > length:
            raise PromptError(f"{named} takes positions {start}..{end - 1}; valid: 0..{length - 1}")
        if taken := sorted(set(range(start, end)) & set(given)):
            raise PromptError(f"{named} meets another at position {taken[0]}; valid: texts that stand apart")
        given |= zip(range(start, end), ids, strict=True)
    return given
