"""`credit-viz whatif`: what a saved run would have done with other knobs or another decoder. Loads no model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from credit_viz.cli.options import json_option
from credit_viz.cli.words import plain_console, visible
from credit_viz.errors import SettingsError
from credit_viz.text import rounded

if TYPE_CHECKING:
    from rich.text import Text

    from credit_viz.trace.record import Trace
    from credit_viz.whatif import Prediction

__all__ = ["command"]

_ROWS = 16  #: tokens in the table


@click.command("whatif", short_help="Replay a saved trace with other knobs or another decoder, without a model.")
@click.argument("file", type=click.Path(path_type=Path), metavar="RUN.safetensors")
@click.option("--decoder", metavar="NAME", show_default="the recorded one", help="See credit-viz decoders.")
@click.option("--preset", help="Named settings of the decoder, instead of the recorded ones or its defaults.")
@click.option("--set", "settings", multiple=True, metavar="KNOB=VALUE", help="A knob of the decoder; can be repeated.")
@click.option("--block-length", type=int, show_default="as recorded", help="Positions written together.")
@click.option("--early-stop/--no-early-stop", default=None, show_default="as recorded", help="End at the end of text.")
@json_option("words")
def command(
    file: Path,
    decoder: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    block_length: int | None,
    early_stop: bool | None,
    as_json: bool,
) -> None:
    """Say what a saved run would have written with other settings, up to the first step that differs.

    It is exact: the record holds the guesses of every state that the other run shares with this one. From the step
    that differs on, only a new run can tell.

    \b
    credit-viz whatif run-credit.safetensors --set threshold=0.8
    credit-viz whatif run-credit.safetensors --decoder threshold --set threshold=0.85
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.cli.lanes import parse_lanes
    from credit_viz.cli.report import print_json
    from credit_viz.trace.files import load_trace
    from credit_viz.whatif import what_if
    from credit_viz.whatif.plain import prediction_json

    trace = load_trace(file)
    own = trace.info.decoder
    for word in settings:
        if "=" not in word or word.startswith("="):
            raise SettingsError(f"--set {word!r} is not a setting; valid: KNOB=VALUE")
    (lane,) = parse_lanes([decoder or own], [], settings)
    predicted = what_if(trace, decoder, lane.settings, preset, block_length=block_length, early_stop=early_stop)
    if as_json:
        print_json([prediction_json(trace, predicted)])
    else:
        _print(trace, predicted)


def _print(trace: Trace, predicted: Prediction) -> None:
    """One screen: what was asked, the answer in a sentence, and the tokens that differ."""
    from rich.table import Table
    from rich.text import Text

    from credit_viz.decoding import DECODERS
    from credit_viz.whatif import changes, needs_rerun_from, sentence

    console = plain_console()
    console.print(Text(f"{DECODERS[predicted.decoder].title}: {visible(_asked(trace, predicted))}", style="bold"))
    console.print(Text(visible(sentence(trace, predicted))), soft_wrap=True)
    differing = changes(trace, predicted)
    if differing:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("position", justify="right")
        for name in ("recorded", "would be", "p after credit", "bar"):
            table.add_column(name, justify="right" if name in ("p after credit", "bar") else "left")
        numbers = {write.position: (write.fused, write.bar) for write in predicted.steps[-1].writes}
        for position, old, new in differing[:_ROWS]:
            shown = (_number(number) for number in numbers.get(position, (math.nan, math.nan)))
            table.add_row(str(position), _token(trace, old), _token(trace, new), *shown)
        console.print(table)
        if len(differing) > _ROWS:
            console.print(Text(f"and {len(differing) - _ROWS} more; --json lists all", style="dim"))
    if (step := needs_rerun_from(predicted)) is not None and step <= trace.forward_passes:
        console.print(Text(f"From step {step} on only a new run can tell.", style="dim"))


def _asked(trace: Trace, predicted: Prediction) -> str:
    """Knobs that are not as recorded, or all of them for another decoder."""
    info = trace.info
    recorded = info.settings if predicted.decoder == info.decoder else {}
    asked = {name: value for name, value in predicted.settings.items() if recorded.get(name, ...) != value}
    asked |= {name: value for name, value in predicted.options.items() if value != getattr(info, name)}
    words = (f"{name} {'unset' if value is None else value}" for name, value in asked.items())
    return ", ".join(words) or "as recorded"


def _token(trace: Trace, token: int | None) -> Text:
    from rich.text import Text

    if token is None:
        return Text("–")
    return Text(f'"{visible(trace.info.token_text.get(token, f"[{token}]"))}"')


def _number(value: float) -> str:
    return "–" if math.isnan(value) else rounded(value, 3)
