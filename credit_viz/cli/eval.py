"""`credit-viz eval`: decoders compared on benchmarks, through lm-evaluation-harness (the extra `eval`)."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from credit_viz.cli.lanes import parse_lanes
from credit_viz.cli.options import ModelChoice, RunChoice, folder_option, json_option, model_options, run_options
from credit_viz.cli.words import say
from credit_viz.errors import SettingsError

if TYPE_CHECKING:
    from credit_viz.cli.progress import Tell as LaneTell
    from credit_viz.decoding.base import Decoder
    from credit_viz.decoding.options import RunOptions
    from credit_viz.evaluation.compare import Prompting, Row
    from credit_viz.evaluation.generation import Generator, Tell
    from credit_viz.evaluation.tasks import TaskSet

__all__ = ["command"]


@click.command("eval", short_help="Compare decoders on benchmarks: score, passes, speed.")
@click.option("--list", "as_list", is_flag=True, help="List the paper's benchmarks and how to run them, and stop.")
@click.option("--tasks", metavar="TASK,...", help="Tasks or groups of the harness, or credit_viz_tiny; see --list.")
@click.option(
    "--decoder",
    "decoders",
    multiple=True,
    default=("vanilla", "credit"),
    metavar="[NAME=]DECODER",
    help="A decoder to compare; repeat it. Speed-ups are against the first. NAME= runs a decoder twice.",
)
@click.option("--preset", "presets", multiple=True, metavar="NAME=PRESET", help="Start from named settings.")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME.KNOB=VALUE", help="Change one knob; see credit-viz trace --help."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N prompts of each task.")
@run_options(gen_length=256, block_length=64)
@click.option(
    "--num-fewshot", type=click.IntRange(min=0), metavar="N", help="Examples in the prompt.", show_default="the task's"
)
@click.option("--fewshot-as-one-turn", is_flag=True, help="Examples in one message instead of as turns of the chat.")
@click.option("--no-chat-template", is_flag=True, help="Send prompts as they are, also where the model has a template.")
@click.option("--confirm-run-unsafe-code", is_flag=True, help="Allow tasks that run code the model wrote (HumanEval).")
@model_options
@folder_option("Keep every answer here; the same command computes only what is missing.")
@json_option("tables")
def command(
    as_list: bool,
    tasks: str | None,
    decoders: tuple[str, ...],
    presets: tuple[str, ...],
    settings: tuple[str, ...],
    limit: int | None,
    num_fewshot: int | None,
    fewshot_as_one_turn: bool,
    no_chat_template: bool,
    confirm_run_unsafe_code: bool,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Compare decoders on benchmarks: the score of each, its forward passes and its speed.

    \b
    credit-viz eval --tasks credit_viz_tiny --decoder vanilla --decoder credit --gen-length 64
    credit-viz eval --tasks gsm8k,drop --model GSAI-ML/LLaDA-8B-Instruct \\
        --decoder vanilla --decoder threshold --decoder credit --preset credit=paper --out answers
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    if as_list:
        from credit_viz.cli.scores import print_benchmarks

        print_benchmarks()
        return
    if not tasks:
        raise SettingsError("no --tasks; name one or more, separated by commas (see credit-viz eval --list)")
    lanes = parse_lanes(decoders, presets, settings)
    runs, choice = RunChoice.of(given), ModelChoice(**given)
    _prepare_harness(choice.offline)
    from credit_viz.evaluation.compare import Prompting

    options = runs.options()
    prompting = Prompting(limit, num_fewshot, not no_chat_template, not fewshot_as_one_turn)
    made = {lane.label: lane.make() for lane in lanes}
    found = _find_tasks([name.strip() for name in tasks.split(",")], confirm_run_unsafe_code)
    generators = _generators(choice, made, options, out)
    _report(_compare(generators, found, prompting, out), generators, prompting, as_json)


def _prepare_harness(offline: bool) -> None:
    """Before anything imports it: its own talk is kept to what a person wants to know."""
    from credit_viz.evaluation import require_harness

    require_harness()
    # the harness draws a bar for each task and lane, most of them gone in a blink: only what takes seconds shows
    os.environ.setdefault("TQDM_DELAY", "3")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # else it tells of every attempt to reach the hub
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


def _find_tasks(names: list[str], run_unsafe_code: bool) -> TaskSet:
    from credit_viz.cli.progress import waiting_for
    from credit_viz.evaluation.tasks import load_tasks

    with waiting_for("finding the tasks"):
        return load_tasks(names, run_unsafe_code=run_unsafe_code)


def _generators(
    model: ModelChoice, decoders: dict[str, Decoder], options: RunOptions, out: Path | None
) -> dict[str, Generator]:
    from credit_viz.evaluation.generation import Generator

    loaded = model.load()
    return {label: Generator(loaded, decoder, options, out) for label, decoder in decoders.items()}


def _compare(generators: dict[str, Generator], tasks: TaskSet, prompting: Prompting, out: Path | None) -> list[Row]:
    from credit_viz.cli.progress import progress
    from credit_viz.evaluation.compare import compare

    total = tasks.documents(prompting.limit) * next(iter(generators.values())).options.gen_length
    try:
        with progress(list(generators), total) as tell:
            for lane, generator in enumerate(generators.values()):
                generator.tell = _lane_teller(lane, tell)
            return compare(generators, tasks, prompting)
    except KeyboardInterrupt:
        if out is not None:
            say(f"the answers so far are in {out}; the same command goes on from there")
        raise


def _lane_teller(lane: int, tell: LaneTell) -> Tell:
    """Counts a lane's passes over all its prompts."""
    passes = 0

    def told(written: int, passes_of_answer: int) -> None:
        nonlocal passes
        passes += passes_of_answer > 0
        tell(lane, written, passes)

    return told


def _report(rows: list[Row], generators: dict[str, Generator], prompting: Prompting, as_json: bool) -> None:
    from credit_viz.cli.scores import eval_json, print_rows

    report = eval_json(rows, generators, prompting)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=True, allow_nan=False))
    else:
        print_rows(report)
