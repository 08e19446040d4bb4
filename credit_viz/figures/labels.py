"""Token text for figures and pages: untrusted, so everything is made visible and nothing is markup."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from credit_viz.trace.record import Trace

__all__ = ["counted", "guess_grid", "label", "quoted", "safe", "token_label", "visible", "word_label"]

_NAMES = {"\n": "↵", "\r": "␍", "\t": "⇥", "\x7f": "␡"}


def visible(text: str) -> str:
    """Every character that draws nothing or reorders its line, as a sign: ↵ for a newline, ‹202E› for U+202E."""
    return "".join(c if c.isprintable() else _named(c) for c in text)


def counted(count: int, one: str, many: str = "") -> str:
    """A number and its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def _named(character: str) -> str:
    code = ord(character)
    if character in _NAMES:
        return _NAMES[character]
    return chr(0x2400 + code) if code < 0x20 else f"‹{code:04X}›"


def safe(text: str) -> str:
    """Text as Plotly shows it letter by letter: its labels read a small HTML."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        text = text.replace(sign, entity)
    return text


def _alone(text: str) -> str:
    """Outer spaces shown as ␣."""
    shown = visible(text)
    inner = shown.strip(" ")
    before = len(shown) - len(shown.lstrip(" "))
    return "␣" * before + inner + "␣" * (len(shown) - before - len(inner))


def label(text: str, width: int = 14) -> str:
    """A token that stands alone: outer spaces shown as ␣, cut to `width` characters, safe for Plotly."""
    shown = _alone(text)
    return safe(shown if len(shown) <= width else shown[: width - 1] + "…")


def token_text(trace: Trace, token_id: int) -> str:
    """Raw text of a token of this trace; its id where the trace has no text for it."""
    return trace.info.token_text.get(token_id, f"[{token_id}]")


def quoted(trace: Trace, token_id: int) -> str:
    """A token of this trace that stands alone, whole and as plain text: not for Plotly."""
    return _alone(token_text(trace, token_id)) or "(empty)"


def token_label(trace: Trace, token_id: int, width: int = 14) -> str:
    """`label` of a token of this trace."""
    return label(token_text(trace, token_id), width)


def word_label(trace: Trace, token_id: int, width: int = 14) -> str:
    """`token_label` for a column of tokens: the one space before most words would only be noise there."""
    text = token_text(trace, token_id)
    return label(text[1:] if len(text) > 1 and text[0] == " " != text[1] else text, width)


def guess_grid(trace: Trace) -> NDArray[np.object_]:
    """(L, T) label of the model's best guess, "" where nothing was recorded."""
    ids, place = np.unique(trace.candidate_ids[:, 0], return_inverse=True)
    texts = np.array([token_label(trace, int(i)) for i in ids], object)
    grid = np.full((trace.gen_length, trace.forward_passes), "", object)
    if len(ids):
        grid[trace.positions, trace.cell_steps - 1] = texts[place]
    return grid
