"""The page's files and the headers, asked for over ASGI without a server."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from credit_viz.web.assets import Assets, AssetsMiddleware, SecurityHeaders

STATIC = Path(__file__).parents[2] / "credit_viz" / "web" / "static"


def ask(app: Any, path: str, method: str = "GET", kind: str = "http") -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": kind, "method": method, "path": path, "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0].get("headers", [])}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets({"model": "fake", "hostile": "</script>"})


def test_every_module_is_served_compressed_and_for_good(assets: Assets) -> None:
    app = AssetsMiddleware(PlainTextResponse("gradio"), assets)
    status, headers, body = ask(app, f"/{assets.base}main.js")
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert "immutable" in headers["cache-control"]
    assert gzip.decompress(body).decode() == (STATIC / "main.js").read_text("utf-8")
    assert int(headers["content-length"]) == len(body)
    assert set(assets.paths()) == {p.name for p in STATIC.iterdir() if p.name != "package.json"} | {"boot.json"}


def test_boot_and_plotly_are_served(assets: Assets) -> None:
    app = AssetsMiddleware(PlainTextResponse("gradio"), assets)
    assert json.loads(gzip.decompress(ask(app, f"/{assets.base}boot.json")[2])) == {
        "model": "fake",
        "hostile": "</script>",
    }
    assert b"plotly.js v" in gzip.decompress(ask(app, f"/{assets.base}plotly.js")[2])[:2000]
    assert ask(app, f"/{assets.base}main.js", "HEAD")[2] == b""


@pytest.mark.parametrize("path", ["nothing.js", "../page.py", "package.json", ""])
def test_nothing_else_is_served(assets: Assets, path: str) -> None:
    assert ask(AssetsMiddleware(PlainTextResponse("gradio"), assets), f"/{assets.base}{path}")[0] == 404


def test_an_old_version_is_gone_and_the_rest_is_gradio(assets: Assets) -> None:
    app = AssetsMiddleware(PlainTextResponse("gradio"), assets)
    assert ask(app, "/credit-viz/000000000000/main.js")[0] == 404
    assert ask(app, "/config")[2] == b"gradio"


def test_a_change_of_any_file_changes_the_address() -> None:
    assert Assets({"model": "a"}).base != Assets({"model": "b"}).base


def test_headers_are_added_once() -> None:
    app = SecurityHeaders(PlainTextResponse("x", headers={"referrer-policy": "no-referrer"}))
    _, headers, _ = ask(app, "/")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy
    assert "default-src 'self'" in policy
    assert "http://" not in policy


def test_other_protocols_pass_untouched(assets: Assets) -> None:
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        await send({"status": 0})
        await send({})

    ask(SecurityHeaders(AssetsMiddleware(app, assets)), "/", kind="lifespan")
    assert seen == ["lifespan"]


@pytest.mark.parametrize("module", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_modules_are_small_say_what_they_are_and_never_build_markup(module: Path) -> None:
    text = module.read_text("utf-8")
    assert text.startswith("/**"), "a module opens by saying what it is"
    assert len(text.splitlines()) <= 400
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"https?://", text), "nothing is fetched from outside"


@pytest.mark.parametrize("sheet", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_style_sheets_are_small_and_fetch_nothing(sheet: Path) -> None:
    text = sheet.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    assert "@import" not in text
    assert "url(" not in text
