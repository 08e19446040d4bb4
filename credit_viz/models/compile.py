"""Compiling a loaded model's forward pass with torch.compile. Knows the model as a whole, nothing of decoding.

Sizes stay symbolic (`dynamic=True`): the canvas, the rows that are wanted and the window of a cache change from run to
run and from step to step, and none of them may compile anything again. What does compile once more, the first time it
is met: several canvases in one pass, a mask, the passes of a cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from credit_viz.errors import SettingsError
from credit_viz.models.base import DiffusionLM

__all__ = ["compile_forward"]

#: different from each other and from 0 and 1, or a run would be compiled for sizes that happen to agree.
_LENGTH, _ROWS = 7, 3


def compile_forward(
    model: DiffusionLM, backend: str | Callable[..., Any] = "inductor", tell: Callable[[str], None] | None = None
) -> DiffusionLM:
    """Run compiled code in every forward pass from now on; compiles with a first, small pass and returns the model.

    Outputs are those of the model as it was, but for rounding.

    Args:
        backend: what `torch.compile` calls so.
        tell: called with a sentence before it begins.

    Raises:
        SettingsError: there is no working compiler.
    """
    if tell:
        tell(f"compiling the forward pass of {model.info.name}")
    canvas = torch.full((_LENGTH,), model.mask_id, device=model.device)
    try:
        model.network.compile(dynamic=True, backend=backend)
        with torch.inference_mode():  # as the loop calls it
            model.token_logits(torch.stack([canvas]), torch.arange(_ROWS, device=model.device))
    except RuntimeError as error:
        tools = "a C++ compiler such as g++" if model.device.type == "cpu" else "triton and a C compiler such as gcc"
        reason = str(error).strip().partition("\n")[0]
        raise SettingsError(
            f"the model cannot be compiled on {model.device}, which takes {tools} ({reason}); valid: without compiling"
        ) from error
    model.compiled = True
    return model
