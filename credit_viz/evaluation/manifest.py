"""What an answer depends on besides its prompt, in plain JSON types. Knows models and decoders, no harness."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from typing import Any

import torch

from credit_viz.decoding.base import Decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM

__all__ = ["describe_device", "describe_lane", "describe_model"]

_SAMPLES = 64  #: values read from each tensor


def describe_device(model: DiffusionLM) -> str:
    """Where wall-clock times were measured, e.g. "NVIDIA H200" or "cpu (x86_64, 1 thread)"."""
    if model.device.type == "cuda":
        return torch.cuda.get_device_name(model.device)
    if model.device.type != "cpu":
        return str(model.device)
    threads = torch.get_num_threads()
    return f"cpu ({platform.machine()}, {threads} thread{'s' * (threads > 1)})"


def describe_model(model: DiffusionLM) -> dict[str, Any]:
    """The model and how it runs; its weights by a fingerprint: a folder's name stays when its weights are replaced."""
    return dataclasses.asdict(model.info) | {"compiled": model.compiled, "weights": _fingerprint(model)}


def describe_lane(decoder: Decoder, options: RunOptions) -> dict[str, Any]:
    """A decoder with all its knobs, and what every lane shares."""
    shared = dataclasses.asdict(options)
    return {"decoder": decoder.name, "settings": decoder.settings.to_dict(), **shared}


def _fingerprint(model: DiffusionLM) -> str:
    """Hash of every tensor's name, shape and 64 of its values: replaced weights show, and it takes no time."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in model.network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        if type(tensor) is not torch.Tensor:  # a quantizer's own kind, which cannot be picked apart
            continue
        flat = tensor.detach().reshape(-1)
        places = torch.linspace(0, len(flat) - 1, min(_SAMPLES, len(flat)), dtype=torch.float64).long()
        digest.update(flat[places.to(flat.device)].contiguous().view(torch.uint8).cpu().numpy().tobytes())
    return digest.hexdigest()
