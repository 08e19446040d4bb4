"""Models of published shapes with random weights: what a forward pass costs, without the weights. Knows torch and the
LLaDA family.

Random weights decide nothing sensible, so these models are for timing only: their texts and passes mean nothing.
"""

from __future__ import annotations

from typing import Any, cast

import torch

from credit_viz.models.base import DiffusionLM, ModelInfo
from credit_viz.models.devices import dtype_name
from credit_viz.models.families.llada import new_model
from credit_viz.models.text import TextCodec

__all__ = ["LLADA_8B", "random_model"]

#: the shape of GSAI-ML/LLaDA-8B-Instruct, from its published config.json.
LLADA_8B: dict[str, Any] = {
    "architectures": ["LLaDAModelLM"],
    "d_model": 4096,
    "n_heads": 32,
    "n_layers": 32,
    "mlp_hidden_size": 12288,
    "embedding_size": 126464,
    "vocab_size": 126464,
    "max_sequence_length": 4096,
    "rope_theta": 500000.0,
    "rms_norm_eps": 1e-5,
    "block_type": "llama",
    "activation_type": "silu",
    "layer_norm_type": "rms",
    "rope": True,
}


class _NoText:
    """Stands in for a tokenizer where only the number of tokens matters."""

    def __init__(self, size: int) -> None:
        self.size = size


def random_model(config: dict[str, Any], device: torch.device, dtype: torch.dtype) -> DiffusionLM:
    """A model of this shape whose weights are noise; made on its device, so that the host needs no room for it."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            network = new_model(config, seed=0).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)
    vocabulary = int(config["embedding_size"])
    parameters = sum(p.numel() for p in network.parameters())
    return DiffusionLM(
        network,
        cast(TextCodec, _NoText(vocabulary)),
        ModelInfo("random weights", "llada", None, parameters, dtype_name(dtype)),
        mask_id=vocabulary - 1,
        eos_ids=(0,),
        vocab_size=vocabulary,
        max_positions=int(config["max_sequence_length"]),
    )
