"""Likelihood of a given continuation under a masked diffusion model. Knows a model's logits, no harness.

A masked diffusion model has no exact likelihood; what it was trained on bounds it from below. LLaDA (arXiv 2502.09992,
equation 6 and its algorithm for conditional likelihood) estimates that bound as

    E over k, S of  L / k * sum over i in S of log p(x_i | prompt, x without S)

with L tokens, k drawn evenly from 1..L and S an even draw of k of them. The sum over all 2^L - 1 sets is taken exactly
where that costs no more passes than sampling; otherwise sets are sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray

from credit_viz.errors import PromptError
from credit_viz.models.base import DiffusionLM

__all__ = ["log_likelihood"]

_SAMPLES = 128  #: as in LLaDA's own evaluation
_BATCH = 8


def log_likelihood(
    model: DiffusionLM, prompt_ids: Sequence[int], target_ids: Sequence[int], seed: int = 0
) -> tuple[float, bool]:
    """Bound on log p(target | prompt) in nats, and whether the first guess at a blank canvas is the target.

    Raises:
        PromptError: the target is empty, or both together exceed the model's positions.
    """
    if not target_ids:
        raise PromptError("a likelihood needs a continuation; it is empty")
    masks, weights = _mask_sets(len(target_ids), seed)
    start = len(prompt_ids)
    canvas = torch.tensor([*prompt_ids, *target_ids], device=model.device)
    rows = torch.arange(start, len(canvas), device=model.device)
    total, greedy = 0.0, False
    for first in range(0, len(masks), _BATCH):
        chosen = torch.from_numpy(masks[first : first + _BATCH]).to(model.device)
        batch = canvas.repeat(len(chosen), 1)
        batch[:, start:][chosen] = model.mask_id
        logits = model.token_logits(batch, rows).float()
        right = logits.log_softmax(-1).gather(-1, batch.new_tensor(target_ids).expand(len(chosen), -1)[..., None])
        sums = (right[..., 0] * chosen).sum(-1).double().cpu().numpy()
        total += float(sums @ weights[first : first + _BATCH])
        if first == 0:
            greedy = bool((logits[0].argmax(-1) == canvas[start:]).all())
    return total, greedy


def _mask_sets(length: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """(N, L) which tokens are masked, everything masked first; (N,) weight of each set's sum of log p."""
    if 2**length - 1 <= _SAMPLES:
        numbers = np.arange(2**length - 1, 0, -1)
        masks = (numbers[:, None] >> np.arange(length) & 1).astype(bool)
        weights = np.array([1 / (comb(length, k) * k) for k in masks.sum(1).tolist()])
        return masks, weights
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, length, size=_SAMPLES, endpoint=True)
    masks = rng.permuted(np.arange(length) < sizes[:, None], axis=1)
    everything = np.ones((1, length), bool)  # read for the first guess only
    return np.concatenate([everything, masks]), np.concatenate([[0.0], length / sizes / _SAMPLES])
