"""`credit-viz serve`: the page, on this machine."""

from __future__ import annotations

from typing import Any

import click

from credit_viz.cli.options import ModelChoice, model_options
from credit_viz.cli.words import say_to_person
from credit_viz.errors import BackendError

__all__ = ["command"]


@click.command("serve", short_help="Serve the page (what happens without a command).")
@model_options
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.", show_default="first free from 7860")
@click.option("--share", is_flag=True, help="Also ask Gradio for a public link to this machine.")
def command(host: str, port: int | None, share: bool, **model: Any) -> None:
    r"""Serve the page on which prompts are decoded live.

    \b
    credit-viz serve
    credit-viz serve --model GSAI-ML/LLaDA-8B-Instruct
    credit-viz serve --model GSAI-ML/LLaDA-8B-Instruct --quantize nf4
    """
    choice = ModelChoice(**model)
    loaded = choice.load()
    from credit_viz.backend.local import LocalBackend  # imports torch
    from credit_viz.tiny import SETTINGS, examples
    from credit_viz.web import build_app

    backend = LocalBackend(loaded)
    say_to_person(f"{backend.model_name}: {loaded.info.dtype} on {loaded.device}")
    # prompts and knobs that suit the embedded model say nothing about another
    embedded = choice.source is None
    page = build_app(backend, examples=examples(), settings=SETTINGS) if embedded else build_app(backend)
    try:
        page.launch(server_name=host, server_port=port, share=share)
    except OSError as error:
        raise BackendError(
            f"cannot serve on {host}, port {port or 'any from 7860'}: {str(error).split('. ')[0]}"
        ) from error
