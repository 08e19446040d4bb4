"""How a step's time and a trace's size grow with canvas, vocabulary and candidates. Knows lanes and clocks, no weights.

Logits come ready-made, so that only reading, deciding and recording are timed. A cost that grows like x^e shows as the
exponent e, fitted by least squares to the logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import numpy as np
import torch

from credit_viz.bench.table import Row, Section
from credit_viz.bench.timing import medians
from credit_viz.decoding import make_decoder
from credit_viz.decoding.forward import Answer, LanguageModel
from credit_viz.decoding.loop import Lane
from credit_viz.decoding.options import RunOptions
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, StepRecord

__all__ = ["exponent", "section", "trace_bytes"]

_LENGTHS = (64, 128, 256, 512, 1024, 2048)
_VOCABULARIES = (8_192, 16_384, 32_768, 65_536, 126_464)
_STEPS = (8, 32, 128, 512)
_CANDIDATES = (1, 2, 5, 10, 20, 40)


class _Logits:
    """Answers every canvas with the same random logits."""

    abilities: frozenset[str] = frozenset()
    block_length = None
    eos_ids = (0,)
    max_positions = 1 << 16
    device = torch.device("cpu")

    def __init__(self, length: int, vocabulary: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.logits = torch.randn(length, vocabulary, generator=generator)
        # one token stands out per position, as a trained model's top-1 does
        winners = torch.randint(vocabulary - 1, (length, 1), generator=generator)
        self.logits.scatter_(1, winners, 11.0)
        self.mask_id = vocabulary - 1
        self.token_limit = vocabulary


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """The e of y ~ x^e that fits best."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _run(model: _Logits, decoder: str, steps: int | None = None, **options: int | str) -> Iterable[StepRecord]:
    """The first steps of a run, or all of them."""
    length = len(model.logits)
    chosen = make_decoder(decoder, {"threshold": 1.5} if decoder != "vanilla" else {})
    # the lane is given its answers, so the model is never called
    lane = Lane(cast(LanguageModel, model), (1,), chosen, RunOptions(length, **options))  # type: ignore[arg-type]
    answer = Answer(model.logits, (1, 1 + length))
    while not lane.finished and (steps is None or steps > 0):
        steps = None if steps is None else steps - 1
        yield lane.advance(answer).record()


def _per_step(tasks: dict[str, Callable[[], object]], steps: int, rounds: int) -> dict[str, float]:
    return {name: taken / steps for name, taken in medians(tasks, rounds, warmup=1).items()}


def _all_steps(model: _Logits, decoder: str, steps: int, **options: int | str) -> Callable[[], object]:
    return lambda: list(_run(model, decoder, steps, **options))


def trace_bytes(records: Iterable[StepRecord]) -> tuple[int, int]:
    """Bytes of the arrays that are kept, and the number of cells they hold."""
    total = cells = 0
    for record in records:
        named = [getattr(record, name) for name in (*CELL_FIELDS, *EVENT_FIELDS) if name != "event_steps"]
        total += sum(array.nbytes for array in (*named, *record.channels.values()))
        cells += len(record.positions)
    return total, cells


def section(rounds: int) -> list[Section]:
    """Growth in canvas length, vocabulary, steps and candidates, and of the trace with the cells it holds."""
    return [_in_length(rounds), _in_vocabulary(rounds), _in_steps(rounds), _in_candidates(rounds), _in_cells()]


def _in_length(rounds: int) -> Section:
    rows, traced, untraced = [], [], []
    for length in _LENGTHS:
        model = _Logits(length, 4096)
        taken = _per_step(
            {
                "traced": _all_steps(model, "credit", 3, block_length=length),
                "untraced": _all_steps(model, "credit", 3, block_length=length, record="none"),
            },
            3,
            rounds,
        )
        traced.append(taken["traced"])
        untraced.append(taken["untraced"])
        rows.append(Row(f"credit step and record, L={length}", taken["traced"], "ms"))
    rows += [
        Row("exponent of a credit step in L", exponent(_LENGTHS, untraced), aim="<= 1"),
        Row("exponent of a credit step and record in L", exponent(_LENGTHS, traced), aim="<= 1"),
    ]
    return Section("growth with the canvas, one block, V=4,096", rows)


def _in_vocabulary(rounds: int) -> Section:
    rows, overhead, reading = [], [], []
    for vocabulary in _VOCABULARIES:
        model = _Logits(64, vocabulary)
        names = ("threshold", "credit")
        tasks = {name: _all_steps(model, name, 6, block_length=64, record="none") for name in names}
        taken = _per_step(tasks, 6, 3 * rounds)
        reading.append(taken["threshold"])
        overhead.append(taken["credit"] - taken["threshold"])
        rows += [
            Row(f"threshold step, V={vocabulary:,}", taken["threshold"], "ms"),
            Row(f"what credit adds, V={vocabulary:,}", overhead[-1], "ms"),
        ]
    growth = (overhead[-1] - overhead[0]) / (reading[-1] - reading[0])
    rows += [
        Row("exponent of a threshold step in V (one read of the logits)", exponent(_VOCABULARIES, reading)),
        Row("growth of what credit adds / growth of that read", growth, aim="about 0: flat in V"),
    ]
    return Section("growth with the vocabulary, L=64", rows)


def _in_steps(rounds: int) -> Section:
    model = _Logits(512, 4096)
    taken = {n: _all_steps(model, "credit", n, block_length=512, record="none") for n in _STEPS}
    per_step = [_per_step({"": task}, n, rounds)[""] for n, task in taken.items()]
    rows = [Row(f"credit step in a block of {n} steps", value, "ms") for n, value in zip(_STEPS, per_step, strict=True)]
    rows.append(Row("exponent of a credit step in the steps before it", exponent(_STEPS, per_step), aim="about 0"))
    return Section("growth with the steps of a block, L=512, V=4,096", rows)


def _in_candidates(rounds: int) -> Section:
    model = _Logits(256, 4096)
    tasks = {str(k): _all_steps(model, "credit", 3, block_length=256, top_k=k) for k in _CANDIDATES}
    taken = _per_step(tasks, 3, rounds)
    rows = [Row(f"credit step and record, K={k}", taken[str(k)], "ms") for k in _CANDIDATES]
    return Section("growth with the candidates kept, L=256, V=4,096", rows)


def _in_cells() -> Section:
    rows, sizes, cells = [], [], []
    for length in _LENGTHS[:4]:
        size, count = trace_bytes(_run(_Logits(length, 512), "vanilla", block_length=length))
        sizes.append(size)
        cells.append(count)
        rows.append(Row(f"bytes per cell, {length} steps, {count:,} cells", size / count, "B"))
    rows.append(Row("exponent of a trace's bytes in its cells", exponent(cells, sizes), aim="1: linear"))
    return Section("growth of a trace, vanilla, one step per position, K=5", rows)
