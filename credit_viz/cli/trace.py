"""`credit-viz trace`: decode one prompt by one or more decoders on one clock, and keep what happened."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from credit_viz.backend.base import RunRequest
from credit_viz.cli.history import read_history
from credit_viz.cli.lanes import LaneSpec, parse_lanes, with_label
from credit_viz.cli.options import ModelChoice, RunChoice, json_option, model_options, run_options
from credit_viz.cli.words import say
from credit_viz.errors import TraceError

if TYPE_CHECKING:
    from credit_viz.decoding.options import RunOptions
    from credit_viz.run import Race

__all__ = ["command"]


class _Asked(NamedTuple):
    """What `Race.start` takes of the prompt."""

    prompt: str
    raw: bool
    history: tuple[tuple[str, str], ...]
    infill: bool


class _TraceCommand(click.Command):
    """Its help ends with every knob of every decoder, drawn from their settings."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from credit_viz.cli.describe import knob_range, preset_notes, settings_text  # imports torch
        from credit_viz.decoding import DECODERS
        from credit_viz.decoding.settings import knobs

        for decoder in DECODERS.values():
            with formatter.section(f"Decoder {decoder.name} ({decoder.title})"):
                formatter.write_text(f"{decoder.rule}. {decoder.paper}.")
                formatter.write_dl(
                    (f"--set {decoder.name}.{knob.name}", f"{knob.role} {knob.symbol}, {knob_range(knob)}. {knob.help}")
                    for knob in knobs(decoder.settings_class)
                )
                formatter.write_dl(
                    (f"--preset {shlex.quote(f'{decoder.name}={name}')}", settings_text(preset))
                    for name, preset in decoder.presets.items()
                )
                formatter.write_text(preset_notes(decoder))


@click.command("trace", cls=_TraceCommand, short_help="Decode a prompt and keep everything that happened.")
@click.argument("prompt")
@click.option(
    "--decoder",
    "decoders",
    multiple=True,
    default=("vanilla", "credit"),
    metavar="[NAME=]DECODER",
    help="A decoder to run; repeat to compare. NAME= gives the run its own name, to run a decoder twice.",
)
@click.option("--preset", "presets", multiple=True, metavar="NAME=PRESET", help="Start from named settings.")
@click.option("--set", "settings", multiple=True, metavar="NAME.KNOB=VALUE", help="Change one knob; see below.")
@run_options(RunRequest.gen_length, RunRequest.block_length)
@click.option("--raw", is_flag=True, help="Send the prompt as it is, without the model's chat template.")
@click.option(
    "--history",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.json",
    help='Turns before the prompt: a list of {"role": "user" or "assistant", "content": "..."}.',
)
@click.option(
    "--infill",
    is_flag=True,
    help="Fill the gaps of the prompt: [MASK] is one position, [MASK:5] are five. The text is sent as it is, and "
    "both lengths follow from it.",
)
@click.option(
    "--intervene",
    "changes",
    multiple=True,
    metavar="[NAME.]STEP:POSITION=TOKEN",
    help="Write a token by hand right after a step, and run on from there: its text, with its space; #1234 is an id, "
    "and [MASK] takes back what stands there.",
)
@click.option("--record", default="all", help="Guesses to keep: all, those of the active block, or none.")
@click.option("--top-k", type=int, default=RunRequest.top_k, help="Guesses to keep per position and step.")
@model_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the trace; with several runs one FILE-NAME each. Also after Ctrl-C: what was done so far.",
)
@json_option()
def command(
    prompt: str,
    decoders: tuple[str, ...],
    presets: tuple[str, ...],
    settings: tuple[str, ...],
    raw: bool,
    history: Path | None,
    infill: bool,
    changes: tuple[str, ...],
    record: str,
    top_k: int,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Decode PROMPT by one or more decoders on one clock; "-" reads it from standard input.

    \b
    credit-viz trace "What is 12 + 30?" --decoder vanilla --decoder credit --out run.safetensors
    credit-viz trace "What is 12 + 30?" --decoder credit --set credit.alpha=0.5 --json
    credit-viz trace - --decoder credit --decoder control=credit --preset "control=no history" < prompt.txt
    credit-viz trace "The capital of [MASK:2] is Paris." --infill --decoder credit
    credit-viz trace "Tell a story." --decoder credit --decoder other=credit --intervene "other.5:12= she"
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    lanes = parse_lanes(decoders, presets, settings, changes)
    _check_writable(out)
    options = RunChoice.of(given).options(record=record, top_k=top_k)
    asked = _Asked(_prompt(prompt), raw, read_history(history), infill)
    race = _start(ModelChoice(**given), lanes, options, asked)
    try:
        _run(race, lanes)
    finally:  # also after Ctrl-C or an error: what was done is kept
        saved = _save(race, lanes, out)
    _report(race, lanes, saved, as_json)


def _prompt(word: str) -> str:
    if word != "-":
        return word
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n")


def _check_writable(out: Path | None) -> None:
    """Fail before the work rather than after it."""
    if out is not None and not out.name:
        raise TraceError(f"cannot write to {str(out)!r}; valid: the name of a file")
    if out is not None and not out.absolute().parent.is_dir():
        raise TraceError(f"cannot write {out}: no folder {out.absolute().parent}")


def _start(model: ModelChoice, lanes: list[LaneSpec], options: RunOptions, asked: _Asked) -> Race:
    from credit_viz.run import Race

    decoders = [lane.make() for lane in lanes]
    loaded = model.load()
    # on a GPU lanes share each forward pass, which costs little more than one lane there
    batched = loaded.device.type == "cuda"
    interventions = [[change.intervention(loaded) for change in lane.changes] for lane in lanes]
    return Race.start(loaded, decoders, options, batched=batched, interventions=interventions, **asked._asdict())


def _run(race: Race, lanes: list[LaneSpec]) -> None:
    from credit_viz.cli.progress import progress

    with progress([lane.label for lane in lanes], race.infos[0].gen_length) as tell:
        for lane, record in race.steps():
            tell(lane, len(record.event_positions), record.step)


def _save(race: Race, lanes: list[LaneSpec], out: Path | None) -> dict[str, str]:
    """Path of each lane's file; lanes that took no step have none."""
    saved: dict[str, str] = {}
    if out is None:
        return saved
    for lane, trace in zip(lanes, race.traces(), strict=True):
        if trace.forward_passes:
            path = with_label(out, lane.label, len(lanes) > 1)
            trace.save(path)
            saved[lane.label] = str(path)
            written = int((trace.commit_step > 0).sum())
            state = "" if trace.complete else f" (unfinished: {written} of {trace.gen_length} tokens)"
            say(f"saved {path}{state}")
    return saved


def _report(race: Race, lanes: list[LaneSpec], saved: dict[str, str], as_json: bool) -> None:
    from credit_viz.cli.report import print_json, print_runs, run_json

    runs = {lane.label: trace for lane, trace in zip(lanes, race.traces(), strict=True)}
    if as_json:
        print_json([run_json(label, trace) | {"file": saved.get(label)} for label, trace in runs.items()])
    else:
        print_runs(runs)
