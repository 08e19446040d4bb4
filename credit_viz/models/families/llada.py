"""The LLaDA dense family (LLaDA-8B-Base/Instruct, LLaDA-1.5, the embedded model) on stock `LlamaForCausalLM`.

Knows the published config fields and weight names. Does not know tokenizers, canvases or decoding.
A config value that was never proven against the original modeling code is refused by name: running it
would give plausible but wrong logits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from credit_viz.errors import CheckpointError

__all__ = [
    "ARCHITECTURES",
    "END_TOKENS",
    "KEY_MAPPING",
    "MASK_TOKENS",
    "export_weights",
    "model_class",
    "new_model",
    "set_bidirectional",
    "translate_config",
]

ARCHITECTURES = ("LLaDAModelLM",)
MASK_TOKENS = ("<|mdm_mask|>",)
#: tokens besides the configured end-of-text that end an answer: the end of a chat turn.
END_TOKENS = ("<|eot_id|>",)

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
    _refuse_unproven(config)
    width, heads = _whole(config, "d_model"), _whole(config, "n_heads")
    kv_heads = _whole(config, "n_kv_heads", heads)
    if width % heads or heads % kv_heads:
        raise CheckpointError(
            f"config.json has d_model={width}, n_heads={heads}, n_kv_heads={kv_heads}; each must divide the one before"
        )
    llama = LlamaConfig(
        vocab_size=_whole(config, _either(config, "embedding_size", "vocab_size")),
        hidden_size=width,
        intermediate_size=_feed_forward_size(config, width),
        num_hidden_layers=_whole(config, "n_layers"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=_whole(config, "max_sequence_length"),
        rms_norm_eps=_positive(config, "rms_norm_eps", 1e-5),
        rope_parameters={"rope_type": "default", "rope_theta": _positive(config, "rope_theta", 10_000.0)},
        tie_word_embeddings=bool(config.get("weight_tying", False)),
        use_cache=False,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
    )
    # Without this the stock class masks the future and the logits are far off, silently.
    llama.is_causal = False
    return llama


def _refuse_unproven(config: Mapping[str, Any]) -> None:
    for name in _NO_DEFAULT:
        if name not in config:
            raise CheckpointError(f"config.json lacks {name}; a LLaDA config that is served has {_PROVEN[name][0]!r}")
    for name, proven in _PROVEN.items():
        if name in config and config[name] not in proven:
            valid = " or ".join(repr(value) for value in proven)
            raise CheckpointError(f"config.json has {name}={config[name]!r}; only {valid} is proven for LLaDA")


def _whole(config: Mapping[str, Any], name: str, default: Any = None) -> int:
    """A size of the config; `default` where it is absent or null."""
    value = config.get(name) if config.get(name) is not None else default
    if value is None:
        raise CheckpointError(f"config.json lacks {name}; a LLaDA config has it")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a positive whole number")
    return value


def _feed_forward_size(config: Mapping[str, Any], width: int) -> int:
    name = _either(config, "mlp_hidden_size", "mlp_ratio")
    return _whole(config, name) * (width if name == "mlp_ratio" else 1)


def _either(config: Mapping[str, Any], first: str, second: str) -> str:
    """The first of two names that the config has a value for."""
    for name in (first, second):
        if config.get(name) is not None:
            return name
    raise CheckpointError(f"config.json lacks {first} (or {second}); a LLaDA config has one of them")


def _positive(config: Mapping[str, Any], name: str, default: float) -> float:
    value = config.get(name) if config.get(name) is not None else default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a positive number")
    return float(value)


def model_class(_config: Mapping[str, Any]) -> type[LlamaForCausalLM]:
    """Stock transformers class that computes the published model; the same for every LLaDA config."""
    return LlamaForCausalLM


def set_bidirectional(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """Let every layer attend both ways: SDPA would otherwise fall back to its own causal flag."""
    model.config.is_causal = False
    for layer in model.model.layers:
        layer.self_attn.is_causal = False
    return model


def new_model(config: Mapping[str, Any], seed: int, initializer_range: float = 0.02) -> torch.nn.Module:
    """Random bidirectional model for a published-layout config; same seed, same weights."""
    llama = translate_config(config)
    llama.initializer_range = initializer_range
    llama._attn_implementation = "sdpa"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return set_bidirectional(LlamaForCausalLM(llama))


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
