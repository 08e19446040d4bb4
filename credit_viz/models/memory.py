"""How much memory a model needs, known before any of its weights is read, and how much there is.

Knows numbers of parameters and devices. Does not know checkpoints, families or how weights get in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from credit_viz.errors import CheckpointError
from credit_viz.models.devices import DTYPES

__all__ = [
    "BYTES",
    "QUANTIZED_BYTES",
    "SLOW_BYTES",
    "Size",
    "Way",
    "billions",
    "free_memory",
    "gigabytes",
    "measure",
    "require",
    "ways_to_fit",
]

#: bytes of one parameter.
BYTES: Mapping[str, int] = MappingProxyType({name: dtype.itemsize for name, dtype in DTYPES.items()})
#: bytes of one quantized weight: nf4 keeps a float32 scale per 64 weights; int8's one per row is too little to count.
QUANTIZED_BYTES: Mapping[str, float] = MappingProxyType({"int8": 1.0, "nf4": 0.5 + 4 / 64})
#: of weights: from here on reading them takes long enough to say so.
SLOW_BYTES = 1 << 29
#: what running is allowed for: two lanes that generate this many positions each.
_POSITIONS = 2 * 256


@dataclass(frozen=True)
class Size:
    """What a model's memory is counted from."""

    parameters: int
    quantizable: int  #: weights of linear layers but the output layer: all that bitsandbytes shrinks
    vocab_size: int

    def weights(self, dtype: str, quantize: str | None = None) -> int:
        """Bytes of the weights in a dtype; quantize: "int8" or "nf4" for those that can be."""
        each = QUANTIZED_BYTES[quantize] if quantize else BYTES[dtype]
        return round((self.parameters - self.quantizable) * BYTES[dtype] + self.quantizable * each)

    def working(self, dtype: str) -> int:
        """Bytes to allow for a run: at 126,000 words the logits outweigh all activations.

        Counted are two lanes of 256 generated positions, each row of logits once in the model's dtype and twice in
        float32 (the row and its softmax).
        """
        return _POSITIONS * self.vocab_size * (BYTES[dtype] + 2 * BYTES["float32"])

    def needs(self, dtype: str, quantize: str | None = None) -> int:
        """Bytes of weights and of a run."""
        return self.weights(dtype, quantize) + self.working(dtype)


def measure(network_class: type[PreTrainedModel], config: PreTrainedConfig) -> Size:
    """Size of a network, built without weights.

    Raises:
        CheckpointError: a weight would have more numbers than can be counted.
    """
    try:
        with torch.device("meta"):
            network = network_class(config)
    except (RuntimeError, TypeError, OverflowError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"config.json asks for weights larger than any memory: {reason}") from error
    head = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    linear = [m for m in network.modules() if isinstance(m, nn.Linear) and m is not head]
    return Size(
        parameters=sum(p.numel() for p in network.parameters()),
        quantizable=sum(layer.weight.numel() for layer in linear),
        vocab_size=int(config.get_text_config().vocab_size),
    )


def gigabytes(count: float) -> str:
    """Bytes for people, e.g. "16.0 GB" (10^9) or "4.7 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 0.95e8 else f"{count / 1e6:.1f} MB"


def billions(parameters: int) -> str:
    """Number of parameters for people, e.g. "8.0 B" or "2.4 M"."""
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.1f} M"


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device; None where it cannot be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return _free_main_memory() if device.type == "cpu" else None


def _free_main_memory(meminfo: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What the machine has left, or the container if it may take less."""
    known = [free for free in (_free_of_machine(meminfo), _free_of_container(group)) if free is not None]
    return min(known, default=None)


def _free_of_machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows, not on macOS
        return None


def _free_of_container(group: Path) -> int | None:
    """Of a memory limit (cgroup 2), what is left; the file cache can be given back."""
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    cache = int(stat[stat.index("inactive_file") + 1]) if "inactive_file" in stat else 0
    return max(0, int(limit) - used + cache)


class Way(NamedTuple):
    """Another way to load a model."""

    option: str  #: as typed, "" for none
    weights: int  #: bytes


def ways_to_fit(size: Size, free: int, dtype: str, quantizable_to: Sequence[str]) -> list[Way]:
    """How a model fits into `free` bytes: as it is, in bfloat16 instead of float32, quantized; the best first.

    Args:
        dtype: what it would be loaded in.
        quantizable_to: modes that make sense for it.
    """
    ways = [("", dtype, None), *((f"--quantize {mode}", dtype, mode) for mode in quantizable_to)]
    if dtype == "float32":
        ways.insert(1, ("--dtype bfloat16", "bfloat16", None))
    return [Way(option, size.weights(kind, mode)) for option, kind, mode in ways if size.needs(kind, mode) <= free]


def require(
    name: str, size: Size, device: torch.device, dtype: str, quantize: str | None, quantizable_to: Sequence[str] = ()
) -> None:
    """Refuse a model that does not fit, before any weight is read.

    Args:
        quantizable_to: ways to quantize this model that may be proposed, the best first.

    Raises:
        CheckpointError: says what it needs, what there is, and which options would fit.
    """
    free = free_memory(device)
    if free is not None and size.needs(dtype, quantize) > free:
        precision = f"{quantize} ({dtype})" if quantize else dtype
        ways = [way for way in ways_to_fit(size, free, dtype, quantizable_to) if way.option]
        listed = " or ".join(f"{way.option} ({gigabytes(way.weights)})" for way in ways)
        advice = f"try {listed}" if ways else "no smaller precision would fit either"
        raise CheckpointError(
            f"{name} needs {gigabytes(size.weights(dtype, quantize))} in {precision} and "
            f"{gigabytes(size.working(dtype))} to run, {gigabytes(free)} are free on {_place(device)}: {advice}"
        )
    if device.type != "cpu" and quantize is None:
        _require_passage(name, size.weights(dtype), device)


def _require_passage(name: str, weights: int, device: torch.device) -> None:
    """Weights that are not quantized pass through main memory."""
    main = free_memory(torch.device("cpu"))
    if main is not None and weights > main:
        raise CheckpointError(
            f"{name} needs {gigabytes(weights)} of main memory on its way to {_place(device)}, {gigabytes(main)} are "
            "free: close other programs, or quantize it, which loads straight onto the device"
        )


def _place(device: torch.device) -> str:
    return f"cuda:{device.index or 0}" if device.type == "cuda" else str(device)
