"""The shipped checkpoint: small, in the published layout, its own tokenizer, and right on fresh prompts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from safetensors.torch import load_file

import credit_viz
from credit_viz.decoding import make_decoder
from credit_viz.models.base import DiffusionLM
from credit_viz.models.hub import embedded_model_path
from credit_viz.tiny import SETTINGS, examples
from credit_viz.tiny.tasks import Example, held_out
from credit_viz.tiny.tasks.arithmetic import ArithmeticExample
from credit_viz.tiny.tokenizer import build_tokenizer, prompt_ids

FOLDER: Path = embedded_model_path()
MAX_BYTES = 8_000_000


@pytest.fixture(scope="module")
def model() -> DiffusionLM:
    return credit_viz.load_model(device="cpu")


def test_is_small() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= MAX_BYTES
    assert {tensor.dtype.itemsize for tensor in load_file(FOLDER / "model.safetensors").values()} == {2}


def test_config_is_published_layout() -> None:
    config = json.loads((FOLDER / "config.json").read_text())
    assert (config["model_type"], config["architectures"]) == ("llada", ["LLaDAModelLM"])
    assert "auto_map" not in config
    assert config["max_sequence_length"] == 512


def test_tokenizer_is_the_one_this_code_builds(model: DiffusionLM) -> None:
    built = build_tokenizer()
    assert json.loads((FOLDER / "tokenizer.json").read_text()) == json.loads(built.to_str())
    for example in held_out(40, seed=0):
        # The chat template of the shipped files gives exactly the ids that training used.
        assert list(model.encode(example.prompt)) == prompt_ids(built, example.prompt)


def test_special_ids(model: DiffusionLM) -> None:
    built = build_tokenizer()
    assert model.mask_id == built.token_to_id("<|mdm_mask|>")
    assert model.eos_ids == (built.token_to_id("<|endoftext|>"),)


def test_training_record_belongs_to_these_weights() -> None:
    record = json.loads((FOLDER / "training.json").read_text())
    assert record["steps"] == record["recipe"]["steps"]
    weights = load_file(FOLDER / "model.safetensors").values()
    assert record["parameters"] == sum(tensor.numel() for tensor in weights)
    assert record["vocabulary"] == build_tokenizer().get_vocab_size()


def decoded(model: DiffusionLM, prompts: Sequence[Example]) -> list[str]:
    return [credit_viz.decode(model, e.prompt, decoder="vanilla", record="none").text for e in prompts]


@pytest.mark.parametrize("task", ["story", "json", "code"])
def test_mostly_right_on_held_out_prompts(model: DiffusionLM, task: str) -> None:
    """A spot check with slack on prompts that the card's table does not use; the table is in assets/tiny."""
    prompts = [example for example in held_out(16, seed=4_242) if example.task == task]
    right = [e.accepts(text) for e, text in zip(prompts, decoded(model, prompts), strict=True)]
    assert sum(right) >= len(right) - 1


def test_sums_are_told_right_even_where_they_come_out_wrong(model: DiffusionLM) -> None:
    """The card says how few chains are right; names, items and the first equation's terms are copied reliably."""
    prompts = [e for e in held_out(16, seed=4_242) if isinstance(e, ArithmeticExample)]
    for example, text in zip(prompts, decoded(model, prompts), strict=True):
        told, first = example.told, example.told.changes[0]
        assert text.startswith((f"{told.name} starts with", f"At first {told.name} has")), text
        assert f"{told.start} {told.item}. " in text
        assert f"{told.start} {first.operator} {first.amount} = " in text


def test_examples_are_answered_right(model: DiffusionLM) -> None:
    shown = examples()
    assert all(e.accepts(text) for e, text in zip(shown, decoded(model, shown), strict=True))


def test_recommended_knobs_are_valid_settings() -> None:
    for name, knobs in SETTINGS.items():
        assert make_decoder(name, knobs).settings.threshold == 0.99
