"""A model folder or hub id -> a `DiffusionLM`. Never remote code, never random weights, never a silent guess.

Knows where checkpoints are and how they can be broken. The families know what is in them.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from credit_viz.errors import CheckpointError
from credit_viz.models.base import DiffusionLM, ModelInfo
from credit_viz.models.devices import pick_device, pick_dtype
from credit_viz.models.families import family_of
from credit_viz.models.families.base import Family
from credit_viz.models.hub import fetch_weights, find_checkpoint
from credit_viz.models.memory import gigabytes, measure, require
from credit_viz.models.quantize import check_quantize, precision_text, quantizable_to, quantization_config
from credit_viz.models.text import TextCodec

__all__ = ["load_model"]

_WORTH_A_BAR = 1 << 29  #: bytes of weights from which loading is worth a progress bar


def load_model(
    source: str | Path | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    quantize: str | None = None,
    revision: str | None = None,
    offline: bool = False,
    check_memory: bool = True,
    tell: Callable[[str], None] | None = None,
) -> DiffusionLM:
    """Load a published checkpoint on stock transformers classes.

    Args:
        source: a folder, a hub id such as "GSAI-ML/LLaDA-8B-Instruct", or None for the embedded model.
        device: "cpu", "cuda", "cuda:1", "mps", or "auto" (a GPU if there is one).
        dtype: "float32", "bfloat16", "float16", or "auto" (bfloat16 on a GPU that has it, float16 on one that has
            not, float32 on a CPU).
        quantize: "int8" or "nf4": linear layers in 8 or 4 bits, through bitsandbytes.
        revision: branch, tag or commit of a hub repository.
        offline: fetch nothing from the hub; HF_HUB_OFFLINE=1 does the same.
        check_memory: refuse a model that needs more memory than is free, before any weight is read or fetched.
        tell: called with a sentence before each part that takes long.

    Raises:
        CheckpointError: not found, damaged, incomplete, too large, or of an unknown kind; the message names the file
            or key.
        SettingsError: unknown device, dtype or quantization, or one that does not work here.
    """
    where = pick_device(device)
    kind = pick_dtype(dtype, where)
    precision = str(kind).removeprefix("torch.")
    origin = find_checkpoint(source, revision, offline)
    folder, name = origin.folder, origin.name
    config = _read_json(folder / "config.json")
    family = family_of(config)
    translated = family.translate_config(config)
    size = measure(family.network_class, translated)
    check_quantize(quantize, family.name, size, where, precision)
    if check_memory:
        require(name, size, where, precision, quantize, quantizable_to(family.name, size, where, precision))
    tokenizer = _load_tokenizer(folder, family)
    text = TextCodec(tokenizer, _chat_template(tokenizer, family, name))
    mask_id = _mask_id(config, text, family, translated.vocab_size)
    eos_ids = _end_ids(config, text, family, translated.vocab_size)
    if tell and origin.commit:
        tell(
            f"fetching the weights of {name} unless they are cached, {gigabytes(size.weights('bfloat16'))} in bfloat16"
        )
    fetch_weights(origin, offline)
    if tell and size.weights(precision, quantize) >= _WORTH_A_BAR:
        tell(f"reading {gigabytes(size.weights(precision, quantize))} of weights onto {where}")
    try:
        with _quiet(folder):
            network = _load_network(folder, translated, family, kind, quantize, where)
    except torch.OutOfMemoryError as error:
        raise CheckpointError(f"{name} does not fit into the memory of {where}: {_first_line(error)}") from error
    return DiffusionLM(
        network,
        text,
        ModelInfo(name, family.name, origin.commit, size.parameters, precision_text(precision, quantize)),
        mask_id=mask_id,
        eos_ids=eos_ids,
        vocab_size=int(network.config.vocab_size),
        max_positions=int(network.config.max_position_embeddings),
        abilities=family.abilities,
        block_length=family.block_length(config),
        shifted=family.shifted,
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path.parent} has no {path.name}; a checkpoint folder needs it")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} holds a {type(data).__name__}; expected a JSON object")
    return data


def _load_tokenizer(folder: Path, family: Family) -> PreTrainedTokenizerBase:
    """The tokenizer from its own files; the class is the family's, so no code in the folder is ever looked for."""
    for name in family.tokenizer_files:
        if name.endswith(".json"):
            _read_json(folder / name)
    try:
        tokenizer: PreTrainedTokenizerBase = family.tokenizer_class.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # the tokenizer library raises bare Exceptions for files it cannot read: nothing narrower would catch them
    except Exception as error:
        raise CheckpointError(f"{folder / family.tokenizer_files[0]} cannot be read: {_first_line(error)}") from error
    return tokenizer


