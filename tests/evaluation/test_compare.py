"""The way through the harness comes to the same numbers as the direct one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import BackendError
from credit_viz.evaluation.compare import Cost, Prompting, compare
from credit_viz.evaluation.generation import Answer, Generator, Tell
from credit_viz.evaluation.tasks import TaskSet, load_tasks
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny.evaluate import GEN_LENGTH, SEED, Arm, measure
from credit_viz.tiny.tasks import TASKS, held_out

LIMIT = 2
ARMS = (
    Arm("vanilla", "vanilla", {"steps": 8}),
    Arm("threshold", "threshold", {"threshold": 0.9}),
    Arm("credit", "credit", preset="paper"),
)


def generators(model: DiffusionLM, folder: Path | None = None, block_length: int = 64) -> dict[str, Generator]:
    options = RunOptions(gen_length=GEN_LENGTH, block_length=block_length)
    return {
        arm.label: Generator(model, make_decoder(arm.decoder, arm.settings, arm.preset), options, folder)
        for arm in ARMS
    }


def kept(folder: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Rows by (task, decoder), in the order of prompts."""
    return {
        tuple(file.name.split("-")[:2]): [json.loads(line) for line in file.read_text().splitlines()]  # type: ignore[misc]
        for file in folder.glob("*.jsonl")
    }


def test_prompt_by_prompt_as_the_model_card_measures(embedded: DiffusionLM, tmp_path: Path) -> None:
    block_length = 32
    rows = compare(
        generators(embedded, tmp_path, block_length), load_tasks(["credit_viz_tiny"]), Prompting(limit=LIMIT)
    )
    examples = held_out(LIMIT * len(TASKS), SEED)
    answers = kept(tmp_path)
    for arm in ARMS:
        (direct,) = measure(embedded, [arm], block_length, examples)
        for family in TASKS:
            places = [i for i, example in enumerate(examples) if example.task == family]
            found = answers[f"credit_viz_tiny_{family}", arm.decoder]
            assert [row["passes"] for row in found] == direct.passes[places].tolist()
            assert [row["content"] for row in found] == direct.content[places].tolist()
            right = [examples[place].accepts(row["text"]) for place, row in zip(places, found, strict=True)]
            assert right == direct.exact[places].tolist()
            (row,) = (r for r in rows if (r.task, r.lane) == (f"credit_viz_tiny_{family}", arm.label))
            assert row.scores[0].value == pytest.approx(direct.exact[places].mean())
            assert row.cost.passes == direct.passes[places].sum()
        (group,) = (r for r in rows if (r.task, r.lane) == ("credit_viz_tiny", arm.label))
        assert group.scores[0].value == pytest.approx(direct.exact.mean())
        assert group.cost.passes_per_prompt == pytest.approx(direct.passes.mean())
        assert group.cost.content_per_forward == pytest.approx(direct.content_per_forward)


def test_rows_tell_what_they_are(embedded: DiffusionLM) -> None:
    found = compare(generators(embedded), load_tasks(["credit_viz_tiny_code"]), Prompting(limit=4))
    assert [(row.task, row.lane) for row in found] == [("credit_viz_tiny_code", arm.label) for arm in ARMS]
    row = found[1]
    (score,) = row.scores
    assert score.metric == "exact_match,none"
    assert score.stderr == pytest.approx(sqrt(score.value * (1 - score.value) / 3))
    assert (row.shots, row.version, row.cost.prompts, row.cost.written) == (0, "1", 4, 4 * GEN_LENGTH)


