"""Turns of a conversation, from a file. Knows JSON; the model's chat template knows which roles there are."""

from __future__ import annotations

import json
from pathlib import Path

from credit_viz.errors import PromptError

__all__ = ["read_history"]


def read_history(path: Path | None) -> tuple[tuple[str, str], ...]:
    """(role, content) of each turn, the oldest first; none without a file.

    Raises:
        PromptError: no such file, not JSON, or a turn that is no object with exactly these two texts.
    """
    if path is None:
        return ()
    try:
        turns = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PromptError(f"cannot read the history {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise PromptError(f"the history {path} is not JSON: {error}") from error
    if not isinstance(turns, list):
        raise PromptError(f"the history {path} is a {type(turns).__name__}; valid: a list of turns")
    return tuple(_turn(path, turn) for turn in turns)


def _turn(path: Path, turn: object) -> tuple[str, str]:
    if isinstance(turn, dict) and set(turn) == {"role", "content"} and all(isinstance(v, str) for v in turn.values()):
        return turn["role"], turn["content"]
    raise PromptError(f'the history {path} has a turn {turn!r}; valid: {{"role": "...", "content": "..."}}')
