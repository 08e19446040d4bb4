"""Text that every encoder takes, and values written as words. Knows strings only."""

from __future__ import annotations

__all__ = ["clean_text", "value_of", "value_text"]


def clean_text(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot hold, as U+FFFD; valid pairs become their character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def value_of(word: str) -> float | int | str | None:
    """A number where it is one, None for "unset"; anything else stays text, for the knob to refuse by name."""
    if word.lower() == "unset":
        return None
    for number in (int, float):
        try:
            return number(word)
        except ValueError:
            continue
    return word


def value_text(value: float | str | None) -> str:
    """What `value_of` reads as this value."""
    return "unset" if value is None else str(value).removesuffix(".0")
