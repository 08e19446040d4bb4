"""Checked weights into a family's stock class: nothing missing, nothing left over, no number that is none.

Knows transformers' loader. Does not know tokenizers, devices or where the folder came from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import revert_weight_conversion
from transformers.utils import logging as transformers_logging

from credit_viz.errors import CheckpointError
from credit_viz.models.checkpoint_files import StoredTensor, check_tensors, stored_tensors
from credit_viz.models.devices import dtype_name
from credit_viz.models.families.base import Family
from credit_viz.models.memory import SLOW_BYTES
from credit_viz.models.quantize import quantization_config

__all__ = ["load_network", "published_shapes"]


class _Unsaid(GenerationConfig):
    """Settings of no one: every class of networks, whatever it calls its settings, is left with its own defaults."""

    def to_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}


def load_network(
    folder: Path,
    config: PreTrainedConfig,
    family: Family,
    dtype: torch.dtype,
    device: torch.device,
    quantize: str | None = None,
) -> PreTrainedModel:
    """The family's network on the device, with the weights of a folder.

    Args:
        config: the translated one.
        quantize: "int8" or "nf4" for linear layers in 8 or 4 bits.

    Raises:
        CheckpointError: a file is missing, damaged or truncated, weights are missing, unknown, of the wrong shape or
            not finite; names the file. Before the first weight is read, all but the last are ruled out.
    """
    shapes, copies = published_shapes(family, config)
    stored = stored_tensors(folder)
    check_tensors(folder, stored, shapes, copies)
    _refuse_untied(stored, copies)
    placed: dict[str, Any] = {}
    if quantize:  # these weights are made on their device, one by one; others pass through main memory
        placed = {"quantization_config": quantization_config(quantize, dtype), "device_map": {"": device}}
    try:
        with _quiet(stored):
            network, report = cast(Any, family.network_class).from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                key_mapping=dict(family.key_mapping),
                attn_implementation="sdpa",
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                # unused: else made of what the files say
                generation_config=_Unsaid(),  # type: ignore[no-untyped-call]
                output_loading_info=True,
                **placed,
            )
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"the weights in {folder} cannot be read: {reason}") from error
    _refuse_leftovers(folder, report)
    _refuse_not_finite(network, stored, dtype)
    family.prepare(network)
    network.eval().requires_grad_(False)
    if not quantize:
        nn.Module.to(network, device)
    loaded: PreTrainedModel = network
    return loaded


def published_shapes(family: Family, config: PreTrainedConfig) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Shape of every weight under its published name; and which of the names may be left out, being copies of others.

    The network is built without weights, and the loader's own renames, splits and fusions are run backwards.
    """
    with torch.device("meta"):
        network = family.network_class(config)
    network._weight_conversions = get_model_conversion_mapping(  # type: ignore[assignment]
        network, dict(family.key_mapping), add_legacy=False
    )
    weights: dict[str, Tensor] = network.state_dict()

    def published_name(name: str) -> str:
        (published,) = revert_weight_conversion(network, {name: weights[name]})
        return str(published)

    shapes = {name: tuple(tensor.shape) for name, tensor in revert_weight_conversion(network, weights).items()}
    tied = network.all_tied_weights_keys.items()
    return shapes, {published_name(copy): published_name(original) for copy, original in tied}


@contextmanager
def _quiet(stored: Mapping[str, StoredTensor]) -> Iterator[None]:
    """No report (it is raised instead), and no progress bar where loading takes no time."""
    verbosity = transformers_logging.get_verbosity()
    small = sum(file.stat().st_size for file in {tensor.file for tensor in stored.values()}) < SLOW_BYTES
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


def _refuse_leftovers(folder: Path, report: Mapping[str, Any]) -> None:
    """The loader only warns of weights that it did not find, and fills them with random numbers."""
    for verb, kind in (
        ("lacks", "missing_keys"),
        ("has unknown", "unexpected_keys"),
        ("has misfit", "mismatched_keys"),
    ):
        if report[kind]:
            raise CheckpointError(f"the checkpoint in {folder} {verb} weights: {', '.join(map(str, report[kind]))}")


def _refuse_untied(stored: Mapping[str, StoredTensor], copies: Mapping[str, str]) -> None:
    """Where config.json says that two weights are one, the loader takes one of them, whatever the other is."""
    for copy, original in copies.items():
        if copy in stored and not torch.equal(_load(stored, copy), _load(stored, original)):
            raise CheckpointError(
                f"{stored[copy].file} has a {copy} of its own, but config.json says that it is {original}"
            )


def _load(stored: Mapping[str, StoredTensor], name: str) -> Tensor:
    with safe_open(stored[name].file, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
    return tensor


def _refuse_not_finite(network: nn.Module, stored: Mapping[str, StoredTensor], dtype: torch.dtype) -> None:
    """No weight is not-a-number or infinite: few of them would show in a first forward pass."""
    weights = [p for p in network.parameters() if p.is_floating_point()]
    limits = [b for b in network.buffers() if b.is_floating_point() and b.numel()]  # some say "no limit" by infinity
    if all(map(_finite, weights)) and not any(bool(limit.isnan().any()) for limit in limits):
        return
    for name, (file, _) in stored.items():
        if not _finite(_load(stored, name)):
            raise CheckpointError(f"{file} is damaged: {name} has numbers that are not finite (NaN or infinity)")
    raise CheckpointError(
        f"the weights in {file.parent} are too large for {dtype_name(dtype)}; try --dtype bfloat16 or float32"
    )


def _finite(tensor: Tensor) -> bool:
    # one pass without a copy; both ends are not-a-number where any element is
    return bool(torch.stack(torch.aminmax(tensor)).isfinite().all())
