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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import credit_viz
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny.statistics import Interval, gain_over_curve, mean_interval, resample
from credit_viz.tiny.tasks import TASKS, Example, held_out

GEN_LENGTH = 64
BLOCK_LENGTHS = (32, 64)
SEED = 20_000
THRESHOLDS = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
CREDIT_THRESHOLDS = (0.95, 0.9, 0.8, 0.7)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """One decoder with its knobs."""

    label: str
    decoder: str
    settings: Mapping[str, float | int] = field(default_factory=lambda: MappingProxyType({}))
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


def measure(model: DiffusionLM, arm: Arm, block_length: int, examples: Sequence[Example]) -> Scores:
    rows = []
    for example in examples:
        trace = credit_viz.decode(
            model,
            example.prompt,
            decoder=arm.decoder,
            settings=arm.settings,
            preset=arm.preset,
            gen_length=GEN_LENGTH,
            block_length=block_length,
            top_k=1,
        )
        waited = int(trace.wait[trace.content_mask].sum())
        rows.append((trace.forward_passes, example.accepts(trace.text), trace.content_tokens, waited))
    passes, exact, content, waits = np.array(rows, dtype=np.float64).T
    return Scores(arm, block_length, passes, exact, content, waits)


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


def evaluate(model: DiffusionLM, examples: Sequence[Example], chosen: Sequence[Arm]) -> dict[str, Any]:
    """The whole table as plain data, ready for JSON."""
    families = np.array([example.task for example in examples])
    weights = resample(len(examples), SEED)
    scores = [measure(model, arm, length, examples) for length in BLOCK_LENGTHS for arm in chosen]
    return {
        "model": model.info.name,
        "prompts": len(examples),
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
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = _arguments(argv)
    torch.set_num_threads(args.threads)
    model = credit_viz.load_model(args.model, device="cpu")
    started = time.monotonic()
    table = evaluate(model, held_out(args.prompts * len(TASKS), SEED), arms())
    table["seconds"] = round(time.monotonic() - started, 1)
    print(to_markdown(table))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
