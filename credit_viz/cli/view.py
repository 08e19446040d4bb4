"""`credit-viz view`: saved traces on the page, without a model."""

from __future__ import annotations

from pathlib import Path

import click

from credit_viz.cli.serve import serve_page
from credit_viz.cli.words import say_to_person

__all__ = ["command"]


@click.command("view", short_help="Look at saved traces on the page, without a model.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN.safetensors ...")
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.", show_default="first free from 7860")
def command(files: tuple[Path, ...], host: str, port: int | None) -> None:
    """Serve the page with saved traces on it, side by side. Loads no model and starts no runs.

    \b
    credit-viz view run-vanilla.safetensors run-credit.safetensors
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.trace.files import load_trace

    named = [(file.name, load_trace(file)) for file in files]
    from credit_viz.backend.none import NoModel  # what follows imports gradio
    from credit_viz.web import build_app
    from credit_viz.web.opening import as_run

    page = build_app(NoModel(), opened=as_run(named))
    say_to_person(f"{len(named)} saved run{'s' * (len(named) > 1)}, no model")
    serve_page(page, host, port)
