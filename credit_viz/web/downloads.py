"""A kept run to take away, by plain HTTP: traces, tables, figures, one page. Plain ASGI; knows no gradio.

    GET /credit-viz/run/<run id>/<name>

An id cannot be guessed and is all that is asked for. Files are made in a worker thread when they are fetched; nothing
is written to disk.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from credit_viz.errors import BackendError, CreditVizError, one_of
from credit_viz.figures import all_figures
from credit_viz.figures.as_json import figures_json
from credit_viz.trace.files import csv_bytes, lanes_frame, parquet_bytes, trace_bytes
from credit_viz.trace.record import Trace
from credit_viz.web.names import lane_names
from credit_viz.web.runs import KeptRun, RunStore
from credit_viz.web.standalone import render_page

__all__ = ["FILES", "Downloads", "attachment"]

_PREFIX = "/credit-viz/run/"
_LANE = re.compile(r"lane-([1-9])\.safetensors")
_FIGURE = re.compile(r"figure-([a-z_]{1,40})\.json")


class File(NamedTuple):
    """Something to take away."""

    content_type: str
    make: Callable[[KeptRun], bytes]


def _zip(kept: KeptRun) -> bytes:
    buffer = io.BytesIO()
    # the clock of the machine stays out of it: the same run gives the same bytes
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for lane, trace in enumerate(kept.traces()):
            archive.writestr(zipfile.ZipInfo(lane_file(lane, trace)), trace_bytes(trace), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


#: what every run can be taken away as, by name
FILES: Mapping[str, File] = MappingProxyType(
    {
        "traces.zip": File("application/zip", _zip),
        "guesses.csv": File("text/csv; charset=utf-8", lambda kept: csv_bytes(lanes_frame(kept.traces()))),
        "guesses.parquet": File(
            "application/vnd.apache.parquet", lambda kept: parquet_bytes(lanes_frame(kept.traces()))
        ),
        "run.html": File("text/html; charset=utf-8", lambda kept: render_page(kept.traces()).encode()),
    }
)


def lane_file(lane: int, trace: Trace) -> str:
    """Name of a lane's trace file. lane: from 0."""
    decoder = re.sub(r"[^a-z0-9-]+", "-", trace.info.decoder.lower())[:40].strip("-")
    return f"lane-{lane + 1}{decoder and '-' + decoder}.safetensors"


class Downloads:
    """Answers GET and HEAD below /credit-viz/run/, passes on the rest."""

    def __init__(self, app: ASGIApp, store: RunStore) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or _PREFIX not in scope["path"] or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        run, _, name = scope["path"].split(_PREFIX, 1)[1].partition("/")
        theme = parse_qs(scope["query_string"].decode("ascii", "replace")).get("theme", ["light"])[0]
        response = await run_in_threadpool(self.answer, run, name, theme)
        await response(scope, receive, send)

    def answer(self, run: str, name: str, theme: str) -> Response:
        """A file of a run, or one sentence with status 404."""
        try:
            kept = self.store.get(run)
            if found := _FIGURE.fullmatch(name):
                return _figure(found[1], kept.traces(), theme)
            if found := _LANE.fullmatch(name):
                trace = kept.trace(int(found[1]) - 1)
                return attachment(trace_bytes(trace), "application/octet-stream", lane_file(int(found[1]) - 1, trace))
            if name not in FILES:
                raise BackendError(one_of("file of a run", name, [*FILES, "lane-1.safetensors"]))
            file = FILES[name]
            return attachment(file.make(kept), file.content_type, name)
        except CreditVizError as error:
            return PlainTextResponse(f"{error}\n", 404, {"cache-control": "no-store"})


def _figure(name: str, traces: Sequence[Trace], theme: str) -> Response:
    """A figure as Plotly takes it: a list with one per lane, or a single one for all."""
    if name not in all_figures():
        raise BackendError(one_of("figure", name, all_figures()))
    if theme not in ("light", "dark"):
        raise BackendError(one_of("theme", theme, ("light", "dark")))
    named = dict(zip(lane_names(traces), traces, strict=True))
    body = gzip.compress(figures_json(name, named, theme).encode(), 6, mtime=0)
    headers = {"content-encoding": "gzip", "cache-control": "no-store"}
    return Response(body, media_type="application/json", headers=headers)


def attachment(body: bytes, content_type: str, name: str) -> Response:
    """Something that browsers save under a name and never show."""
    headers = {
        "content-disposition": f'attachment; filename="credit-viz-{name}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=content_type, headers=headers)
