"""Text for terminals: token text is untrusted and never reaches one raw."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["plain_console", "say", "say_to_person", "visible"]


def visible(text: str, keep: str = "") -> str:
    """`text` with every character that draws nothing (controls, escapes, bidi marks, lone surrogates) as an escape.

    `keep` names characters that pass unchanged, e.g. newlines in running text.
    """
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def plain_console() -> Console:
    """stdout, for tables and texts in which nothing is markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def say(message: str) -> None:
    """One line on stderr, in the program's name."""
    print(f"credit-viz: {visible(message)}", file=sys.stderr)


def say_to_person(message: str) -> None:
    """As `say`, but only where somebody may be waiting: nothing into logs and pipes."""
    if sys.stderr.isatty():
        say(message)
