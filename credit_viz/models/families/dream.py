"""The Dream family (Dream-v0-Base-7B, Dream-v0-Instruct-7B) on stock `Qwen2ForCausalLM`.

Knows the published config fields and special tokens; the published weight names are the stock ones. Each row of the
network's output is about the position after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from credit_viz.models.families.base import (
    Family,
    depth,
    flag,
    head_size,
    positive,
    refuse_unproven,
    shared_heads,
    whole,
)

__all__ = ["FAMILY", "translate_config"]

#: ChatML, with the system turn of Qwen2.5 where there is no other.
CHAT_TEMPLATE = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

#: field -> values whose logits were compared with the original modeling code.
_PROVEN: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "hidden_act": ("silu",),
        "rope_scaling": (None,),
        "use_sliding_window": (False,),
        "use_mrope": (False,),
    }
)


def translate_config(config: Mapping[str, Any]) -> Qwen2Config:
    """Published Dream config -> the equivalent `Qwen2Config` (bidirectional).

    Raises:
        CheckpointError: a required field is missing, or a value was never proven equivalent.
    """
    refuse_unproven(config, "Dream", _PROVEN)
    heads, kv_heads = shared_heads(config, "num_attention_heads", "num_key_value_heads")
    head_size(config, heads)
    qwen = Qwen2Config(
        vocab_size=whole(config, "vocab_size"),
        hidden_size=whole(config, "hidden_size"),
        intermediate_size=whole(config, "intermediate_size"),
        num_hidden_layers=depth(config, "num_hidden_layers"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=whole(config, "max_position_embeddings"),
        rms_norm_eps=positive(config, "rms_norm_eps"),
        rope_parameters={"rope_type": "default", "rope_theta": positive(config, "rope_theta")},
        use_sliding_window=False,
        tie_word_embeddings=flag(config, "tie_word_embeddings", False),
        use_cache=False,
    )
    # Without this the stock class masks the future and the logits are far off, silently.
    qwen.is_causal = False
    return qwen


FAMILY = Family(
    name="dream",
    architectures=("DreamModel",),
    network_class=Qwen2ForCausalLM,
    translate_config=translate_config,
    mask_tokens=("<|mask|>",),
    end_tokens=("<|im_end|>",),
    chat_template=CHAT_TEMPLATE,
    # a cache would have to keep the row before each block as well, and a shadow has no row before it
    abilities=frozenset({"guidance"}),
    tokenizer_class=Qwen2Tokenizer,
    tokenizer_files=("vocab.json", "merges.txt", "tokenizer_config.json"),
    shifted=True,
)
