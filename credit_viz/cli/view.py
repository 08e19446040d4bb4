"""`credit-viz view`: saved traces and sweeps on the page, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from credit_viz.cli.serve import serve_page
from credit_viz.cli.words import say_to_person

if TYPE_CHECKING:
    from credit_viz.web.page import Page

__all__ = ["command", "page_of"]


@click.command("view", short_help="Look at saved traces and sweeps on the page, without a model.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN.safetensors|SWEEP ...")
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.", show_default="first free from 7860")
def command(files: tuple[Path, ...], host: str, port: int | None) -> None:
    """Serve the page with saved traces on it, side by side, and sweeps in its Lab. Loads no model and starts no runs.

    A sweep is the folder that credit-viz sweep --out made; a folder of such folders shows all of them.

    \b
    credit-viz view run-vanilla.safetensors run-credit.safetensors
    credit-viz view first-sweep
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    page, words = page_of(files)
    say_to_person(f"{words}, no model")
    serve_page(page, host, port)


def page_of(files: Sequence[Path]) -> tuple[Page, str]:
    """The page that shows them, and how many there are.

    Raises:
        BackendError, SettingsError, PromptError, TraceError: one of them is damaged, or holds neither run nor sweep.
    """
    from credit_viz.trace.files import load_trace

    folders = [file for file in files if file.is_dir()]
    named = [(file.name, load_trace(file)) for file in files if file not in folders]
    from credit_viz.backend.none import NoModel  # what follows imports gradio
    from credit_viz.figures.labels import counted
    from credit_viz.web import build_app
    from credit_viz.web.laboratory import Laboratory
    from credit_viz.web.opening import as_run
    from credit_viz.web.sweepshelf import shown_sweeps

    shown = shown_sweeps(folders)
    laboratory = Laboratory(shown=shown) if shown else None
    page = build_app(NoModel(), opened=as_run(named) if named else None, laboratory=laboratory)
    counts = [counted(len(named), "saved run")] * bool(named) + [counted(len(shown), "sweep")] * bool(shown)
    return page, " and ".join(counts)
