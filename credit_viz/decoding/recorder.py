"""Turns one step's readings into the numpy cells of a StepRecord. Knows predictions and decisions, no canvas.

Everything is computed on the model's device for all rows at once and copied to the host in two transfers. On a GPU the
copies go to pinned memory without waiting: `Cells.fields` waits for them, while the next forward pass already runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.clock import reading_is_free
from credit_viz.decoding.predictions import Predictions

__all__ = ["Cells", "Recorder"]

#: what a channel holds outside the decoder's view: no credit there, but no bar either.
_OUTSIDE = {"bar": math.nan, "score": math.nan}


@dataclass(frozen=True)
class Cells:
    """Cells of one step, perhaps still on their way to the host."""

    numbers: Tensor  #: (R, 3 K + 3 + channels) float32 on the host
    tokens: Tensor  #: (R, K + 1) int32 on the host
    copied: torch.cuda.Event | None  #: when both have arrived; None: they have
    rows: np.ndarray  #: rows that are kept
    offset: int  #: generated position of row 0
    channels: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """Cell arrays of a StepRecord (see there), by field name."""
        if self.copied is not None:
            self.copied.synchronize()
        k = self.tokens.shape[1] - 1
        # column-major: every field below is contiguous
        numbers, tokens = self.numbers.numpy()[self.rows].T.copy().T, self.tokens.numpy()[self.rows]
        return {
            "positions": (self.rows + self.offset).astype(np.int32),
            "candidate_ids": tokens[:, :k],
            "winner_ids": tokens[:, k],
            "candidate_p": numbers[:, :k],
            "candidate_credit": numbers[:, k : 2 * k],
            "candidate_fused": numbers[:, 2 * k : 3 * k],
            "winner_p": numbers[:, 3 * k],
            "fused": numbers[:, 3 * k + 1],
            "entropy": numbers[:, 3 * k + 2],
            "channels": {name: numbers[:, 3 * k + 3 + place] for place, name in enumerate(self.channels)},
        }


@dataclass(frozen=True)
class Recorder:
    """What is recorded: mode "all", "block" or "none" (see RunOptions.record) and the number of candidates K."""

    mode: str
    top_k: int

    def cells(
        self,
        decoder: Decoder,
        reading: Predictions,
        reading_start: int,
        view: View,
        view_start: int,
        decision: Decision,
        positions: np.ndarray,
    ) -> Cells:
        """Cells of the given generated positions, all of them in the reading.

        Args:
            reading: predictions of the positions from reading_start on: of all computed ones in mode "all", else of
                those in the decoder's view.
        """
        channels = tuple(decision.channels)
        if self.mode == "none":
            numbers = torch.zeros(0, 3 * self.top_k + 3 + len(channels))
            tokens = torch.zeros(0, self.top_k + 1, dtype=torch.int32)
            return Cells(numbers, tokens, None, positions, 0, channels)
        start = reading_start if self.mode == "all" else view_start
        inner = slice(view_start - start, view_start - start + len(view.masked))
        numbers, tokens = self._table(decoder, reading, view.predictions, decision, inner)
        return Cells(*_to_host(numbers, tokens), positions - start, start, channels)

    def _table(
        self, decoder: Decoder, reading: Predictions, view: Predictions, decision: Decision, inner: slice
    ) -> tuple[Tensor, Tensor]:
        """One row per position of `reading`: numbers (R, 3 K + 3 + channels) and ids (R, K + 1).

        Outside the decoder's view (`inner`) no credit is given and nothing is fused: the winner is the raw top-1.
        """
        k = self.top_k
        ids = torch.empty(len(reading.logits), k + 1, dtype=torch.int64, device=reading.logits.device)
        ids[:, :k] = _candidate_ids(reading, k)
        ids[:, k] = reading.top_ids
        ids[inner, k] = decision.winner_ids

        table = torch.zeros(len(ids), 3 * k + 3 + len(decision.channels), dtype=reading.dtype, device=ids.device)
        table[:, :k] = table[:, 2 * k : 3 * k] = reading.probability(ids[:, :k])
        table[:, 3 * k : 3 * k + 2] = reading.top_p[:, None]
        table[:, 3 * k + 2] = reading.entropy

        rows = table[inner]
        rows[:, k : 2 * k], rows[:, 2 * k : 3 * k] = decoder.candidates(view, ids[inner, :k], decision)
        rows[:, 3 * k], rows[:, 3 * k + 1] = decision.winner_p, decision.fused
        for place, (name, values) in enumerate(decision.channels.items(), start=3 * k + 3):
            if name in _OUTSIDE:
                table[:, place] = _OUTSIDE[name]
            rows[:, place] = values
        return table.to(torch.float32), ids.to(torch.int32)


def _to_host(*tensors: Tensor) -> tuple[Tensor, Tensor, torch.cuda.Event | None]:
    """Both tensors on the host, and the event after which they may be read."""
    if tensors[0].device.type != "cuda":
        first, second = (tensor.cpu() for tensor in tensors)
        return first, second, None
    first, second = (torch.empty_like(t, device="cpu", pin_memory=True).copy_(t, non_blocking=True) for t in tensors)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record()
    return first, second, copied


def _candidate_ids(predictions: Predictions, count: int) -> Tensor:
    """(R, K) most probable ids; the first is the raw top-1 also where several tokens tie."""
    ids = predictions.topk(count)
    top = predictions.top_ids
    if reading_is_free(ids.device) and torch.equal(ids[:, 0], top):
        return ids
    # a tie may have put another token first, or pushed the top-1 out: swap it to the front
    same = ids == top[:, None]
    place = torch.where(same.any(1), same.int().argmax(1), count - 1)[:, None]
    ids = ids.scatter(1, place, ids[:, :1])
    return ids.scatter(1, torch.zeros_like(place), top[:, None])
