"""`credit-viz tune`: the fewest passes at a quality that is still good enough, verified on held-out prompts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from credit_viz.cli.options import folder_option, json_option
from credit_viz.cli.plans import PlanChoice, plan_options
from credit_viz.cli.words import say
from credit_viz.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Callable

    from credit_viz.lab import Plan, Tuned, TuningProgress

__all__ = ["command"]

_ARMS = ("credit: alpha=0..2, beta=0..1, threshold=0.6..0.99", "threshold: threshold=0.6..0.99")
_EVERY = 5  #: trials between two lines about how far it is


@click.command("tune", short_help="Find the fewest passes within a margin of vanilla's quality, and verify it.")
@click.option(
    "--arm",
    "arms",
    multiple=True,
    default=_ARMS,
    metavar="ARM",
    help="A decoder and the ranges or values of its knobs to search; repeat it. Notation as for sweep; a range needs "
    "no count.",
)
@click.option(
    "--margin",
    type=float,
    default=0.02,
    metavar="SHARE",
    help="Quality that may be lost against vanilla: 0.02 is two points.",
)
@click.option("--trials", type=int, default=50, metavar="N", help="Settings to try of each decoder.")
@click.option("--search-seed", type=int, default=0, metavar="N", help="Of the search.")
@click.option(
    "--train-prompts",
    "train_count",
    type=int,
    default=48,
    metavar="N",
    help="Training prompts of the tasks to search on.",
)
@plan_options
@folder_option("Keep every run here; the same command goes on from there.")
@json_option("sentences")
def command(
    arms: tuple[str, ...],
    margin: float,
    trials: int,
    search_seed: int,
    train_count: int,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Search each decoder for the fewest forward passes, on training prompts, and verify on held-out ones.

    \b
    credit-viz tune --tasks all --prompts 50 --block-length 32,64
    credit-viz tune --prompts-file mine.jsonl --margin 0.05 --trials 80 --workers 2 --out search

    Of own prompts, every second one is held out. An option with several values, such as two block lengths, is searched
    too. Quality is exact match where every prompt has a checker or an answer, else agreement with vanilla.
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.lab import parse_arm, tune

    choice = PlanChoice.of(given)
    plan = choice.plan([parse_arm(arm, searched=True) for arm in arms])
    train, held_out = _split(plan, train_count)
    found = tune(
        train, held_out, out, choice.crew(), margin=margin, trials=trials, seed=search_seed, tell=_teller(trials)
    )
    click.echo(json.dumps(_report(found)) if as_json else found.sentence)


def _split(plan: Plan, train_count: int) -> tuple[Plan, Plan]:
    """Training and held-out prompts: of tasks both are drawn, of own prompts every second is held out."""
    tasks = plan.tasks
    if len(plan.prompts) == 1 or (not plan.prompts and tasks is None):
        raise PromptError(f"{len(plan.prompts)} prompts to search and verify on; valid: 2 or more, or tasks")
    train = dataclasses.replace(
        plan,
        prompts=plan.prompts[::2],
        tasks=tasks and dataclasses.replace(tasks, split="train", count=train_count),
    )
    return train, dataclasses.replace(plan, prompts=plan.prompts[1::2])


def _teller(trials: int) -> Callable[[TuningProgress], None]:
    def tell(progress: TuningProgress) -> None:
        if progress.trial % _EVERY == 0 or progress.trial == trials:
            best = "nothing within the margin yet"
            if progress.best_passes is not None:
                best = f"best {progress.best_passes:.1f} passes"
            say(f"{progress.decoder}: {progress.trial}/{progress.trials} trials, {best}")

    return tell


def _report(found: Tuned) -> dict[str, Any]:
    return {
        "sentence": found.sentence,
        "margin": found.margin,
        "quality": "exact_match" if found.judged else "token_agreement",
        "prompts": found.prompts,
        "vanilla": {
            "block_length": found.reference.block_length,
            "passes": found.reference_passes,
            "quality": found.reference_quality,
        },
        "found": [
            {
                "decoder": each.setting.decoder,
                "settings": dict(each.setting.values),
                "block_length": each.options.block_length,
                "passes": dataclasses.asdict(each.passes),
                "loss": dataclasses.asdict(each.loss),
                "trials": each.trials,
                "cut_short": each.cut_short,
                "feasible": each.feasible,
            }
            for each in found.found
        ],
        "nothing": list(found.nothing),
    }
