"""Who may look at whom: masks for a network's attention layers. Knows tensors; nothing of checkpoints or canvases."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["block_causal", "for_attention"]


def block_causal(places: Tensor, seen_places: Tensor, block_length: int) -> Tensor:
    """Each position sees its own block and those before it.

    Args:
        places: (B, Q) places in the text; blocks are counted from place 0.
        seen_places: (B, K) places of what there is to look at.

    Returns:
        (B, Q, K) bool, [b, q, k]: q may look at k.
    """
    return seen_places[:, None, :] // block_length <= places[:, :, None] // block_length


def for_attention(seen: Tensor, network: nn.Module) -> Tensor:
    """(B, Q, K) bool -> (B, 1, Q, K) in the form that the network's attention implementation reads.

    A position that may look at nothing (padding can be such) looks at everything instead: its output means nothing,
    but not-a-numbers from it would reach the others in the next layer.
    """
    mask = (seen | ~seen.any(-1, keepdim=True))[:, None]
    if network.config._attn_implementation != "eager":  # type: ignore[union-attr]
        return mask
    # the eager layers ADD the mask to the scores
    dtype = next(network.parameters()).dtype
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, torch.finfo(dtype).min)
