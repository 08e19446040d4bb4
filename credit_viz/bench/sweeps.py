"""A sweep against a plain loop of `decode` over the same runs: runs per second, as ratios. Knows the lab.

What a sweep's workers take to start is told apart: it is paid once, however many runs follow.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from credit_viz.bench.table import Row, Section
from credit_viz.bench.timing import turns
from credit_viz.lab import Arm, LocalCrew, Plan, Span, TaskPrompts, stream
from credit_viz.models.base import DiffusionLM
from credit_viz.run import decode

__all__ = ["Lap", "by_hand", "measure", "section", "swept", "usual_plan"]

_WORKERS = 2


class Lap(NamedTuple):
    """One way through all runs of a plan."""

    seconds: float  #: of the runs
    start: float  #: seconds before the first of them
    passes: int  #: forward passes that the results stand for


def usual_plan(prompts: int) -> Plan:
    """Vanilla, the threshold and a grid of credit on held-out prompts of the embedded model."""
    arms = (
        Arm("vanilla"),
        Arm.swept("threshold"),
        Arm("credit", {"alpha": Span(0, 2, 5), "threshold": (0.8, 0.9, 0.95)}),
    )
    return Plan(arms, tasks=TaskPrompts(count=prompts))


def by_hand(model: DiffusionLM, plan: Plan, threads: int) -> Lap:
    """What anybody would write: one `decode` after the other, with so many threads."""
    with _threads(threads):
        began, passes = time.perf_counter(), 0
        for run in plan.runs():
            options = dataclasses.asdict(run.options)
            trace = decode(model, run.prompt.text, decoder=run.setting.decoder, settings=run.setting.values, **options)
            run.prompt.accepts(trace.text)
            passes += trace.forward_passes
        return Lap(time.perf_counter() - began, 0.0, passes)


def swept(plan: Plan, workers: int, memory: int | None = None) -> Lap:
    """A sweep of processes that remember so many bytes of passes each; None: as many as they do by themselves."""
    crew = LocalCrew(workers) if memory is None else LocalCrew(workers, memory=memory)
    began = time.perf_counter()
    with TemporaryDirectory(prefix="credit-viz-bench-") as folder, closing(stream(plan, folder, crew)) as events:
        next(events)
        ready = time.perf_counter()
        *_, last = events
        return Lap(time.perf_counter() - ready, ready - began, last.passes)


def measure(model: DiffusionLM, plan: Plan, rounds: int, workers: int = _WORKERS) -> Mapping[str, Lap]:
    """Each way, with the medians of its times; they take turns."""
    ways: Mapping[str, Callable[[], Lap]] = {
        "loop": partial(by_hand, model, plan, 1),
        "loop of two threads": partial(by_hand, model, plan, 2),
        "sweep": partial(swept, plan, workers),
        "nothing remembered": partial(swept, plan, workers, 0),
        "one worker": partial(swept, plan, 1),
        "batches": partial(swept, dataclasses.replace(plan, batch=8), workers),
    }
    laps: dict[str, list[Lap]] = {name: [] for name in ways}
    for name in turns(list(ways), rounds):
        laps[name].append(ways[name]())
    return {
        name: Lap(median(lap.seconds for lap in own), median(lap.start for lap in own), own[0].passes)
        for name, own in laps.items()
    }


def section(model: DiffusionLM, plan: Plan, rounds: int) -> Section:
    """`measure` as ratios to the loop. model: the plan's own, loaded here."""
    laps = measure(model, plan, rounds)
    runs = sum(1 for _ in plan.runs())
    loop, sweep = laps["loop"].seconds, laps["sweep"].seconds
    return Section(
        f"{runs} runs of {len(plan.settings)} settings on {len(plan.all_prompts)} prompts, {_WORKERS} workers",
        [
            Row("a run in a loop of decode, one thread", 1e3 * loop / runs, "ms"),
            Row("a run of the sweep", 1e3 * sweep / runs, "ms"),
            Row("sweep / loop, runs per second", loop / sweep, aim=">= 1.7"),
            Row("sweep / loop of two threads", laps["loop of two threads"].seconds / sweep, aim=">= 1.7"),
            Row("sweep with one worker / loop", loop / laps["one worker"].seconds),
            Row("sweep that remembers no pass / loop", loop / laps["nothing remembered"].seconds),
            Row("sweep with 8 runs to a pass / loop", loop / laps["batches"].seconds),
            Row("start of the workers", 1e3 * laps["sweep"].start, "ms"),
        ],
        note="The workers' start is in no ratio. Sharing passes changes last bits; remembering them changes nothing.",
        data={name: lap._asdict() for name, lap in laps.items()},
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
