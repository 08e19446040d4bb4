"""What a sweep says: how far it is, on stderr, and what it came to, on stdout. Knows results and terminals."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from credit_viz.cli.words import say, visible

if TYPE_CHECKING:
    import pandas as pd

    from credit_viz.lab import Plan, SweepResult
    from credit_viz.lab.running import Outlook
    from credit_viz.lab.running import Progress as Event

__all__ = ["print_outlook", "print_result", "progress"]

_SECONDS_BETWEEN_LINES = 5.0
_WIDE = 240  #: characters
#: columns of the table for people: metric, heading, how a value is written.
_SHOWN = (
    ("forward_passes", "NFE", "{:.1f}"),
    ("exact_match", "exact match", "{:.1%}"),
    ("token_agreement", "as vanilla", "{:.1%}"),
    ("log_likelihood", "likelihood", "{:.2f}"),
    ("content_tokens_per_forward", "content TPF", "{:.2f}"),
    ("mean_wait", "mean wait", "{:.1f}"),
)
_WITH_INTERVAL = ("forward_passes", "exact_match", "token_agreement")
_LEGENDS = {
    "forward_passes": "NFE: forward passes.",
    "exact_match": "Exact match: right by the task's checker, or equal to the answer.",
    "token_agreement": "As vanilla: share of text tokens that vanilla decoding wrote too; it says nothing of right "
    "or wrong.",
    "log_likelihood": "Likelihood: the model's own mean log-likelihood of the text, nats per token; not an accuracy.",
    "content_tokens_per_forward": "TPF: text tokens per forward pass. Wait: steps from settled to written.",
}


@contextmanager
def progress(model: str) -> Iterator[Callable[[Event], None]]:
    """Call what it yields with every event: a bar on a terminal, a line every few seconds elsewhere."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("sweep", total=None, told=f"loading {visible(model)}".replace("[", r"\["))
        yield lambda event: bars.update(task, total=event.total, completed=event.done, told=_told(event))


def _lines() -> Callable[[Event], None]:
    last = time.monotonic()

    def tell(event: Event) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES and event.done < event.total:
            last = time.monotonic()
            say(_told(event))

    return tell


def _told(event: Event) -> str:
    failed = f", {event.failed} failed" if event.failed else ""
    left = event.seconds_left
    until = "" if left is None else f", {timedelta(seconds=math.ceil(left))} left"
    return f"{event.done:,}/{event.total:,} runs{failed}{until}"


def print_outlook(outlook: Outlook, plan: Plan, as_json: bool) -> None:
    """What a sweep would do."""
    counts = {"settings": len(plan.settings), "prompts": len(plan.all_prompts), "options": len(plan.run_options)}
    if as_json:
        click.echo(json.dumps(outlook._asdict() | counts))
        return
    click.echo(
        f"{outlook.total:,} runs: {counts['settings']} settings, {counts['prompts']} prompts, {counts['options']} "
        f"combinations of options\n{outlook.missing:,} not there yet: up to {outlook.most_passes:,} forward passes, "
        "if each wrote a single token"
    )


def print_result(result: SweepResult, folder: Path | None, as_json: bool) -> None:
    """The table of a sweep, its Pareto front marked."""
    table = result.table()
    quality = _quality(table)
    front = [] if quality is None else result.front(quality)[_groups(table)].values.tolist()
    best = [row in front for row in table[_groups(table)].values.tolist()]
    failed = result.failed
    if as_json:
        report = {
            "folder": None if folder is None else str(folder),
            "runs": len(result.frame),
            "failed": [{"setting": s, "prompt": p, "message": m} for s, p, m in _failures(failed)],
            "quality": quality,
            "table": [row | {"front": on} for row, on in zip(_records(table), best, strict=True)],
        }
        click.echo(json.dumps(report, ensure_ascii=True, allow_nan=False))
        return
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:  # a file or a pipe has no edge to squeeze columns for
        console.width = _WIDE
    shown = [column for column in _SHOWN if column[0] in table]
    console.print(_drawn(table.assign(front=best).sort_values("forward_passes", kind="stable"), shown))
    legend = [*(_LEGENDS[name] for name, _, _ in shown if name in _LEGENDS), "[95 % bootstrap interval over prompts]"]
    if quality is not None:
        legend.append(f"* no other setting has as few passes and as high {quality.replace('_', ' ')}.")
    console.print(Text("\n".join(legend), style="dim"))
    for setting, prompt, message in _failures(failed)[:1]:
        say(f"{len(failed)} runs failed; the first: {setting} on prompt {prompt}: {message}")
    say("the runs were not kept; --out DIR keeps them" if folder is None else f"all runs are in {folder}")


def _quality(table: pd.DataFrame) -> str | None:
    return next((name for name in ("exact_match", "token_agreement") if name in table), None)


def _groups(table: pd.DataFrame) -> list[str]:
    """The columns before the counts."""
    columns = [str(column) for column in table.columns]
    return columns[: columns.index("prompts")]


def _failures(failed: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [
        (str(s), str(p), str(m)) for s, p, m in zip(failed["setting"], failed["prompt"], failed["failed"], strict=True)
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of plain JSON types; what is missing is null."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows


def _drawn(table: pd.DataFrame, shown: list[tuple[str, str, str]]) -> Table:
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    groups = _groups(table)
    for heading in ("", *groups):
        drawn.add_column(heading.replace("_", " "), no_wrap=True, overflow="fold")
    for _, heading, _ in shown:
        drawn.add_column(heading, justify="right")
    for row in table.to_dict("records"):
        values = [_interval(row, name, form) for name, _, form in shown]
        words = ["*" if row["front"] else "", *(visible(str(row[name])) for name in groups), *values]
        drawn.add_row(*map(Text, words))
    return drawn


def _interval(row: dict[Any, Any], name: str, form: str) -> str:
    if math.isnan(row[name]):
        return "-"
    if name not in _WITH_INTERVAL:
        return form.format(row[name])
    low, high = (form.format(row[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{form.format(row[name])} [{low}, {high}]"
