"""On a Hugging Face ZeroGPU Space the model runs inside `spaces.GPU`; everywhere else nothing changes."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from importlib.util import find_spec

from credit_viz.backend.base import Event, RunRequest, Stream

__all__ = ["on_gpu"]

_SECONDS_PER_POSITION = 0.25


def seconds_needed(request: RunRequest) -> int:
    """GPU seconds to ask for: generous per position and lane, between half a minute and two."""
    return int(min(120, max(30, _SECONDS_PER_POSITION * request.gen_length * len(request.lanes))))


def on_gpu(stream: Stream) -> Stream:
    """`stream` itself, or its ZeroGPU version: a forked worker that sends its events back one by one."""
    if not os.environ.get("SPACES_ZERO_GPU") or find_spec("spaces") is None:
        return stream
    spaces = importlib.import_module("spaces")

    def decode(request: RunRequest) -> Iterator[Event]:
        yield from stream(request)

    gpu: Stream = spaces.GPU(duration=seconds_needed)(decode)
    return gpu
