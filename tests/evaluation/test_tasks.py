"""Tasks are found by name, and what cannot be compared or had is refused in one line."""

from __future__ import annotations

import os

import pytest
from datasets import Dataset
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager

from credit_viz.errors import BackendError, SettingsError
from credit_viz.evaluation.benchmarks import LOCAL, PAPER, benchmark_of, shown_scores
from credit_viz.evaluation.tasks import load_tasks
from credit_viz.tiny.evaluate import SEED
from credit_viz.tiny.tasks import TASKS, held_out

pytestmark = pytest.mark.usefixtures("indexed")


def test_the_local_group_is_the_model_card_s_prompts() -> None:
    found = load_tasks(["credit_viz_tiny"])
    assert found.names == ("credit_viz_tiny", *(f"credit_viz_tiny_{family}" for family in TASKS))
    assert found.leaves("credit_viz_tiny") == list(found.names[1:])
    examples = held_out(400, SEED)
    for family in TASKS:
        task = found.tasks[f"credit_viz_tiny_{family}"]
        wanted = [e for e in examples if e.task == family]
        assert [task.doc_to_text(doc) for doc in task.eval_docs] == [e.prompt for e in wanted]
        assert [task.doc_to_target(doc) for doc in task.eval_docs] == [e.response for e in wanted]
        for doc, example in zip(task.eval_docs, wanted, strict=True):
            assert task.process_results(doc, [example.response]) == {"exact_match": 1.0}
            assert task.process_results(doc, [example.response + "!"]) == {"exact_match": 0.0}
            break
    assert found.documents(None) == 400
    assert found.documents(7) == 28


def test_one_local_family() -> None:
    found = load_tasks(["credit_viz_tiny_json"])
    assert found.names == ("credit_viz_tiny_json",)
    assert list(found.tasks) == ["credit_viz_tiny_json"]
    assert found.leaves("credit_viz_tiny_json") == ["credit_viz_tiny_json"]


def test_a_task_and_its_group_overlap() -> None:
    with pytest.raises(SettingsError, match="each task once"):
        load_tasks(["credit_viz_tiny", "credit_viz_tiny_json"])


def test_unknown_names_come_with_close_ones() -> None:
    with pytest.raises(SettingsError, match=r"unknown task 'gsm8kk'; close to it: .*gsm8k"):
        load_tasks(["gsm8kk"])
    with pytest.raises(SettingsError, match=r"unknown task '§'; see credit-viz eval --list"):
        load_tasks(["§"])
    with pytest.raises(SettingsError, match="unknown task ''"):
        load_tasks([""])


@pytest.mark.parametrize("name", ["KorBench", "live_code_bench"])
def test_what_the_harness_lacks_is_said(name: str) -> None:
    with pytest.raises(SettingsError, match=r"lm-evaluation-harness [\d.]+ has no task for (KorBench|LiveCodeBench)"):
        load_tasks([name])


def test_the_paper_s_spelling_leads_to_the_harness_s() -> None:
    with pytest.raises(SettingsError, match=r"unknown task 'SQuAD2\.0'; SQuAD2\.0 is called squadv2 there"):
        load_tasks(["SQuAD2.0"])


@pytest.mark.parametrize("name", ["mmlu", "arc_challenge", "lambada_openai", "wikitext", "mmlu_anatomy", "ai2_arc"])
def test_likelihood_tasks_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"task '{name}'.* scores likelihoods: nothing is decoded"):
        load_tasks([name])


def test_the_refusal_of_mmlu_names_its_generated_form() -> None:
    with pytest.raises(SettingsError, match="valid here: mmlu_generative"):
        load_tasks(["mmlu"])


@pytest.mark.parametrize("name", ["humaneval", "humaneval_instruct", "mbpp"])
def test_generated_code_needs_consent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ALLOW_CODE_EVAL", raising=False)
    with pytest.raises(SettingsError, match=f"'{name}' runs code .* --confirm-run-unsafe-code"):
        load_tasks([name])
    assert "HF_ALLOW_CODE_EVAL" not in os.environ


def test_consent_reaches_the_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ALLOW_CODE_EVAL", "0")
    with pytest.raises(BackendError, match="task 'humaneval_instruct' cannot be had"):
        load_tasks(["humaneval_instruct"], run_unsafe_code=True)
    assert os.environ["HF_ALLOW_CODE_EVAL"] == "1"


@pytest.mark.parametrize("name", ["gsm8k", "drop", "squadv2", "mmlu_generative", "minerva_math"])
def test_data_that_cannot_be_had_is_one_line(name: str) -> None:
    with pytest.raises(BackendError, match=f"task '{name}' cannot be had: Couldn't reach") as caught:
        load_tasks([name])
    assert "\n" not in str(caught.value)


def test_a_task_that_only_its_code_knows_to_be_a_likelihood(
    indexed: TaskManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"test": Dataset.from_list([{"a": "x", "b": "y"}])}
    config = {
        "task": "gsm8k",
        "custom_dataset": lambda **_: data,
        "test_split": "test",
        "output_type": "loglikelihood",
        "doc_to_text": "a",
        "doc_to_target": "b",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    task = ConfigurableTask(config=config)
    monkeypatch.setattr(indexed, "load", lambda _: {"tasks": {"gsm8k": task}, "groups": {}})
    with pytest.raises(SettingsError, match="'gsm8k' scores likelihoods"):
        load_tasks(["gsm8k"])


# ------------------------------------------------------------------ the table of benchmarks


def test_the_eight_benchmarks_and_their_tasks(indexed: TaskManager) -> None:
    names = ["MMLU", "SQuAD2.0", "DROP", "KorBench", "HumanEval", "LiveCodeBench", "GSM8K", "MATH"]
    assert [benchmark.name for benchmark in PAPER] == names
    for benchmark in PAPER:
        assert benchmark.task is None or benchmark.task in indexed.task_index
    words = [name.lower().replace("-", "").replace("_", "") for name in indexed.all_tasks]
    for missing in ("korbench", "livecodebench"):
        assert not [word for word in words if missing in word]


def test_names_however_they_are_spelled() -> None:
    for word in ("squad2.0", "SQuAD 2.0", "squad_20"):
        found = benchmark_of(word)
        assert found is not None
        assert found.task == "squadv2"
    assert benchmark_of("gsm") is None


def test_scores_worth_a_column() -> None:
    assert shown_scores("squadv2") == ("exact,none", "f1,none")
    assert shown_scores("mmlu_anatomy_generative") == shown_scores("mmlu_generative") == ("exact_match,get_response",)
    assert shown_scores("minerva_math_algebra") == shown_scores("minerva_math")
    assert LOCAL.task is not None
    assert shown_scores(LOCAL.task) == shown_scores("arc_easy") == ()
