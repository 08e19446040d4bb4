"""`credit-viz decoders`: what there is to choose from."""

from __future__ import annotations

import json

import click

__all__ = ["command"]


@click.command("decoders", short_help="List the decoders with their rules, knobs, presets and papers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(as_json: bool) -> None:
    """List the decoders with their rules, knobs, presets and papers."""
    from credit_viz.cli.describe import describe  # imports torch
    from credit_viz.decoding import DECODERS

    if as_json:
        click.echo(json.dumps({"decoders": [describe(decoder) for decoder in DECODERS.values()]}))
    else:
        _print_table()


def _print_table() -> None:
    from rich.console import Console
    from rich.table import Table

    from credit_viz.cli.describe import preset_notes, settings_text
    from credit_viz.decoding import DECODERS
    from credit_viz.decoding.settings import knobs

    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    for name in ("decoder", "rule", "knobs", "presets", "paper"):
        table.add_column(name, overflow="fold", min_width=16 if name == "paper" else None)
    for decoder in DECODERS.values():
        table.add_row(
            decoder.name,
            decoder.rule,
            "\n".join(f"{k.symbol} {k.name} = {k.default_text}" for k in knobs(decoder.settings_class)),
            "\n".join(f"{name}: {settings_text(preset)}" for name, preset in decoder.presets.items()),
            decoder.paper,
        )
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(table)
    for decoder in DECODERS.values():
        if notes := preset_notes(decoder):
            console.print(f"Presets of {decoder.name}: {notes}")
