"""The page: Gradio keeps the prompt, the buttons, the queue and the API; trace_view draws everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import gradio as gr
from starlette.middleware import Middleware

from credit_viz.backend.base import Backend
from credit_viz.backend.reuse import Reuse
from credit_viz.decoding import DECODERS
from credit_viz.decoding.base import Decoder
from credit_viz.gallery import Exhibit
from credit_viz.web.assets import Assets, AssetsMiddleware, SecurityHeaders
from credit_viz.web.catalogue import Example, boot
from credit_viz.web.downloads import Downloads
from credit_viz.web.head import PageHead, page_head
from credit_viz.web.headline import headline
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
_TAKE_CHOICE = "(prompt, choice) => [prompt, window.creditViz ? window.creditViz.choice() : choice]"
_TAKE_CHOICE_AGAIN = _TAKE_CHOICE.replace("choice()", "choice(true)")
_SETTLED = "() => { window.creditViz && window.creditViz.settled(); }"
_SETTLED_AGAIN = _SETTLED.replace("settled()", "settled(true)")
_TAKE_TICKET = "(choice) => [window.creditViz ? window.creditViz.cancel() : choice]"


class Page(gr.Blocks):
    """A gr.Blocks that knows how it wants to be launched."""

    assets: Assets
    store: RunStore

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

    def middleware(self) -> list[Middleware]:
        """Headers on everything; runs to take away, traces to open and the page's files before Gradio's."""
        return [
            Middleware(SecurityHeaders),
            Middleware(Downloads, store=self.store),
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
        opened: a saved run to show; with it the page only looks at saved runs and starts none.
        laboratory: sweeps to look at, and to start; closed with the page.
    """
    shelf = Shelf(gallery)
    store = RunStore(lasting=shelf.get)
    if opened is not None:
        store.pin(opened)
    shown = gallery[0] if welcome and gallery else None
    first = shown.prompt if shown else examples[0].prompt if examples else ""
    defaults = choice or default_choice(settings)
    reuse = Reuse(on_gpu(backend.stream))
    live = Live(reuse.afresh, store, again=reuse.stream, welcome=None if shown else defaults.request(first))
    told = boot(
        backend.model_name,
        decoders,
        examples,
        defaults,
        backend.abilities if opened is None else None,
        models,
        settings,
        quick=backend.quick,
        gallery=shelf.boot(),
        welcome=shown.name if shown else "",
        can={"run": opened is None, "ask": True, "lab": laboratory is not None},
    )
    page = Page(title=TITLE, analytics_enabled=False)
    page.assets = Assets(told, late=shelf.file)
    page.store = store
    with page:
        gr.HTML(headline(lab=told["can"].get("lab", False)), apply_default_css=False)
        controls = _controls(first, visible=opened is None)
        view = trace_view(page.assets.base, Questions(store, backend.pieces, laboratory).functions())
        _decode_on_request(controls, view, live, quick=backend.quick, concurrency=concurrency)
        controls.cancel.click(
            store.cancel,
            inputs=controls.choice,
            js=_TAKE_TICKET,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        page.unload(_unload_handler(store))
    page.queue(max_size=64)
    return page


def launch(app: gr.Blocks, host: str = "127.0.0.1", port: int | None = None, *, block: bool = True) -> str:
    """Serve the page; returns its address at once when `block` is false."""
    _, address, _ = app.launch(server_name=host, server_port=port, prevent_thread_lock=not block, quiet=not block)
    return str(address)


class _Controls(NamedTuple):
    """What Gradio draws of the form; the modules fill in and press what is hidden."""

    prompt: gr.Textbox
    run: gr.Button
    cancel: gr.Button
    choice: gr.Textbox
    again: gr.Button


def _controls(prompt: str, visible: bool) -> _Controls:
    with gr.Row(elem_id="ask", visible=visible):
        asked = gr.Textbox(
            prompt, label="Prompt", placeholder="Write a prompt", lines=1, max_lines=5, elem_id="prompt", scale=1
        )
        run = gr.Button("Run", variant="primary", elem_id="run", scale=0)
        cancel = gr.Button("Cancel", elem_id="cancel", scale=0)
    choice = gr.Textbox("", visible="hidden", elem_id="choice")
    again = gr.Button("Run again", visible="hidden", elem_id="again")
    return _Controls(asked, run, cancel, choice, again)


def _decode_on_request(controls: _Controls, view: gr.HTML, live: Live, *, quick: bool, concurrency: int) -> None:
    """Run decodes every lane; running again shows what it already has, and on a quick model all of it at once."""
    shared: dict[str, Any] = {
        "inputs": [controls.prompt, controls.choice],
        "outputs": view,
        "show_progress": "hidden",
        "concurrency_limit": concurrency,
    }
    run = gr.on(
        [controls.run.click, controls.prompt.submit], _run_handler(live), js=_TAKE_CHOICE, api_name="run", **shared
    )
    run.then(None, js=_SETTLED)
    again = controls.again.click(
        _run_handler(live, again=True, whole=quick), js=_TAKE_CHOICE_AGAIN, api_visibility="private", **shared
    )
    again.then(None, js=_SETTLED_AGAIN)


def _run_handler(live: Live, **how: bool) -> Callable[..., Iterator[str]]:
    def run(prompt: str, choice: str, request: gr.Request) -> Iterator[str]:
        """Decode a prompt by the chosen decoders; yields packets (see credit_viz/trace/codec.py)."""
        yield from live.packets(prompt, choice, request.session_hash or "", **how)

    return run


def _unload_handler(store: RunStore) -> Callable[[gr.Request], None]:
    def unload(request: gr.Request) -> None:
        store.free(request.session_hash or "")

    return unload
