"""Serves the page's own files from memory, compressed once, and puts security headers on every response.

Plain ASGI; knows no gradio. The address of every file holds a hash of all of them, so browsers may keep them for good
and never mix versions.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from credit_viz.figures.plotlyjs import plotly_js

__all__ = ["Assets", "AssetsMiddleware", "SecurityHeaders", "imported_by", "static_texts", "style_sheets"]

_TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}
_PREFIX = "/credit-viz/"
_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*"\./([\w-]+\.js)";', re.MULTILINE)


class Asset(NamedTuple):
    """One file, ready to send."""

    body: bytes  #: gzip
    content_type: str


class Assets:
    """The page's files by path: everything under web/static, boot.json and plotly.js.

    Args:
        boot: JSON the page loads first.
        late: text of further files by path, made when one is first asked for; None where there is none. What they hold
            may only change with what `boot` says.
    """

    def __init__(self, boot: Mapping[str, Any], late: Callable[[str], str | None] | None = None) -> None:
        texts = static_texts()
        texts["boot.json"] = json.dumps(boot)
        self.version = hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:12]
        self._files = {path: _asset(path, text) for path, text in texts.items()}
        self._late: dict[str, Asset] = {}
        self._make = late

    @property
    def base(self) -> str:
        """Path of the folder, relative to the page."""
        return f"{_PREFIX.strip('/')}/{self.version}/"

    def paths(self) -> list[str]:
        """Every file served, but plotly.js."""
        return sorted(self._files)

    def get(self, path: str) -> Asset | None:
        """The file at a path below `base`."""
        if path == "plotly.js":
            return self._plotly
        return self._files.get(path) or self._late_file(path)

    def _late_file(self, path: str) -> Asset | None:
        if path not in self._late and self._make and (text := self._make(path)) is not None:
            self._late[path] = _asset(path, text)
        return self._late.get(path)

    @cached_property
    def _plotly(self) -> Asset:
        return _asset("plotly.js", plotly_js())


def static_texts() -> dict[str, str]:
    """The page's own files by path below web/static: modules, style sheets, icons."""
    return dict(_walk(files("credit_viz.web").joinpath("static"), ""))


def style_sheets(paths: Iterable[str]) -> list[str]:
    """Those of the paths that are style sheets of the race, in the order in which a page takes them.

    The phone's rules come last and win. The lab fetches its own sheets when it is first shown.
    """
    own = (path for path in paths if path.endswith(".css") and not path.startswith("lab"))
    return sorted(own, key=lambda path: (path == "small.css", path))


def imported_by(module: str, texts: Mapping[str, str]) -> list[str]:
    """A module and all that it imports at once, however far; what is only imported later, such as the lab, is not.

    Args:
        texts: of the modules, by path.
    """
    found, waiting = {module}, [module]
    while waiting:
        new = set(_IMPORT.findall(texts[waiting.pop()])) - found
        found |= new
        waiting += new
    return sorted(found)


class AssetsMiddleware:
    """Answers requests below /credit-viz/, passes on the rest."""

    def __init__(self, app: ASGIApp, assets: Assets) -> None:
        self.app = app
        self.assets = assets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or _PREFIX not in scope["path"]:
            await self.app(scope, receive, send)
            return
        version, _, path = scope["path"].split(_PREFIX, 1)[1].partition("/")
        asset = self.assets.get(path) if version == self.assets.version else None
        if asset is None:
            await _respond(send, 404, [(b"content-type", b"text/plain")], b"not found")
            return
        headers = [
            (b"content-type", f"{asset.content_type}; charset=utf-8".encode()),
            (b"content-encoding", b"gzip"),
            (b"content-length", str(len(asset.body)).encode()),
            (b"cache-control", b"public, max-age=31536000, immutable"),
        ]
        await _respond(send, 200, headers, b"" if scope["method"] == "HEAD" else asset.body)


class SecurityHeaders:
    """Adds what Gradio leaves out. Its own scripts need 'unsafe-inline' and 'unsafe-eval'."""

    HEADERS: Mapping[bytes, bytes] = {
        b"content-security-policy": (
            b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
            b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
            b"object-src 'none'; base-uri 'self'; form-action 'self'; "
            b"frame-ancestors 'self' https://huggingface.co https://*.hf.space"
        ),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"strict-origin-when-cross-origin",
    }

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = [(name, value) for name, value in self.HEADERS.items() if name not in present]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _asset(path: str, text: str) -> Asset:
    suffix = "." + path.rsplit(".", 1)[-1]
    return Asset(gzip.compress(text.encode(), 6, mtime=0), _TYPES[suffix])


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.is_dir():
            found += _walk(entry, path + "/")
        elif entry.name != "package.json" and "." + entry.name.rsplit(".", 1)[-1] in _TYPES:
            found.append((path, entry.read_text(encoding="utf-8")))
    return found
