"""A loaded masked diffusion language model: ids in, position-aligned logits out, and text both ways.

Knows the network and its tokenizer. Does not know canvases' meaning, decoders or traces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from credit_viz.errors import BackendError, PromptError
from credit_viz.models.text import TextCodec

__all__ = ["DiffusionLM", "ModelInfo"]


@dataclass(frozen=True)
class ModelInfo:
    """What a trace must say about the model it came from."""

    name: str  #: for people, e.g. "embedded" or the hub id
    family: str
    revision: str | None  #: commit of a hub repository, None for a local folder
    parameters: int
    dtype: str


class DiffusionLM:
    """A network that guesses every masked position at once.

    Attributes:
        mask_id: id of the mask token.
        eos_ids: ids that end the text.
        token_limit: ids below have text; the embedding may be larger than the tokenizer.
        vocab_size: width V of the logits.
        max_positions: longest canvas, prompt included.
    """

    def __init__(
        self,
        network: nn.Module,
        text: TextCodec,
        info: ModelInfo,
        *,
        mask_id: int,
        eos_ids: tuple[int, ...],
        vocab_size: int,
        max_positions: int,
    ) -> None:
        self.network = network
        self.text = text
        self.info = info
        self.mask_id = mask_id
        self.eos_ids = eos_ids
        self.vocab_size = vocab_size
        self.token_limit = min(text.size, vocab_size)
        self.max_positions = max_positions

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @torch.no_grad()
    def token_logits(self, canvas: Tensor, rows: Tensor | None = None, attention_mask: Tensor | None = None) -> Tensor:
        """Logits of every position of `canvas`, each for the token AT that position.

        Args:
            canvas: (B, L) int64 token ids; mask ids where the model shall guess.
            rows: (R,) positions whose logits are wanted; the output layer runs on these only.
            attention_mask: (B, L), 0 at padding; the logits of padded positions mean nothing.

        Returns:
            (B, L, V), or (B, R, V) with rows; on the model's device, in the model's dtype.

        Raises:
            PromptError: wrong shape or dtype, ids outside the vocabulary, or more positions than the model has.
            BackendError: the device has too little memory for this canvas.
        """
        self._check(canvas)
        try:
            output = self.network(
                input_ids=canvas.to(self.device),
                attention_mask=None if attention_mask is None else attention_mask.to(self.device),
                logits_to_keep=0 if rows is None else rows.to(self.device),
            )
        except torch.OutOfMemoryError as error:
            shape = " x ".join(map(str, canvas.shape))
            raise BackendError(f"{self.device} has too little memory for a canvas of {shape} positions") from error
        logits: Tensor = output.logits
        return logits

    def _check(self, canvas: Tensor) -> None:
        if canvas.ndim != 2 or canvas.dtype not in (torch.int64, torch.int32):
            raise PromptError(f"canvas is {tuple(canvas.shape)} {canvas.dtype}; expected (B, L) int64")
        if not 0 < canvas.shape[1] <= self.max_positions:
            raise PromptError(f"canvas has {canvas.shape[1]} positions; valid: 1..{self.max_positions}")
        # ids on the device are the loop's own; checking them would stall it
        if canvas.device.type == "cpu" and canvas.numel():
            low, high = int(canvas.min()), int(canvas.max())
            if low < 0 or high >= self.vocab_size:
                raise PromptError(f"canvas ids span {low}..{high}; valid: 0..{self.vocab_size - 1}")

    def encode(self, prompt: str) -> list[int]:
        """Prompt as the model was trained to see it (through its chat template, if it has one).

        Raises:
            PromptError: the prompt is empty.
        """
        return self.text.encode(prompt)

    def decode_ids(self, ids: Sequence[int]) -> str:
        """Readable text of generated ids, without special tokens."""
        return self.text.decode(ids)

    def token_text(self, token_id: int) -> str:
        """Text of one token, as it would appear inside a text."""
        return self.text.token(token_id)
