"""How likely a model finds a finished text: one number, for one call of the model. Knows a model's logits only.

The pseudo-likelihood of a masked model is the likelihood of each token given all others; that costs a call per token.
Here the tokens are masked in two halves instead, every other one, in one call on two canvases:

    1 / |T| * sum over i in T of log p(x_i | prompt, x without the half that i is in)

with T the positions that hold text. It is a composite likelihood (Besag 1975) in nats per token: it tells whether the
model finds a text plausible, never whether the text is right, and is no bound on the text's probability. Repetitive
text scores high. Compare it between texts of one model only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from credit_viz.models.base import DiffusionLM

__all__ = ["log_likelihood"]


def log_likelihood(model: DiffusionLM, prompt_ids: Sequence[int], content_ids: Sequence[int]) -> float | None:
    """Mean log-likelihood in nats per token of the text in a canvas; None without text, or without a mask token.

    content_ids: (L,) token ids, -1 where no text stands: there the canvas ends its text.
    """
    if model.mask_id < 0 or all(token < 0 for token in content_ids):
        return None
    start = len(prompt_ids)
    written = torch.tensor(content_ids, device=model.device)
    text = written >= 0
    filled = torch.where(text, written, model.eos_ids[0])
    odd = (text.cumsum(0) % 2).bool()
    halves = torch.stack([text & odd, text & ~odd])
    prompt = torch.tensor(list(prompt_ids), dtype=torch.int64, device=model.device)
    canvas = torch.cat([prompt.repeat(2, 1), torch.where(halves, model.mask_id, filled)], 1)
    rows = torch.arange(start, canvas.shape[1], device=model.device)
    log_p = model.token_logits(canvas, rows).float().log_softmax(-1)
    right = log_p.gather(-1, filled.expand(2, -1)[..., None])[..., 0]
    return float(right[halves].double().sum() / text.sum())
