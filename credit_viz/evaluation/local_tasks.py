"""The embedded model's own tasks for the harness: group `credit_viz_tiny`, one task per family. Needs no network.

Prompts are those of the model card (`credit_viz.tiny.evaluate`): the same seed, the same order within a family. The
metric is the family's checker, so any right wording counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Dataset
from lm_eval.api.group import Group
from lm_eval.api.task import ConfigurableTask, Task
from lm_eval.config.group import AggMetricConfig

from credit_viz.evaluation.benchmarks import LOCAL
from credit_viz.evaluation.language_model import WHOLE_CANVAS
from credit_viz.tiny.evaluate import SEED
from credit_viz.tiny.tasks import TASKS, Example, held_out

__all__ = ["local_names", "local_task"]

_PROMPTS = 100  #: per family, as in the model card


def local_names() -> list[str]:
    """The group and its tasks."""
    assert LOCAL.task is not None
    return [LOCAL.task, *(f"{LOCAL.task}_{family}" for family in TASKS)]


def local_task(name: str) -> Task | Group:
    """The group, or the task of one family; name: one of `local_names`."""
    examples = held_out(_PROMPTS * len(TASKS), SEED)
    group, *tasks = local_names()
    families = dict(zip(tasks, TASKS, strict=True))
    if name != group:
        return _task(name, [e for e in examples if e.task == families[name]])
    metric = AggMetricConfig(metric="exact_match", aggregation="mean", weight_by_size=True)
    built = Group(name=group, aggregate_metric_list=[metric], metadata={"version": 1})
    for task, family in families.items():
        built.add(_task(task, [e for e in examples if e.task == family]))
    return built


def _task(name: str, examples: Sequence[Example]) -> ConfigurableTask:
    by_prompt = {example.prompt: example for example in examples}

    def load(**_metadata: Any) -> dict[str, Dataset]:
        return {"test": Dataset.from_list([{"prompt": e.prompt, "response": e.response} for e in examples])}

    def judge(doc: Mapping[str, str], results: Sequence[str]) -> dict[str, float]:
        return {"exact_match": float(by_prompt[doc["prompt"]].accepts(results[0]))}

    config = {
        "task": name,
        "custom_dataset": load,
        "test_split": "test",
        "doc_to_text": "prompt",
        "doc_to_target": "response",
        "process_results": judge,
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "generation_kwargs": {"until": [], WHOLE_CANVAS: True},
        "num_fewshot": 0,
        "metadata": {"version": 1},
    }
    return ConfigurableTask(config=config)
