"""Weights in 8 or 4 bits through bitsandbytes: where that works, where it does not, and why.

Knows the modes and what they save. Does not know checkpoints or how weights get in.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

import torch
from transformers import BitsAndBytesConfig

from credit_viz.errors import SettingsError, one_of
from credit_viz.models.memory import Size, gigabytes

__all__ = ["MODES", "check_quantize", "precision_text", "quantizable_to", "quantization_config"]

#: best quality first.
MODES = ("int8", "nf4")
_PACKAGES = ("bitsandbytes", "accelerate")  #: transformers asks for the second to place quantized weights
#: families whose weights are rearranged while loading in a way that was never tried together with quantization.
_UNTRIED: Mapping[str, str] = MappingProxyType(
    {
        "llada2": "its fused query, key and value weights are split while loading",
        "diffusion_gemma": "it is experimental here",
    }
)
#: models of fewer bytes fit everywhere.
_SMALL = 100_000_000
#: below this share of the weights, the loss in quality buys next to nothing.
_WORTH_IT = 0.1


def quantizable_to(family: str, size: Size, device: torch.device, dtype: str = "bfloat16") -> tuple[str, ...]:
    """Modes that make sense for a model on a device, installed or not; best quality first."""
    return tuple(mode for mode in MODES if _objection(mode, family, size, device, dtype) is None)


def check_quantize(mode: str | None, family: str, size: Size, device: torch.device, dtype: str) -> None:
    """Refuse what does not work or makes no sense.

    Raises:
        SettingsError: unknown mode, wrong device or family, too little saved, or a package is missing.
    """
    if mode is None:
        return
    if mode not in MODES:
        raise SettingsError(one_of("quantization", mode, MODES))
    if objection := _objection(mode, family, size, device, dtype):
        raise SettingsError(f"--quantize {mode}: {objection}")
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise SettingsError(f"--quantize {mode} needs {' and '.join(missing)}: pip install -e '.[quantize]'")


def _objection(mode: str, family: str, size: Size, device: torch.device, dtype: str) -> str | None:
    """Why not, as the end of a sentence; None if there is no reason."""
    if device.type not in ("cuda", "cpu"):
        return f"bitsandbytes does not run on {device.type}; valid: cuda, cpu"
    if family in _UNTRIED:
        return f"{family} models are not quantized, because {_UNTRIED[family]}; load it without"
    full = size.weights(dtype)
    if full < _SMALL:
        return f"the model has only {gigabytes(full)} of weights, which fit everywhere; load it without"
    saved = full - size.weights(dtype, mode)
    if saved < _WORTH_IT * full:
        return (
            f"saves only {gigabytes(saved)} of {gigabytes(full)}, because bitsandbytes leaves fused experts and "
            f"embeddings in {dtype}; load it without"
        )
    return None


def quantization_config(mode: str, dtype: torch.dtype) -> BitsAndBytesConfig:
    """What `from_pretrained` takes; the output layer and everything that is no linear layer keep the dtype.

    Silences bitsandbytes' own log: each int8 layer would say at every step that it multiplies in float16.
    """
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    if mode == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )


def precision_text(dtype: str, mode: str | None) -> str:
    """What a trace says about the numbers a model computed in, e.g. "bfloat16" or "nf4 (bfloat16)"."""
    return f"{mode} ({dtype})" if mode else dtype
