"""Prints what the shipped study says; `verify` and `ship` are two of the steps of `make study`."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from credit_viz.bench.machine import processor
from credit_viz.lab.crew import LocalCrew
from credit_viz.lab.report import command_of
from credit_viz.lab.result import SweepResult
from credit_viz.lab.running import Progress, sweep
from credit_viz.study.conclusion import conclude, verification
from credit_viz.study.picture import write_picture
from credit_viz.study.scores import Scores
from credit_viz.study.shipping import ANSWERS, SWEEP, VERIFICATION, Shipped, fill, load_study, ship
from credit_viz.study.words import paragraph, table, time_told

__all__ = ["blocks", "main"]

_ROOT = Path(__file__).resolve().parents[2]
_COLUMNS = 120  #: of documents


def blocks(shipped: Shipped) -> dict[str, str]:
    """What documents say of a study, by the name of the block that it stands in."""
    study = conclude(shipped.sweep, shipped.verification)
    sentences = {"conclusion": paragraph(study), "time": time_told(shipped.made)}
    sentences |= {name: shipped.answers[name]["sentence"] for name in ANSWERS}
    return {
        **{name: textwrap.fill(words, _COLUMNS, break_on_hyphens=False) for name, words in sentences.items()},
        "chosen": table(study),
        "command": f"```sh\n{command_of(shipped.sweep.plan)}\n```",
    }


def _verify(args: argparse.Namespace) -> None:
    result = SweepResult.load(args.folder / SWEEP)
    for plan in verification(result.plan, Scores.of(result), args.prompts):
        (length,) = plan.options["block_length"]
        print(f"{len(plan.settings)} settings in blocks of {length}: {plan.size:,} runs", flush=True)
        sweep(plan, args.folder / VERIFICATION / f"blocks-{length}", LocalCrew(args.workers), tell=_teller())


def _teller() -> Callable[[Progress], None]:
    """Says how far a sweep is, a line per tenth."""
    told = 0

    def tell(progress: Progress) -> None:
        nonlocal told
        if (tenth := 10 * progress.done // progress.total) > told:
            told = tenth
            left = "" if progress.seconds_left is None else f", {progress.seconds_left / 60:.1f} minutes left"
            print(f"{progress.done:,} of {progress.total:,} runs{left}", flush=True)

    return tell


def _ship(args: argparse.Namespace) -> None:
    machine = {"processor": processor(), "cores": os.cpu_count(), "workers": args.workers}
    ship(args.folder, args.out, machine)
    shipped = load_study(args.out)
    write_picture(shipped.sweep, args.out / "front.png")
    said = blocks(shipped)
    for path, names in ((args.out / "README.md", list(said)), (args.readme, ["conclusion", "time"])):
        path.write_text(fill(path, {name: said[name] for name in names}), encoding="utf-8")
    _tell(shipped)


def _tell(shipped: Shipped) -> None:
    said = blocks(shipped)
    print("\n\n".join(said[name] for name in ("time", "chosen", "conclusion", *ANSWERS)))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="credit_viz.study", description="the study of the embedded model")
    parser.add_argument("--shipped", type=Path, help="folder of a study; default: the one that ships")
    steps = parser.add_subparsers(dest="step")
    verify = steps.add_parser("verify", help="run the chosen settings on other prompts")
    ship = steps.add_parser("ship", help="pack, draw and tell")
    for step in (verify, ship):
        step.add_argument("folder", type=Path, help="where the sweep is")
        step.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    verify.add_argument("--prompts", type=int, default=400, help="other prompts, half of them for the choice")
    ship.add_argument("--out", type=Path, default=_ROOT / "assets" / "study", help="folder of the study")
    ship.add_argument("--readme", type=Path, default=_ROOT / "README.md", help="document that says it in one paragraph")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    args = _arguments(argv)
    if args.step == "verify":
        _verify(args)
    elif args.step == "ship":
        _ship(args)
    else:
        _tell(load_study(args.shipped))


if __name__ == "__main__":
    main()
