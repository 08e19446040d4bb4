"""Measure a checkpoint on held-out prompts: `python -m credit_viz.tiny.evaluate [--model DIR] [--prompts N]`.

Knows which decoders to compare and how to judge answers. Does not know how decoders work. Prints one row per
decoder, knob and block length: forward passes, exact match (all and per family), content tokens per forward and
mean wait of content tokens, with 95 % bootstrap intervals; and credit against the threshold curve at equal passes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import credit_viz
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race
from credit_viz.tiny.statistics import Interval, gain_over_curve, mean_interval, resample
from credit_viz.tiny.tasks import TASKS, Example, held_out

GEN_LENGTH = 64
BLOCK_LENGTHS = (32, 64)
SEED = 20_000
THRESHOLDS = (0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.5)
CREDIT_THRESHOLDS = (0.99, 0.98, 0.95, 0.9, 0.8)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """One decoder with its knobs."""

    label: str
    decoder: str
    settings: Mapping[str, float | int] = field(default_factory=dict)  # a plain dict: workers get it pickled
    preset: str | None = None


def arms() -> tuple[Arm, ...]:
    """What is compared: vanilla at full, half and quarter steps, the threshold curve, credit and its control."""
    vanilla = (Arm(f"vanilla {n} steps", "vanilla", {"steps": n}) for n in (64, 32, 16))
    threshold = (Arm(f"threshold {tau:g}", "threshold", {"threshold": tau}) for tau in THRESHOLDS)
    credit = (Arm(f"credit dInfer {tau:g}", "credit", {"threshold": tau}, "dInfer") for tau in CREDIT_THRESHOLDS)
    paper = Arm("credit paper 0.95", "credit", preset="paper")
    control = Arm("no history 0.9", "credit", {"threshold": 0.9}, "no history")
    return (*vanilla, *threshold, *credit, paper, control)


@dataclass(frozen=True)
class Scores:
    """One arm at one block length over N prompts.

    passes: (N,) forward passes; exact: (N,) 0 or 1; content: (N,) tokens; waited: (N,) steps summed over content.
    """

    arm: Arm
    block_length: int
    passes: Floats
    exact: Floats
    content: Floats
    waited: Floats

    @property
    def content_per_forward(self) -> float:
        return float(self.content.sum() / self.passes.sum())

    @property
    def mean_wait(self) -> float:
        return float(self.waited.sum() / max(self.content.sum(), 1.0))


def measure(model: DiffusionLM, chosen: Sequence[Arm], block_length: int, examples: Sequence[Example]) -> list[Scores]:
    """Scores of every arm. The arms decode a prompt together, in one batch per pass, which is only faster."""
    options = RunOptions(GEN_LENGTH, block_length, top_k=1)
    decoders = [make_decoder(arm.decoder, arm.settings, arm.preset) for arm in chosen]
    rows = np.zeros((len(chosen), 4, len(examples)))
    for place, example in enumerate(examples):
        race = Race.start(model, decoders, options, example.prompt, batched=True)
        for _ in race.steps():
            pass
        for lane, trace in enumerate(race.traces()):
            waited = int(trace.wait[trace.content_mask].sum())
            right = example.accepts(trace.text)
            rows[lane, :, place] = (trace.forward_passes, right, trace.content_tokens, waited)
    return [Scores(arm, block_length, *row) for arm, row in zip(chosen, rows, strict=True)]


def summarize(scores: Scores, families: NDArray[np.str_], weights: Floats) -> dict[str, Any]:
    """One row of the table; exact match in percent."""
    exact = mean_interval(100 * scores.exact, weights)
    return {
        "decoder": scores.arm.label,
        "block_length": scores.block_length,
        "passes": float(scores.passes.mean()),
        "exact": asdict(exact),
        "exact_per_family": {
            name: float(100 * scores.exact[families == name].mean()) for name in TASKS if name in families
        },
        "passes_per_family": {
            name: float(scores.passes[families == name].mean()) for name in TASKS if name in families
        },
        "content_per_forward": scores.content_per_forward,
        "mean_wait": scores.mean_wait,
    }


def gains(scores: Sequence[Scores], weights: Floats) -> Iterator[tuple[Scores, Interval]]:
    """Every credit arm against the threshold curve of the same block length, in points of exact match."""
    for own in scores:
        if own.arm.decoder != "credit":
            continue
        curve = [s for s in scores if s.arm.decoder == "threshold" and s.block_length == own.block_length]
        found = gain_over_curve(
            own.passes,
            100 * own.exact,
            np.stack([s.passes for s in curve]),
            np.stack([100 * s.exact for s in curve]),
            weights,
        )
        if found is not None:
            yield own, found


def _measure_share(model: Path | None, chosen: Sequence[Arm], prompts: int, share: int, shares: int) -> list[Scores]:
    """One worker's part: every `shares`-th prompt, all arms, both block lengths."""
    torch.set_num_threads(1)
    loaded = credit_viz.load_model(model, device="cpu")
    examples = held_out(prompts, SEED)[share::shares]
    return [s for length in BLOCK_LENGTHS for s in measure(loaded, chosen, length, examples)]


