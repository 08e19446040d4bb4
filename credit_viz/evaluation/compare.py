"""Several decoders on the same prompts of the same tasks, through the harness, as plain numbers. Knows no terminal.

Scores and their standard errors are the harness's. Costs are sums over the answers behind a score: forward passes
(NFE), tokens, seconds of wall clock. Ratios are left to whoever prints them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lm_eval import evaluate
from lm_eval.defaults import DEFAULT_OTHER_SEED

from credit_viz.errors import BackendError
from credit_viz.evaluation.generation import Answer, Generator
from credit_viz.evaluation.language_model import CreditVizLM
from credit_viz.evaluation.tasks import TaskSet

__all__ = ["Cost", "Prompting", "Row", "Score", "compare"]


@dataclass(frozen=True)
class Prompting:
    """How the harness writes prompts; see its own documentation."""

    limit: int | None = None  #: prompts per task, from the first
    num_fewshot: int | None = None  #: None: as the task says
    chat: bool = True  #: through the model's chat template, if it has one
    fewshot_as_multiturn: bool = True  #: examples as turns of the chat instead of one text


@dataclass(frozen=True)
class Score:
    """One metric, in the harness's own unit."""

    metric: str  #: "metric,filter"
    value: float
    stderr: float | None


@dataclass(frozen=True)
class Cost:
    """Sums over the answers of one decoder to one task."""

    prompts: int
    passes: int
    written: int  #: tokens
    content: int  #: of these, text
    seconds: float

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Cost:
        """Add up."""
        return cls(
            len(answers),
            sum(a.passes for a in answers),
            sum(a.written for a in answers),
            sum(a.content for a in answers),
            sum(a.seconds for a in answers),
        )

    @property
    def passes_per_prompt(self) -> float:
        """NFE."""
        return self.passes / self.prompts

    @property
    def tokens_per_forward(self) -> float:
        """TPF; counts end-of-text padding."""
        return self.written / self.passes

    @property
    def content_per_forward(self) -> float:
        """Text tokens / forward passes."""
        return self.content / self.passes

    @property
    def tokens_per_second(self) -> float:
        """Written tokens / seconds of wall clock."""
        return self.written / self.seconds


@dataclass(frozen=True)
class Row:
    """One decoder on one task or group."""

    task: str
    lane: str
    scores: tuple[Score, ...]
    cost: Cost
    shots: int | None  #: examples in the prompt; None for a group
    version: str  #: the task's, as the harness gives it


def compare(lanes: Mapping[str, Generator], tasks: TaskSet, prompting: Prompting) -> list[Row]:
    """Every lane on every task; rows in the order of tasks, then lanes.

    The lanes take turns prompt by prompt, so that a machine that is busy for a while slows all of them alike. The
    first prompt of every task is scored before the others are decoded.

    Args:
        lanes: by name, what decodes.

    Raises:
        CreditVizError: as decoding does; BackendError too where a metric's code cannot be had.
    """
    rows: dict[str, list[Row]] = {name: [] for name in tasks.names}
    first, *others = lanes.values()
    chat = prompting.chat and first.model.text.chats
    # a metric that cannot be had, or a prompt that does not fit, shows now and not after hours
    _evaluate(CreditVizLM(first, others), tasks, replace(prompting, chat=chat, limit=1))
    for label, generator in lanes.items():
        lm = CreditVizLM(generator, others if generator is first else ())  # from then on every answer is there
        results = _evaluate(lm, tasks, replace(prompting, chat=chat))
        for name in tasks.names:
            rows[name].append(_row(name, label, results, lm, tasks))
    return [row for name in tasks.names for row in rows[name]]


def _evaluate(lm: CreditVizLM, tasks: TaskSet, prompting: Prompting) -> Mapping[str, Any]:
    """The harness's results."""
    for task in tasks.tasks.values():
        _set_fewshot(task, prompting.num_fewshot)
    try:
        results: Mapping[str, Any] = evaluate(
            lm,
            {"tasks": dict(tasks.tasks), "groups": dict(tasks.groups)},
            limit=prompting.limit,
            log_samples=False,
            apply_chat_template=prompting.chat,
            fewshot_as_multiturn=prompting.chat and prompting.fewshot_as_multiturn,
            confirm_run_unsafe_code=True,  # asked for when the tasks were loaded
        )
    except OSError as error:  # some metrics are fetched when they are first used
        raise BackendError(f"{', '.join(tasks.names)} cannot be scored: {error}") from error
    return results


def _set_fewshot(task: Any, num_fewshot: int | None) -> None:
    """Examples per prompt and how they are drawn: the same for every lane, and as the harness's entry point does it."""
    own = task.get_config("num_fewshot")
    if num_fewshot is not None and own != 0:  # a task that says 0 means it
        task.set_config(key="num_fewshot", value=num_fewshot)
    elif own is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=DEFAULT_OTHER_SEED)


def _row(name: str, label: str, results: Mapping[str, Any], lm: CreditVizLM, tasks: TaskSet) -> Row:
    answers = [answer for leaf in tasks.leaves(name) for answer in lm.answers[leaf]]
    return Row(
        task=name,
        lane=label,
        scores=tuple(_scores(results["results"][name])),
        cost=Cost.of(answers),
        shots=results["n-shot"].get(name),
        version=str(results["versions"].get(name, "")),
    )


def _scores(metrics: Mapping[str, Any]) -> list[Score]:
    """Every metric of a task that is a number."""
    found = []
    for key, value in metrics.items():
        metric, comma, name = key.partition(",")
        if comma and not metric.endswith("_stderr") and isinstance(value, int | float):
            error = metrics.get(f"{metric}_stderr,{name}")
            found.append(Score(key, float(value), float(error) if isinstance(error, int | float) else None))
    return found
