"""`credit-viz serve`: the page, on this machine."""

from __future__ import annotations

import click

from credit_viz.cli.options import ModelChoice, model_options

__all__ = ["command"]


@click.command("serve", short_help="Serve the page (what happens without a command).")
@model_options
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, help="Port to listen on.")
def command(source: str | None, revision: str | None, device: str, dtype: str, host: str, port: int) -> None:
    """Serve the page on which prompts are decoded live."""
    from credit_viz.backend.local import LocalBackend  # imports torch
    from credit_viz.cli.progress import waiting_for
    from credit_viz.web import serve

    model = ModelChoice(source, revision, device, dtype)
    with waiting_for(f"loading {model.name}"):
        backend = LocalBackend(model.load())
    serve(backend, host=host, port=port)
