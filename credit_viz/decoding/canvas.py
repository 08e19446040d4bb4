"""The ids that a run works on: the prompt, then what is generated. Knows the model's limits; nothing of decoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from credit_viz.decoding.forward import LanguageModel
from credit_viz.errors import PromptError

__all__ = ["Canvas"]


class Canvas(NamedTuple):
    """The prompt followed by the generated region."""

    ids: Tensor  #: (P + L,) int64 on the model's device
    prompt_length: int  #: P

    @property
    def generated(self) -> Tensor:
        """(L,) view of the generated region."""
        return self.ids[self.prompt_length :]

    @classmethod
    def blank(cls, model: LanguageModel, prompt_ids: Sequence[int], gen_length: int) -> Canvas:
        """Prompt and masks.

        Raises:
            PromptError: the prompt is empty, has unknown ids, or leaves no room for gen_length positions.
        """
        if not prompt_ids:
            raise PromptError("the prompt is empty; valid: at least one token")
        bad = next((i for i in prompt_ids if not 0 <= i < model.token_limit), None)
        if bad is not None:
            raise PromptError(f"prompt id {bad} is unknown; valid: 0..{model.token_limit - 1}")
        room = model.max_positions - gen_length
        if len(prompt_ids) > room:
            raise PromptError(
                f"the prompt has {len(prompt_ids)} tokens; with {gen_length} generated positions this model "
                f"(maximum {model.max_positions} positions) takes at most {max(0, room)}"
            )
        ids = torch.tensor([*prompt_ids, *[model.mask_id] * gen_length], device=model.device)
        return cls(ids, len(prompt_ids))

    def noised(self, block: tuple[int, int], noise: Tensor, mask_id: int) -> Tensor:
        """(P + end,) ids up to the end of a block [start, end) of the generated region, noise where it is unwritten."""
        start, end = block
        ids = self.generated[start:end]
        return torch.cat([self.ids[: self.prompt_length + start], torch.where(ids == mask_id, noise, ids)])