def _chat_template(tokenizer: PreTrainedTokenizerBase, family: Family, name: str) -> str | None:
    """The tokenizer's own template; else the family's, unless the checkpoint is a base model by its name."""
    own = tokenizer.chat_template
    if own is not None:
        return str(own["default"] if isinstance(own, dict) else own)
    base = "base" in re.split(r"[^a-z]+", name.lower())
    return None if base else family.chat_template


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _mask_id(config: dict[str, Any], text: TextCodec, family: Family, vocab_size: int) -> int:
    """Id of the mask token; where config and tokenizer both know it, they must agree."""
    by_text = next((i for i in map(text.find, family.mask_tokens) if i is not None), None)
    by_config = config.get("mask_token_id")
    if by_config is None and by_text is None:
        wanted = " or ".join(family.mask_tokens)
        raise CheckpointError(f"no mask token: config.json lacks mask_token_id and the tokenizer lacks {wanted}")
    mask_id = _token_id("mask_token_id", by_text if by_config is None else by_config, vocab_size)
    if by_text is not None and by_text != mask_id:
        raise CheckpointError(f"config.json has mask_token_id={mask_id}, but the tokenizer's mask is {by_text}")
    return mask_id


def _end_ids(config: dict[str, Any], text: TextCodec, family: Family, vocab_size: int) -> tuple[int, ...]:
    """Ids that end the text: those the config (else the tokenizer) names, then the family's own."""
    named = config.get("eos_token_id")
    if named is None:
        named = text.eos_id
    if named is None or named == []:
        raise CheckpointError("no end-of-text token: neither config.json (eos_token_id) nor the tokenizer names one")
    listed = named if isinstance(named, list) else [named]
    ends = [_token_id("eos_token_id", token, vocab_size) for token in listed]
    ends += [i for i in map(text.find, family.end_tokens) if i is not None]
    return tuple(dict.fromkeys(ends))


def _token_id(name: str, value: object, vocab_size: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < vocab_size:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a token id 0..{vocab_size - 1}")
    return value


@contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """No report (it is raised instead), and no progress bar where loading takes no time."""
    verbosity = transformers_logging.get_verbosity()
    small = sum(file.stat().st_size for file in folder.glob("*.safetensors")) < _WORTH_A_BAR
    had_bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    if small:
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if small and had_bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _load_network(
    folder: Path,
    config: PreTrainedConfig,
    family: Family,
    dtype: torch.dtype,
    quantize: str | None,
    device: torch.device,
) -> PreTrainedModel:
    """Weights into the family's stock class, on the device; every key must match, in both directions.

    Raises:
        CheckpointError: a file is missing or truncated, or keys are missing, unexpected or of the wrong shape.
    """
    _check_weight_files(folder)
    placed: dict[str, Any] = {}
    if quantize:  # these weights are made on their device, one by one; others pass through main memory
        placed = {"quantization_config": quantization_config(quantize, dtype), "device_map": {"": device}}
    try:
        network, loading = cast(Any, family.network_class).from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            key_mapping=dict(family.key_mapping),
            attn_implementation="sdpa",
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # reported in `loading`, and refused below by name
            output_loading_info=True,
            **placed,
        )
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"the weights in {folder} cannot be read: {_first_line(error)}") from error
    _refuse_mismatch(folder, loading)
    family.prepare(network)
    network.eval().requires_grad_(False)
    return network if quantize else nn.Module.to(network, device)


def _check_weight_files(folder: Path) -> None:
    """There are safetensors, and an index, if there is one, names files that exist."""
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} has no .safetensors weights; other formats are not loaded")
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    shards = _read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not shards or not all(isinstance(name, str) for name in shards.values()):
        raise CheckpointError(f"{index} has no weight_map from weights to files")
    if lost := sorted(name for name in set(shards.values()) if not (folder / name).is_file()):
        raise CheckpointError(f"{index} names {lost[0]}, which is not in {folder}")


def _refuse_mismatch(folder: Path, loading: dict[str, Any]) -> None:
    problems = {
        "lacks": loading["missing_keys"],
        "has unknown": loading["unexpected_keys"],
        "has wrongly shaped": loading["mismatched_keys"],
    }
    for verb, keys in problems.items():
        if keys:
            names = sorted(str(key[0] if isinstance(key, tuple) else key) for key in keys)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise CheckpointError(f"the checkpoint in {folder} {verb} weights: {', '.join(names[:3])}{more}")
