"""Credit beside each switch: what early stop, caches, fewer rows, half precision and compiling change in a credit run.

Knows whole runs of loaded models. Passes and tokens are compared with the plain credit run of the same prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from credit_viz.bench.table import Row, Section
from credit_viz.bench.timing import medians
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions, offered_caches
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race
from credit_viz.trace.record import Trace

__all__ = ["Cost", "measure", "section"]


class Cost(NamedTuple):
    """A credit run with a switch, relative to the same without; over all prompts."""

    switch: str
    time: float  #: ratio of the medians of the time for all prompts
    passes: float  #: ratio of the forward passes
    equal: float  #: share of the generated positions that hold the same token


def measure(
    model: DiffusionLM, prompts: Sequence[str], rounds: int, others: Mapping[str, DiffusionLM], settings: Any = None
) -> list[Cost]:
    """Every switch that the model offers.

    Args:
        others: the same model in other forms, by what sets them apart: "bfloat16", "compiled".
        settings: knobs of credit; None for its defaults.
    """
    caches = [mode for mode in offered_caches(model.abilities) if mode != "none"]
    ways: dict[str, tuple[DiffusionLM, dict[str, Any]]] = {
        "plain": (model, {}),
        "early stop": (model, {"early_stop": True}),
        **{f"{mode} cache": (model, {"cache": mode}) for mode in caches},
        "needed rows": (model, {"logits_to_keep": "needed"}),
        **{name: (other, {}) for name, other in others.items()},
    }

    def runs(way: str) -> list[Trace]:
        of, options = ways[way]
        # no record: it costs the same in every run, and asks for rows that decoding does not need
        return [_run(of, prompt, settings, record="none", **options) for prompt in prompts]

    taken = medians({way: partial(runs, way) for way in ways}, rounds, warmup=1)
    traces = {way: runs(way) for way in ways}
    return [
        Cost(
            name,
            taken[name] / taken["plain"],
            sum(t.forward_passes for t in own) / sum(t.forward_passes for t in traces["plain"]),
            float(np.mean([a.token_ids == b.token_ids for a, b in zip(own, traces["plain"], strict=True)])),
        )
        for name, own in traces.items()
        if name != "plain"
    ]


def _run(model: DiffusionLM, prompt: str, settings: Any, **options: Any) -> Trace:
    length = model.block_length or 32
    shared = RunOptions(gen_length=2 * length, block_length=length, **options)
    race = Race.start(model, [make_decoder("credit", settings)], shared, prompt)
    for _ in race.steps():
        pass
    return race.trace(0)


def section(
    model: DiffusionLM, prompts: Sequence[str], rounds: int, others: Mapping[str, DiffusionLM], settings: Any = None
) -> Section:
    """`measure` as rows; arguments as there."""
    costs = measure(model, prompts, rounds, others, settings)
    return Section(
        f"{model.info.name} model, credit with a switch / credit without: time, over {len(prompts)} prompts",
        [
            Row(f"{cost.switch:<14}{cost.passes:6.2f} x passes  {100 * cost.equal:5.1f} % equal tokens", cost.time)
            for cost in costs
        ],
        note="Prefix and dual cache are approximations in models that see both ways. Nothing is recorded here.",
        data=[cost._asdict() for cost in costs],
    )
