"""The masked diffusion loss: hide answer positions with probability t, predict them, weigh by 1/t.

Equation: LLaDA (arXiv 2502.09992), eq. 3, restricted to the answer as in its supervised fine-tuning. Knows
tensors and a model that maps ids to logits. Does not know tasks, files or optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from credit_viz.tiny.data import Batch

SMALLEST_T = 1e-3
# The number of hidden positions is filled up to a multiple of this: fewer shapes, fewer kernels to compile.
COUNT_STEP = 128


class Float32Attention(TorchFunctionMode):
    """Run attention in float32 inside a bfloat16 autocast.

    On CPUs the backward pass of bfloat16 attention takes half of a training step (measured: 351 of 713 ms; in
    float32 57 ms), while bfloat16 makes the matrix products around it four times faster.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is not functional.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        query, key, value, *rest = args
        with torch.autocast("cpu", enabled=False):
            out = func(query.float(), key.float(), value.float(), *rest, **(kwargs or {}))
        return out.to(query.dtype)


@dataclass(frozen=True)
class Loss:
    """`total`: scalar with gradient. Per family, over hidden answer words (end marks left out):
    summed cross entropy (F,) in nats and count (F,).
    """

    total: Tensor
    mean: float
    family_sum: Tensor
    family_count: Tensor


def hide(batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw what is hidden: (B, T) bool, and each row's t (B, 1). The t are stratified over the batch."""
    rows, length = batch.ids.shape
    t = (torch.rand(1, generator=generator) + torch.arange(rows) / rows) % 1.0
    t = t[torch.randperm(rows, generator=generator)][:, None] * (1 - SMALLEST_T) + SMALLEST_T
    generated = torch.arange(length)[None] >= batch.response_start[:, None]
    return generated & (torch.rand(rows, length, generator=generator) < t), t


def _padded_indices(hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Flat positions of what is hidden (N,), filled up with position 0, and which of them are real (N,)."""
    found = hidden.flatten().nonzero()[:, 0]
    fill = -len(found) % COUNT_STEP
    return torch.cat([found, found.new_zeros(fill)]), torch.arange(len(found) + fill) < len(found)


def masked_loss(
    model: torch.nn.Module,
    batch: Batch,
    generator: torch.Generator,
    *,
    mask_id: int,
    end_id: int,
    families: int,
    bfloat16: bool,
) -> Loss:
    hidden, t = hide(batch, generator)
    where, real = _padded_indices(hidden)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16), Float32Attention():
        canvas = torch.where(hidden, mask_id, batch.ids)
        # The head runs on hidden positions only: (N, D) -> (N, V).
        states = model.model(input_ids=canvas).last_hidden_state.flatten(0, 1)[where]  # type: ignore[operator]
        logits = model.lm_head(states)  # type: ignore[operator]
    target = batch.ids.flatten()[where]
    entropy = functional.cross_entropy(logits.float(), target, reduction="none") * real
    generated = int((batch.ids.shape[1] - batch.response_start).sum())
    total = (entropy / t.expand_as(hidden).flatten()[where]).sum() / generated
    family = batch.family[:, None].expand_as(hidden).flatten()[where]
    word = (real & (target != end_id)).float()
    detached = entropy.detach()
    return Loss(
        total,
        float(detached.sum() / real.sum()),
        torch.zeros(families).index_add_(0, family, detached * word),
        torch.zeros(families).index_add_(0, family, word),
    )
