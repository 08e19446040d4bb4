"""`credit-viz sweep`: decoders and their knobs over many prompts, resumable, with intervals."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from credit_viz.cli.options import ModelChoice, model_options
from credit_viz.cli.words import say
from credit_viz.errors import SettingsError

if TYPE_CHECKING:
    from credit_viz.lab import LocalCrew, ModelSource, Plan, Prompt, SweepResult, TaskPrompts

__all__ = ["command"]

_ARMS = ("vanilla", "threshold: sweep", "credit: sweep")


def _words(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    """Between commas."""
    return None if text is None else tuple(word.strip() for word in text.split(","))


def _numbers(ctx: click.Context, param: click.Parameter, text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    found = []
    for word in _words(ctx, param, text) or ():
        try:
            found.append(int(word))
        except ValueError:
            raise SettingsError(f"{param.opts[0]} {text!r}: {word!r} is no whole number; valid: 32 or 32,64") from None
    return tuple(found)


@click.command("sweep", short_help="Try decoders and knobs over many prompts: passes, quality, intervals.")
@click.option(
    "--arm",
    "arms",
    multiple=True,
    default=_ARMS,
    metavar="ARM",
    help="A decoder and the values of its knobs; repeat it. See the notation above, and credit-viz decoders.",
)
@click.option("--tasks", callback=_words, metavar="TASK,...", help="Tasks of the embedded model, or all.")
@click.option("--split", default="held-out", help="Prompts that training never met (held-out), or might have (train).")
@click.option("--prompts", "count", type=int, default=50, metavar="N", help="How many prompts of the tasks.")
@click.option(
    "--prompts-seed", type=int, default=20_000, metavar="N", help="Which of them; the model card's by default."
)
@click.option(
    "--prompts-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.jsonl",
    help='Own prompts, one {"prompt": ..., "answer": ...} per line; the answer may be missing.',
)
@click.option("--prompt", "texts", multiple=True, metavar="TEXT", help="An own prompt; repeat it.")
@click.option("--gen-length", callback=_numbers, default="64", metavar="N,...", help="Positions to generate.")
@click.option("--block-length", callback=_numbers, default="32", metavar="N,...", help="Positions per block.")
@click.option("--seeds", callback=_numbers, default="0", metavar="N,...", help="Matter at temperatures above 0.")
@click.option("--early-stop", is_flag=True, help="End once an end-of-text token stands with everything before it.")
@click.option("--cache", callback=_words, default="none", metavar="MODE,...", help="none, prefix, dual or block.")
@click.option(
    "--compare",
    default="auto",
    metavar="WHEN",
    help="Agreement with vanilla, and the model's likelihood of each text: auto (where no answer is known), always "
    "or never.",
)
@click.option("--batch", type=int, default=1, help="Runs that share a pass. 1 is exact; more is for GPUs.")
@click.option("--workers", type=int, default=1, help="Processes, each with a model of its own.")
@click.option("--threads", type=int, default=1, help="CPU threads of each worker.")
@model_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep every run here; the same command, or one that asks for more, computes only what is missing.",
)
@click.option("--resume/--no-resume", default=True, help="Go on in a folder that holds results, or refuse it.")
@click.option("--retry-failed", is_flag=True, help="Try runs again that failed.")
@click.option("--max-runs", type=int, default=100_000, metavar="N", help="Refuse a larger sweep.")
@click.option("--dry-run", is_flag=True, help="Check everything, say how many runs it is, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    arms: tuple[str, ...],
    tasks: tuple[str, ...] | None,
    split: str,
    count: int,
    prompts_seed: int,
    prompts_file: Path | None,
    texts: tuple[str, ...],
    gen_length: tuple[int, ...],
    block_length: tuple[int, ...],
    seeds: tuple[int, ...],
    early_stop: bool,
    cache: tuple[str, ...],
    compare: str,
    batch: int,
    workers: int,
    threads: int,
    out: Path | None,
    resume: bool,
    retry_failed: bool,
    max_runs: int,
    dry_run: bool,
    as_json: bool,
    **model: Any,
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
    from credit_viz.lab import Plan, look_ahead, parse_arm

    chosen = ModelChoice(**model)
    devices = tuple(device.strip() for device in chosen.device.split(","))
    plan = Plan(
        arms=tuple(parse_arm(arm) for arm in arms),
        prompts=_own_prompts(texts, prompts_file),
        tasks=_tasks(tasks, split, count, prompts_seed),
        options={
            "gen_length": gen_length,
            "block_length": block_length,
            "seed": seeds,
            "early_stop": early_stop,
            "cache": cache,
        },
        model=_source(chosen._replace(device=devices[0])),
        compare=compare,
        batch=batch,
    )
    crew = _crew(workers, threads, devices)
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


def _own_prompts(texts: tuple[str, ...], file: Path | None) -> tuple[Prompt, ...]:
    from credit_viz.lab import Prompt, read_prompts
    from credit_viz.text import clean_text

    own = tuple(Prompt(str(number), clean_text(text)) for number, text in enumerate(texts, 1))
    return (*own, *(read_prompts(file) if file else ()))


def _tasks(names: tuple[str, ...] | None, split: str, count: int, seed: int) -> TaskPrompts | None:
    from credit_viz.lab import TaskPrompts

    if names is None:
        return None
    return TaskPrompts(TaskPrompts.tasks if names == ("all",) else names, split, count, seed)


def _source(model: ModelChoice) -> ModelSource:
    from credit_viz.lab import ModelSource

    words = model._asdict()
    return ModelSource(check_memory=not words.pop("skip_memory_check"), **words)


def _crew(workers: int, threads: int, devices: tuple[str, ...]) -> LocalCrew:
    from credit_viz.lab import LocalCrew

    return LocalCrew(workers, threads, devices)


def _run(plan: Plan, folder: Path, crew: LocalCrew, max_runs: int, resume: bool, retry_failed: bool) -> SweepResult:
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
