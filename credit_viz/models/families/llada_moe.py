"""The LLaDA-MoE family (LLaDA-MoE-7B-A1B-Base/Instruct) on stock `Qwen3MoeForCausalLM`.

Knows the published config fields and special tokens; the published weight names are the stock ones. Not Olmoe: the
query and key norms are per head.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

from credit_viz.errors import CheckpointError
from credit_viz.models.families.base import (
    Family,
    at_most,
    depth,
    flag,
    head_size,
    positive,
    refuse_unproven,
    shared_heads,
    whole,
)

__all__ = ["FAMILY", "translate_config"]

#: role tags, where the user is HUMAN.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<role>{{ 'HUMAN' if message.role == 'user' else message.role | upper }}</role>"
    "{{ message.content }}<|role_end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<role>ASSISTANT</role>{% endif %}"
)

#: field -> values whose logits were compared with the original modeling code.
_PROVEN: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "hidden_act": ("silu",),
        "attention_bias": (False,),
        "qk_layernorm": (True,),
        "clip_qkv": (None,),
        "rope_scaling": (None,),
        "partial_rotary_factor": (1, None),
        "norm_topk_prob": (False, None),
        "routed_scaling_factor": (1, None),
        "moe_router_score_function": ("softmax",),
        "moe_router_enable_expert_bias": (False,),
        "router_num_group": (None,),
        "router_topk_group": (None,),
        "shared_expert_intermediate_size": (None,),
    }
)


def translate_config(config: Mapping[str, Any]) -> Qwen3MoeConfig:
    """Published LLaDA-MoE config -> the equivalent `Qwen3MoeConfig` (bidirectional).

    Raises:
        CheckpointError: a required field is missing, or a value was never proven equivalent.
    """
    refuse_unproven(config, "LLaDA-MoE", _PROVEN, required=("qk_layernorm", "moe_router_score_function"))
    layers = depth(config, "num_hidden_layers")
    _refuse_dense_layers(config, layers)
    heads, kv_heads = shared_heads(config, "num_attention_heads", "num_key_value_heads")
    experts = whole(config, "num_experts")
    moe = Qwen3MoeConfig(
        vocab_size=whole(config, "vocab_size"),
        hidden_size=whole(config, "hidden_size"),
        moe_intermediate_size=whole(config, "expert_intermediate_size"),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        num_experts=experts,
        num_experts_per_tok=at_most(config, "num_experts_per_tok", experts),
        norm_topk_prob=False,
        max_position_embeddings=whole(config, "max_position_embeddings"),
        rms_norm_eps=positive(config, "rms_norm_eps"),
        rope_parameters={"rope_type": "default", "rope_theta": positive(config, "rope_theta")},
        tie_word_embeddings=flag(config, "tie_word_embeddings", False),
        use_cache=False,
    )
    moe.head_dim = head_size(config, heads)
    # Without this the stock class masks the future and the logits are far off, silently.
    moe.is_causal = False
    return moe


def _refuse_dense_layers(config: Mapping[str, Any], layers: int) -> None:
    """Every layer must be a mixture: others exist in the published code, but were never compared."""
    frequency = config.get("moe_layer_freq", 1)
    if frequency != 1 and frequency != [1] * layers:
        raise CheckpointError(
            f"config.json has moe_layer_freq={frequency!r}; only 1 for each of {layers} layers is proven for LLaDA-MoE"
        )


FAMILY = Family(
    name="llada_moe",
    architectures=("LLaDAMoEModelLM",),
    network_class=Qwen3MoeForCausalLM,
    translate_config=translate_config,
    mask_tokens=("<|mask|>",),
    end_tokens=("<|role_end|>",),
    chat_template=CHAT_TEMPLATE,
    abilities=frozenset({"guidance", "shadow", "prefix cache", "dual cache"}),
)
