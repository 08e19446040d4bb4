"""Options that say what is decoded and by whom, shared by the commands of the lab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from credit_viz.cli.options import ModelChoice, model_options
from credit_viz.cli.words import say
from credit_viz.errors import SettingsError

if TYPE_CHECKING:
    from credit_viz.lab import Arm, Crew, Plan, Prompt, TaskPrompts

__all__ = ["PlanChoice", "plan_options"]


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


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--tasks", callback=_words, metavar="TASK,...", help="Tasks of the embedded model, or all."),
    click.option(
        "--split", default="held-out", help="Prompts that training never met (held-out), or might have (train)."
    ),
    click.option("--prompts", "prompt_count", type=int, default=50, metavar="N", help="How many prompts of the tasks."),
    click.option(
        "--prompts-seed", type=int, default=20_000, metavar="N", help="Which of them; the model card's by default."
    ),
    click.option(
        "--prompts-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.jsonl",
        help='Own prompts, one {"prompt": ..., "answer": ...} per line; the answer may be missing.',
    ),
    click.option("--prompt", "texts", multiple=True, metavar="TEXT", help="An own prompt; repeat it."),
    click.option("--gen-length", callback=_numbers, default="64", metavar="N,...", help="Positions to generate."),
    click.option("--block-length", callback=_numbers, default="32", metavar="N,...", help="Positions per block."),
    click.option("--seeds", callback=_numbers, default="0", metavar="N,...", help="Matter at temperatures above 0."),
    click.option("--early-stop", is_flag=True, help="End once an end-of-text token stands with everything before it."),
    click.option("--cache", callback=_words, default="none", metavar="MODE,...", help="none, prefix, dual or block."),
    click.option(
        "--compare",
        default="auto",
        metavar="WHEN",
        help="Agreement with vanilla, and the model's likelihood of each text: auto (where no answer is known), always "
        "or never.",
    ),
    click.option("--batch", type=int, default=1, help="Runs that share a pass. 1 is exact; more is for GPUs."),
    click.option(
        "--workers",
        type=int,
        metavar="N",
        show_default="one per device; with --ray, as many as there is room for",
        help="Processes, each with a model of its own. With --device cuda:0,cuda:1 they take turns.",
    ),
    click.option("--threads", type=int, default=1, help="CPU threads of each worker."),
    click.option(
        "--ray",
        metavar="ADDRESS",
        help="Workers are actors of the Ray cluster there: auto, or HOST:PORT of its head. Needs the extra ray.",
    ),
)


def plan_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that `PlanChoice` takes, by its names."""
    for option in reversed((*_OPTIONS, model_options)):
        command = option(command)
    return command


class PlanChoice(NamedTuple):
    """What was asked for, without the arms."""

    tasks: tuple[str, ...] | None
    split: str
    prompt_count: int
    prompts_seed: int
    prompts_file: Path | None
    texts: tuple[str, ...]
    gen_length: tuple[int, ...]
    block_length: tuple[int, ...]
    seeds: tuple[int, ...]
    early_stop: bool
    cache: tuple[str, ...]
    compare: str
    batch: int
    workers: int | None
    threads: int
    ray: str | None
    model: ModelChoice

    @classmethod
    def of(cls, given: dict[str, Any]) -> PlanChoice:
        """From a command's keyword arguments, which lose them."""
        own = {name: given.pop(name) for name in cls._fields if name != "model"}
        return cls(**own, model=ModelChoice(**{name: given.pop(name) for name in ModelChoice._fields}))

    @property
    def _devices(self) -> tuple[str, ...]:
        return tuple(device.strip() for device in self.model.device.split(","))

    def plan(self, arms: Sequence[Arm]) -> Plan:
        """The plan with these arms."""
        from credit_viz.lab import Plan

        return Plan(
            arms=tuple(arms),
            prompts=_own_prompts(self.texts, self.prompts_file),
            tasks=_tasks(self.tasks, self.split, self.prompt_count, self.prompts_seed),
            options={
                "gen_length": self.gen_length,
                "block_length": self.block_length,
                "seed": self.seeds,
                "early_stop": self.early_stop,
                "cache": self.cache,
            },
            model=self.model._replace(device=self._devices[0]).plan_source(),
            compare=self.compare,
            batch=self.batch,
        )

    def crew(self) -> Crew:
        """Who decodes."""
        from credit_viz.lab import LocalCrew, RayCrew

        if self.ray is None:
            return LocalCrew(len(self._devices) if self.workers is None else self.workers, self.threads, self._devices)
        if len(self._devices) > 1:
            raise SettingsError(f"--device {self.model.device!r}: Ray chooses which GPU; valid: auto, cpu, cuda")
        return RayCrew(self.ray, self.workers, self.threads, tell=say)


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
