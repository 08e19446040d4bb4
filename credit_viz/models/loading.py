"""A model folder or hub id -> a `DiffusionLM`. Never remote code, never random weights, never a silent guess.

Knows where checkpoints are and how they can be broken. The families know what is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from credit_viz.errors import CheckpointError
from credit_viz.models.base import DiffusionLM, ModelInfo
from credit_viz.models.checkpoint_files import read_json
from credit_viz.models.compile import compile_forward
from credit_viz.models.devices import dtype_name, pick_device, pick_dtype
from credit_viz.models.families import family_of
from credit_viz.models.families.base import Family
from credit_viz.models.hub import Origin, fetch_weights, find_checkpoint
from credit_viz.models.memory import SLOW_BYTES, Size, gigabytes, measure, require
from credit_viz.models.network import load_network
from credit_viz.models.quantize import check_quantize, precision_text, quantizable_to
from credit_viz.models.tokens import end_ids, load_text, mask_id

__all__ = ["load_model"]

Tell = Callable[[str], None]


def load_model(
    source: str | Path | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    quantize: str | None = None,
    revision: str | None = None,
    offline: bool = False,
    check_memory: bool = True,
    compile: bool = False,
    tell: Tell | None = None,
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
        compile: run the forward pass compiled; the first compilation takes a minute or so.
        tell: called with a sentence before each part that takes long.

    Raises:
        CheckpointError: not found, damaged, incomplete, too large, or of an unknown kind; the message names the file
            or key.
        SettingsError: unknown device, dtype or quantization, or one that does not work here.
    """
    where = pick_device(device)
    how = _Precision(where, pick_dtype(dtype, where), quantize)
    origin = find_checkpoint(source, revision, offline)
    config = read_json(origin.folder / "config.json")
    family = family_of(config)
    translated = family.translate_config(config)
    size = measure(family.network_class, translated)
    check_quantize(quantize, family.name, size, where, how.name)
    if check_memory:
        require(origin.name, size, where, how.name, quantize, quantizable_to(family.name, size, where, how.name))
    sizes = translated.get_text_config()
    text = load_text(origin.folder, family, origin.name, sizes.vocab_size)
    mask = mask_id(config, text, family, sizes.vocab_size)
    ends = end_ids(config, text, family, sizes.vocab_size)
    _fetch(origin, size, offline, tell)
    model = family.model_class(
        _read(origin, family, translated, size, how, tell),
        text,
        ModelInfo(origin.name, family.name, origin.commit, size.parameters, precision_text(how.name, quantize)),
        mask_id=mask,
        eos_ids=ends,
        vocab_size=sizes.vocab_size,
        max_positions=sizes.max_position_embeddings,
        abilities=family.abilities,
        block_length=family.block_length(config),
        shifted=family.shifted,
    )
    _probe(model, origin.folder)
    return compile_forward(model, tell=tell) if compile else model


class _Precision(NamedTuple):
    """Where the weights go and in which numbers."""

    device: torch.device
    dtype: torch.dtype
    quantize: str | None

    @property
    def name(self) -> str:
        """Of the dtype."""
        return dtype_name(self.dtype)


def _fetch(origin: Origin, size: Size, offline: bool, tell: Tell | None) -> None:
    if tell and origin.commit:
        weights = gigabytes(size.weights("bfloat16"))
        tell(f"fetching the weights of {origin.name} unless they are cached, {weights} in bfloat16")
    fetch_weights(origin, offline)


def _read(
    origin: Origin, family: Family, config: PreTrainedConfig, size: Size, how: _Precision, tell: Tell | None
) -> PreTrainedModel:
    weights = size.weights(how.name, how.quantize)
    if tell and weights >= SLOW_BYTES:
        tell(f"reading {gigabytes(weights)} of weights onto {how.device}")
    try:
        return load_network(origin.folder, config, family, how.dtype, how.device, how.quantize)
    except torch.OutOfMemoryError as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{origin.name} does not fit into the memory of {how.device}: {reason}") from error


def _probe(model: DiffusionLM, folder: Path) -> None:
    """One small forward pass: logits that are no numbers would decode to nonsense, silently."""
    canvas = torch.full((1, min(4, model.max_positions)), model.eos_ids[0])
    try:
        logits = model.token_logits(canvas)
    except RuntimeError as error:  # an operation that the device lacks, a shape that a kernel cannot take
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"the model in {folder} does not run in {model.info.dtype} on {model.device}: {reason}"
        ) from error
    if not logits.isfinite().all():
        advice = "; its range is small: try --dtype bfloat16 or float32" if logits.dtype is torch.float16 else ""
        raise CheckpointError(f"the model in {folder} gives logits that are not finite in {model.info.dtype}{advice}")
