"""The page: Gradio keeps the prompt, the buttons, the queue and the API; trace_view draws everything else."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from credit_viz.backend.base import Backend
from credit_viz.backend.reuse import Reuse
from credit_viz.decoding import DECODERS
from credit_viz.decoding.base import Decoder
from credit_viz.gallery import Exhibit
from credit_viz.web.assets import Assets, AssetsMiddleware, SecurityHeaders
from credit_viz.web.catalogue import Example, boot
from credit_viz.web.controls import connect, draw_controls
from credit_viz.web.downloads import Downloads
from credit_viz.web.head import PageHead, page_head
from credit_viz.web.headline import headline
from credit_viz.web.labdownloads import SweepDownloads
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.live import Live
from credit_viz.web.opening import Uploads
from credit_viz.web.questions import Questions
from credit_viz.web.request import Choice, default_choice
from credit_viz.web.runs import KeptRun, RunStore
from credit_viz.web.shelf import Shelf
from credit_viz.web.theme import page_theme
from credit_viz.web.view import trace_view
from credit_viz.web.zero_gpu import on_gpu

__all__ = ["Page", "build_app", "launch"]

TITLE = "Credit Viz"


class Page(gr.Blocks):
    """A gr.Blocks that knows how it wants to be launched, and ends what it started.

    Args:
        assets, store, laboratory: what it serves besides itself.
    """

    def __init__(self, assets: Assets, store: RunStore, laboratory: Laboratory | None = None) -> None:
        super().__init__(title=TITLE, analytics_enabled=False)
        self.assets = assets
        self.store = store
        self.laboratory = laboratory

    def launch(self, **options: Any) -> Any:  # type: ignore[override]
        """`gr.Blocks.launch` with this page's theme, files and headers; `options` win."""
        defaults: dict[str, Any] = {
            "theme": page_theme(),
            "favicon_path": str(files("credit_viz.web") / "static" / "favicon.svg"),
            "footer_links": [],
            "enable_monitoring": False,
            "run_history": False,
            "ssr_mode": False,
            "pwa": False,
            "app_kwargs": {"middleware": self.middleware()},
        }
        return super().launch(**(defaults | options))

    def block_thread(self) -> None:
        """Until somebody interrupts it. Gradio's own waits seconds for the pages that are open; `close` tells them."""
        with suppress(KeyboardInterrupt):
            while self.is_running:
                time.sleep(0.1)
        self.close(verbose=False)

    def close(self, verbose: bool = True) -> None:
        """The end of what runs, then `gr.Blocks.close`."""
        if self.laboratory is not None:
            self.laboratory.close()
        super().close(verbose)

    def middleware(self) -> list[Middleware]:
        """Headers on everything; runs and sweeps to take away, traces to open and the page's files before Gradio's."""
        sweeps = [Middleware(SweepDownloads, laboratory=self.laboratory)] if self.laboratory else []
        return [
            Middleware(SecurityHeaders),
            Middleware(Downloads, store=self.store),
            *sweeps,
            Middleware(Uploads, store=self.store),
            Middleware(AssetsMiddleware, assets=self.assets),
            Middleware(PageHead, head=page_head(self.assets)),
        ]


def build_app(
    backend: Backend,
    *,
    examples: Sequence[Example] = (),
    settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    decoders: Mapping[str, type[Decoder]] = DECODERS,
    models: Mapping[str, Any] | None = None,
    choice: Choice | None = None,
    gallery: Sequence[Exhibit] = (),
    welcome: bool = False,
    concurrency: int = 2,
    opened: KeptRun | None = None,
    laboratory: Laboratory | None = None,
) -> Page:
    """The whole page for one backend.

    Args:
        backend: runs what the page asks for.
        examples: prompts offered as chips; without `welcome` the first one is decoded on the first visit.
        settings: knobs by decoder that suit the backend's model, instead of the decoders' own defaults.
        decoders: what lanes can be chosen from.
        models: what the model menu lists, see `credit_viz.backend.menu`.
        choice: what runs when nobody chose, instead of vanilla beside credit with `settings`.
        gallery: runs recorded earlier, which open without a model.
        welcome: the first of them is what a first visit shows.
        concurrency: runs at a time; further ones wait in the queue.
        opened: a saved run that a first visit shows.
        laboratory: sweeps to look at, and to start; closed with the page.
    """
    shelf = Shelf(gallery)
    store = RunStore(lasting=shelf.get, pinned=opened)
    shown = gallery[0] if welcome and gallery else None
    first = shown.prompt if shown else examples[0].prompt if examples else ""
    defaults = choice or default_choice(settings)
    runs = backend.abilities is not None
    can = {"run": runs, "race": runs or opened is not None, "ask": True, "lab": laboratory is not None}
    told = boot(
        backend.model_name,
        decoders,
        examples,
        defaults,
        backend.abilities,
        models,
        settings,
        quick=backend.quick,
        gallery=shelf.boot(),
        welcome=shown.name if shown else "",
        can=can,
    )
    reuse = Reuse(on_gpu(backend.stream))
    live = Live(reuse.afresh, store, again=reuse.stream, welcome=None if shown else defaults.request(first))
    page = Page(Assets(told, late=shelf.file), store, laboratory)
    with page:
        gr.HTML(headline(can["lab"], can["race"]), apply_default_css=False)
        controls = draw_controls(first, visible=runs)
        view = trace_view(page.assets.base, Questions(store, backend.pieces, laboratory).functions())
        connect(page, controls, view, live, store, quick=backend.quick, concurrency=concurrency)
    page.queue(max_size=64)
    return page


def launch(app: gr.Blocks, host: str = "127.0.0.1", port: int | None = None, *, block: bool = True) -> str:
    """Serve the page; returns its address at once when `block` is false."""
    _, address, _ = app.launch(server_name=host, server_port=port, prevent_thread_lock=not block, quiet=not block)
    return str(address)
