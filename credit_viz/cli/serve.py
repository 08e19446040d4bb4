"""`credit-viz serve`: the page, on this machine."""

from __future__ import annotations

import click

from credit_viz.cli.options import ModelChoice, model_options
from credit_viz.errors import BackendError

__all__ = ["command"]


@click.command("serve", short_help="Serve the page (what happens without a command).")
@model_options
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.", show_default="first free from 7860")
@click.option("--share", is_flag=True, help="Also ask Gradio for a public link to this machine.")
def command(
    source: str | None, revision: str | None, device: str, dtype: str, host: str, port: int | None, share: bool
) -> None:
    """Serve the page on which prompts are decoded live."""
    from credit_viz.backend.local import LocalBackend  # imports torch
    from credit_viz.cli.progress import waiting_for
    from credit_viz.tiny import SETTINGS, examples
    from credit_viz.web import build_app

    model = ModelChoice(source, revision, device, dtype)
    with waiting_for(f"loading {model.name}"):
        backend = LocalBackend(model.load())
    # prompts and knobs that suit the embedded model say nothing about another
    page = build_app(backend, examples=examples(), settings=SETTINGS) if source is None else build_app(backend)
    try:
        page.launch(server_name=host, server_port=port, share=share)
    except OSError as error:
        raise BackendError(
            f"cannot serve on {host}, port {port or 'any from 7860'}: {str(error).split('. ')[0]}"
        ) from error
