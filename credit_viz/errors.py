"""Every error this project raises on purpose. Knows nothing of the rest of the project.

    CreditVizError                 base: catch this to catch them all
    ├── SettingsError (ValueError) a knob, option or name is unknown or out of range
    ├── PromptError (ValueError)   the prompt cannot be decoded (empty, too long, unknown ids)
    ├── CheckpointError            a model folder or hub id cannot be served
    ├── TraceError (ValueError)    a trace is inconsistent, or a trace file is damaged
    ├── DecoderError               a decoder broke the contract of the loop
    └── BackendError               a run cannot be started or was lost

Every message names the bad value and says what is valid.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

__all__ = [
    "BackendError",
    "CheckpointError",
    "CreditVizError",
    "DecoderError",
    "PromptError",
    "SettingsError",
    "TraceError",
    "one_of",
]


class CreditVizError(Exception):
    """Base of all errors raised on purpose; `str(error)` is one line fit for a person."""


class SettingsError(CreditVizError, ValueError):
    """A knob, option or registry name is unknown or out of range."""


class PromptError(CreditVizError, ValueError):
    """The prompt cannot be decoded by this model."""


class CheckpointError(CreditVizError):
    """A model folder or hub id cannot be served natively."""


class TraceError(CreditVizError, ValueError):
    """A trace is inconsistent, or a trace file is damaged or of another version."""


class DecoderError(CreditVizError):
    """A decoder broke the contract of the loop: its author must mend it."""


class BackendError(CreditVizError):
    """A run cannot be started, or its results are gone."""


def one_of(kind: str, name: object, valid: Iterable[str]) -> str:
    """Message for an unknown name: what was asked for and every valid choice."""
    return f"unknown {kind} {reprlib.repr(name)}; valid: {', '.join(sorted(valid))}"
