"""Turns one step's readings into the numpy cells of a StepRecord. Knows predictions and decisions, no canvas.

Everything is computed on the model's device for all rows at once and copied to the host in two transfers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from credit_viz.decoding.base import Candidates, Decision, Decoder
from credit_viz.decoding.predictions import Predictions

__all__ = ["Recorder"]


@dataclass(frozen=True)
class Recorder:
    """What is recorded: mode "all", "block" or "none" (see RunOptions.record) and the number of candidates."""

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
            everything: reading of all L positions in mode "all", else None; predictions: of the active block.
            masked: (L,) bool before the step's writes; span: active block as [start, end).
        """
        if self.mode == "none":
            return self._empty(decision)
        table = _Table(predictions, decision, decoder.candidates, self.top_k)
        if everything is None:
            positions = np.flatnonzero(masked[span[0] : span[1]])
            return _pick(table.on_host(), positions, span[0])
        table.widen(everything, span[0])
        return _pick(table.on_host(), np.flatnonzero(masked), 0)

    def _empty(self, decision: Decision) -> dict[str, Any]:
        none, wide = np.zeros(0, np.float32), np.zeros((0, self.top_k), np.float32)
        return {
            "positions": none.astype(np.int32),
            "candidate_ids": wide.astype(np.int32),
            "candidate_p": wide,
            "candidate_credit": wide,
            "candidate_fused": wide,
            "winner_ids": none.astype(np.int32),
            "winner_p": none,
            "fused": none,
            "entropy": none,
            "channels": dict.fromkeys(decision.channels, none),
        }


class _Table:
    """Columns of numbers, one row per position: first of the block, after `widen` of the whole canvas."""

    def __init__(self, predictions: Predictions, decision: Decision, view: Any, top_k: int) -> None:
        self.top_k = min(top_k, predictions.token_limit)
        self.padding = top_k - self.top_k
        self.names = tuple(decision.channels)
        self.ids = _candidate_ids(predictions, self.top_k)
        candidates: Candidates = view(predictions, self.ids, decision)
        self.floats = {
            "candidate_p": predictions.probability(self.ids),
            "candidate_credit": candidates.credit,
            "candidate_fused": candidates.fused,
            "winner_p": decision.winner_p[:, None],
            "fused": decision.fused[:, None],
            "entropy": predictions.entropy[:, None],
            **{f"channel {name}": values[:, None] for name, values in decision.channels.items()},
        }
        self.winners = decision.winner_ids

    def widen(self, everything: Predictions, start: int) -> None:
        """Lay the block's rows over rows of the whole canvas, where no credit is given and nothing is fused."""
        end = start + len(self.winners)
        ids = _candidate_ids(everything, self.top_k)
        p, top_p = everything.probability(ids), everything.top_p[:, None]
        outside = {
            "candidate_p": p,
            "candidate_fused": p,
            "winner_p": top_p,
            "fused": top_p,
            "entropy": everything.entropy[:, None],
        }
        for name, inner in self.floats.items():
            wide = outside.get(name)
            wide = torch.zeros(len(ids), inner.shape[1], dtype=inner.dtype, device=ids.device) if wide is None else wide
            self.floats[name] = torch.cat([wide[:start], inner, wide[end:]])
        self.ids = torch.cat([ids[:start], self.ids, ids[end:]])
        self.winners = torch.cat([everything.top_ids[:start], self.winners, everything.top_ids[end:]])

    def on_host(self) -> dict[str, np.ndarray]:
        """All columns by field name, float32 and int32."""
        widths = [column.shape[1] for column in self.floats.values()]
        floats = torch.cat([column.to(torch.float32) for column in self.floats.values()], 1).cpu().numpy()
        ids = torch.cat([self.ids, self.winners[:, None]], 1).to(torch.int32).cpu().numpy()
        parts = np.split(floats, np.cumsum(widths)[:-1], axis=1)
        columns = dict(zip(self.floats, parts, strict=True))
        return {**columns, "candidate_ids": ids[:, :-1], "winner_ids": ids[:, -1:]}


def _candidate_ids(predictions: Predictions, count: int) -> Tensor:
    """(N, K) most probable ids; the first is the raw top-1 also where several tokens tie."""
    ids = predictions.topk(count)
    top = predictions.top_ids[:, None]
    # a tie may have put another token first, or pushed the top-1 out: swap it to the front
    place = torch.where((ids == top).any(1, keepdim=True), (ids == top).int().argmax(1, keepdim=True), count - 1)
    ids = ids.scatter(1, place, ids[:, :1])
    return ids.scatter(1, torch.zeros_like(place), top)


def _pick(columns: dict[str, np.ndarray], positions: np.ndarray, start: int) -> dict[str, Any]:
    """Rows of the masked positions, in the shapes and types of a StepRecord."""
    picked = {name: column[positions] for name, column in columns.items()}
    wide = ("candidate_ids", "candidate_p", "candidate_credit", "candidate_fused")
    cells: dict[str, Any] = {name: np.ascontiguousarray(picked[name]) for name in wide}
    for name in ("winner_ids", "winner_p", "fused", "entropy"):
        cells[name] = np.ascontiguousarray(picked[name][:, 0])
    channels = {
        name.removeprefix("channel "): picked[name][:, 0].copy() for name in picked if name.startswith("channel ")
    }
    return {**cells, "channels": channels, "positions": (positions + start).astype(np.int32)}
