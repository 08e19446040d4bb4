"""`credit-viz report`: a sweep's folder as one HTML page, CSV or Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from credit_viz.cli.words import say
from credit_viz.errors import BackendError

__all__ = ["command"]


@click.command("report", short_help="Turn a sweep's folder into one HTML page, CSV or Parquet.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Figures, table, command."
)
@click.option("--csv", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Every run, one per line.")
@click.option("--parquet", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Every run.")
def command(folder: Path, html: Path | None, csv: Path | None, parquet: Path | None) -> None:
    """Turn a sweep's folder into something to look at or to compute with; by default into FOLDER/report.html.

    Works while the sweep is still running: what is there is shown.
    """
    from credit_viz.figures.sweeps.report import write_report
    from credit_viz.lab import SweepResult
    from credit_viz.lab.report import TITLE, command_of, facts_of
    from credit_viz.lab.store import write_table

    result = SweepResult.load(folder)
    if html is None and csv is None and parquet is None:
        html = folder / "report.html"
    try:
        if csv is not None:
            result.frame.to_csv(csv, index=False)
        if parquet is not None:
            write_table(result.frame, parquet)
    except OSError as error:
        raise BackendError(f"cannot write {csv if parquet is None else parquet}: {error}") from error
    if html is not None:
        write_report(result, html, TITLE, facts_of(result), command_of(result.plan))
    for path in (html, csv, parquet):
        if path is not None:
            say(f"written: {path}")
