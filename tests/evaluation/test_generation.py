"""Answers are those of `decode`; what is there already is not computed again, and what differs never reused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

import credit_viz
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import PromptError
from credit_viz.evaluation.generation import Generator
from credit_viz.evaluation.manifest import describe_device, describe_model
from credit_viz.models.base import DiffusionLM
from credit_viz.versions import versions

OPTIONS = RunOptions(gen_length=8, block_length=4)


def generator(model: DiffusionLM, folder: Path | None = None, options: RunOptions = OPTIONS, **knobs: Any) -> Generator:
    return Generator(model, make_decoder("threshold", knobs), options, folder)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one per forward pass of the model."""
    seen: list[int] = []
    original = DiffusionLM.token_logits

    def counted(self: DiffusionLM, *args: Any, **kwargs: Any) -> Any:
        seen.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(DiffusionLM, "token_logits", counted)
    return seen


@pytest.mark.parametrize("early_stop", [False, True])
def test_the_answer_is_that_of_decode(peaky: DiffusionLM, early_stop: bool) -> None:
    ids = peaky.encode("hello")
    options = dataclasses.replace(OPTIONS, early_stop=early_stop)
    answer = generator(peaky, options=options, threshold=0.8).answer("task", ids)
    trace = credit_viz.decode(
        peaky,
        prompt_ids=ids,
        decoder="threshold",
        settings={"threshold": 0.8},
        gen_length=8,
        block_length=4,
        early_stop=early_stop,
    )
    assert answer.token_ids == trace.token_ids.tolist()
    assert answer.text == trace.text
    assert answer.passes == trace.forward_passes
    assert answer.content == trace.content_tokens
    assert answer.written == 8
    assert answer.seconds > 0


def test_what_is_kept_is_not_computed_again(peaky: DiffusionLM, tmp_path: Path, passes: list[int]) -> None:
    prompts = [peaky.encode(word) for word in ("one", "two", "three")]
    first = generator(peaky, tmp_path)
    before = [first.answer("task", ids) for ids in prompts[:2]]
    done = len(passes)
    assert done == 1 + sum(answer.passes for answer in before)  # one pass warms up
    again = generator(peaky, tmp_path)
    told: list[tuple[int, int]] = []
    again.tell = lambda written, steps: told.append((written, steps))
    assert [again.answer("task", ids) for ids in prompts[:2]] == before
    assert len(passes) == done
    assert told == [(8, 0), (8, 0)]
    third = again.answer("task", prompts[2])
    assert len(passes) == done + 1 + third.passes
    assert sum(written for written, _ in told[2:]) == 8
    assert [step for _, step in told[2:]] == list(range(1, third.passes + 1))


def test_a_damaged_end_costs_one_answer(peaky: DiffusionLM, tmp_path: Path, passes: list[int]) -> None:
    prompts = [peaky.encode(word) for word in ("one", "two")]
    first = generator(peaky, tmp_path)
    before = [first.answer("task", ids) for ids in prompts]
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-7])
    done = len(passes)
    again = generator(peaky, tmp_path)
    after = [again.answer("task", ids) for ids in prompts]
    assert len(passes) == done + 1 + before[1].passes
    assert [dataclasses.replace(a, seconds=0) for a in after] == [dataclasses.replace(a, seconds=0) for a in before]


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 0.5},
        {"options": dataclasses.replace(OPTIONS, seed=1)},
        {"options": dataclasses.replace(OPTIONS, block_length=8)},
        {"options": dataclasses.replace(OPTIONS, early_stop=True)},
    ],
)
def test_a_changed_setting_meets_no_old_answer(
    peaky: DiffusionLM, tmp_path: Path, passes: list[int], changes: dict[str, Any]
) -> None:
    ids = peaky.encode("one")
    generator(peaky, tmp_path).answer("task", ids)
    done = len(passes)
    generator(peaky, tmp_path, **changes).answer("task", ids)
    assert len(passes) > done
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_replaced_weights_meet_no_old_answer(fixtures: Path) -> None:
    model = credit_viz.load_model(fixtures / "llada_peaky", device="cpu")
    before = describe_model(model)
    assert describe_model(credit_viz.load_model(fixtures / "llada_peaky", device="cpu")) == before
    with torch.no_grad():
        next(iter(model.network.parameters())).mul_(1.5)
    after = describe_model(model)
    assert after["weights"] != before["weights"]
    assert {**after, "weights": 0} == {**before, "weights": 0}


def test_a_compiled_model_meets_no_answer_timed_without(
    peaky: DiffusionLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator(peaky, tmp_path).answer("task", peaky.encode("one"))
    monkeypatch.setattr(peaky, "compiled", True)
    generator(peaky, tmp_path).answer("task", peaky.encode("one"))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_what_is_recorded_is_no_setting(peaky: DiffusionLM) -> None:
    loud = generator(peaky, options=dataclasses.replace(OPTIONS, record="all", top_k=3))
    assert loud.about == generator(peaky).about


def test_tasks_do_not_share_answers(peaky: DiffusionLM, tmp_path: Path) -> None:
    first = generator(peaky, tmp_path)
    first.answer("one", peaky.encode("x"))
    first.answer("two", peaky.encode("x"))
    assert sorted(file.name.split("-")[0] for file in tmp_path.glob("*.jsonl")) == ["one", "two"]


def test_a_prompt_that_does_not_fit(peaky: DiffusionLM) -> None:
    with pytest.raises(PromptError, match="takes at most"):
        generator(peaky).answer("task", [3] * peaky.max_positions)


def test_device_and_versions_in_words(peaky: DiffusionLM) -> None:
    assert describe_device(peaky).endswith(", 1 thread)")
    assert set(versions(("torch", "no-such-package"))) == {"torch"}
