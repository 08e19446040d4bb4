"""Trace files that a visitor drops on the page: checked, kept as a run, shown. Plain ASGI; knows no gradio, no model.

    POST /credit-viz/open?name=a.safetensors&size=1234&name=...     the files' bytes, one after the other

answers {"run": id} or {"error": one sentence}. The request must carry the header X-Credit-Viz with a name that the page
chose for its visit: a page of another origin cannot send it, and runs are counted by it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from credit_viz.errors import CreditVizError, TraceError
from credit_viz.figures.labels import visible
from credit_viz.trace.files import read_trace
from credit_viz.trace.record import Trace
from credit_viz.web.request import MAX_BYTES, MAX_LANES
from credit_viz.web.runs import KeptRun, RunStore

__all__ = ["TraceFile", "Uploads", "as_run"]

MAX_CELLS = 1 << 24  #: positions x steps of a lane; the browser holds all of them
MAX_SIDE = 1 << 14  #: positions, or steps, of a lane; each takes its time to draw, however few cells it has
_PATH = "/credit-viz/open"


class TraceFile(NamedTuple):
    """A file as it came."""

    name: str
    data: bytes


def as_run(named: Sequence[tuple[str, Trace]], owner: str = "") -> KeptRun:
    """Traces as lanes of one run, to be shown.

    Raises:
        TraceError: none, too many, too large to be shown, or not of one prompt and length; the message names the file.
    """
    if not 1 <= len(named) <= MAX_LANES:
        raise TraceError(f"{len(named)} trace files; valid: 1 to {MAX_LANES}, the lanes of one run")
    for name, trace in named:
        cells = trace.gen_length * trace.forward_passes
        if cells > MAX_CELLS:
            raise TraceError(f"{name} has {cells} cells (positions x steps); the page shows up to {MAX_CELLS}")
        for what, number in (("positions", trace.gen_length), ("steps", trace.forward_passes)):
            if number > MAX_SIDE:
                raise TraceError(f"{name} has {number} {what}; the page shows up to {MAX_SIDE}")
        try:
            json.dumps(trace.info.to_json(), allow_nan=False)
        except ValueError as error:
            raise TraceError(f"{name}: its header holds a number that is none: {error}") from error
        _check_fits(*named[0], name, trace)
    names = [name for name, _ in named]
    return KeptRun.of_traces(secrets.token_urlsafe(9), [trace for _, trace in named], {"opened": names}, owner)


def _check_fits(first: str, one: Trace, name: str, other: Trace) -> None:
    """Can they be lanes of one run?"""
    if (one.info.prompt, one.info.prompt_ids) != (other.info.prompt, other.info.prompt_ids):
        raise TraceError(f"{first} and {name} are of different prompts; open them one after the other")
    if one.gen_length != other.gen_length:
        lengths = f"{one.gen_length} and {other.gen_length} positions"
        raise TraceError(f"{first} and {name} differ in length ({lengths}); open them one after the other")


class Uploads:
    """Answers POST to /credit-viz/open, passes on the rest."""

    def __init__(self, app: ASGIApp, store: RunStore) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(_PATH):
            await self.app(scope, receive, send)
            return
        owner = dict(scope["headers"]).get(b"x-credit-viz", b"").decode("latin-1")[:64]
        try:
            if not owner:
                raise TraceError("a page opens traces with the header X-Credit-Viz, which this request lacks")
            files = _files(scope["query_string"].decode("latin-1"), await _body(scope, receive))
            run = await run_in_threadpool(self._open, files, owner)
            response = JSONResponse({"run": run})
        except CreditVizError as error:
            response = JSONResponse({"error": visible(str(error))})
        await response(scope, receive, send)

    def _open(self, files: Sequence[TraceFile], owner: str) -> str:
        kept = as_run([(file.name, _read(file)) for file in files], owner)
        self.store.keep(kept)
        return kept.run


def _read(file: TraceFile) -> Trace:
    try:
        return read_trace(file.data)
    except TraceError as error:
        raise TraceError(f"{file.name}: {error}") from error


async def _body(scope: Scope, receive: Receive) -> bytes:
    """What was sent, refused as soon as it is known to be too much."""
    declared = dict(scope["headers"]).get(b"content-length", b"")
    size = int(declared[:20]) if declared.isdigit() else 0
    parts: list[bytes] = []
    came, more = 0, True
    while more and size <= MAX_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise TraceError("the connection was closed before the files were there")
        parts.append(message.get("body", b""))
        came += len(parts[-1])
        size = max(size, came)
        more = message.get("more_body", False)
    if size > MAX_BYTES:
        raise TraceError(f"the files hold {size} bytes; valid: up to {MAX_BYTES} ({MAX_BYTES >> 20} MB) in all")
    return b"".join(parts)


def _files(query: str, body: bytes) -> list[TraceFile]:
    try:
        asked = parse_qs(query, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise TraceError(f"too many files at once; valid: 1 to {MAX_LANES}") from error
    names, sizes = asked.get("name", []), asked.get("size", [])
    if len(names) != len(sizes) or not all(size.isdecimal() and len(size) < 12 for size in sizes):
        raise TraceError("the request does not say which files it holds; valid: name=...&size=... for each")
    files, start = [], 0
    for name, size in zip(names, sizes, strict=True):
        files.append(TraceFile(name[:120] or "file", body[start : start + int(size)]))
        start += int(size)
    if start != len(body):
        raise TraceError(f"the request names {start} bytes of files and holds {len(body)}")
    return files
