"""One forward pass for one or more lanes: what the model is asked, and the logits that come back.

Knows canvases and anything with `token_logits`; nothing of decoders or traces. Guidance and shadow positions are
built here from plain model calls; a cache is the model's own affair (`LanguageModel.open_cache`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor

__all__ = ["Answer", "Ask", "Cache", "LanguageModel", "Query", "forward"]


class Cache(Protocol):
    """Keys and values of one lane's canvas, kept from pass to pass."""

    def logits(
        self, canvas: Tensor, rows: tuple[int, int], block: tuple[int, int], refresh: bool
    ) -> tuple[Tensor, tuple[int, int]]:
        """Logits (R, V) of the canvas (T,) where they are computed, and the canvas positions [start, end) they are for.

        Args:
            rows: positions [start, end) whose logits are wanted, the active block among them.
            block: active block as canvas positions [start, end).
            refresh: a new block begins: what no longer holds may not be used.
        """


class LanguageModel(Protocol):
    """What the loop needs of a model."""

    @property
    def mask_id(self) -> int: ...
    @property
    def eos_ids(self) -> tuple[int, ...]: ...
    @property
    def token_limit(self) -> int: ...
    @property
    def max_positions(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def abilities(self) -> frozenset[str]:
        """Of "guidance", "shadow", "prefix cache", "dual cache", "block cache", "uniform noise"."""

    @property
    def block_length(self) -> int | None:
        """Block length of a block-causal model, blocks counted from the canvas's first position; None: any.

        With uniform noise: of one that was trained on such blocks, counted from the end of the prompt.
        """

    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """Position-aligned logits of canvas (B, T): (B, T, V), or (B, R, V) for the positions in rows (R,).

        They stay as they are when the model is called again: a decoder may compare one step with the next.
        attention_mask (B, T, T) bool says who may look at whom; position_ids (B, T) replaces 0..T-1.
        """

    def open_cache(self, mode: str) -> Cache:
        """A fresh cache of mode "prefix", "dual" or "block"."""


class _NoiseModel(Protocol):
    """What is called of a model with the ability "uniform noise"; see `LanguageModel.token_logits`."""

    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        prefix: int | None = None,
        previous: Tensor | None = None,
    ) -> Tensor:
        """Logits of the block behind the first `prefix` positions, told those (B, T - prefix, V) of the last step."""


@dataclass(frozen=True)
class Query:
    """What one lane wants to know. Positions are canvas positions (prompt included)."""

    canvas: Tensor  #: (T,) ids
    prompt_length: int
    rows: tuple[int, int]  #: [start, end) whose logits are wanted
    block: tuple[int, int]  #: active block
    shadow: tuple[int, int] | None = None  #: [start, end) wanted a second time, without their own tokens
    guidance: float = 0.0
    cache: Cache | None = None
    refresh: bool = False  #: the first pass of a block
    prefix: int | None = None  #: uniform noise: positions of finished text; the rest is the active block
    previous: Tensor | None = None  #: uniform noise: (R, V) what the last step of this block tells the model

    @property
    def plain(self) -> bool:
        """One canvas, one row of logits per position: may share a batch."""
        return self.shadow is None and self.guidance == 0 and self.cache is None and self.prefix is None


class Answer(NamedTuple):
    """Logits for one lane."""

    logits: Tensor  #: (R, V)
    rows: tuple[int, int]  #: canvas positions they are for
    shadow: Tensor | None = None  #: (S, V)


Ask = Callable[[LanguageModel, Sequence[Query]], list[Answer]]  #: `forward`, or something that answers as it does


def forward(model: LanguageModel, queries: Sequence[Query]) -> list[Answer]:
    """One model call for all queries; several only where all of them are plain."""
    with torch.inference_mode():
        if len(queries) == 1 and not queries[0].plain:
            return [_special(model, queries[0])]
        start, end = min(q.rows[0] for q in queries), max(q.rows[1] for q in queries)
        logits = model.token_logits(torch.stack([q.canvas for q in queries]), _range(model, start, end))
        return [
            Answer(own[q.rows[0] - start : q.rows[1] - start], q.rows) for own, q in zip(logits, queries, strict=True)
        ]


def _range(model: LanguageModel, start: int, end: int) -> Tensor:
    return torch.arange(start, end, device=model.device)


def _special(model: LanguageModel, query: Query) -> Answer:
    if query.cache is not None:
        return Answer(*query.cache.logits(query.canvas, query.rows, query.block, query.refresh))
    if query.shadow is not None:
        return _shadowed(model, query)
    if query.prefix is not None:
        return Answer(_behind_text(model, query), query.rows)
    return Answer(_guided(model, query), query.rows)


def _behind_text(model: LanguageModel, query: Query) -> Tensor:
    """Logits of a block of noise and draws behind finished text, (R, V)."""
    previous = None if query.previous is None else query.previous[None]
    rows = _range(model, *query.rows)
    noisy = cast(_NoiseModel, model)
    return noisy.token_logits(query.canvas[None], rows, prefix=query.prefix, previous=previous)[0]


def _guided(model: LanguageModel, query: Query) -> Tensor:
    """Logits pushed away from what the model says without the prompt, (R, V).

    Source: LLaDA (arXiv 2502.09992), appendix on classifier-free guidance, as in the authors' code:
    u + (w + 1) (c - u), where u are the logits of the canvas with every prompt position masked.
    """
    unprompted = query.canvas.clone()
    unprompted[: query.prompt_length] = model.mask_id
    both = model.token_logits(torch.stack([query.canvas, unprompted]), _range(model, *query.rows))
    return both[1] + (query.guidance + 1) * (both[0] - both[1])


def _shadowed(model: LanguageModel, query: Query) -> Answer:
    """Logits of the rows, and of shadows: mask tokens that stand beside some positions.

    A shadow has its position's place, and sees every position but its own, and all shadows; no position sees a shadow.
    Source: the verification block of WINO (arXiv 2507.18578), as in the authors' code.
    """
    assert query.shadow is not None
    start, end = query.shadow
    length, count, device = len(query.canvas), end - start, model.device
    places = torch.cat([_range(model, 0, length), _range(model, start, end)])
    canvas = torch.cat([query.canvas, torch.full((count,), model.mask_id, device=device)])
    sees = torch.ones(length + count, length + count, dtype=torch.bool, device=device)
    sees[:length, length:] = False
    sees[length:, :length] &= places[:length] != places[length:, None]
    rows = torch.cat([_range(model, *query.rows), _range(model, length, length + count)])
    logits = model.token_logits(canvas[None], rows, sees[None], places[None])[0]
    size = query.rows[1] - query.rows[0]
    return Answer(logits[:size], query.rows, logits[size:])
