"""A sweep to take away, by plain HTTP: the report, and every run as a table. Plain ASGI; knows no gradio.

    GET /credit-viz/sweep/<sweep id>/<name>

Files are made in a worker thread when they are fetched, of the runs that are there by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from credit_viz.errors import BackendError, CreditVizError, one_of
from credit_viz.figures.sweeps.report import render_report
from credit_viz.lab import SweepResult
from credit_viz.lab.report import command_of, facts_of
from credit_viz.trace.files import csv_bytes, parquet_bytes
from credit_viz.web.downloads import attachment
from credit_viz.web.laboratory import Laboratory

__all__ = ["SWEEP_FILES", "SweepDownloads"]

_PREFIX = "/credit-viz/sweep/"


class File(NamedTuple):
    """Something to take away."""

    content_type: str
    make: Callable[[SweepResult, str], bytes]  #: of a sweep and its title


def _report(result: SweepResult, title: str) -> bytes:
    return render_report(result, title, facts_of(result), command_of(result.plan)).encode()


#: what every sweep can be taken away as, by name
SWEEP_FILES: Mapping[str, File] = MappingProxyType(
    {
        "report.html": File("text/html; charset=utf-8", _report),
        "runs.csv": File("text/csv; charset=utf-8", lambda result, _: csv_bytes(result.frame)),
        "runs.parquet": File("application/vnd.apache.parquet", lambda result, _: parquet_bytes(result.frame)),
    }
)


class SweepDownloads:
    """Answers GET and HEAD below /credit-viz/sweep/, passes on the rest."""

    def __init__(self, app: ASGIApp, laboratory: Laboratory) -> None:
        self.app = app
        self.laboratory = laboratory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or _PREFIX not in scope["path"] or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        sweep, _, name = scope["path"].split(_PREFIX, 1)[1].partition("/")
        response = await run_in_threadpool(self.answer, sweep, name)
        await response(scope, receive, send)

    def answer(self, sweep: str, name: str) -> Response:
        """A file of a sweep, or one sentence with status 404."""
        try:
            result, title = self.laboratory.result(sweep), self.laboratory.title(sweep)
            if name not in SWEEP_FILES:
                raise BackendError(one_of("file of a sweep", name, SWEEP_FILES))
            file = SWEEP_FILES[name]
            return attachment(file.make(result, title), file.content_type, name)
        except CreditVizError as error:
            return PlainTextResponse(f"{error}\n", 404, {"cache-control": "no-store"})
