"""`credit-viz models`: published checkpoints that can be served, what they need, and what fits this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from credit_viz.cli.options import json_option
from credit_viz.cli.words import plain_console

if TYPE_CHECKING:
    from credit_viz.models.known import KnownModel
    from credit_viz.models.memory import Size, Way

__all__ = ["command"]


class _Here(NamedTuple):
    """Where a model would run, and in which numbers."""

    device: str
    dtype: str
    free: int | None


@click.command("models", short_help="List known models: memory, settings, licence, and what fits here.")
@click.option("--device", default="auto", help="What a model shall fit on: cpu, cuda, cuda:1, mps, or auto.")
@json_option()
def command(device: str, as_json: bool) -> None:
    """List known models: memory, settings, licence, and what fits this machine.

    Any other checkpoint of these families can be served too: --model takes every folder and hub id.
    """
    from credit_viz.models.devices import dtype_name, pick_device, pick_dtype  # imports torch
    from credit_viz.models.known import KNOWN_MODELS, ways_here
    from credit_viz.models.memory import free_memory

    where = pick_device(device)
    dtype = dtype_name(pick_dtype("auto", where))
    here = _Here(str(where), dtype, free_memory(where))
    fits = [(model, ways_here(model, where, dtype)) for model in KNOWN_MODELS]
    if as_json:
        click.echo(json.dumps({**here._asdict(), "models": [_described(model, ways) for model, ways in fits]}))
    else:
        _print_table(here, fits)


def _described(model: KnownModel, ways: list[Way] | None) -> dict[str, Any]:
    """Plain JSON types; memory in bytes."""
    size = model.size
    return {
        "id": model.id,
        "family": model.family,
        "parameters": size.parameters,
        "active_parameters": model.active_parameters,
        "memory": {"bfloat16": size.weights("bfloat16")} | _quantized(size),
        "memory_is_estimate": model.estimate,
        "fits": None if ways is None else any(not way.option for way in ways),
        "fits_with": [] if ways is None else [way.option for way in ways if way.option],
        "recommended": asdict(model.recommended),
        "licence": model.licence,
        "note": model.note,
        "experimental": model.experimental,
        "command": model.command,
    }


def _quantized(size: Size) -> dict[str, int]:
    """Empty where it is not known which weights could be quantized."""
    return {mode: size.weights("bfloat16", mode) for mode in ("int8", "nf4")} if size.quantizable else {}


def _print_table(here: _Here, fits: list[tuple[KnownModel, list[Way] | None]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from credit_viz.models.memory import gigabytes

    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("model", overflow="fold")
    for name in ("parameters", "bf16", "int8", "nf4"):
        table.add_column(name, justify="right")
    table.add_column(f"fits {here.device}", overflow="fold")
    for model, ways in fits:
        about = Text(model.id, style="bold" if ways else "").append(f"\n{_about(model)}", style="dim not bold")
        table.add_row(about, _parameters(model), *_memory(model), _fit(ways))
    console = plain_console()
    console.print(table)
    free = "an unknown amount" if here.free is None else gigabytes(here.free)
    console.print(
        f"bf16, int8, nf4: GB of the weights. fits: in {here.dtype}, as models are loaded on {here.device}, or only "
        f"with that --dtype or --quantize; {free} are free, and up to 1 GB more than the weights is needed to run."
    )
    console.print("Serve one with credit-viz serve --model ID. Any other checkpoint of these families works as well.")


def _about(model: KnownModel) -> str:
    recommended = model.recommended
    preset = f" ({recommended.preset})" if recommended.preset else ""
    threshold = "" if recommended.threshold is None else f" τ {recommended.threshold:g}"
    settings = (
        f"{recommended.decoder}{preset}{threshold}, {recommended.gen_length} in blocks of {recommended.block_length}"
    )
    note = f"experimental: {model.note}" if model.experimental else model.note
    return f"{note}\nbegin with {settings}\n{model.family} family, licence: {model.licence}"


def _parameters(model: KnownModel) -> str:
    from credit_viz.models.memory import billions

    total = billions(model.size.parameters)
    dense = model.active_parameters == model.size.parameters
    return total if dense else f"{total}\n{billions(model.active_parameters)} active"


def _memory(model: KnownModel) -> list[str]:
    """bfloat16, int8 and nf4 in GB."""
    sizes = [model.size.weights("bfloat16"), *_quantized(model.size).values()]
    cells = [f"{'about ' if model.estimate else ''}{count / 1e9:.{1 if count >= 5e7 else 3}f}" for count in sizes]
    return cells + ["?"] * (3 - len(cells))


def _fit(ways: list[Way] | None) -> str:
    if ways is None:
        return "?"
    if not ways:
        return "no"
    return ways[0].option.split()[-1] if ways[0].option else "yes"
