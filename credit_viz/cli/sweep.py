"""`credit-viz sweep`: decoders and their knobs over many prompts, resumable, with intervals."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from credit_viz.cli.options import folder_option, json_option
from credit_viz.cli.plans import PlanChoice, plan_options
from credit_viz.cli.words import say

if TYPE_CHECKING:
    from credit_viz.lab import Crew, Plan, SweepResult

__all__ = ["command"]

_ARMS = ("vanilla", "threshold: sweep", "credit: sweep")


@click.command("sweep", short_help="Try decoders and knobs over many prompts: passes, quality, intervals.")
@click.option(
    "--arm",
    "arms",
    multiple=True,
    default=_ARMS,
    metavar="ARM",
    help="A decoder and the values of its knobs; repeat it. See the notation above, and credit-viz decoders.",
)
@plan_options
@folder_option("Keep every run here; the same command, or one that asks for more, computes only what is missing.")
@click.option("--resume/--no-resume", default=True, help="Go on in a folder that holds results, or refuse it.")
@click.option("--retry-failed", is_flag=True, help="Try runs again that failed.")
@click.option("--max-runs", type=int, default=100_000, metavar="N", help="Refuse a larger sweep.")
@click.option("--dry-run", is_flag=True, help="Check everything, say how many runs it is, and stop.")
@json_option()
def command(
    arms: tuple[str, ...],
    out: Path | None,
    resume: bool,
    retry_failed: bool,
    max_runs: int,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Try decoders and knobs over many prompts: forward passes and quality of each setting, with intervals.

    \b
    credit-viz sweep --tasks story,json --prompts 20 --workers 2 --out first
    credit-viz sweep --arm vanilla --arm "threshold: sweep" \\
        --arm "credit: alpha=0..2/5, threshold=0.8,0.9,0.95" --block-length 32,64 --tasks all --out second
    credit-viz sweep --arm "credit: alpha=0..2, beta=0..1, random 40 seed 1" --prompts-file mine.jsonl --out third

    \b
    An ARM is a decoder and what its knobs take, every combination of them:
      credit                              its defaults
      credit[paper]                       a preset
      credit: alpha=0.7, threshold=0.8,0.9
      credit: alpha=0..2/5                five values from 0 to 2
      credit: alpha=unset,0.7             unset, where a knob can be
      credit: sweep                       the values that the decoder names for its own knob
      credit: alpha=0..2, random 20 seed 1    settings drawn from ranges and values
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.lab import look_ahead, parse_arm

    choice = PlanChoice.of(given)
    plan, crew = choice.plan([parse_arm(arm) for arm in arms]), choice.crew()
    if dry_run:
        from credit_viz.cli.sweep_report import print_outlook

        print_outlook(look_ahead(plan, out, crew, max_runs=max_runs), plan, as_json)
        return
    if out is None:
        with TemporaryDirectory(prefix="credit-viz-sweep-") as folder:
            result = _run(plan, Path(folder), crew, max_runs, True, False)
    else:
        result = _run(plan, out, crew, max_runs, resume, retry_failed)
    from credit_viz.cli.sweep_report import print_result

    print_result(result, out, as_json)


def _run(plan: Plan, folder: Path, crew: Crew, max_runs: int, resume: bool, retry_failed: bool) -> SweepResult:
    from credit_viz.cli.sweep_report import progress
    from credit_viz.lab import SweepResult, stream

    events = stream(plan, folder, crew, max_runs=max_runs, resume=resume, retry_failed=retry_failed)
    try:
        with closing(events), progress(plan.model.source or "the embedded model") as tell:
            for event in events:
                tell(event)
    except KeyboardInterrupt:
        say(f"what is done is kept in {folder}; the same command goes on from there")
        raise
    return SweepResult.load(folder)
