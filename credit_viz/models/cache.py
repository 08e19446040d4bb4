"""Keys and values of a canvas kept from pass to pass, so that a pass computes only a window of it.

Knows transformers' cache classes and one canvas at a time; nothing of decoders or traces.

"prefix" and "dual" are Fast-dLLM's block-wise caches (arXiv 2505.22618). Every block begins with a pass over the whole
canvas, which also decides. Later passes of the block compute [block start, canvas end) ("prefix") or only the block
("dual"), and read keys and values of all other positions as that first pass left them. In a model that sees both ways
these are stale as soon as a token is written: both modes are approximations. Fast-dLLM keeps keys before their rotation
and rotates all of them in each pass; here they are kept rotated by their exact positions, which is the same.

"block" is for block-causal models, where a position depends on its own block and those before. The first pass of a
block also computes the block before, now with its final tokens; later passes compute the block alone. Later blocks are
not computed: nothing that is decided depends on them. All that is read is exact, so a run differs from one without a
cache by rounding only.

Memory: 2 x key/value heads x head width x bytes per number, for each position and layer. In bfloat16 that is 16 KiB for
LLaDA-8B (32 layers: 512 MiB for a canvas of 1024 positions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from credit_viz.models.attention import block_causal, for_attention

if TYPE_CHECKING:
    from credit_viz.models.base import DiffusionLM

__all__ = ["WindowCache"]

Span = tuple[int, int]


@dataclass
class _Window:
    """Slots that a pass writes, from `start` on, and how many it reads."""

    start: int = 0
    read: int = 0


class _Slots(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values of one layer, (1, heads, positions, width): a slot per canvas position.

    Each pass overwrites the slots of the positions that it computes.
    """

    def __init__(self, window: _Window, like: Tensor, shape: tuple[int, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._window = window
        self.keys: Tensor = like.new_zeros(shape)
        self.values: Tensor = like.new_zeros(shape)
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keep what was computed, and return what there is to look at."""
        start, read = self._window.start, self._window.read
        self.keys[..., start : start + key_states.shape[-2], :] = key_states
        self.values[..., start : start + key_states.shape[-2], :] = value_states
        return self.keys[..., :read, :], self.values[..., :read, :]

    def get_seq_length(self) -> int:
        """Slots that were there before the pass."""
        return self._window.start

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Slots to look at, and the first of them."""
        return self._window.read, 0


class WindowCache:
    """The cache of one lane: asks the network for a window of the canvas, and keeps what it computes.

    Args:
        mode: "prefix", "dual" or "block", one that the model has the ability for.
    """

    def __init__(self, model: DiffusionLM, mode: str) -> None:
        self._model = model
        self._mode = mode
        self._span = _Window()
        self._slots: list[_Slots] = []
        self._final = 0  # slots before this one will never change

    @property
    def nbytes(self) -> int:
        """Memory of all that is kept, bytes."""
        return sum(t.numel() * t.element_size() for slots in self._slots for t in (slots.keys, slots.values))

    def logits(self, canvas: Tensor, rows: Span, block: Span, refresh: bool) -> tuple[Tensor, Span]:
        """Logits (R, V) of those rows that are computed, and which; see `decoding.forward.Cache`."""
        if not self._slots:
            self._slots = self._layers(len(canvas))
        start, end = self._window(len(canvas), block, refresh)
        self._span.start, self._span.read = start, end if self._mode == "block" else len(canvas)
        shown = max(rows[0], start), min(rows[1], end)
        places = torch.arange(start, end, device=canvas.device)
        logits = self._model.run(
            # a copy, as the canvas of a pass without a cache is: a view would be compiled once more
            torch.stack([canvas[start:end]]),
            places[None],
            self._mask(places, end),
            torch.arange(shown[0] - start, shown[1] - start, device=canvas.device),
            Cache(layers=list(self._slots)),
        )
        return logits[0], shown

    def _layers(self, length: int) -> list[_Slots]:
        network = cast(PreTrainedModel, self._model.network)
        config = network.config
        shape = (1, config.num_key_value_heads, length, config.head_dim)
        like = torch.empty(0, dtype=network.dtype, device=self._model.device)
        return [_Slots(self._span, like, shape) for _ in range(config.num_hidden_layers)]

    def _window(self, length: int, block: Span, refresh: bool) -> Span:
        """Canvas positions [start, end) to compute."""
        start, end = block
        if self._mode == "block":
            assert self._model.block_length is not None
            first = start - start % self._model.block_length
            window = (self._final if refresh else first), end
            self._final = first
            return window
        if refresh:
            return 0, length
        return start, (end if self._mode == "dual" else length)

    def _mask(self, places: Tensor, end: int) -> Tensor | None:
        """Who sees whom: None where every computed position sees every slot."""
        size = self._model.block_length
        if size is None or (end - 1) // size == (end - len(places)) // size:
            return None
        seen = torch.arange(end, device=places.device)
        return for_attention(block_causal(places[None], seen[None], size), self._model.network)
