"""A sweep from plan to result: what is missing is computed and kept, whatever happens. Knows no page and no shell."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from credit_viz.lab.crew import Crew, LocalCrew, Unit
from credit_viz.lab.plan import MAX_RUNS, Plan, Run
from credit_viz.lab.result import SweepResult, tidy
from credit_viz.lab.store import Store, read_rows

__all__ = ["Outlook", "Progress", "look_ahead", "stream", "sweep"]


@dataclass(frozen=True)
class Progress:
    """How far a sweep is."""

    done: int  #: runs that are there, failed ones included
    total: int
    failed: int
    reused: int  #: runs that were there before
    seconds: float  #: since the first run began
    passes: int  #: forward passes of this session

    @property
    def seconds_left(self) -> float | None:
        """Estimate from this session's runs; None before the first."""
        own = self.done - self.reused
        return self.seconds / own * (self.total - self.done) if own else None


class Outlook(NamedTuple):
    """What a sweep would do."""

    total: int  #: runs of the plan
    missing: int  #: of them, not there yet
    most_passes: int  #: forward passes of the missing runs, were each to write one token per pass


def stream(
    plan: Plan,
    folder: str | Path,
    workers: int | Crew = 1,
    *,
    max_runs: int = MAX_RUNS,
    resume: bool = True,
    retry_failed: bool = False,
) -> Generator[Progress]:
    """Compute what the folder lacks, saying how far it is: once before the first run, then after each unit.

    Everything is checked before the first run. Close the generator, or interrupt it, to stop: what is done is kept,
    and the same call goes on from there. See store.py for the folder.

    Args:
        workers: how many processes, each with one thread and a model of its own; or a crew.
        max_runs: larger plans are refused.
        resume: False refuses a folder that holds results already.
        retry_failed: runs that raised are tried again.

    Raises:
        SettingsError, PromptError: the plan is too large, or does not fit the model or the folder.
        BackendError: the folder cannot be written, another sweep works on it, or a worker cannot start.
        CheckpointError: the model cannot be loaded.
    """
    plan.check(max_runs)
    crew = LocalCrew(workers) if isinstance(workers, int) else workers
    with Store(folder) as store:
        store.there(resume)
        try:
            identity = crew.open(plan)
            store.begin(plan, identity, resume)
            yield from _run(plan, identity.model, store, crew, retry_failed)
        finally:
            crew.close()
        store.compact(tidy(plan, identity.model, store.rows))


def sweep(
    plan: Plan,
    folder: str | Path | None = None,
    workers: int | Crew = 1,
    *,
    max_runs: int = MAX_RUNS,
    resume: bool = True,
    retry_failed: bool = False,
    tell: Callable[[Progress], None] | None = None,
) -> SweepResult:
    """Run a plan to its end; arguments and errors as `stream`.

    Args:
        folder: where results are kept; None keeps them in the answer only.
        tell: called with each progress.
    """
    if folder is None:
        with TemporaryDirectory(prefix="credit-viz-sweep-") as temporary:
            return sweep(plan, temporary, workers, max_runs=max_runs, tell=tell)
    for progress in stream(plan, folder, workers, max_runs=max_runs, resume=resume, retry_failed=retry_failed):
        if tell:
            tell(progress)
    return SweepResult.load(folder)


def look_ahead(
    plan: Plan, folder: str | Path | None = None, workers: int | Crew = 1, *, max_runs: int = MAX_RUNS
) -> Outlook:
    """Check a plan as `stream` does, with the model loaded, and say what it would do; nothing is run or written."""
    plan.check(max_runs)
    crew = LocalCrew(workers) if isinstance(workers, int) else workers
    try:
        identity = crew.open(plan)
    finally:
        crew.close()
    there = read_rows(Path(folder)) if folder is not None else {}
    runs = list(plan.runs())
    missing = [run for run in runs if run.key(identity.model, plan.batch) not in there]
    return Outlook(len(runs), len(missing), sum(run.options.gen_length + run.likelihood for run in missing))


def _run(plan: Plan, model: Mapping[str, Any], store: Store, crew: Crew, retry_failed: bool) -> Iterator[Progress]:
    keys = {run.key(model, plan.batch): run for run in plan.runs()}
    missing = {key for key in keys if key not in store.rows or (retry_failed and store.rows[key]["failed"] is not None)}
    reused = len(keys) - len(missing)
    failed = sum(store.rows[key]["failed"] is not None for key in keys if key not in missing)
    began, done, passes = time.monotonic(), reused, 0
    yield Progress(done, len(keys), failed, reused, 0.0, passes)
    if not missing:
        return
    units = _units((run for key, run in keys.items() if key in missing), plan.batch)
    with closing(crew.run(units)) as finished:
        for unit, rows in finished:
            store.add({run.key(model, plan.batch): row for run, row in zip(unit, rows, strict=True)})
            done += len(rows)
            failed += sum(row["failed"] is not None for row in rows)
            passes += sum(row["forward_passes"] or 0 for row in rows)
            yield Progress(done, len(keys), failed, reused, time.monotonic() - began, passes)


def _units(runs: Iterable[Run], batch: int) -> Iterator[Unit]:
    """Up to `batch` runs in a row that share prompt and options."""
    for _, together in groupby(runs, key=lambda run: (run.prompt.id, run.options)):
        while unit := tuple(islice(together, batch)):
            yield unit
