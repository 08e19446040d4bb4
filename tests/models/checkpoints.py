"""Checkpoints in the published layouts, made by the tests: random networks, their configs, and the way to disk.

The names and shapes are written out here by hand, from the published indexes; nothing is taken from the families.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import (
    Glm4MoeConfig,
    Glm4MoeForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

FAMILY_NAMES = ("llada", "llada_moe", "dream", "llada2")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
)


class Shape(NamedTuple):
    """A network of one family, small and unlike the fixtures."""

    family: str
    seed: int = 0
    layers: int = 2
    width: int = 48
    heads: int = 6
    kv_heads: int = 3
    inner: int = 40  #: of feed-forward layers, or of one expert
    experts: int = 6
    chosen: int = 2
    vocab: int = 271
    positions: int = 64
    theta: float = 777.0
    epsilon: float = 1e-4
    tied: bool = False


def published_config(shape: Shape, fixtures: Path) -> dict[str, Any]:
    """The fixture's config with the sizes of the shape, under the family's own field names."""
    config: dict[str, Any] = json.loads((fixtures / shape.family / "config.json").read_text())
    if shape.family == "llada":
        return config | {
            "d_model": shape.width,
            "n_heads": shape.heads,
            "n_kv_heads": shape.kv_heads,
            "n_layers": shape.layers,
            "mlp_hidden_size": shape.inner,
            "embedding_size": shape.vocab,
            "max_sequence_length": shape.positions,
            "rope_theta": shape.theta,
            "rms_norm_eps": shape.epsilon,
            "weight_tying": shape.tied,
        }
    common = {
        "hidden_size": shape.width,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "num_hidden_layers": shape.layers,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.positions,
        "rope_theta": shape.theta,
        "rms_norm_eps": shape.epsilon,
        "tie_word_embeddings": shape.tied,
    }
    experts = {"num_experts": shape.experts, "num_experts_per_tok": shape.chosen}
    own: dict[str, dict[str, Any]] = {
        "dream": {"intermediate_size": shape.inner},
        "llada_moe": {**experts, "expert_intermediate_size": shape.inner, "moe_layer_freq": [1] * shape.layers},
        "llada2": {
            **experts,
            "intermediate_size": 56,
            "moe_intermediate_size": shape.inner,
            "head_dim": 12,
            "partial_rotary_factor": 1 / 3,
            "rotary_dim": 4,
            "n_group": 3,
            "topk_group": 2,
            "num_shared_experts": 2,
            "routed_scaling_factor": 1.5,
            "block_length": 4,
        },
    }
    return config | common | own[shape.family]


def network(shape: Shape) -> Any:
    """The stock network of that shape with random weights, attending both ways."""
    common: dict[str, Any] = {
        "hidden_size": shape.width,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "num_hidden_layers": shape.layers,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": shape.epsilon,
        "tie_word_embeddings": shape.tied,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.theta},
        "initializer_range": 0.2,
        "attn_implementation": "sdpa",
    }
    config: Any
    if shape.family == "llada":
        kind, config = LlamaForCausalLM, LlamaConfig(**common, intermediate_size=shape.inner)
    elif shape.family == "dream":
        kind, config = Qwen2ForCausalLM, Qwen2Config(**common, intermediate_size=shape.inner)
    elif shape.family == "llada_moe":
        experts = {"num_experts": shape.experts, "num_experts_per_tok": shape.chosen, "norm_topk_prob": False}
        kind, config = Qwen3MoeForCausalLM, Qwen3MoeConfig(**common, **experts, moe_intermediate_size=shape.inner)
    else:
        common["rope_parameters"]["partial_rotary_factor"] = 1 / 3
        config = Glm4MoeConfig(
            **common,
            intermediate_size=56,
            moe_intermediate_size=shape.inner,
            head_dim=12,
            n_routed_experts=shape.experts,
            num_experts_per_tok=shape.chosen,
            n_group=3,
            topk_group=2,
            n_shared_experts=2,
            routed_scaling_factor=1.5,
            first_k_dense_replace=1,
            use_qk_norm=True,
        )
        kind = Glm4MoeForCausalLM
    config.is_causal = False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        made = kind(config).eval().requires_grad_(False)
        for name, tensor in [*made.named_parameters(), *made.named_buffers()]:
            if "norm" in name or "bias" in name:  # the library starts these at 0 or 1, which would hide a mix-up
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    for module in made.modules():
        if hasattr(module, "is_causal"):
            module.is_causal = False
    return made


def published_weights(shape: Shape, made: nn.Module) -> dict[str, Tensor]:
    """The network's weights under the published names."""
    weights: dict[str, Tensor] = {}
    for name, tensor in made.state_dict().items():
        if not (shape.tied and name == "lm_head.weight"):
            weights |= _published(shape, name, tensor)
    return _fuse(weights) if shape.family == "llada2" else weights


def _published(shape: Shape, name: str, tensor: Tensor) -> dict[str, Tensor]:
    if name.endswith("experts.gate_up_proj"):
        base = name.removesuffix("gate_up_proj")
        halves = {"gate_proj": tensor[:, : shape.inner], "up_proj": tensor[:, shape.inner :]}
        return {f"{base}{e}.{half}.weight": t[e] for half, t in halves.items() for e in range(shape.experts)}
    if name.endswith("experts.down_proj"):
        base = name.removesuffix("down_proj")
        return {f"{base}{e}.down_proj.weight": tensor[e] for e in range(shape.experts)}
    renames: dict[str, dict[str, str]] = {
        "llada": {
            "lm_head": "model.transformer.ff_out",
            "model.embed_tokens": "model.transformer.wte",
            "model.norm": "model.transformer.ln_f",
            "model.layers": "model.transformer.blocks",
            ".self_attn.o_proj": ".attn_out",
            ".self_attn": "",
            ".mlp.gate_proj": ".ff_proj",
            ".mlp.up_proj": ".up_proj",
            ".mlp.down_proj": ".ff_out",
            ".input_layernorm": ".attn_norm",
            ".post_attention_layernorm": ".ff_norm",
        },
        "llada2": {
            "model.embed_tokens": "model.word_embeddings",
            ".self_attn": ".attention",
            ".attention.o_proj": ".attention.dense",
            ".q_norm": ".query_layernorm",
            ".k_norm": ".key_layernorm",
            "e_score_correction_bias": "expert_bias",
        },
    }
    for old, new in renames.get(shape.family, {}).items():
        name = name.replace(old, new)
    return {name: tensor}


def _fuse(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Query, key and value of each layer as one weight."""
    fused = {name: tensor for name, tensor in weights.items() if not re.search(r"attention\.[qkv]_proj", name)}
    for name in [name for name in weights if name.endswith("attention.q_proj.weight")]:
        parts = [weights[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
        fused[name.replace("q_proj", "query_key_value")] = torch.cat(parts)
    return fused


def write(folder: Path, config: Mapping[str, Any], weights: Mapping[str, Tensor], shards: int, tokens: Path) -> Path:
    """A checkpoint folder; the tokenizer is copied from another one."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    for name in TOKENIZER_FILES:
        if (tokens / name).is_file():
            shutil.copy(tokens / name, folder / name)
    own = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    if shards == 1:
        save_file(own, folder / "model.safetensors", metadata={"format": "pt"})
        return folder
    files = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
    places = {name: files[i % shards] for i, name in enumerate(sorted(own))}
    for file in files:
        save_file({name: own[name] for name in own if places[name] == file}, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return folder
