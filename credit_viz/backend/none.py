"""A backend without a model: for a page that only shows saved runs. Knows the contract only."""

from __future__ import annotations

from collections.abc import Iterator

from credit_viz.backend.base import Event, RunRequest
from credit_viz.errors import BackendError

__all__ = ["NoModel"]


class NoModel:
    """Refuses every run."""

    model_name = "none"
    abilities: frozenset[str] = frozenset()
    quick = False

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """See `Backend.stream`.

        Raises:
            BackendError: always.
        """
        raise BackendError("no model is loaded here: this page shows saved runs; `credit-viz serve` decodes new ones")
