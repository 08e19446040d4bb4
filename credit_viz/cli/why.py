"""`credit-viz why`: why two saved runs, or two settings of a sweep, differ. Runs nothing; two runs need no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from credit_viz.cli.lanes import labels
from credit_viz.cli.options import json_option
from credit_viz.cli.words import plain_console, visible
from credit_viz.errors import SettingsError

if TYPE_CHECKING:
    from credit_viz.lab import Contrast
    from credit_viz.lab.controls import Control
    from credit_viz.lab.paired import Measure
    from credit_viz.trace.contrast import RunContrast

__all__ = ["command"]

_MEANS = "Means per prompt; differences with 95 % bootstrap intervals over prompts. Tokens by why they were written."
_TITLES = {
    "forward_passes": "forward passes",
    "exact_match": "exact match, %",
    "token_agreement": "agreement with vanilla, %",
    "content_tokens_per_forward": "text tokens per pass",
    "mean_wait": "mean wait, steps",
    "redundant_guesses": "redundant guesses",
}
_SHARES = ("exact_match", "token_agreement")


@click.command("why", short_help="Say why two saved runs, or two settings of a sweep, differ.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN.safetensors ...|SWEEP")
@click.option(
    "--setting",
    "texts",
    multiple=True,
    metavar="ARM",
    help="A setting of the sweep, in the notation of sweep with one value per knob, or its number; give two.",
)
@click.option("--gen-length", metavar="N", help="Where the sweep has several and a setting does not name one.")
@click.option("--block-length", metavar="N", help="Likewise.")
@click.option("--cache", metavar="MODE", help="Likewise.")
@json_option("tables and a sentence")
def command(files: tuple[Path, ...], texts: tuple[str, ...], as_json: bool, **options: str | None) -> None:
    """Compare two saved runs of one prompt, or two settings of a sweep prompt by prompt.

    \b
    credit-viz why run-threshold.safetensors run-credit.safetensors
    credit-viz why sweep --setting "threshold: threshold=0.9" --setting "credit: threshold=0.9"
    credit-viz why sweep --setting "credit, block_length=32" --setting "credit, block_length=64"

    In a sweep, a setting with credit is held against the controls that the sweep has, which tell memory of earlier
    steps from a lower bar; what it lacks, credit-viz attribute runs.
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    given = {name: value for name, value in options.items() if value is not None}
    if len(files) == 1 and (texts or files[0].is_dir()):
        _settings(files[0], texts, given, as_json)
    elif len(files) == 2 and not any(file.is_dir() for file in files) and not texts and not given:
        _runs(files, as_json)
    else:
        raise SettingsError("this compares two saved runs, or two --setting of one sweep's folder; valid: one of these")


def _settings(folder: Path, texts: tuple[str, ...], options: dict[str, str], as_json: bool) -> None:
    if len(texts) != 2:
        raise SettingsError(f"{len(texts)} settings to compare; valid: --setting twice")
    from credit_viz.figures.labels import counted
    from credit_viz.lab import SweepResult, contrast
    from credit_viz.lab.contrast_plain import plain
    from credit_viz.lab.named import find_setting

    result = SweepResult.load(folder)
    found = contrast(result, *(find_setting(result.plan, text, options) for text in texts))
    if as_json:
        click.echo(json.dumps(plain(found), ensure_ascii=True, allow_nan=False))
        return
    console = plain_console()
    console.print(_contrast_table(found))
    if found.controls:
        console.print()
        console.print(_controls_table(found))
    out = f"{counted(found.left_out, 'pair')} of runs left out"
    left = f" {out}: one of the two is missing or failed." if found.left_out else ""
    same = f"The same text on {found.same_texts} of {found.prompts} prompts.{left}"
    console.print(Text(f"\n{_MEANS}\n{same}\n", style="dim"), soft_wrap=True)
    console.print(Text(visible(found.sentence)), soft_wrap=True)
    if found.command:
        console.print(Text(f"\nWhat is missing:\n{visible(found.command, keep=chr(10))}"), soft_wrap=True)


def _contrast_table(found: Contrast) -> Table:
    table = _empty(*found.names, "difference")
    for difference in found.differs:
        table.add_row(difference.knob.replace("_", " "), *map(_cell, difference.values), style="dim")
    for measure in found.measures.values():
        table.add_row(_TITLES[measure.name], *_values(measure), _difference(measure))
    for reason, (one, other) in found.reasons.items():
        table.add_row(f"  {reason}", f"{one:.1f}", f"{other:.1f}", "")
    return table


def _values(measure: Measure) -> list[str]:
    return [f"{value * (100 if measure.name in _SHARES else 1):.1f}" for value in measure.values]


def _difference(measure: Measure) -> str:
    from credit_viz.lab.numbers import told

    return told(measure.difference, 100 if measure.name in _SHARES else 1)


def _controls_table(found: Contrast) -> Table:
    table = _empty("setting", "passes", _TITLES.get(found.quality or "", "quality"), "", first="control")
    of_both = len({control.of for control in found.controls}) > 1
    for control in found.controls:
        title = f"{control.role}, {found.names[control.of]}" if of_both else control.role
        table.add_row(_cell(title), _cell(control.name or "–"), *_control(control), Text(control.why))
    return table


def _control(control: Control) -> list[str]:
    return ["–" if measure is None else _values(measure)[1] for measure in (control.passes, control.quality)]


def _runs(files: tuple[Path, ...], as_json: bool) -> None:
    from credit_viz.trace.contrast import contrast_runs
    from credit_viz.trace.files import load_trace

    first, second = map(load_trace, files)
    found = contrast_runs(first, second, labels(files))
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=True, allow_nan=False))
        return
    table = _empty(*found.names)
    for knob, values in found.differs.items():
        table.add_row(knob.replace("_", " "), *map(_cell, values), style="dim")
    for name, numbers in found.measures.items():
        table.add_row(_TITLES[name], *(f"{value:.2f}".removesuffix(".00") for value in numbers))
    for reason, counts in found.reasons.items():
        table.add_row(f"  {reason}", *map(str, counts))
    console = plain_console()
    console.print(table)
    console.print(Text("\nThe last rows are tokens by the reason they were written for.\n", style="dim"))
    console.print(Text(visible(found.sentence)), soft_wrap=True)


def _plain(found: RunContrast) -> dict[str, Any]:
    return {
        "names": list(found.names),
        "differs": [{"knob": knob, "values": list(values)} for knob, values in found.differs.items()],
        "sentence": found.sentence,
        "measures": [{"name": name, "values": list(values)} for name, values in found.measures.items()],
        "reasons": [{"name": name, "values": list(counts)} for name, counts in found.reasons.items()],
        "same_text": found.same_text,
        "divergence": None if found.divergence is None else found.divergence._asdict(),
    }


def _empty(*columns: str, first: str = "") -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first)
    for column in columns:
        table.add_column(Text(visible(column)), justify="right" if column != "" else "left")
    return table


def _cell(text: str) -> Text:
    return Text(visible(text))
