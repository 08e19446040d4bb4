"""Prints the table of `make bench`, or JSON with --json."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from credit_viz.bench import decoders, runs
from credit_viz.models.loading import load_model

_VOCABULARY = 126_464  # LLaDA-8B
_AIMS = {
    "credit / our threshold": 1.15,
    "credit / dense credit (dInfer style)": 1 / 5,
    "credit / float64 threshold (Fast-dLLM style)": 1 / 4,
    "traced / untraced run": 1.10,
    "two decoders in turn / the slower alone": 1.5,
}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    report: dict[str, Any] = {"machine": _machine(options.threads)}
    report["decoder step"] = [_decoder_row(length, options.rounds) for length in options.lengths]
    dense, sparse = decoders.state_bytes(256, _VOCABULARY, 64)
    report["credit state, L=256, after 64 steps"] = {
        "dense bytes": dense,
        "sparse bytes": sparse,
        "ratio": dense / sparse,
    }
    cost = runs.measure(load_model(device="cpu"), options.prompt, options.rounds)
    report["embedded model"] = {"milliseconds": vars(cost), "ratios": cost.ratios}
    print(json.dumps(report, indent=2) if options.json else _table(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--rounds", type=int, default=15, help="measurements per figure (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (default 1)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 64, 256], help="block lengths")
    parser.add_argument("--prompt", default="Tell a story about Nina and a wooden ball at the market.")
    return parser


def _machine(threads: int) -> dict[str, str]:
    return {
        "processor": platform.processor() or platform.machine(),
        "threads": str(threads),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "numpy": np.__version__,
    }


def _decoder_row(length: int, rounds: int) -> dict[str, Any]:
    cost = decoders.measure(length, _VOCABULARY, rounds)
    return {"milliseconds": vars(cost), "ratios": cost.ratios}


def _table(report: dict[str, Any]) -> str:
    lines = ["machine: " + ", ".join(f"{key} {value}" for key, value in report["machine"].items()), ""]
    for row in report["decoder step"]:
        times = row["milliseconds"]
        lines.append(f"one decoder step, L={times['length']}, V={times['vocabulary']:,} (medians)")
        lines += [f"  {name:<48}{times[name]:9.2f} ms" for name in list(times)[2:]]
        lines += _ratios(row["ratios"])
    state = report["credit state, L=256, after 64 steps"]
    lines.append(
        f"credit state, L=256, after 64 steps: dense {state['dense bytes']:,} B, sparse {state['sparse bytes']:,} B"
    )
    lines.append(f"  {'dense / sparse':<48}{state['ratio']:9.0f}      aim >= 1000")
    embedded = report["embedded model"]
    lines.append("embedded model, 64 positions in blocks of 32 (whole runs, model calls included)")
    lines += [f"  {name:<48}{value:9.2f} ms" for name, value in list(embedded["milliseconds"].items())[1:]]
    lines += _ratios(embedded["ratios"])
    return "\n".join(lines)


def _ratios(ratios: dict[str, float]) -> list[str]:
    return [
        f"  {name:<48}{value:9.3f}" + (f"      aim <= {_AIMS[name]:.2f}" if name in _AIMS else "")
        for name, value in ratios.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
