"""Text that every encoder takes, and numbers as people write and read them. Knows strings only."""

from __future__ import annotations

__all__ = ["clean_text", "minus", "rounded", "signed", "value_of", "value_text"]


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


def rounded(value: float, digits: int = 1) -> str:
    """Such as 0.4, −1.2 or 0.0: what rounds to nothing has no sign."""
    text = f"{value:.{digits}f}"
    return minus(text if any("1" <= digit <= "9" for digit in text) else text.removeprefix("-"))


def signed(value: float, digits: int = 1) -> str:
    """A difference, such as +0.4, −1.2 or 0.0."""
    text = rounded(value, digits)
    return f"+{text}" if value > 0 and text != rounded(0, digits) else text


def minus(number: str) -> str:
    """A number that Python wrote, with the sign that people write."""
    return number.replace("-", "−")
