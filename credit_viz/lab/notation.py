"""Arms in words, as the command line and the page take them. Knows the notation only.

credit                                        the decoder with its defaults
credit[paper]                                 with a preset
credit: alpha=0.7, threshold=0.8,0.9,0.95     every combination of values
credit: alpha=0..2/5                          five values from 0 to 2
credit: alpha=unset,0.7                       unset is a value, where a knob has one
credit: sweep                                 the values that the decoder names for its own knob
credit: alpha=0..2, threshold=0.5..1, random 20 seed 1    twenty settings drawn from the ranges
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from credit_viz.errors import SettingsError
from credit_viz.lab.spaces import Arm, Span, Value
from credit_viz.text import value_of

__all__ = ["parse_arm", "write_arm"]

_HEAD = re.compile(r"\s*(?P<decoder>[\w-]+)\s*(?:\[(?P<preset>[^\]]*)\])?\s*(?::(?P<rest>.*))?", re.DOTALL)
_RANDOM = re.compile(r"random\s+(?P<draws>\d{1,18})(?:\s+seed\s+(?P<seed>\d{1,18}))?")
_LONGEST = 80  #: characters of a word that a message quotes
_SPAN = re.compile(r"(?P<low>[^/,]+?)\.\.(?P<high>[^/,]+)(?:/(?P<count>[^/,]+))?")


def parse_arm(text: str, searched: bool = False) -> Arm:
    """The arm that a text describes; see the module.

    Args:
        searched: a range needs no count, because something looks for the best value in it.

    Raises:
        SettingsError: the message quotes the part that is wrong and says what is valid.
    """
    head = _HEAD.fullmatch(text)
    if head is None:
        raise _bad(text, text, "DECODER, DECODER[PRESET], or DECODER: KNOB=VALUES, ...")
    decoder, preset = head["decoder"], head["preset"]
    spaces: dict[str, list[Value] | Span] = {}
    draws, seed, swept = None, 0, False
    for part in _parts(head["rest"]):
        if part == "sweep":
            swept = True
        elif found := _RANDOM.fullmatch(part):
            draws, seed = int(found["draws"]), int(found["seed"] or 0)
        else:
            knob, equals, words = part.partition("=")
            if not equals or not knob.strip() or not words.strip():
                raise _bad(text, part, "KNOB=VALUES, sweep, or random N seed S")
            if knob.strip() in spaces:
                raise _bad(text, part, "each knob once, with all of its values")
            spaces[knob.strip()] = _space(text, words)
    if swept and draws is not None:
        raise _bad(text, "sweep", "a grid; random draws need ranges")
    if swept:
        return Arm.swept(decoder, preset, spaces)
    return Arm(decoder, spaces, preset, 1 if searched and draws is None else draws, seed)


def write_arm(arm: Arm) -> str:
    """A text that `parse_arm` reads as this arm."""
    parts = [f"{name}={_written(space)}" for name, space in arm.knobs.items()]
    if arm.draws is not None:
        parts.append(f"random {arm.draws} seed {arm.seed}")
    head = arm.decoder if arm.preset is None else f"{arm.decoder}[{arm.preset}]"
    return f"{head}: {', '.join(parts)}" if parts else head


def _written(space: tuple[Value, ...] | Span) -> str:
    if isinstance(space, Span):
        return f"{space.low!r}..{space.high!r}" + ("" if space.count is None else f"/{space.count}")
    return ",".join("unset" if value is None else str(value) for value in space)


def _parts(rest: str | None) -> Iterator[str]:
    """Split at commas; a piece without "=" that is no word of its own belongs to the values before it."""
    whole = ""
    for piece in (rest or "").split(","):
        word = piece.strip()
        alone = word == "sweep" or word.startswith("random ")
        if whole and (alone or "=" in word):
            yield whole
            whole = word
        else:
            whole = f"{whole},{word}" if whole else word
        if alone:
            yield whole
            whole = ""
    if whole:
        yield whole


def _space(text: str, words: str) -> list[Value] | Span:
    words = words.strip()
    span = _SPAN.fullmatch(words)
    if span is None:
        return [_value(text, word.strip()) for word in words.split(",")]
    try:
        count = None if span["count"] is None else int(span["count"])
        return Span(float(span["low"]), float(span["high"]), count)
    except ValueError as error:
        if isinstance(error, SettingsError):
            raise
        raise _bad(text, words, "LOW..HIGH/COUNT, such as 0..2/5") from None


def _value(text: str, word: str) -> Value:
    if not word or ".." in word:
        raise _bad(text, word, "values between commas, or one range LOW..HIGH/COUNT")
    return value_of(word)


def _bad(text: str, part: str, valid: str) -> SettingsError:
    arm, read = (words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…" for words in (text.strip(), part.strip()))
    return SettingsError(f"arm {arm!r}: cannot read {read!r}; valid: {valid}")
