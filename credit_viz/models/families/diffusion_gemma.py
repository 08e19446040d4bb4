"""The DiffusionGemma family (diffusiongemma-26B-A4B-it) on its native class. Experimental: uniform noise, no mask.

Knows the published config fields and special tokens; the published weight names are the stock ones. Its own step loop
accepts the positions of least joint entropy and draws new noise for all others, in every step anew: what credit does
there is no part of the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion, PreTrainedModel

from credit_viz.errors import CheckpointError
from credit_viz.models.families.base import Family, depth, flag, positive, refuse_unproven, shared_heads, whole
from credit_viz.models.uniform import UniformLM

__all__ = ["FAMILY", "translate_config"]

_SIZES = ("vocab_size", "hidden_size", "intermediate_size", "head_dim", "max_position_embeddings")
_EXPERTS = ("num_experts", "top_k_experts", "moe_intermediate_size")


def translate_config(config: Mapping[str, Any]) -> DiffusionGemmaConfig:
    """Published DiffusionGemma config, checked: it is the class's own.

    Raises:
        CheckpointError: a required field is missing, or a value was never tried.
    """
    text = config.get("text_config")
    if not isinstance(text, dict):
        raise CheckpointError(f"config.json has text_config={text!r}; expected the fields of the text model")
    refuse_unproven(
        text, "DiffusionGemma", {"use_bidirectional_attention": (None, "vision"), "attention_bias": (False,)}
    )
    for name in (*_SIZES, *_EXPERTS):
        whole(text, name)
    depth(text, "num_hidden_layers")
    shared_heads(text, "num_attention_heads", "num_key_value_heads")
    positive(text, "rms_norm_eps")
    _block_length(config)
    if not (flag(config, "tie_word_embeddings", True) and flag(text, "tie_word_embeddings", True)):
        raise CheckpointError("config.json has tie_word_embeddings=False; only True is proven for DiffusionGemma")
    try:
        return DiffusionGemmaConfig.from_dict(dict(config))
    except (StrictDataclassError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"config.json is no DiffusionGemma config: {reason}") from error


def _block_length(config: Mapping[str, Any]) -> int:
    """Positions that are denoised together.

    Raises:
        CheckpointError: absent, or no positive whole number.
    """
    return whole(config, "canvas_length")


def _as_it_is(network: PreTrainedModel) -> None:
    """The class knows which of its halves is causal."""


FAMILY = Family(
    name="diffusion_gemma",
    architectures=("DiffusionGemmaForBlockDiffusion",),
    network_class=DiffusionGemmaForBlockDiffusion,
    translate_config=translate_config,
    mask_tokens=(),
    end_tokens=("<turn|>",),
    chat_template=None,  # the published tokenizer brings its own
    abilities=frozenset({"uniform noise"}),
    prepare=_as_it_is,
    block_length=_block_length,
    model_class=UniformLM,
)
