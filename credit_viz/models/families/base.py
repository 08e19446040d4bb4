"""What a checkpoint family is, and how a published config is read. Does not know any one family, canvases or decoding.

A config value that was never proven against the original modeling code is refused by name: running it would give
plausible but wrong logits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from credit_viz.errors import CheckpointError
from credit_viz.models.base import DiffusionLM

__all__ = [
    "ABILITIES",
    "Family",
    "at_most",
    "depth",
    "either",
    "flag",
    "head_size",
    "positive",
    "refuse_unproven",
    "see_both_ways",
    "shared_heads",
    "whole",
]

#: what decoding may ask of a model beyond one pass over the whole canvas.
ABILITIES = ("guidance", "shadow", "prefix cache", "dual cache", "block cache", "uniform noise")
#: more than any language model has; with so many layers, building one without weights takes seconds.
_MOST_LAYERS = 512


def _any_length(config: Mapping[str, Any]) -> None:
    """No block length: the model was trained on whole canvases."""


def see_both_ways(network: nn.Module) -> None:
    """Let every layer attend to later positions too: where no mask is given, SDPA follows the layer's own causal flag.

    The config must have `is_causal = False` as well, or the stock class makes a causal mask.
    """
    for module in network.modules():
        if isinstance(getattr(module, "is_causal", None), bool):
            module.is_causal = False  # type: ignore[assignment]


@dataclass(frozen=True)
class Family:
    """One kind of published checkpoint on a stock transformers class.

    Raises:
        ValueError: an ability that is not in `ABILITIES`.
    """

    name: str
    architectures: tuple[str, ...]  #: as in config.json
    network_class: type[PreTrainedModel]
    translate_config: Callable[[Mapping[str, Any]], PreTrainedConfig]  #: published -> stock; raises CheckpointError
    mask_tokens: tuple[str, ...]  #: texts of the mask token, the likeliest first; none where noise is random tokens
    end_tokens: tuple[str, ...]  #: texts that end an answer besides the configured end of text: the end of a chat turn
    chat_template: str | None  #: Jinja; for instruct checkpoints whose tokenizer has none of its own
    abilities: frozenset[str]
    key_mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  #: published regex -> stock
    tokenizer_class: type[PreTrainedTokenizerBase] = PreTrainedTokenizerFast  #: never found by code in the folder
    tokenizer_files: tuple[str, ...] = ("tokenizer.json", "tokenizer_config.json")  #: without these it is not loaded
    prepare: Callable[[PreTrainedModel], None] = see_both_ways  #: the loaded network's last touch
    shifted: bool = False  #: the network's row i is about the token at i + 1
    #: config -> positions per block; None: any
    block_length: Callable[[Mapping[str, Any]], int | None] = _any_length
    model_class: type[DiffusionLM] = DiffusionLM  #: what calls the network

    def __post_init__(self) -> None:
        if unknown := sorted(self.abilities - set(ABILITIES)):
            raise ValueError(f"unknown ability {unknown[0]!r}; valid: {', '.join(ABILITIES)}")


def refuse_unproven(
    config: Mapping[str, Any], family: str, proven: Mapping[str, Sequence[Any]], required: Sequence[str] = ()
) -> None:
    """Every field that is there must have a value whose logits were compared with the original modeling code.

    Args:
        proven: field -> proven values.
        required: fields whose published default is another, unproven value: they must be written out.

    Raises:
        CheckpointError: names the field, its value and the proven ones.
    """
    for name in required:
        if name not in config:
            raise CheckpointError(f"config.json lacks {name}; a {family} config that is served has {proven[name][0]!r}")
    for name, values in proven.items():
        if name in config and not any(_same(config[name], value) for value in values):
            valid = " or ".join(repr(value) for value in values)
            raise CheckpointError(f"config.json has {name}={config[name]!r}; only {valid} is proven for {family}")


def _same(found: object, proven: object) -> bool:
    """Equal, and not one a truth value and the other a number."""
    return found == proven and isinstance(found, bool) == isinstance(proven, bool)


def whole(config: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """A size of the config, at least 1; `default` where it is absent or null.

    Raises:
        CheckpointError: absent without a default, or no positive whole number.
    """
    value = config[name] if config.get(name) is not None else default
    if value is None:
        raise CheckpointError(f"config.json lacks {name}; this family's config has it")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a positive whole number")
    return value


def at_most(config: Mapping[str, Any], name: str, most: int) -> int:
    """A size of the config, 1..most.

    Raises:
        CheckpointError: absent or out of range.
    """
    value = whole(config, name)
    if value > most:
        raise CheckpointError(f"config.json has {name}={value}; valid: 1..{most}")
    return value


def depth(config: Mapping[str, Any], name: str) -> int:
    """The number of layers. A network is built without weights before anything is known of its size, layer by layer.

    Raises:
        CheckpointError: absent or out of range.
    """
    return at_most(config, name, _MOST_LAYERS)


def positive(config: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """A finite number above 0; `default` where it is absent or null.

    Raises:
        CheckpointError: absent without a default, or no such number.
    """
    value = config[name] if config.get(name) is not None else default
    if value is None:
        raise CheckpointError(f"config.json lacks {name}; this family's config has it")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= sys.float_info.max:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a positive number")
    return float(value)


def flag(config: Mapping[str, Any], name: str, default: bool) -> bool:
    """A truth value; `default` where it is absent or null.

    Raises:
        CheckpointError: neither true nor false.
    """
    value = config[name] if config.get(name) is not None else default
    if not isinstance(value, bool):
        raise CheckpointError(f"config.json has {name}={value!r}; valid: true or false")
    return value


def either(config: Mapping[str, Any], first: str, second: str) -> str:
    """The first of two names that the config has a value for.

    Raises:
        CheckpointError: it has neither.
    """
    for name in (first, second):
        if config.get(name) is not None:
            return name
    raise CheckpointError(f"config.json lacks {first} (or {second}); this family's config has one of them")


def shared_heads(config: Mapping[str, Any], heads: str, kv_heads: str) -> tuple[int, int]:
    """Number of attention heads and of the key/value heads that they share (as many where none are named).

    Raises:
        CheckpointError: the second does not divide the first.
    """
    count = whole(config, heads)
    shared = whole(config, kv_heads, count)
    if count % shared:
        raise CheckpointError(f"config.json has {heads}={count}, {kv_heads}={shared}; the second must divide the first")
    return count, shared


def head_size(config: Mapping[str, Any], heads: int) -> int:
    """Channels per attention head, the hidden size shared out evenly; a `head_dim` in the config must say the same.

    Raises:
        CheckpointError: they do not fit.
    """
    width = whole(config, "hidden_size")
    if width % heads:
        raise CheckpointError(f"config.json has hidden_size={width}, heads={heads}; the second must divide the first")
    size = whole(config, "head_dim", width // heads)
    if size * heads != width:
        raise CheckpointError(f"config.json has head_dim={size}; only hidden_size / heads = {width // heads} is proven")
    return size
