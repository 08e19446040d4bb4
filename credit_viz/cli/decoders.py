"""`credit-viz decoders`: what there is to choose from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from credit_viz.cli.options import json_option
from credit_viz.cli.words import plain_console
from credit_viz.errors import SettingsError, one_of

if TYPE_CHECKING:
    from credit_viz.decoding.base import Decoder

__all__ = ["command"]


@click.command("decoders", short_help="List the decoders with their rules, knobs and papers; or one with its presets.")
@click.argument("names", nargs=-1, metavar="[DECODER ...]")
@json_option()
def command(names: tuple[str, ...], as_json: bool) -> None:
    """List the decoders with their rules, knobs and papers; of those that are named, also ranges and presets.

    \b
    credit-viz decoders
    credit-viz decoders credit threshold
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.cli.describe import describe  # imports torch
    from credit_viz.decoding import DECODERS

    for name in names:
        if name not in DECODERS:
            raise SettingsError(one_of("decoder", name, DECODERS))
    chosen = [DECODERS[name] for name in names] or list(DECODERS.values())
    if as_json:
        click.echo(json.dumps({"decoders": [describe(decoder) for decoder in chosen]}))
    elif names:
        _print_details(chosen)
    else:
        _print_overview(chosen)


def _print_overview(chosen: Iterable[type[Decoder]]) -> None:
    """Per decoder its rule, knobs and paper, under the name of its group."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from credit_viz.decoding.settings import knobs

    groups: dict[str, list[type[Decoder]]] = {}
    for decoder in chosen:
        groups.setdefault(decoder.group, []).append(decoder)
    width = max(len(decoder.name) for members in groups.values() for decoder in members)
    console = plain_console()
    for group, members in groups.items():
        table = Table(
            box=None, padding=(0, 2, 1, 0), title=group, title_justify="left", title_style="bold", show_header=False
        )
        table.add_column(min_width=width, no_wrap=True)
        table.add_column()
        for decoder in members:
            described = " · ".join(f"{k.symbol} {k.name}={k.default_text}" for k in knobs(decoder.settings_class))
            table.add_row(
                decoder.name,
                Group(decoder.rule, Text(described, style="cyan"), Text(decoder.paper, style="dim")),
            )
        console.print(table)
    console.print("Ranges and presets of one: credit-viz decoders NAME")


def _print_details(chosen: Iterable[type[Decoder]]) -> None:
    """Per decoder all there is to know before running it."""
    from rich.table import Table
    from rich.text import Text

    from credit_viz.cli.describe import knob_range, preset_notes, settings_text
    from credit_viz.decoding.settings import knobs

    console = plain_console()
    for decoder in chosen:
        console.print(Text(f"{decoder.name} ({decoder.title})", style="bold"))
        console.print(f"{decoder.rule}. {decoder.paper}.")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("knob", "valid", "meaning"):
            table.add_column(column, overflow="fold")
        for knob in knobs(decoder.settings_class):
            table.add_row(f"{knob.symbol} {knob.name}", knob_range(knob), f"{knob.role}. {knob.help}")
        console.print(table)
        for name, preset in decoder.presets.items():
            console.print(f"preset {name}: {settings_text(preset)}")
        if notes := preset_notes(decoder):
            console.print(Text(notes, style="dim"))
        console.print()
