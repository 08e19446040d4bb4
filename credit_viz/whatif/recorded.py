"""Predictions that a trace answers instead of a model. Knows recorded numbers and what a decoder may ask; no decoder.

A trace holds the K most probable tokens of every open position, not the whole distribution, and probabilities instead
of logits. So an answer is one of three kinds:

* exact: the raw top-1, the K best tokens, entropy, the lead over the second best;
* within bounds: a token outside the K best is less probable than the last of them; and what is computed from logits
  may differ in its last digits from what the model's own logits would have given. Such numbers are asked for twice, at
  the lower and at the upper end (`side`): where both ends lead to the same writes, so does everything between;
* missing: whatever needs the whole distribution. Then `NotRecorded` is raised.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from credit_viz.decoding.predictions import Predictions
from credit_viz.trace.record import Trace

__all__ = ["LOWER", "UPPER", "NotRecorded", "RecordedPredictions", "Rows"]

LOWER, UPPER = -1, 1
#: what a recorded probability may be off, relative to p (1 - p): two libraries round exp differently.
_ROUNDING = 1e-6
#: the same for a difference of logits, nats; a logit of 32 is known to 4e-6.
_LOGIT_ROUNDING = 1e-5


class NotRecorded(Exception):  # noqa: N818 (an answer, not a failure)
    """A decoder asked for a number that the trace does not hold. Never leaves this room."""

    def __init__(self, why: str, position: int | None = None) -> None:
        super().__init__(why)
        self.position = position  #: of the generated region, where one position is the cause


class Rows(NamedTuple):
    """What was recorded of N neighbouring positions in one step; nan where nothing was."""

    ids: Tensor  #: (N, K) int64, the K most probable tokens; the first is the raw top-1
    p: Tensor  #: (N, K) float32
    entropy: Tensor  #: (N,) nats
    divergence: Tensor | None  #: (N,) nats, how far the prediction moved, where the recorded decoder measures that

    @classmethod
    def of_step(cls, trace: Trace, step: int, span: tuple[int, int]) -> Rows:
        """Positions [start, end) in a step from 1 on."""
        start, end = span
        cells = slice(int(trace.offsets[step - 1]), int(trace.offsets[step]))
        places = trace.positions[cells] - start
        inside = (places >= 0) & (places < end - start)
        kept = np.arange(cells.start, cells.stop)[inside]

        def rows(values: NDArray[Any], nothing: float) -> NDArray[Any]:
            found = np.full((end - start, *values.shape[1:]), nothing, values.dtype)
            found[places[inside]] = values[kept]
            return found

        divergence = trace.channels.get("divergence")
        return cls(
            torch.from_numpy(rows(trace.candidate_ids, 0)).long(),
            torch.from_numpy(rows(trace.candidate_p, np.nan)),
            torch.from_numpy(rows(trace.entropy, np.nan)),
            None if divergence is None else torch.from_numpy(rows(divergence, np.nan)),
        )

    def part(self, start: int, end: int) -> Rows:
        """Positions [start, end) of these."""
        ids, p, entropy, divergence = self
        moved = None if divergence is None else divergence[start:end]
        return Rows(ids[start:end], p[start:end], entropy[start:end], moved)

    @property
    def known(self) -> Tensor:
        """(N,) bool: was anything recorded there?"""
        return ~self.p[:, 0].isnan()


class RecordedPredictions(Predictions):
    """As `Predictions` of N positions, from what was recorded of them.

    Args:
        rows: the recorded numbers.
        mask_id, token_limit, vocab_size: of the model that was recorded.
        side: LOWER or UPPER, which end of the bounds to answer with.
        vague: gets an entry once an answer was one of two ends.
    """

    def __init__(
        self, rows: Rows, mask_id: int, token_limit: int, vocab_size: int, side: int, vague: list[bool]
    ) -> None:
        self.recorded = rows
        self.mask_id = mask_id
        self.token_limit = token_limit
        self.vocab_size = vocab_size
        self.dtype = torch.float32
        self.side = side
        self.vague = vague

    def __getattr__(self, name: str) -> NoReturn:
        """Only asked for what is not there: the logits, and what a subclass of today cannot know."""
        if name == "logits":
            raise NotRecorded("it needs the probability of every token of the vocabulary")
        raise AttributeError(name)

    def rows(self, start: int, end: int) -> RecordedPredictions:
        """The same restricted to positions [start, end)."""
        part = self.recorded.part(start, end)
        return RecordedPredictions(part, self.mask_id, self.token_limit, self.vocab_size, self.side, self.vague)

    @property
    def top_ids(self) -> Tensor:
        """(N,) raw top-1, exact."""
        return self.recorded.ids[:, 0]

    @property
    def top_p(self) -> Tensor:
        """(N,) its probability, exact."""
        return self.recorded.p[:, 0]

    @property
    def entropy(self) -> Tensor:
        """(N,) nats, exact."""
        return self.recorded.entropy

    def topk(self, count: int) -> Tensor:
        """(N, count) most probable ids; beyond the recorded ones an id that stands for "any other"."""
        ids = self.recorded.ids[:, :count]
        return torch.nn.functional.pad(ids, (0, count - ids.shape[1]), value=self.vocab_size)

    def gather(self, ids: Tensor) -> Tensor:
        """(N, J) float64 logits up to a constant per position, within bounds."""
        place, p = self._found(ids)
        # more for later places: two tokens that nearly tie then change order between the two sides
        return p.double().log() + self.side * _LOGIT_ROUNDING * place

    def probability(self, ids: Tensor) -> Tensor:
        """(N, J) raw probabilities, within bounds."""
        _, p = self._found(ids)
        return p + self.side * _ROUNDING * p * (1 - p)

    def _found(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(N, J) place among the recorded tokens, K where it is none of them, and probability."""
        self.vague.append(True)
        candidates, p, *_ = self.recorded
        same = candidates[:, None, :] == ids[:, :, None]
        missing = ~same.any(2)
        place = torch.where(missing, candidates.shape[1], same.int().argmax(2))
        found = p.gather(1, place.clamp(max=candidates.shape[1] - 1))
        return place, torch.where(missing, self._other[:, None], found)

    @cached_property
    def _other(self) -> Tensor:
        """(N,) the least or the most that a token outside the recorded ones can have."""
        p = self.recorded.p
        if self.side == LOWER or p.shape[1] >= self.vocab_size:
            return p[:, 0] * 0  # nan stays nan
        left = (1 - p.double().sum(1)).clamp(min=0) + _ROUNDING
        return torch.minimum(p[:, -1], left.to(p.dtype))

    def rival_p(self, ids: Tensor) -> Tensor:
        """(N,) probability of the best token other than ids (N,), exact with two recorded tokens."""
        candidates, p, *_ = self.recorded
        if p.shape[1] == 1:
            return super().rival_p(ids)
        return torch.where(candidates[:, 0] == ids, p[:, 1], p[:, 0])

    def best_committable(self) -> tuple[Tensor, Tensor]:
        """(N,) probability and id of the best recorded guess that may be written, nan where two tie or none is."""
        candidates, p, *_ = self.recorded
        free = ~self.blocked(candidates)
        best = free.int().argmax(1, keepdim=True)
        highest = p.gather(1, best)
        alone = (free & (p == highest)).sum(1) == 1
        return torch.where(alone, highest[:, 0], torch.nan), candidates.gather(1, best)[:, 0]

    def probability_of(self, logits: Tensor) -> Tensor:
        """Missing: there are no logits to compare with."""
        return self.logits

    def gumbel(self, temperature: float, rng: torch.Generator) -> Tensor:
        """Missing."""
        raise NotRecorded("at a temperature above 0 it draws from the whole vocabulary")

    def divergence(self, before: Predictions) -> Tensor:
        """(N,) exact where the recorded decoder measured it, else missing."""
        if self.recorded.divergence is None:
            raise NotRecorded("it compares whole distributions from step to step")
        return self.recorded.divergence
