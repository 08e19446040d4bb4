"""Prints the tables of `make bench`, or JSON with --json."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from types import MappingProxyType

import numpy as np
import torch

from credit_viz.bench import decoders, growth, parts, quality, runs, sweeps, switches
from credit_viz.bench.machine import processor
from credit_viz.bench.table import Section, to_json, to_text
from credit_viz.errors import SettingsError
from credit_viz.models.loading import load_model
from credit_viz.tiny import SETTINGS
from credit_viz.tiny.evaluate import SEED
from credit_viz.tiny.tasks import held_out

_VOCABULARY = 126_464  # LLaDA-8B


def _steps(options: argparse.Namespace) -> Iterable[Section]:
    for length in options.lengths:
        yield decoders.section(length, _VOCABULARY, options.rounds)
    yield decoders.state_section(256, _VOCABULARY, 64)


def _runs(options: argparse.Namespace) -> Iterable[Section]:
    yield runs.section(load_model(device="cpu"), options.prompt, options.rounds)


def _parts(options: argparse.Namespace) -> Iterable[Section]:
    yield parts.section(max(1, options.rounds // 3), torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def _growth(options: argparse.Namespace) -> Iterable[Section]:
    yield from growth.section(max(1, options.rounds // 3))


def _switches(options: argparse.Namespace) -> Iterable[Section]:
    """On this small model a compiled pass is mostly overhead; it is here for what stays equal."""
    others = {"bfloat16": load_model(device="cpu", dtype="bfloat16")}
    try:
        others["compiled"] = load_model(device="cpu", compile=True)
    except SettingsError as error:
        _tell(f"no compiled row: {error}")
    prompts = [example.prompt for example in held_out(4, SEED)]
    yield switches.section(load_model(device="cpu"), prompts, max(1, options.rounds // 3), others, SETTINGS["credit"])


def _quality(options: argparse.Namespace) -> Iterable[Section]:
    model = load_model(device="cpu")
    for block_length in (32, 64):
        yield quality.section(model, block_length, options.prompts, _tell)


def _sweeps(options: argparse.Namespace) -> Iterable[Section]:
    plan = sweeps.usual_plan(2 * options.prompts)
    yield sweeps.section(load_model(device="cpu"), plan, max(1, options.rounds // 5))


#: what there is to measure, in the order it is printed.
SECTIONS: Mapping[str, Callable[[argparse.Namespace], Iterable[Section]]] = MappingProxyType(
    {
        "steps": _steps,
        "runs": _runs,
        "switches": _switches,
        "growth": _growth,
        "parts": _parts,
        "quality": _quality,
        "sweeps": _sweeps,
    }
)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    machine = _machine(options.threads)
    if not options.json:
        print("machine: " + ", ".join(f"{key} {value}" for key, value in machine.items()))
    measured: list[Section] = []
    for name in options.only or SECTIONS:
        _tell(f"measuring: {name}")
        for section in SECTIONS[name](options):
            measured.append(section)
            if not options.json:
                print("\n" + to_text(section), flush=True)
    if options.json:
        print(json.dumps({"machine": machine, "sections": to_json(measured)}, indent=2))
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="measure these only; default: everything")
    parser.add_argument("--rounds", type=int, default=15, help="measurements per figure (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (default 1)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 64, 256], help="block lengths")
    parser.add_argument("--prompts", type=int, default=5, help="held-out prompts per task (default 5)")
    parser.add_argument("--prompt", default="Tell a story about Nina and a wooden ball at the market.")
    return parser


def _machine(threads: int) -> dict[str, str]:
    return {
        "processor": processor(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": str(threads),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "numpy": np.__version__,
    }


if __name__ == "__main__":
    sys.exit(main())
