"""How others compute a step, restated for comparison only. Knows tensors.

Written from the published rules: the dense credit matrix of dInfer's credit decoder, and the float64 softmax of
Fast-dLLM's threshold decoder.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["CreditMatrix", "float64_threshold"]


@dataclass
class CreditMatrix:
    """One number of credit per position and vocabulary entry, float32, as in dInfer."""

    alpha: float = 0.7
    beta: float = 0.8
    gamma: float = 0.2
    threshold: float = 0.9
    matrix: Tensor | None = field(default=None)

    def step(self, logits: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """Winner (N,) and commit (N,) for logits (N, V)."""
        if self.matrix is None:
            self.matrix = torch.zeros_like(logits, dtype=torch.float32)
        else:
            self.matrix.mul_(self.beta)
        p, top = torch.softmax(logits.float(), -1).max(-1)
        self.matrix.scatter_add_(1, top[:, None], (p**self.gamma * masked)[:, None])
        fused = logits + self.alpha * torch.log(self.matrix + 1)
        ids = fused.argmax(-1)
        confidence = torch.softmax(fused.float(), -1).gather(1, ids[:, None])[:, 0]
        confidence = torch.where(masked, confidence, -torch.inf)
        return ids, confidence >= min(self.threshold, float(confidence.max()) - 1e-5)


def float64_threshold(logits: Tensor, masked: Tensor, threshold: float = 0.9) -> tuple[Tensor, Tensor]:
    """Winner (N,) and commit (N,) by the rule of Fast-dLLM, probabilities from a float64 softmax."""
    ids = logits.argmax(-1)
    confidence = torch.softmax(logits.double(), -1).gather(1, ids[:, None])[:, 0]
    confidence = torch.where(masked, confidence, -torch.inf)
    commit = confidence >= threshold
    commit[confidence.argmax()] = True
    return ids, commit & masked
