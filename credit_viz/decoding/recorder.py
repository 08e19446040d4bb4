"""Turns one step's readings into the numpy cells of a StepRecord. Knows predictions and decisions, no canvas.

Everything is computed on the model's device for all rows at once and copied to the host in two transfers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from credit_viz.decoding.base import Decision, Decoder
from credit_viz.decoding.predictions import Predictions

__all__ = ["Recorder"]


@dataclass(frozen=True)
class Recorder:
    """What is recorded: mode "all", "block" or "none" (see RunOptions.record) and the number of candidates K."""

    mode: str
    top_k: int

    def cells(
        self,
        decoder: Decoder,
        everything: Predictions | None,
        predictions: Predictions,
        decision: Decision,
        masked: np.ndarray,
        span: tuple[int, int],
    ) -> dict[str, Any]:
        """Cell arrays of a StepRecord (see there), by field name.

        Args:
            everything: reading of all L positions in mode "all", else None.
            predictions: reading of the active block.
            masked: (L,) bool before the step's writes.
            span: active block as [start, end).
        """
        start, end = span
        names = tuple(decision.channels)
        if self.mode == "none":
            width = 3 * self.top_k + 3 + len(names)
            nothing = np.zeros((0, width), np.float32), np.zeros((0, self.top_k + 1), np.int32)
            return self._pick(*nothing, np.zeros(0, np.int64), 0, names)
        if everything is not None:
            table, ids = self._table(decoder, everything, predictions, decision, slice(start, end))
            return self._pick(table, ids, np.flatnonzero(masked), 0, names)
        table, ids = self._table(decoder, predictions, predictions, decision, slice(None))
        return self._pick(table, ids, np.flatnonzero(masked[start:end]), start, names)

    def _table(
        self, decoder: Decoder, reading: Predictions, block: Predictions, decision: Decision, inner: slice
    ) -> tuple[np.ndarray, np.ndarray]:
        """One row per position of `reading`: numbers (R, 3 K + 3 + channels) and ids (R, K + 1).

        Outside the block (`inner`) no credit is given and nothing is fused: the winner is the raw top-1.
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
        rows[:, k : 2 * k], rows[:, 2 * k : 3 * k] = decoder.candidates(block, ids[inner, :k], decision)
        rows[:, 3 * k], rows[:, 3 * k + 1] = decision.winner_p, decision.fused
        for place, values in enumerate(decision.channels.values()):
            rows[:, 3 * k + 3 + place] = values
        return table.to(torch.float32).cpu().numpy(), ids.to(torch.int32).cpu().numpy()

    def _pick(
        self, table: np.ndarray, ids: np.ndarray, rows: np.ndarray, offset: int, channels: tuple[str, ...]
    ) -> dict[str, Any]:
        """The masked rows, in the shapes and types of a StepRecord."""
        k = self.top_k
        numbers, tokens = table[rows].T.copy().T, ids[rows]  # column-major: every field below is contiguous
        return {
            "positions": (rows + offset).astype(np.int32),
            "candidate_ids": tokens[:, :k],
            "winner_ids": tokens[:, k],
            "candidate_p": numbers[:, :k],
            "candidate_credit": numbers[:, k : 2 * k],
            "candidate_fused": numbers[:, 2 * k : 3 * k],
            "winner_p": numbers[:, 3 * k],
            "fused": numbers[:, 3 * k + 1],
            "entropy": numbers[:, 3 * k + 2],
            "channels": {name: numbers[:, 3 * k + 3 + place] for place, name in enumerate(channels)},
        }


def _candidate_ids(predictions: Predictions, count: int) -> Tensor:
    """(R, K) most probable ids; the first is the raw top-1 also where several tokens tie."""
    ids = predictions.topk(count)
    top = predictions.top_ids
    if ids.device.type == "cpu" and torch.equal(ids[:, 0], top):
        return ids
    # a tie may have put another token first, or pushed the top-1 out: swap it to the front
    same = ids == top[:, None]
    place = torch.where(same.any(1), same.int().argmax(1), count - 1)[:, None]
    ids = ids.scatter(1, place, ids[:, :1])
    return ids.scatter(1, torch.zeros_like(place), top[:, None])
