"""How far a run is, on stderr: bars on a terminal, a line every few seconds elsewhere, nothing for a quick run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from credit_viz.cli.words import say

__all__ = ["Tell", "progress", "waiting_for"]

#: tell(lane index, tokens newly written, forward passes so far)
Tell = Callable[[int, int, int], None]
_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Says on a terminal what takes so long."""
    console = Console(stderr=True, highlight=False, markup=False)
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        yield


@contextmanager
def progress(labels: Sequence[str], total: int) -> Iterator[Tell]:
    """Progress of lanes that write `total` tokens each; call what it yields after every step."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines(labels, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tokens"),
        TextColumn("{task.fields[passes]} passes"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = [bars.add_task(label, total=total, passes=0) for label in labels]
        yield lambda lane, written, passes: bars.update(tasks[lane], advance=written, passes=passes)


def _lines(labels: Sequence[str], total: int) -> Tell:
    """Plain lines for logs and pipes."""
    done = [0] * len(labels)
    last = time.monotonic()

    def tell(lane: int, written: int, passes: int) -> None:
        nonlocal last
        done[lane] += written
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            states = (f"{label} {count}/{total} tokens" for label, count in zip(labels, done, strict=True))
            say(f"{', '.join(states)}, {passes} passes")

    return tell
