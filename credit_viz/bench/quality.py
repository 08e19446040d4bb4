"""Forward passes against exact match: every decoder on the embedded model, its knob swept. Knows tasks and decoders.

One model, one training seed, tasks of the project's own: what is measured here is this model, not diffusion models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from credit_viz.bench.table import Row, Section
from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.models.base import DiffusionLM
from credit_viz.pareto import unbeaten
from credit_viz.text import signed
from credit_viz.tiny.evaluate import SEED, Arm, Floats, Scores, gains, measure, summarize
from credit_viz.tiny.statistics import resample
from credit_viz.tiny.tasks import TASKS, held_out

__all__ = ["arms", "front", "section"]


def arms() -> tuple[Arm, ...]:
    """Every decoder for masks at each value of the knob it names, other settings as by default."""
    return tuple(
        Arm(f"{name} {knob}={value:g}", name, {knob: value})
        for name, decoder in DECODERS.items()
        if not make_decoder(name).needs.uniform
        for knob, values in (decoder.sweep,)
        for value in values
    )


def front(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Which rows no other row beats."""
    points = np.array([(row["passes"], row["exact"]["value"]) for row in rows], np.float64).reshape(-1, 2)
    return list(map(bool, unbeaten(*points.T)))


def section(
    model: DiffusionLM, block_length: int, per_task: int, tell: Callable[[str], None] = lambda _: None
) -> Section:
    """Measure on `per_task` held-out prompts of each task, and compare credit with threshold at equal passes."""
    examples = held_out(per_task * len(TASKS), SEED)
    tell(f"{len(arms())} settings x {len(examples)} prompts, block length {block_length}")
    scores = measure(model, arms(), block_length, examples)
    weights = resample(len(examples), SEED)
    families = np.array([example.task for example in examples])
    rows = [summarize(own, families, weights) for own in scores]
    on_front = front(rows)
    by_passes = sorted(zip(rows, on_front, strict=True), key=lambda pair: pair[0]["passes"])
    return Section(
        f"embedded model, block {block_length}, {len(examples)} held-out prompts: exact match [95 % interval]",
        [*(_row(row, best) for row, best in by_passes), *_gains(scores, weights)],
        note="* no other setting has as few passes at as high a match. One model seed: no claim beyond this model.",
        data=[row | {"front": best} for row, best in zip(rows, on_front, strict=True)],
    )


def _row(row: Mapping[str, Any], best: bool) -> Row:
    exact = row["exact"]
    cost = f"{row['passes']:6.1f} passes{row['content_per_forward']:7.2f} tokens/pass"
    return Row(
        f"{'*' if best else ' '} {row['decoder']:<34}{cost}",
        exact["value"],
        f"% [{exact['low']:.0f}, {exact['high']:.0f}]",
    )


def _gains(scores: Sequence[Scores], weights: Floats) -> list[Row]:
    return [
        Row(
            f"  {own.arm.label} - threshold curve at equal passes",
            found.value,
            f"points [{signed(found.low)}, {signed(found.high)}]",
            ">= 0",
        )
        for own, found in gains(scores, weights)
    ]
