"""The LLaDA2 family (LLaDA2.0-mini, LLaDA2.1-mini) on stock `Glm4MoeForCausalLM`, block-causal.

Knows the published config fields, weight names and special tokens. Query, key and value are one published weight,
which loading splits in three.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from transformers import Glm4MoeConfig, Glm4MoeForCausalLM
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Split, WeightConverter

from credit_viz.errors import CheckpointError
from credit_viz.models.families.base import (
    Family,
    at_most,
    depth,
    flag,
    positive,
    refuse_unproven,
    shared_heads,
    whole,
)

__all__ = ["FAMILY", "LLaDA2ForCausalLM", "translate_config"]

#: of every published checkpoint; a config may name another.
_BLOCK_LENGTH = 32

#: role tags, where the user is HUMAN; a system turn always says that thinking aloud is off.
CHAT_TEMPLATE = (
    "<role>SYSTEM</role>{% if messages[0].role == 'system' %}{{ messages[0].content }}\n{% endif %}"
    "detailed thinking off<|role_end|>"
    "{% for message in messages if message.role != 'system' %}"
    "<role>{{ 'HUMAN' if message.role == 'user' else 'ASSISTANT' }}</role>{{ message.content }}<|role_end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<role>ASSISTANT</role>{% endif %}"
)

#: published key (regex) -> transformers key, each applied to what the one before made.
KEY_MAPPING: Mapping[str, str] = MappingProxyType(
    {
        r"^model\.word_embeddings\.": "model.embed_tokens.",
        r"\.attention\.": ".self_attn.",
        r"\.self_attn\.dense\.": ".self_attn.o_proj.",
        r"\.self_attn\.query_layernorm\.": ".self_attn.q_norm.",
        r"\.self_attn\.key_layernorm\.": ".self_attn.k_norm.",
        r"\.mlp\.gate\.expert_bias": ".mlp.gate.e_score_correction_bias",
    }
)

#: field -> values whose logits were compared with the original modeling code.
_PROVEN: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "hidden_act": ("silu",),
        "use_bias": (False,),
        "use_qkv_bias": (False,),
        "use_qk_norm": (True,),
        "use_rmsnorm": (True,),
        "norm_head": (False,),
        "rope_scaling": (None,),
        "use_sliding_window": (False,),
        "norm_topk_prob": (True,),
        "score_function": ("sigmoid",),
        "router_dtype": ("fp32",),
        "moe_router_enable_expert_bias": (True,),
    }
)


class LLaDA2ForCausalLM(Glm4MoeForCausalLM):  # type: ignore[no-untyped-call]
    """The stock class under a name of its own, so that the fused weights are split for this family alone."""

    def __init__(self, config: Glm4MoeConfig) -> None:
        parts = [f"self_attn.{name}_proj.weight" for name in "qkv"]
        split = WeightConverter("self_attn.query_key_value.weight", parts, [Split(dim=0)])
        register_checkpoint_conversion_mapping(type(self).__name__, [split], overwrite=True)
        super().__init__(config)

    @classmethod
    def _can_set_experts_implementation(cls) -> bool:
        # the library looks for its decorator in the source file of the class, which is this file
        return True


def translate_config(config: Mapping[str, Any]) -> Glm4MoeConfig:
    """Published LLaDA2 config -> the equivalent `Glm4MoeConfig`.

    Raises:
        CheckpointError: a required field is missing, or a value was never proven equivalent.
    """
    refuse_unproven(config, "LLaDA2", _PROVEN, required=("score_function", "norm_topk_prob", "use_qk_norm"))
    heads, kv_heads = shared_heads(config, "num_attention_heads", "num_key_value_heads")
    head_dim = whole(config, "head_dim")
    glm = Glm4MoeConfig(
        vocab_size=whole(config, "vocab_size"),
        hidden_size=whole(config, "hidden_size"),
        intermediate_size=whole(config, "intermediate_size"),
        moe_intermediate_size=whole(config, "moe_intermediate_size"),
        num_hidden_layers=depth(config, "num_hidden_layers"),
        first_k_dense_replace=whole(config, "first_k_dense_replace"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        use_qk_norm=True,
        max_position_embeddings=whole(config, "max_position_embeddings"),
        rms_norm_eps=positive(config, "rms_norm_eps"),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": positive(config, "rope_theta"),
            "partial_rotary_factor": _rotary_share(config, head_dim),
        },
        routed_scaling_factor=positive(config, "routed_scaling_factor"),
        tie_word_embeddings=flag(config, "tie_word_embeddings", False),
        num_mtp_layers=0,
        use_cache=False,
        **_experts(config),
    )
    glm.head_dim = head_dim
    # The mask is ours, block-causal: without this the stock class would add its own on top.
    glm.is_causal = False
    return glm


def _experts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of experts, of the groups they are chosen from, and of those that a token passes through."""
    experts, groups = whole(config, "num_experts"), whole(config, "n_group")
    if experts % groups or experts // groups < 2:
        raise CheckpointError(
            f"config.json has num_experts={experts}, n_group={groups}; valid: groups of equal size, 2 experts or more"
        )
    chosen = at_most(config, "topk_group", groups)
    return {
        "n_routed_experts": experts,
        "n_shared_experts": whole(config, "num_shared_experts"),
        "n_group": groups,
        "topk_group": chosen,
        "num_experts_per_tok": at_most(config, "num_experts_per_tok", chosen * experts // groups),
    }


def _rotary_share(config: Mapping[str, Any], head_dim: int) -> float:
    """Share of each head that is rotated; named as a share, as a number of channels, or both."""
    share = positive(config, "partial_rotary_factor")
    rotated = int(head_dim * share)
    if share > 1 or rotated % 2 or not rotated:
        raise CheckpointError(
            f"config.json has partial_rotary_factor={share}, head_dim={head_dim}; valid: an even number of channels"
        )
    if config.get("rotary_dim") not in (None, rotated):
        raise CheckpointError(
            f"config.json has rotary_dim={config['rotary_dim']!r}, but partial_rotary_factor={share} of "
            f"head_dim={head_dim} is {rotated}"
        )
    return share


def _block_length(config: Mapping[str, Any]) -> int:
    """Positions per block that the checkpoint was trained with.

    Raises:
        CheckpointError: the config's is no positive whole number.
    """
    return whole(config, "block_length", _BLOCK_LENGTH)


FAMILY = Family(
    name="llada2",
    architectures=("LLaDA2MoeModelLM",),
    network_class=LLaDA2ForCausalLM,
    translate_config=translate_config,
    mask_tokens=("<|mask|>",),
    end_tokens=("<|role_end|>",),
    chat_template=CHAT_TEMPLATE,
    abilities=frozenset({"block cache"}),
    key_mapping=KEY_MAPPING,
    block_length=_block_length,
)
