"""Where a model runs and in which numbers: chosen sensibly, or checked. Knows torch's devices, no models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from credit_viz.errors import SettingsError, one_of

__all__ = ["DTYPES", "dtype_name", "pick_device", "pick_dtype"]

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
)
#: from here on NVIDIA's chips compute in bfloat16; older ones (a T4 is 7.5) only imitate it.
_BFLOAT16_SINCE = (8, 0)


def dtype_name(dtype: torch.dtype) -> str:
    """Its name as in `DTYPES`."""
    return str(dtype).removeprefix("torch.")


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" takes a GPU if there is one.

    Raises:
        SettingsError: it is unknown or cannot be used here.
    """
    if name == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()  # reads back: "meta" holds no numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"device {name!r} cannot be used here ({reason}); valid: auto, cpu, cuda, mps") from error
    return device


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype of that name; "auto" takes bfloat16, as all these models are published, where it is native.

    A GPU before Ampere gets float16, whose range is smaller. A CPU gets float32: exact, and few are quick otherwise.

    Raises:
        SettingsError: it is unknown.
    """
    if name != "auto":
        if name not in DTYPES:
            raise SettingsError(one_of("dtype", name, ("auto", *DTYPES)))
        return DTYPES[name]
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= _BFLOAT16_SINCE
        return torch.bfloat16 if native else torch.float16
    return torch.bfloat16 if device.type == "mps" else torch.float32
