"""What Gradio draws of the page: the prompt and its buttons, and what happens when one is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gradio as gr

from credit_viz.web.live import Live
from credit_viz.web.runs import RunStore

__all__ = ["Controls", "connect", "draw_controls"]

_TAKE_CHOICE = "(prompt, choice) => [prompt, window.creditViz ? window.creditViz.choice() : choice]"
_TAKE_CHOICE_AGAIN = _TAKE_CHOICE.replace("choice()", "choice(true)")
_SETTLED = "() => { window.creditViz && window.creditViz.settled(); }"
_SETTLED_AGAIN = _SETTLED.replace("settled()", "settled(true)")
_TAKE_TICKET = "(choice) => [window.creditViz ? window.creditViz.cancel() : choice]"


class Controls(NamedTuple):
    """The modules fill in and press what is hidden."""

    prompt: gr.Textbox
    run: gr.Button
    cancel: gr.Button
    choice: gr.Textbox
    again: gr.Button


def draw_controls(prompt: str, visible: bool) -> Controls:
    """Prompt and buttons; hidden on a page that starts no runs."""
    with gr.Row(elem_id="ask", visible=visible):
        asked = gr.Textbox(
            prompt, label="Prompt", placeholder="Write a prompt", lines=1, max_lines=5, elem_id="prompt", scale=1
        )
        run = gr.Button("Run", variant="primary", elem_id="run", scale=0)
        cancel = gr.Button("Cancel", elem_id="cancel", scale=0)
    choice = gr.Textbox("", visible="hidden", elem_id="choice")
    again = gr.Button("Run again", visible="hidden", elem_id="again")
    return Controls(asked, run, cancel, choice, again)


def connect(
    page: gr.Blocks, controls: Controls, view: gr.HTML, live: Live, store: RunStore, *, quick: bool, concurrency: int
) -> None:
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
    controls.cancel.click(
        store.cancel,
        inputs=controls.choice,
        js=_TAKE_TICKET,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    page.unload(_unload_handler(store))


def _run_handler(live: Live, **how: bool) -> Callable[..., Iterator[str]]:
    def run(prompt: str, choice: str, request: gr.Request) -> Iterator[str]:
        """Decode a prompt by the chosen decoders; yields packets (see credit_viz/trace/codec.py)."""
        yield from live.packets(prompt, choice, request.session_hash or "", **how)

    return run


def _unload_handler(store: RunStore) -> Callable[[gr.Request], None]:
    def unload(request: gr.Request) -> None:
        store.free(request.session_hash or "")

    return unload
