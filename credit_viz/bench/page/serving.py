"""A page to be measured, served from this process. Knows how a page is built; no browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import NamedTuple

from credit_viz.backend.base import Backend, LaneRequest, RunRequest
from credit_viz.bench.page.synthetic import SyntheticBackend
from credit_viz.web import build_app, launch
from credit_viz.web.request import Choice

__all__ = ["PROMPT", "Served", "served", "served_by"]

PROMPT = "Write something."


class Served(NamedTuple):
    """A page whose runs are synthetic."""

    address: str
    backend: SyntheticBackend
    request: RunRequest  #: what a first visit shows


@contextmanager
def served(length: int) -> Iterator[Served]:
    """A page with two lanes of `length` positions and as many steps; its runs are made before it opens."""
    lanes = (LaneRequest("vanilla"), LaneRequest("credit"))
    choice = Choice(lanes=lanes, gen_length=length, block_length=min(64, length))
    backend = SyntheticBackend()
    backend.prepare(choice.request(PROMPT))
    with served_by(backend, choice) as address:
        yield Served(address, backend, choice.request(PROMPT))


@contextmanager
def served_by(backend: Backend, choice: Choice | None = None) -> Iterator[str]:
    """The address of a page on any backend."""
    example = SimpleNamespace(task="synthetic", prompt=PROMPT)
    app = build_app(backend, examples=[example], choice=choice)
    try:
        yield launch(app, block=False)
    finally:
        app.close(verbose=False)
