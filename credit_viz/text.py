"""Text that every encoder takes. Knows strings only."""

from __future__ import annotations

__all__ = ["clean_text"]


def clean_text(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot hold, as U+FFFD; valid pairs become their character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
