"""The page's head is in Gradio's page as it is sent; everything else passes as it was."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from credit_viz.web.assets import Assets
from credit_viz.web.head import PageHead, page_head

PAGE = [b"<html><head><title>x</title>", b"</head><body>a </head> of text</body></html>"]


def sent(body: list[bytes], content_type: str, accepted: str = "", method: str = "GET") -> tuple[dict[str, str], bytes]:
    """What a visitor gets of an app that sends these parts."""
    messages: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", content_type.encode()), (b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for i, part in enumerate(body):
            await send({"type": "http.response.body", "body": part, "more_body": i < len(body) - 1})

    async def collect(message: Any) -> None:
        messages.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": [(b"accept-encoding", accepted.encode())]}
    asyncio.run(PageHead(app, "<style>ours</style>")(scope, None, collect))  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return headers, b"".join(message["body"] for message in messages[1:])


def test_the_head_comes_last_in_the_head_of_a_page_and_only_there() -> None:
    headers, body = sent(PAGE, "text/html; charset=utf-8")
    assert body == b"<html><head><title>x</title><style>ours</style>\n</head><body>a </head> of text</body></html>"
    assert headers["content-length"] == str(len(body))


def test_a_page_is_compressed_for_those_who_take_it() -> None:
    headers, body = sent(PAGE, "text/html", accepted="gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert b"<style>ours</style>" in gzip.decompress(body)


@pytest.mark.parametrize(("content_type", "method"), [("application/json", "GET"), ("text/html", "HEAD")])
def test_everything_else_passes_as_it_was(content_type: str, method: str) -> None:
    headers, body = sent([b"</head>", b"x"], content_type, "gzip", method)
    assert (headers["content-length"], body) == ("1", b"</head>x")


def test_the_head_has_the_race_s_styles_in_order_and_names_its_modules() -> None:
    assets = Assets({"a": 1})
    head = page_head(assets)
    phone = head.index("Smaller windows")
    assert all(head.index(start) < phone for start in ("/* What all parts share", "/* The run:"))
    early = {path for path in assets.paths() if f'"{assets.base}{path}"' in head}
    assert {"boot.json", "main.js", "maps.js", "labels.js"} <= early
    lab = {path for path in assets.paths() if path.startswith("lab") and path != "labels.js"}
    assert {"lab.js", "lab.css"} <= lab
    assert not lab & early, "the lab is fetched when it is first shown"
    assert "cv-lab-list" not in head
    assert "</style" not in head.split("<style>", 1)[1].split("</style>", 1)[0]
