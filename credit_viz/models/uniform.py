"""A model whose noise is random tokens instead of a mask: finished text in front, one block of noise behind it.

Experimental. Knows the network's two halves (an encoder that reads finished text causally, a decoder that sees it and
the whole block); nothing of decoding: when a position is accepted or gets new noise is a step loop's business.
"""

from __future__ import annotations

import torch
from torch import Tensor

from credit_viz.errors import PromptError
from credit_viz.models.base import DiffusionLM, enough_memory

__all__ = ["NO_MASK", "UniformLM"]

NO_MASK = -1  #: mask id of a model that has no mask token: equal to no token


class UniformLM(DiffusionLM):
    """A network that guesses every position of a block, whatever is written there.

    Blocks are counted from the end of the prompt; `block_length` is the length that it was trained with.
    """

    @torch.no_grad()
    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        prefix: int | None = None,
        previous: Tensor | None = None,
    ) -> Tensor:
        """Logits of the positions of the block, each for the token AT that position.

        Args:
            canvas: (B, L) int64 token ids: finished text, then the block, noise included.
            rows: (R,) positions whose logits are wanted, all in the block.
            attention_mask: (B, L), 0 at padding.
            position_ids: (B, L) or (L,) places in the text, where they are not 0..L-1.
            prefix: how many positions in front are finished text; all but the last `block_length` if not given.
            previous: (B, L - prefix, V) logits of the last step, divided by its temperature, which the network is told
                (self-conditioning); None in the first step of a block.

        Returns:
            (B, L, V), 0 for finished text, or (B, R, V) with rows; float32.

        Raises:
            PromptError: as `DiffusionLM.token_logits`; or the prefix or a row is out of range.
            BackendError: the device has too little memory for this canvas.
        """
        self._check(canvas, attention_mask, position_ids)
        if attention_mask is not None and attention_mask.ndim == 3:
            raise PromptError("a mask of pairs has no meaning for this family: finished text is read causally")
        canvas = canvas.to(self.device)
        split = self._split(canvas.shape[1], prefix)
        places = None if position_ids is None else position_ids.to(self.device).expand(canvas.shape)
        padding = None if attention_mask is None else attention_mask.to(self.device, torch.bool)
        with enough_memory(self.device, canvas):
            logits: Tensor = self.network(
                input_ids=canvas[:, :split],
                attention_mask=None if padding is None else padding[:, :split],
                position_ids=None if places is None else places[:, :split],
                decoder_input_ids=canvas[:, split:],
                decoder_attention_mask=padding,
                decoder_position_ids=None if places is None else places[:, split:],
                self_conditioning_logits=previous,
            ).logits
        if rows is None:
            return torch.nn.functional.pad(logits, (0, 0, split, 0))
        if rows.device.type == "cpu" and not split <= int(rows.min()):
            raise PromptError(f"row {int(rows.min())} is finished text; valid: {split}..{canvas.shape[1] - 1}")
        return logits[:, rows.to(self.device) - split]

    def token_text(self, token_id: int) -> str:
        """Text of one token; what stands for "nothing is written here" reads [noise]."""
        return "[noise]" if token_id == NO_MASK else super().token_text(token_id)

    def _split(self, length: int, prefix: int | None) -> int:
        """Where the block begins."""
        split = max(1, length - (self.block_length or length)) if prefix is None else prefix
        if not 0 < split < length:
            raise PromptError(f"prefix={split} leaves no text or no block; valid: 1..{length - 1}")
        return split

    def _check(self, canvas: Tensor, attention_mask: Tensor | None, position_ids: Tensor | None) -> None:
        if canvas.device.type == "cpu" and (canvas == NO_MASK).any():
            raise PromptError("this family has no mask token: unwritten positions hold random tokens, drawn each step")
        super()._check(canvas, attention_mask, position_ids)
