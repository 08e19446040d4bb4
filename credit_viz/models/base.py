"""A loaded masked diffusion language model: ids in, position-aligned logits out, and text both ways.

Knows the network and its tokenizer. Does not know canvases' meaning, decoders or traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import Cache as NetworkCache

from credit_viz.errors import BackendError, PromptError, SettingsError, one_of
from credit_viz.models.attention import block_causal, for_attention
from credit_viz.models.cache import WindowCache
from credit_viz.models.text import TextCodec

__all__ = ["DiffusionLM", "ModelInfo", "enough_memory"]


@dataclass(frozen=True)
class ModelInfo:
    """What a trace must say about the model it came from."""

    name: str  #: for people, e.g. "embedded" or the hub id
    family: str
    revision: str | None  #: commit of a hub repository, None for a local folder
    parameters: int
    dtype: str


@contextmanager
def enough_memory(device: torch.device, canvas: Tensor) -> Iterator[None]:
    """Say in a sentence that the device had too little memory for a pass over the canvas.

    Raises:
        BackendError: it had.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        shape = " x ".join(map(str, canvas.shape))
        raise BackendError(f"{device} has too little memory for a canvas of {shape} positions") from error


class DiffusionLM:
    """A network that guesses every masked position at once.

    Attributes:
        mask_id: id of the mask token, which stands where nothing is written yet; of none in a `UniformLM`.
        eos_ids: ids that end the text.
        token_limit: ids below have text; the embedding may be larger than the tokenizer.
        vocab_size: width V of the logits.
        max_positions: longest canvas, prompt included.
        abilities: what decoding may ask for beyond one pass over the whole canvas, see `families.base.ABILITIES`.
        block_length: block that a block-causal model was trained with, counted from the canvas's first position; a
            position sees its own block and those before it. None: every position sees every other.
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
        abilities: frozenset[str] = frozenset(),
        block_length: int | None = None,
        shifted: bool = False,
    ) -> None:
        self.network = network
        self.text = text
        self.info = info
        self.mask_id = mask_id
        self.eos_ids = eos_ids
        self.vocab_size = vocab_size
        self.token_limit = min(text.size, vocab_size)
        self.max_positions = max_positions
        self.abilities = abilities
        self.block_length = block_length
        self.compiled = False
        self._shifted = shifted

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @torch.no_grad()
    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """Logits of every position of `canvas`, each for the token AT that position.

        Args:
            canvas: (B, L) int64 token ids; mask ids where the model shall guess.
            rows: (R,) indices into the canvas whose logits are wanted; the output layer runs on these only.
            attention_mask: (B, L), 0 at padding (the logits there mean nothing); or (B, L, L) bool, whether the
                first position may look at the second: then nothing else limits what is seen.
            position_ids: (B, L) or (L,) places in the text, where they are not 0..L-1.

        Returns:
            (B, L, V), or (B, R, V) with rows; on the model's device, in the model's dtype.

        Raises:
            PromptError: wrong shape or dtype, ids outside the vocabulary, or more positions than the model has.
            BackendError: the device has too little memory for this canvas.
        """
        self._check(canvas, attention_mask, position_ids)
        canvas = canvas.to(self.device)
        places = _places(canvas, position_ids)
        return self.run(canvas, places, self._attention_mask(places, attention_mask), self._kept(canvas, rows))

    @torch.no_grad()
    def run(
        self, canvas: Tensor, places: Tensor, mask: Tensor | None, keep: Tensor | int, kept: NetworkCache | None = None
    ) -> Tensor:
        """One call of the network as it is: nothing is checked, and no row is shifted.

        Args:
            canvas: (B, Q) token ids; places: (1 or B, Q) their positions in the text.
            mask: as the network's attention reads it; None: everything sees everything, what is kept included.
            keep: rows (R,) of the output that get logits; 0: all.
            kept: keys and values of earlier calls, brought up to date.

        Returns:
            (B, R, V).

        Raises:
            BackendError: the device has too little memory.
        """
        with enough_memory(self.device, canvas):
            output = self.network(
                input_ids=canvas,
                attention_mask=mask,
                position_ids=places,
                logits_to_keep=keep,
                past_key_values=kept,
                use_cache=kept is not None,
            )
        logits: Tensor = output.logits
        return logits

    def open_cache(self, mode: str) -> WindowCache:
        """A fresh cache for one canvas: "prefix", "dual" or "block"; see models/cache.py.

        Raises:
            SettingsError: this model has no such cache.
        """
        offered = sorted(name.removesuffix(" cache") for name in self.abilities if name.endswith(" cache"))
        if mode not in offered:
            raise SettingsError(one_of("cache mode for this model", mode, offered or ["none"]))
        return WindowCache(self, mode)

    def _kept(self, canvas: Tensor, rows: Tensor | None) -> Tensor | int:
        """Rows of the network's output that are about the wanted positions; 0 means all of them."""
        if not self._shifted:
            return 0 if rows is None else rows.to(self.device)
        wanted = torch.arange(canvas.shape[1]) if rows is None else rows
        # the row before a position is about it; the first position has none, and the original code keeps its own row
        return (wanted - 1).clamp(min=0).to(self.device)

    def _attention_mask(self, places: Tensor, given: Tensor | None) -> Tensor | None:
        """(B, 1, L, L) as the network's attention wants it; None where everything sees everything."""
        given = None if given is None else given.to(self.device, torch.bool)
        if given is not None and given.ndim == 3:
            seen = given
        elif self.block_length is not None:
            seen = block_causal(places, places, self.block_length)
            seen = seen if given is None else seen & given[:, None, :]
        elif given is not None:
            seen = given[:, None, :].expand(-1, given.shape[1], -1)
        else:
            return None
        return for_attention(seen, self.network)

    def _check(self, canvas: Tensor, attention_mask: Tensor | None, position_ids: Tensor | None) -> None:
        if canvas.ndim != 2 or canvas.dtype not in (torch.int64, torch.int32):
            raise PromptError(f"canvas is {tuple(canvas.shape)} {canvas.dtype}; expected (B, L) int64")
        batch, length = canvas.shape
        # several of the canvas's tokens may be at one place of the text; then the places count
        if length < 1 or (position_ids is None and length > self.max_positions):
            raise PromptError(f"canvas has {length} positions; valid: 1..{self.max_positions}")
        _check_span("canvas ids", canvas, self.vocab_size)
        if attention_mask is not None and attention_mask.shape not in ((batch, length), (batch, length, length)):
            found = tuple(attention_mask.shape)
            raise PromptError(f"attention_mask is {found}; expected {(batch, length)} or {(batch, length, length)}")
        if position_ids is None:
            return
        if position_ids.shape not in ((length,), (batch, length)):
            raise PromptError(f"position_ids is {tuple(position_ids.shape)}; expected {(length,)} or {(batch, length)}")
        _check_span("position_ids", position_ids, self.max_positions)

    def encode(self, prompt: str, raw: bool = False, history: Sequence[tuple[str, str]] = ()) -> list[int]:
        """Prompt as the model was trained to see it; see `TextCodec.encode`.

        Raises:
            PromptError: the prompt is empty, or the history cannot be rendered.
        """
        return self.text.encode(prompt, raw, history)

    def encode_text(self, text: str) -> list[int]:
        """Ids of a piece of text as it is, blank or not."""
        return self.text.encode_text(text)

    def decode_ids(self, ids: Sequence[int]) -> str:
        """Readable text of generated ids, without special tokens."""
        return self.text.decode(ids)

    def token_text(self, token_id: int) -> str:
        """Text of one token, as it would appear inside a text."""
        return self.text.token(token_id)


def _places(canvas: Tensor, position_ids: Tensor | None) -> Tensor:
    """(1 or B, L) places of the canvas's tokens in the text."""
    if position_ids is None:
        return torch.arange(canvas.shape[1], device=canvas.device)[None]
    places = position_ids.to(canvas.device)
    return places if places.ndim == 2 else places[None]


def _check_span(name: str, numbers: Tensor, limit: int) -> None:
    """Numbers are 0..limit-1. Those on a device are the loop's own; checking them would stall it."""
    if numbers.device.type == "cpu" and numbers.numel():
        low, high = int(numbers.min()), int(numbers.max())
        if low < 0 or high >= limit:
            raise PromptError(f"{name} span {low}..{high}; valid: 0..{limit - 1}")
