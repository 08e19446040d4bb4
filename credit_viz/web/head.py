"""Puts the page's own head into Gradio's page as it is sent, so that styles and modules are there from the start.

Gradio would add a head by script, once its own scripts have run: the page would be drawn first and move then. Plain
ASGI; knows no gradio.
"""

from __future__ import annotations

import gzip
import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from credit_viz.web.assets import Assets, imported_by, static_texts, style_sheets

__all__ = ["PageHead", "page_head"]


#: says at which place the page opens, before anything is drawn; fetches what it will import once something is: sooner,
#: it would hold up Gradio's own scripts.
_START = """
document.documentElement.dataset.cvAt = new URLSearchParams(location.search).get("at") === "lab" ? "lab" : "race";
new PerformanceObserver((list, watch) => {
  watch.disconnect();
  for (const href of %s) {
    const link = document.createElement("link");
    document.head.append(Object.assign(link, { rel: "modulepreload", href }));
  }
}).observe({ type: "paint", buffered: true });
"""


def page_head(assets: Assets) -> str:
    """Style sheets as they are, and what makes the page's modules and boot.json come early."""
    texts = static_texts()
    styles = "\n".join(texts[path] for path in style_sheets(texts))
    modules = json.dumps([assets.base + path for path in imported_by("main.js", texts)])
    data = f'<link rel="preload" as="fetch" crossorigin href="{assets.base}boot.json">'
    return f"<style>\n{styles}\n</style>\n{data}\n<script>{_START % modules}</script>"


class PageHead:
    """Adds a head to every HTML page of the app behind it, and compresses it."""

    def __init__(self, app: ASGIApp, head: str) -> None:
        self.app = app
        self.head = head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        started: Message | None = None
        parts: list[bytes] = []

        async def send_with_head(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and _is_page(message):
                started = message
            elif started is None:
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._send_page(send, started, b"".join(parts), Headers(scope=scope))

        await self.app(scope, receive, send_with_head)

    async def _send_page(self, send: Send, start: Message, body: bytes, asked: Headers) -> None:
        page = body.replace(b"</head>", self.head + b"\n</head>", 1)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers.add_vary_header("Accept-Encoding")
        if "gzip" in asked.get("accept-encoding", ""):
            page = gzip.compress(page, 6, mtime=0)
            headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(page))
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": page})


def _is_page(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
