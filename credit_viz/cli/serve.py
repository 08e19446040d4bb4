"""`credit-viz serve`: the page, on this machine."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from credit_viz.cli.options import ModelChoice, model_options
from credit_viz.cli.words import say_to_person
from credit_viz.errors import BackendError

if TYPE_CHECKING:
    from credit_viz.models.base import DiffusionLM
    from credit_viz.web.page import Page
    from credit_viz.web.request import Choice

__all__ = ["command", "serve_page"]


@click.command("serve", short_help="Serve the page (what happens without a command).")
@model_options
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.", show_default="first free from 7860")
@click.option("--share", is_flag=True, help="Also ask Gradio for a public link to this machine.")
@click.option(
    "--lab",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    show_default="a temporary folder",
    help="Keep sweeps of the Lab here, each in a folder of its own, and show those that are here.",
)
def command(host: str, port: int | None, share: bool, lab: Path | None, **model: Any) -> None:
    """Serve the page on which prompts are decoded live.

    \b
    credit-viz serve
    credit-viz serve --model GSAI-ML/LLaDA-8B-Instruct
    credit-viz serve --model GSAI-ML/LLaDA-8B-Instruct --quantize nf4
    credit-viz serve --lab sweeps

    \b
    Where others can reach the page (--host, --share), a visitor sees the sweeps that were there before and the
    visitor's own.
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    choice = ModelChoice(**model)
    loaded = choice.load()
    from credit_viz.backend.local import LocalBackend  # imports torch
    from credit_viz.backend.menu import model_menu
    from credit_viz.backend.sweeps import LocalSweeps
    from credit_viz.gallery import load_gallery
    from credit_viz.tiny import SETTINGS, examples
    from credit_viz.web import build_app
    from credit_viz.web.laboratory import Laboratory
    from credit_viz.web.sweepshelf import shipped_study

    backend = LocalBackend(loaded)
    say_to_person(f"{backend.model_name}: {loaded.info.dtype} on {loaded.device}")
    sweeps = LocalSweeps(loaded, choice.plan_source())
    shared: dict[str, Any] = {
        "models": model_menu(loaded),
        "gallery": load_gallery(),
        "laboratory": Laboratory(sweeps, lab, shown=shipped_study(), public=share or not _is_own(host)),
    }
    if choice.source is None:  # prompts and knobs that suit the embedded model say nothing about another
        page = build_app(backend, examples=examples(), settings=SETTINGS, welcome=True, **shared)
    else:
        page = build_app(backend, choice=_first_choice(loaded), **shared)
    serve_page(page, host, port, share=share)


def serve_page(page: Page, host: str, port: int | None, **options: Any) -> None:
    """Serve a page until it is interrupted. options: of its `launch`.

    Raises:
        BackendError: the address is taken or cannot be had.
    """
    try:
        page.launch(server_name=host, server_port=port, **options)
    except OSError as error:
        raise BackendError(
            f"cannot serve on {host}, port {port or 'any from 7860'}: {str(error).split('. ')[0]}"
        ) from error


def _is_own(host: str) -> bool:
    """Can nobody else reach this address?"""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


def _first_choice(model: DiffusionLM) -> Choice:
    """A plain decoder beside the one that is recommended for the model, in the model's own blocks if it has any."""
    from credit_viz.backend.base import LaneRequest
    from credit_viz.decoding import make_decoder
    from credit_viz.models.known import known_model
    from credit_viz.web.request import Choice

    pairs = (("vanilla", "credit"), ("uniform-entropy", "uniform-credit"))
    plain, credit = next(pair for pair in pairs if make_decoder(pair[0]).needs.served_by(model.abilities))
    known = known_model(model.info.name)
    if known is None:
        block = model.block_length or Choice.block_length
        return Choice((LaneRequest(plain), LaneRequest(credit)), gen_length=2 * block, block_length=block)
    wanted = known.recommended
    threshold = {} if wanted.threshold is None else {"threshold": wanted.threshold}
    decoder = make_decoder(wanted.decoder, threshold, wanted.preset)
    other = LaneRequest(credit) if wanted.decoder == plain else LaneRequest(wanted.decoder, decoder.settings.to_dict())
    return Choice((LaneRequest(plain), other), gen_length=wanted.gen_length, block_length=wanted.block_length)