def test_lanes_take_turns_and_decode_once(embedded: DiffusionLM, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = generators(embedded)
    decoded: list[str] = []
    told: dict[str, int] = dict.fromkeys(lanes, 0)
    original = Generator._decode

    def decode(self: Generator, prompt_ids: Sequence[int]) -> Answer:
        decoded.append(self.decoder.name)
        return original(self, prompt_ids)

    def teller(label: str) -> Tell:
        def tell(written: int, _passes: int) -> None:
            told[label] += written

        return tell

    monkeypatch.setattr(Generator, "_decode", decode)
    for label, lane in lanes.items():
        lane.tell = teller(label)
    compare(lanes, load_tasks(["credit_viz_tiny_code"]), Prompting(limit=2))
    assert decoded == [arm.decoder for arm in ARMS] * 2
    assert told == dict.fromkeys(lanes, 2 * GEN_LENGTH)


def test_one_prompt_has_no_standard_error(embedded: DiffusionLM) -> None:
    (row, *_) = compare(generators(embedded), load_tasks(["credit_viz_tiny_code"]), Prompting(limit=1))
    assert row.scores[0].stderr is None


def test_costs_are_ratios_of_sums() -> None:
    cost = Cost.of([Answer([], "", 2, 8, 4, 0.5), Answer([], "", 6, 8, 0, 1.5)])
    assert cost == Cost(2, 8, 16, 4, 2.0)
    assert (cost.passes_per_prompt, cost.tokens_per_forward) == (4, 2)
    assert (cost.content_per_forward, cost.tokens_per_second) == (0.5, 8)


# ------------------------------------------------------------------ other shapes of tasks


def tasks_of(*tasks: ConfigurableTask) -> TaskSet:
    return TaskSet({task.task_name: task for task in tasks}, {}, tuple(task.task_name for task in tasks))


def echo_task(cls: type[ConfigurableTask] = ConfigurableTask, **changes: Any) -> ConfigurableTask:
    """Repeat the prompt: a task with examples to draw from."""
    words = ("Tell a story.", "Write a function.", "Extract JSON.", "How many cookies now?", "Tell a sad story.")
    data = Dataset.from_list([{"text": word} for word in words])
    config = {
        "task": "echo",
        "custom_dataset": lambda **_: {"train": data, "test": data},
        "test_split": "test",
        "training_split": "train",
        "fewshot_split": "train",
        "doc_to_text": "text",
        "doc_to_target": "text",
        "generation_kwargs": {"until": ["\n"]},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "num_fewshot": 1,
    }
    return cls(config={**config, **changes})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """(decoder, prompt ids) of every question."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def answer(self: Generator, _task: str, prompt_ids: Sequence[int]) -> Answer:
        seen.append((self.decoder.name, tuple(prompt_ids)))
        return Answer([], "", 1, 1, 1, 1.0)

    monkeypatch.setattr(Generator, "answer", answer)
    return seen


def by_lane(asked: Sequence[tuple[str, tuple[int, ...]]]) -> list[list[tuple[int, ...]]]:
    return [[ids for name, ids in asked if name == arm.decoder] for arm in ARMS]


def test_every_lane_sees_the_same_examples(embedded: DiffusionLM, asked: list[tuple[str, tuple[int, ...]]]) -> None:
    rows = compare(generators(embedded), tasks_of(echo_task()), Prompting(num_fewshot=2))
    first, *others = by_lane(asked)
    assert len(first) == 6
    assert first[0] == first[1]  # scored before the others are decoded
    # beside the first lane, and once more when the harness asks for their own
    assert others == [first + first[1:]] * 2
    assert {row.shots for row in rows} == {2}


def test_how_examples_are_written(embedded: DiffusionLM, asked: list[tuple[str, tuple[int, ...]]]) -> None:
    lanes = {"vanilla": generators(embedded)["vanilla"]}
    forms = {
        form: compare(lanes, tasks_of(echo_task()), form)
        for form in (
            Prompting(),
            Prompting(fewshot_as_multiturn=False),
            Prompting(chat=False),
            Prompting(num_fewshot=0),
        )
    }
    prompts = [asked[6 * i][1] for i in range(len(forms))]
    assert len(set(prompts)) == len(forms)
    assistant = embedded.text.find("<|assistant|>")
    assert [ids.count(assistant or -1) for ids in prompts] == [2, 1, 0, 1]
    assert prompts[3] == tuple(embedded.encode("Tell a story."))
    assert [rows[0].shots for rows in forms.values()] == [1, 1, 1, 0]


@pytest.mark.usefixtures("asked")
def test_a_task_that_says_no_examples_means_it(embedded: DiffusionLM) -> None:
    lanes = {"vanilla": generators(embedded)["vanilla"]}
    (row,) = compare(lanes, tasks_of(echo_task(num_fewshot=0)), Prompting(num_fewshot=3))
    (silent,) = compare(lanes, tasks_of(echo_task(num_fewshot=None)), Prompting())
    assert (row.shots, silent.shots) == (0, 0)


class _Mixed(ConfigurableTask):
    """As SQuAD2.0 in the harness: an answer is written, and a likelihood asked beside it."""

    def construct_requests(self, doc: Mapping[str, Any], ctx: str, **words: Any) -> list[Instance]:
        kept_words = {name: words[name] for name in ("metadata",)}
        return [
            Instance("generate_until", dict(doc), (ctx, {"until": ["\n"]}), 0, **kept_words),
            Instance("loglikelihood", dict(doc), (ctx, " story"), 0, **kept_words),
        ]

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:
        text, (likelihood, _) = results
        return {"exact_match": float(isinstance(text, str) and likelihood < 0)}


def test_likelihoods_beside_answers_are_not_counted(embedded: DiffusionLM) -> None:
    rows = compare(generators(embedded), tasks_of(echo_task(_Mixed)), Prompting(limit=2))
    assert [row.scores[0].value for row in rows] == [1.0, 1.0, 1.0]
    assert rows[0].cost.prompts == 2
    assert rows[0].cost.passes == 16


def test_a_metric_that_cannot_be_had_shows_at_once(
    embedded: DiffusionLM, asked: list[tuple[str, tuple[int, ...]]]
) -> None:
    def fetch(_items: Any) -> float:
        raise ConnectionError("Couldn't reach 'squad_v2'")

    task = echo_task(metric_list=[{"metric": "exact_match", "aggregation": fetch, "higher_is_better": True}])
    with pytest.raises(BackendError, match="echo cannot be scored: Couldn't reach 'squad_v2'"):
        compare(generators(embedded), tasks_of(task), Prompting())
    assert [name for name, _ in asked] == [arm.decoder for arm in ARMS]
