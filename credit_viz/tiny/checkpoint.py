"""Files of a training run: the state to resume from, and the published LLaDA layout to ship.

Knows safetensors and JSON. Does not know tasks, losses or how the steps are made. No pickles: the optimizers'
state is written as tensors, all else as JSON in the same file's header, so one rename makes a save atomic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from credit_viz.models.families.llada import export_weights
from credit_viz.tiny.tokenizer import EOS, MASK, save_tokenizer, special_id

STATE_FILE = "state.safetensors"
MAX_LENGTH = 512


def llada_config(tokenizer: Tokenizer, *, d_model: int, n_layers: int, n_heads: int, mlp: int) -> dict[str, Any]:
    """config.json as the published LLaDA checkpoints write it."""
    size = tokenizer.get_vocab_size()
    end = special_id(tokenizer, EOS)
    return {
        "activation_type": "silu",
        "alibi": False,
        "architectures": ["LLaDAModelLM"],
        "attention_dropout": 0.0,
        "attention_layer_norm": False,
        "bias_for_layer_norm": False,
        "block_group_size": 1,
        "block_type": "llama",
        "d_model": d_model,
        "embedding_dropout": 0.0,
        "embedding_size": size,
        "eos_token_id": end,
        "include_bias": False,
        "include_qkv_bias": False,
        "input_emb_norm": False,
        "layer_norm_type": "rms",
        "layer_norm_with_affine": True,
        "mask_token_id": special_id(tokenizer, MASK),
        "max_sequence_length": MAX_LENGTH,
        "mlp_hidden_size": mlp,
        "model_type": "llada",
        "n_heads": n_heads,
        "n_kv_heads": n_heads,
        "n_layers": n_layers,
        "pad_token_id": end,
        "residual_dropout": 0.0,
        "rms_norm_eps": 1e-5,
        "rope": True,
        "rope_theta": 10000.0,
        "scale_logits": False,
        "torch_dtype": "bfloat16",
        "vocab_size": size,
        "weight_tying": True,
    }


def export(model: torch.nn.Module, tokenizer: Tokenizer, config: Mapping[str, Any], folder: Path) -> None:
    """Write the folder that `credit_viz.load_model` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.to(torch.bfloat16).contiguous() for name, value in export_weights(model).items()}
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_tokenizer(tokenizer, folder, MAX_LENGTH)


def _flatten(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    return {
        f"{name}.{index}.{key}": torch.as_tensor(value).contiguous()
        for index, entries in state.items()
        for key, value in entries.items()
    }


def _restore(name: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    whole = optimizer.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{name}."):
            _, index, entry = key.split(".", 2)
            state.setdefault(int(index), {})[entry] = value
    whole["state"] = state
    optimizer.load_state_dict(whole)


def save_state(
    folder: Path,
    model: torch.nn.Module,
    optimizers: Mapping[str, torch.optim.Optimizer],
    generator: torch.Generator,
    progress: Mapping[str, Any],
) -> None:
    tensors = {f"model.{key}": value.contiguous() for key, value in _own_weights(model).items()}
    for name, optimizer in optimizers.items():
        tensors |= _flatten(name, optimizer)
    tensors["generator"] = generator.get_state()
    partial = folder / f"{STATE_FILE}.partial"
    save_file(tensors, str(partial), metadata={"progress": json.dumps(progress)})
    partial.replace(folder / STATE_FILE)


def load_state(
    folder: Path,
    model: torch.nn.Module,
    optimizers: Mapping[str, torch.optim.Optimizer],
    generator: torch.Generator,
) -> dict[str, Any]:
    """Put a saved state back in place; returns its progress."""
    with safe_open(str(folder / STATE_FILE), framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        progress: dict[str, Any] = json.loads(file.metadata()["progress"])
    own = {key: tensors[f"model.{key}"] for key in _own_weights(model)}
    model.load_state_dict(own, strict=False)  # strict but for the tied head, which _own_weights leaves out
    for name, optimizer in optimizers.items():
        _restore(name, optimizer, tensors)
    generator.set_state(tensors["generator"])
    return progress


def _own_weights(model: torch.nn.Module) -> dict[str, Tensor]:
    """The head shares the embedding's memory; safetensors stores it once."""
    return {key: value for key, value in model.state_dict().items() if not key.startswith("lm_head.")}
