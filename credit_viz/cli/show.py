"""`credit-viz show`: look at saved traces. Needs no model; loads torch only for the page, which describes decoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from credit_viz.cli.lanes import labels, with_label
from credit_viz.cli.options import json_option
from credit_viz.cli.words import say
from credit_viz.errors import TraceError

if TYPE_CHECKING:
    from credit_viz.trace.record import Trace

__all__ = ["command"]

_file = click.Path(path_type=Path, dir_okay=False)


@click.command("show", short_help="Look at saved traces: table, CSV, Parquet, web page.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN.safetensors ...")
@click.option(
    "--csv",
    type=_file,
    metavar="FILE",
    help="Write every recorded guess, one row per step and position; with several runs one FILE-NAME each.",
)
@click.option("--parquet", type=_file, metavar="FILE", help="The same as Parquet.")
@click.option("--html", type=_file, metavar="FILE", help="Write one page of all runs that works offline.")
@click.option(
    "--explain",
    "decision",
    metavar="STEP:POSITION",
    help="Say why the token at a position (from 0) was written in a step (from 1), or was not: the numbers behind it.",
)
@json_option()
def command(
    files: tuple[Path, ...],
    csv: Path | None,
    parquet: Path | None,
    html: Path | None,
    decision: str | None,
    as_json: bool,
) -> None:
    """Show saved traces side by side.

    \b
    credit-viz show run-vanilla.safetensors run-credit.safetensors
    credit-viz show run-credit.safetensors --csv run.csv --html run.html
    credit-viz show run-credit.safetensors --explain 3:12
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.cli.report import print_json, print_runs, run_json
    from credit_viz.trace.files import load_trace, write_csv, write_parquet

    runs = dict(zip(labels(files), map(load_trace, files), strict=True))
    if csv:
        _write_each(runs, csv, write_csv)
    if parquet:
        _write_each(runs, parquet, write_parquet)
    if html:
        from credit_viz.web.standalone import write_page

        write_page(list(runs.values()), html)
        _wrote(html)
    if decision is not None:
        _explain(runs, *_decision(decision), as_json)
    elif as_json:
        print_json([run_json(label, trace) for label, trace in runs.items()])
    else:
        print_runs(runs)


def _decision(word: str) -> tuple[int, int]:
    step, _, position = word.partition(":")
    if not (step.isdecimal() and position.isdecimal() and len(word) < 100):
        raise TraceError(f"--explain {word!r} is no decision; valid: STEP:POSITION, for example 3:12")
    return int(step), int(position)


def _explain(runs: Mapping[str, Trace], step: int, position: int, as_json: bool) -> None:
    """One decision of every run."""
    from credit_viz.cli.explanation import explanation_json, print_explanation
    from credit_viz.cli.report import print_json

    explained = {label: trace.explain(step, position) for label, trace in runs.items()}
    if as_json:
        print_json([explanation_json(label, runs[label], found) for label, found in explained.items()])
        return
    for place, (label, found) in enumerate(explained.items()):
        if place:
            click.echo()
        print_explanation(label, runs[label], found)


def _write_each(runs: Mapping[str, Trace], path: Path, write: Callable[[Trace, Path], None]) -> None:
    for label, trace in runs.items():
        target = with_label(path, label.replace("/", "_"), len(runs) > 1)
        write(trace, target)
        _wrote(target)


def _wrote(path: Path) -> None:
    say(f"wrote {path}")
