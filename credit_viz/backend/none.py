"""A backend without a model: for a page that only shows saved runs. Knows the contract only."""

from __future__ import annotations

from collections.abc import Iterator

from credit_viz.backend.base import Event, Piece, RunRequest
from credit_viz.errors import BackendError

__all__ = ["NoModel"]

_NO_MODEL = "no model is loaded here: this page shows saved runs; `credit-viz serve` decodes new ones"


class NoModel:
    """Refuses every run."""

    model_name = "none"
    abilities: frozenset[str] | None = None
    quick = False

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """See `Backend.pieces`.

        Raises:
            BackendError: always.
        """
        raise BackendError(_NO_MODEL)

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """See `Backend.stream`.

        Raises:
            BackendError: always.
        """
        raise BackendError(_NO_MODEL)
