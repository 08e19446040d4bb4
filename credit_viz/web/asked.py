"""What a page asks with, value by value: each of the kind that is needed, or named in a sentence. Knows plain JSON."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from credit_viz.errors import SettingsError

__all__ = ["Asked", "object_of", "text_of", "whole_of"]

Asked = Mapping[str, Any]


def text_of(asked: Asked, name: str, default: str | None = None) -> str:
    """A text; the default where it is not given.

    Raises:
        SettingsError: it is something else.
    """
    value = asked.get(name, default)
    if not isinstance(value, str):
        raise SettingsError(f"{name} {reprlib.repr(value)}; valid: a text")
    return value


def whole_of(asked: Asked, name: str) -> int:
    """A whole number.

    Raises:
        SettingsError: it is something else.
    """
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(f"{name}={reprlib.repr(value)} is not valid; valid: a whole number")
    return value


def object_of(asked: Asked, name: str) -> dict[str, Any]:
    """An object; an empty one where it is not given, or null.

    Raises:
        SettingsError: it is something else.
    """
    value = asked.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"{name} {reprlib.repr(value)}; valid: an object")
    return value