def _measure_all(model: Path | None, chosen: Sequence[Arm], prompts: int, workers: int) -> list[Scores]:
    """All scores; prompts are in the order of the shares, the same for every arm."""
    if workers == 1:
        return _measure_share(model, chosen, prompts, 0, 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_measure_share, model, chosen, prompts, share, workers) for share in range(workers)]
        parts = [job.result() for job in jobs]
    return [_joined(scores) for scores in zip(*parts, strict=True)]


def _joined(parts: Sequence[Scores]) -> Scores:
    first = parts[0]
    columns = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("passes", "exact", "content", "waited")
    )
    return Scores(first.arm, first.block_length, *columns)


def _families(prompts: int, workers: int) -> NDArray[np.str_]:
    """(N,) the family of each prompt, in the order of `_measure_all`."""
    examples = held_out(prompts, SEED)
    return np.array([example.task for share in range(workers) for example in examples[share::workers]])


def tabulate(scores: Sequence[Scores], families: NDArray[np.str_]) -> dict[str, Any]:
    """The whole table as plain data, ready for JSON."""
    weights = resample(len(families), SEED)
    return {
        "prompts": len(families),
        "seed": SEED,
        "gen_length": GEN_LENGTH,
        "rows": [summarize(s, families, weights) for s in scores],
        "gains": [
            {"decoder": s.arm.label, "block_length": s.block_length, "points": asdict(found)}
            for s, found in gains(scores, weights)
        ],
    }


def to_markdown(table: Mapping[str, Any]) -> str:
    """The tables of the model card."""
    names = list(table["rows"][0]["exact_per_family"])
    lines = [
        "| decoder | block | passes | exact match | " + " | ".join(names) + " | tokens/pass | wait |",
        "|---" * (6 + len(names)) + "|",
    ]
    for row in table["rows"]:
        per_family = " | ".join(f"{row['exact_per_family'][name]:.0f}" for name in names)
        lines.append(
            f"| {row['decoder']} | {row['block_length']} | {row['passes']:.1f} | {_points(row['exact'])} | "
            f"{per_family} | {row['content_per_forward']:.2f} | {row['mean_wait']:.2f} |"
        )
    lines += ["", "| at equal passes, against the threshold curve | block | points of exact match |", "|---|---|---|"]
    for row in table["gains"]:
        lines.append(f"| {row['decoder']} | {row['block_length']} | {_points(row['points'], sign='+')} |")
    return "\n".join(lines)


def _points(found: Mapping[str, float], sign: str = "") -> str:
    return f"{found['value']:{sign}.1f} [{found['low']:{sign}.1f}, {found['high']:{sign}.1f}]"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="credit_viz.tiny.evaluate", description="measure a checkpoint")
    parser.add_argument("--model", type=Path, help="checkpoint folder; default: the embedded model")
    parser.add_argument("--prompts", type=int, default=100, help="held-out prompts per family")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    parser.add_argument("--workers", type=int, default=1, help="processes, one thread each")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = _arguments(argv)
    prompts = args.prompts * len(TASKS)
    started = time.monotonic()
    scores = _measure_all(args.model, arms(), prompts, args.workers)
    table = tabulate(scores, _families(prompts, args.workers))
    table["seconds"] = round(time.monotonic() - started, 1)
    print(to_markdown(table))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
