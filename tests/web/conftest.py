"""Gradio makes event loops while it builds a page and forgets them; here they are closed after each module."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_forgotten_loops() -> Iterator[None]:
    policy = asyncio.get_event_loop_policy()
    original, made = policy.new_event_loop, []

    def new_event_loop() -> asyncio.AbstractEventLoop:
        made.append(original())
        return made[-1]

    policy.new_event_loop = new_event_loop  # type: ignore[method-assign]
    yield
    policy.new_event_loop = original  # type: ignore[method-assign]
    for loop in made:
        if not loop.is_running():
            loop.close()
