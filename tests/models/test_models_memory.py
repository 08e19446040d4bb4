"""What a model needs, from its shape alone: the published shapes against counted numbers, and refusals that help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from credit_viz.errors import CheckpointError
from credit_viz.models import memory
from credit_viz.models.families import FAMILIES, family_of
from credit_viz.models.memory import Size, free_memory, gigabytes, measure, require, ways_to_fit

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)

#: what shapes the networks of the published config.json files.
PUBLISHED: dict[str, dict[str, Any]] = {
    "llada": {
        "architectures": ["LLaDAModelLM"],
        "activation_type": "silu",
        "alibi": False,
        "attention_layer_norm": False,
        "bias_for_layer_norm": False,
        "block_group_size": 1,
        "block_type": "llama",
        "d_model": 4096,
        "embedding_size": 126464,
        "include_bias": False,
        "include_qkv_bias": False,
        "input_emb_norm": False,
        "layer_norm_type": "rms",
        "max_sequence_length": 4096,
        "mlp_hidden_size": 12288,
        "mlp_ratio": 4,
        "multi_query_attention": None,
        "n_heads": 32,
        "n_kv_heads": 32,
        "n_layers": 32,
        "rms_norm_eps": 1e-05,
        "rope": True,
        "rope_theta": 500000.0,
        "scale_logits": False,
        "vocab_size": 126464,
        "weight_tying": False,
    },
    "dream": {
        "architectures": ["DreamModel"],
        "hidden_act": "silu",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "mask_token_id": 151666,
        "max_position_embeddings": 131072,
        "model_type": "Dream",
        "num_attention_heads": 28,
        "num_hidden_layers": 28,
        "num_key_value_heads": 4,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 1000000.0,
        "sliding_window": None,
        "tie_word_embeddings": False,
        "use_mrope": False,
        "use_sliding_window": False,
        "vocab_size": 152064,
    },
    "llada_moe": {
        "architectures": ["LLaDAMoEModelLM"],
        "attention_bias": False,
        "dense_intermediate_size": 8192,
        "expert_intermediate_size": 1024,
        "hidden_act": "silu",
        "hidden_size": 2048,
        "max_position_embeddings": 8192,
        "model_type": "llada",
        "moe_layer_freq": [1] * 16,
        "moe_router_enable_expert_bias": False,
        "moe_router_score_function": "softmax",
        "norm_topk_prob": None,
        "num_attention_heads": 16,
        "num_experts": 64,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 16,
        "num_key_value_heads": 16,
        "partial_rotary_factor": 1,
        "qk_layernorm": True,
        "rms_norm_eps": 1e-05,
        "rope_scaling": None,
        "rope_theta": 50000,
        "routed_scaling_factor": 1,
        "router_num_group": None,
        "router_topk_group": None,
        "shared_expert_intermediate_size": None,
        "tie_word_embeddings": False,
        "vocab_size": 157184,
    },
    "llada2": {
        "architectures": ["LLaDA2MoeModelLM"],
        "first_k_dense_replace": 1,
        "head_dim": 128,
        "hidden_act": "silu",
        "hidden_size": 2048,
        "intermediate_size": 5120,
        "max_position_embeddings": 32768,
        "model_type": "llada2_moe",
        "moe_intermediate_size": 512,
        "moe_router_enable_expert_bias": True,
        "n_group": 8,
        "norm_head": False,
        "norm_topk_prob": True,
        "num_attention_heads": 16,
        "num_experts": 256,
        "num_experts_per_tok": 8,
        "num_hidden_layers": 20,
        "num_key_value_heads": 4,
        "num_shared_experts": 1,
        "partial_rotary_factor": 0.5,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 600000,
        "rotary_dim": 64,
        "routed_scaling_factor": 2.5,
        "router_dtype": "fp32",
        "score_function": "sigmoid",
        "sliding_window": 4096,
        "tie_word_embeddings": False,
        "topk_group": 4,
        "use_bias": False,
        "use_qk_norm": True,
        "use_qkv_bias": False,
        "use_rmsnorm": True,
        "use_sliding_window": False,
        "vocab_size": 157184,
    },
}
#: gigabytes of the weights as bfloat16, int8 and nf4.
COUNTED = {
    "llada": (16.0, 9.1, 6.0),
    "dream": (15.2, 8.7, 5.9),
    "llada_moe": (14.7, 14.4, 14.3),
    "llada2": (32.5, 32.2, 32.1),
}
SERVED = [family.name for family in FAMILIES if family.name in PUBLISHED]


def size_of(family: str) -> Size:
    config = PUBLISHED[family]
    found = family_of(config)
    assert found.name == family
    return measure(found.network_class, found.translate_config(config))


@pytest.mark.parametrize("family", SERVED)
def test_published_shapes_within_two_percent(family: str, capfd: pytest.CaptureFixture[str]) -> None:
    size = size_of(family)
    for mode, counted in zip((None, "int8", "nf4"), COUNTED[family], strict=True):
        assert size.weights("bfloat16", mode) / 1e9 == pytest.approx(counted, rel=0.02)
    assert size.weights("float32") == 2 * size.weights("bfloat16") == 2 * size.weights("float16")
    assert capfd.readouterr() == ("", "")


def test_a_loaded_model_has_the_bytes_that_were_measured(fixtures: Path) -> None:
    from credit_viz.models.loading import load_model

    config = json.loads((fixtures / "llada" / "config.json").read_text())
    family = family_of(config)
    size = measure(family.network_class, family.translate_config(config))
    network = load_model(fixtures / "llada", device="cpu", dtype="bfloat16").network
    assert size.parameters == sum(p.numel() for p in network.parameters())
    assert size.weights("bfloat16") == sum(p.numel() * p.element_size() for p in network.parameters())


def test_working_memory_is_two_lanes_of_logits() -> None:
    assert Size(10, 0, 1000).working("bfloat16") == 512 * 1000 * (2 + 4 + 4)
    assert Size(10, 0, 1000).needs("float32") == 40 + 512 * 1000 * 12


@pytest.mark.parametrize(
    ("count", "text"), [(16_031_162_368, "16.0 GB"), (4.7e6, "4.7 MB"), (96_000_000, "0.1 GB"), (0, "0.0 MB")]
)
def test_bytes_for_people(count: float, text: str) -> None:
    assert gigabytes(count) == text


LLADA = Size(8_015_581_184, 6_979_321_856, 126_464)
MODES = ("int8", "nf4")


def with_free(monkeypatch: pytest.MonkeyPatch, **free: float | None) -> None:
    """Gigabytes free by kind of device."""

    def told(device: torch.device) -> int | None:
        gigabyte = free[device.type]
        return None if gigabyte is None else int(gigabyte * 1e9)

    monkeypatch.setattr(memory, "free_memory", told)


def refusal(*arguments: Any) -> str:
    with pytest.raises(CheckpointError) as raised:
        require(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_too_little_memory_names_what_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, cuda=14.6)
    assert refusal("GSAI-ML/LLaDA-8B-Instruct", LLADA, CUDA, "bfloat16", None, MODES) == (
        "GSAI-ML/LLaDA-8B-Instruct needs 16.0 GB in bfloat16 and 0.6 GB to run, 14.6 GB are free on cuda:0: "
        "try --quantize int8 (9.1 GB) or --quantize nf4 (6.0 GB)"
    )
    with_free(monkeypatch, cuda=8.0)
    message = refusal("x", LLADA, CUDA, "bfloat16", None, MODES)
    assert message.endswith("8.0 GB are free on cuda:0: try --quantize nf4 (6.0 GB)")
    message = refusal("x", LLADA, CUDA, "bfloat16", "int8", MODES)
    assert "needs 9.1 GB in int8 (bfloat16)" in message
    assert message.endswith("try --quantize nf4 (6.0 GB)")
    with_free(monkeypatch, cuda=3.0)
    assert refusal("x", LLADA, CUDA, "bfloat16", None, MODES).endswith("no smaller precision would fit either")


def test_on_a_cpu_half_the_bytes_are_proposed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, cpu=20.0)
    message = refusal("x", LLADA, CPU, "float32", None, MODES)
    assert "needs 32.1 GB in float32" in message
    assert "free on cpu: try --dtype bfloat16 (16.0 GB) or --quantize int8" in message


def test_enough_or_unknown_memory_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, cuda=17.0, cpu=17.0)
    require("x", LLADA, CUDA, "bfloat16", None, MODES)
    with_free(monkeypatch, cuda=None, cpu=None)
    require("x", LLADA, CUDA, "float32", None, MODES)


def test_weights_pass_through_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, cuda=24.0, cpu=12.0)
    message = refusal("x", LLADA, CUDA, "bfloat16", None, MODES)
    assert "x needs 16.0 GB of main memory on its way to cuda:0, 12.0 GB are free" in message
    require("x", LLADA, CUDA, "bfloat16", "int8", MODES)


def test_ways_start_with_none_needed() -> None:
    assert [way.option for way in ways_to_fit(LLADA, 10**11, "float32", MODES)] == [
        "",
        "--dtype bfloat16",
        "--quantize int8",
        "--quantize nf4",
    ]
    assert ways_to_fit(LLADA, 10**9, "float32", MODES) == []


# ------------------------------------------------------------------ what is free


def test_free_memory_of_this_machine() -> None:
    free = free_memory(CPU)
    assert free is None or 0 < free < 2**50
    assert free_memory(torch.device("meta")) is None


def test_free_memory_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5, 9) if device == CUDA else (1, 9))
    assert free_memory(CUDA) == 5
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 12)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4)
    assert free_memory(torch.device("mps")) == 8


def test_free_main_memory_is_the_least_that_is_known(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       2000 kB\nMemFree:        10 kB\nMemAvailable:   1000 kB\n")
    absent = tmp_path / "absent"
    assert memory._free_main_memory(meminfo, absent) == 1000 * 1024
    for name, text in {
        "memory.max": "900000",
        "memory.current": "600000",
        "memory.stat": "inactive_file 5000\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert memory._free_main_memory(meminfo, tmp_path) == 305_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free_main_memory(meminfo, tmp_path) == 1000 * 1024


def test_a_machine_without_meminfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = tmp_path / "absent"
    monkeypatch.setattr(memory.os, "sysconf", {"SC_AVPHYS_PAGES": 7, "SC_PAGE_SIZE": 100}.__getitem__)
    assert memory._free_main_memory(absent, absent) == 700

    def unknown(name: str) -> int:
        raise ValueError(f"unrecognized configuration name {name}")

    monkeypatch.setattr(memory.os, "sysconf", unknown)
    assert memory._free_main_memory(absent, absent) is None
