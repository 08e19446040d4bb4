"""The LLaDA dense family (LLaDA-8B-Base/Instruct, LLaDA-1.5, the embedded model) on stock `LlamaForCausalLM`.

Knows the published config fields, weight names and special tokens. Does not know canvases or decoding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from credit_viz.errors import CheckpointError
from credit_viz.models.families.base import (
    Family,
    depth,
    either,
    flag,
    positive,
    refuse_unproven,
    see_both_ways,
    shared_heads,
    whole,
)

__all__ = ["FAMILY", "KEY_MAPPING", "export_weights", "new_model", "translate_config"]

#: headers and turn ends of Llama 3, after one start-of-text token.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)

#: published key (regex) -> transformers key. One group each: the loader carries no second one over.
KEY_MAPPING: dict[str, str] = {
    r"^model\.transformer\.wte\.": "model.embed_tokens.",
    r"^model\.transformer\.ln_f\.": "model.norm.",
    r"^model\.transformer\.blocks\.(\d+)\.q_proj\.": r"model.layers.\1.self_attn.q_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.k_proj\.": r"model.layers.\1.self_attn.k_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.v_proj\.": r"model.layers.\1.self_attn.v_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.attn_out\.": r"model.layers.\1.self_attn.o_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.ff_proj\.": r"model.layers.\1.mlp.gate_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.up_proj\.": r"model.layers.\1.mlp.up_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.ff_out\.": r"model.layers.\1.mlp.down_proj.",
    r"^model\.transformer\.blocks\.(\d+)\.attn_norm\.": r"model.layers.\1.input_layernorm.",
    r"^model\.transformer\.blocks\.(\d+)\.ff_norm\.": r"model.layers.\1.post_attention_layernorm.",
    r"^model\.transformer\.ff_out\.": "lm_head.",
}

#: the inverse, for writing checkpoints in the published layout.
_EXPORT: dict[str, str] = {
    r"^model\.embed_tokens\.": "model.transformer.wte.",
    r"^model\.norm\.": "model.transformer.ln_f.",
    r"^model\.layers\.(\d+)\.self_attn\.([qkv])_proj\.": r"model.transformer.blocks.\1.\2_proj.",
    r"^model\.layers\.(\d+)\.self_attn\.o_proj\.": r"model.transformer.blocks.\1.attn_out.",
    r"^model\.layers\.(\d+)\.mlp\.gate_proj\.": r"model.transformer.blocks.\1.ff_proj.",
    r"^model\.layers\.(\d+)\.mlp\.up_proj\.": r"model.transformer.blocks.\1.up_proj.",
    r"^model\.layers\.(\d+)\.mlp\.down_proj\.": r"model.transformer.blocks.\1.ff_out.",
    r"^model\.layers\.(\d+)\.input_layernorm\.": r"model.transformer.blocks.\1.attn_norm.",
    r"^model\.layers\.(\d+)\.post_attention_layernorm\.": r"model.transformer.blocks.\1.ff_norm.",
    r"^lm_head\.": "model.transformer.ff_out.",
}

#: field -> values whose logits were compared with the original modeling code.
_PROVEN: dict[str, tuple[Any, ...]] = {
    "block_type": ("llama",),
    "activation_type": ("silu",),
    "layer_norm_type": ("rms",),
    "rope": (True,),
    "alibi": (False,),
    "include_bias": (False,),
    "include_qkv_bias": (False, None),
    "bias_for_layer_norm": (False, None),
    "attention_layer_norm": (False,),
    "scale_logits": (False,),
    "block_group_size": (1,),
    "input_emb_norm": (False,),
    "multi_query_attention": (None, False),
    "layer_norm_with_affine": (True,),
}

#: must be written out: their published defaults are other, unproven values.
_NO_DEFAULT = ("block_type", "activation_type", "layer_norm_type", "rope")


def translate_config(config: Mapping[str, Any]) -> LlamaConfig:
    """Published LLaDA config -> the equivalent `LlamaConfig` (bidirectional).

    Raises:
        CheckpointError: a required field is missing, or a value was never proven equivalent.
    """
    refuse_unproven(config, "LLaDA", _PROVEN, _NO_DEFAULT)
    width = whole(config, "d_model")
    heads, kv_heads = shared_heads(config, "n_heads", "n_kv_heads")
    if width % heads:
        raise CheckpointError(f"config.json has d_model={width}, n_heads={heads}; the second must divide the first")
    llama = LlamaConfig(
        vocab_size=whole(config, either(config, "embedding_size", "vocab_size")),
        hidden_size=width,
        intermediate_size=_feed_forward_size(config, width),
        num_hidden_layers=depth(config, "n_layers"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=whole(config, "max_sequence_length"),
        rms_norm_eps=positive(config, "rms_norm_eps"),
        rope_parameters={"rope_type": "default", "rope_theta": positive(config, "rope_theta")},
        tie_word_embeddings=flag(config, "weight_tying", False),
        use_cache=False,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
    )
    # Without this the stock class masks the future and the logits are far off, silently.
    llama.is_causal = False
    return llama


def _feed_forward_size(config: Mapping[str, Any], width: int) -> int:
    name = either(config, "mlp_hidden_size", "mlp_ratio")
    return whole(config, name) * (width if name == "mlp_ratio" else 1)


def new_model(config: Mapping[str, Any], seed: int, initializer_range: float = 0.02) -> torch.nn.Module:
    """Random bidirectional model for a published-layout config; same seed, same weights."""
    llama = translate_config(config)
    llama.initializer_range = initializer_range
    llama._attn_implementation = "sdpa"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LlamaForCausalLM(llama)
    see_both_ways(network)
    return network


def export_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """State dict under the published key names, contiguous; a tied head is left out, as published."""
    tied = bool(model.config.tie_word_embeddings)  # type: ignore[union-attr]
    weights = {}
    for key, tensor in model.state_dict().items():
        if not (tied and key.startswith("lm_head.")):
            weights[_published_name(key)] = tensor.detach().contiguous()
    return weights


def _published_name(key: str) -> str:
    for pattern, replacement in _EXPORT.items():
        renamed, count = re.subn(pattern, replacement, key)
        if count:
            return renamed
    raise CheckpointError(f"weight {key!r} has no name in the published LLaDA layout")


FAMILY = Family(
    name="llada",
    architectures=("LLaDAModelLM",),
    network_class=LlamaForCausalLM,
    translate_config=translate_config,
    mask_tokens=("<|mdm_mask|>",),
    end_tokens=("<|eot_id|>",),
    chat_template=CHAT_TEMPLATE,
    abilities=frozenset({"guidance", "shadow", "prefix cache", "dual cache"}),
    key_mapping=KEY_MAPPING,
)
