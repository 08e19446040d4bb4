"""The LLaDA dense family: the original code's logits, refusals by name, and the way to disk and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from credit_viz.errors import CheckpointError
from credit_viz.models.families import FAMILIES, family_of, llada
from credit_viz.models.loading import load_model


@pytest.fixture
def config(fixtures: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((fixtures / "llada" / "config.json").read_text())
    return data


# ------------------------------------------------------------------ config


UNPROVEN = [
    ("block_type", "sequential"),
    ("block_type", "parallel"),
    ("activation_type", "swiglu"),
    ("activation_type", "gelu"),
    ("layer_norm_type", "default"),
    ("layer_norm_type", "gemma_rms"),
    ("layer_norm_type", "low_precision"),
    ("rope", False),
    ("alibi", True),
    ("include_bias", True),
    ("include_qkv_bias", True),
    ("bias_for_layer_norm", True),
    ("attention_layer_norm", True),
    ("scale_logits", True),
    ("block_group_size", 2),
    ("input_emb_norm", True),
    ("multi_query_attention", True),
    ("layer_norm_with_affine", False),
]


@pytest.mark.parametrize(("name", "value"), UNPROVEN)
def test_an_unproven_value_is_refused_by_name(config: dict[str, Any], name: str, value: object) -> None:
    with pytest.raises(CheckpointError) as raised:
        llada.translate_config({**config, name: value})
    assert f"{name}={value!r}" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["d_model", "n_layers", "n_heads", "max_sequence_length"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_missing_field_is_named(config: dict[str, Any], name: str, how: str) -> None:
    changed = {**config, name: None}
    if how == "absent":
        del changed[name]
    with pytest.raises(CheckpointError, match=name):
        llada.translate_config(changed)


@pytest.mark.parametrize("names", [("embedding_size", "vocab_size"), ("mlp_hidden_size", "mlp_ratio")])
def test_one_of_two_fields_is_enough(config: dict[str, Any], names: tuple[str, str]) -> None:
    without = {key: value for key, value in config.items() if key not in names}
    with pytest.raises(CheckpointError, match=f"{names[0]}.*{names[1]}"):
        llada.translate_config(without)
    for name in names:
        llada.translate_config({**without, name: config[name]})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_heads", 5),
        ("n_heads", 0),
        ("n_heads", "4"),
        ("d_model", "64"),
        ("d_model", -64),
        ("n_layers", -1),
        ("n_layers", 2.5),
        ("n_kv_heads", 3),
        ("max_sequence_length", "long"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(config: dict[str, Any], name: str, value: object) -> None:
    with pytest.raises(CheckpointError) as raised:
        llada.translate_config({**config, name: value})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["block_type", "activation_type", "layer_norm_type", "rope"])
def test_a_field_whose_published_default_is_unproven_must_be_there(config: dict[str, Any], name: str) -> None:
    # in the original code an absent field means sequential, swiglu, default, no rope
    del config[name]
    with pytest.raises(CheckpointError, match=name):
        llada.translate_config(config)


def test_every_field_lands_in_its_place(config: dict[str, Any]) -> None:
    sizes = {
        "d_model": 96,
        "n_layers": 2,
        "n_heads": 6,
        "n_kv_heads": 3,
        "mlp_hidden_size": 80,
        "embedding_size": 300,
        "max_sequence_length": 50,
        "rope_theta": 77.0,
        "rms_norm_eps": 1e-3,
        "weight_tying": True,
    }
    llama = llada.translate_config({**config, **sizes})
    assert (llama.hidden_size, llama.num_hidden_layers, llama.num_attention_heads) == (96, 2, 6)
    assert (llama.num_key_value_heads, llama.intermediate_size, llama.vocab_size) == (3, 80, 300)
    assert (llama.max_position_embeddings, llama.rms_norm_eps, llama.tie_word_embeddings) == (50, 1e-3, True)
    assert llama.rope_parameters["rope_theta"] == 77.0
    assert llama.is_causal is False


def test_families_are_found_by_architecture(config: dict[str, Any]) -> None:
    assert family_of(config) is llada.FAMILY
    for architectures in ([], ["GPT2LMHeadModel"], None):
        with pytest.raises(CheckpointError) as raised:
            family_of({"architectures": architectures})
        assert all(name in str(raised.value) for family in FAMILIES for name in family.architectures)


# ------------------------------------------------------------------ to disk and back


@pytest.mark.parametrize("tied", [False, True])
def test_exported_weights_load_back_equal(config: dict[str, Any], fixtures: Path, tmp_path: Path, tied: bool) -> None:
    config = {**config, "weight_tying": tied}
    network = llada.new_model(config, seed=3, initializer_range=0.2).eval()
    weights = llada.export_weights(network)
    assert all(name.startswith("model.transformer.") for name in weights)
    assert ("model.transformer.ff_out.weight" in weights) is not tied
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((fixtures / "llada" / name).read_bytes())
    loaded = load_model(tmp_path, device="cpu", dtype="float32")
    ids = torch.randint(0, 250, (2, 16), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(input_ids=ids).logits
    assert torch.equal(loaded.token_logits(ids), expected)


def test_published_names_are_those_of_the_published_index(config: dict[str, Any], fixtures: Path) -> None:
    index = json.loads((fixtures / "llada" / "model.safetensors.index.json").read_text())
    assert set(llada.export_weights(llada.new_model(config, seed=0))) == set(index["weight_map"])


def test_new_models_depend_on_the_seed_alone(config: dict[str, Any]) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one, two, other = (llada.export_weights(llada.new_model(config, seed=s)) for s in (4, 4, 5))
    assert torch.equal(before, torch.random.get_rng_state())
    name = "model.transformer.blocks.0.q_proj.weight"
    assert torch.equal(one[name], two[name])
    assert not torch.equal(one[name], other[name])


def test_a_weight_without_a_published_name_is_refused() -> None:
    class Odd(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.extra = torch.nn.Linear(2, 2)
            self.config = type("Config", (), {"tie_word_embeddings": False})

    with pytest.raises(CheckpointError, match="extra"):
        llada.export_weights(Odd())
