"""One reading of the logits of N positions: every statistic is computed at most once and shared.

Knows tensors only. Passes over the vocabulary are what a decoding step costs, so they are counted here: one for the
top-1 (two-stage maximum), one for the normalizer; a trace adds one for the top-K and shares the rest.
"""

from __future__ import annotations

import math
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Predictions"]

#: width of the inner maximum of the two-stage search; measured best of 128..2048 at V = 126,464 on a CPU.
_CHUNK = 512
#: elements that are exponentiated at a time on a CPU, so that the scratch buffer stays in cache.
_SCRATCH = 1 << 17
#: floor of a log-probability when distributions are compared: 1e-12, as in KLASS.
_LOG_FLOOR = math.log(1e-12)


class Predictions:
    """What the model says about N positions.

    Args:
        logits: (N, V) floating point; half precisions are read as float32.
        mask_id: id of the mask token: a guess of it says nothing and is never committed.
        token_limit: ids from here on have no text (the embedding is larger than the tokenizer): never committed.
        with_entropy: also compute the entropy in the normalizer's pass.
    """

    def __init__(self, logits: Tensor, mask_id: int, token_limit: int, with_entropy: bool = False) -> None:
        self.logits = logits
        self.mask_id = mask_id
        self.token_limit = token_limit
        self.vocab_size = logits.shape[-1]
        self.dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
        self._with_entropy = with_entropy

    def rows(self, start: int, end: int) -> Predictions:
        """The same reading restricted to positions [start, end); computes nothing again."""
        part = Predictions(self.logits[start:end], self.mask_id, self.token_limit)
        top_values, top_ids = self._top
        part.__dict__["_top"] = (top_values[start:end], top_ids[start:end])
        log_sum, entropy = self._normalizer
        part.__dict__["_normalizer"] = (log_sum[start:end], None if entropy is None else entropy[start:end])
        return part

    @property
    def top_ids(self) -> Tensor:
        """(N,) raw top-1; the lowest id among equals."""
        return self._top[1]

    @cached_property
    def top_p(self) -> Tensor:
        """(N,) probability of the raw top-1."""
        return torch.exp(-self._log_sum)

    @property
    def log_normalizer(self) -> Tensor:
        """(N,) logsumexp of the logits."""
        return self._top[0].to(self.dtype) + self._log_sum

    @property
    def _log_sum(self) -> Tensor:
        """(N,) log of the sum of exp(x - top)."""
        return self._normalizer[0]

    @cached_property
    def entropy(self) -> Tensor:
        """(N,) entropy of the raw distribution, nats."""
        entropy = self._normalizer[1]
        if entropy is None:
            # by the same sweep, so that what a decoder reads does not depend on what is recorded
            again = Predictions(self.logits, self.mask_id, self.token_limit, with_entropy=True)
            again.__dict__["_top"] = self._top
            return again.entropy
        return entropy.clamp(min=0)

    def gather(self, ids: Tensor) -> Tensor:
        """(N, K) logits of the given ids (N, K)."""
        return self.logits.gather(-1, ids).to(self.dtype)

    def probability(self, ids: Tensor) -> Tensor:
        """(N, K) raw probabilities of the given ids (N, K)."""
        return self.probability_of(self.gather(ids))

    def probability_of(self, logits: Tensor) -> Tensor:
        """(N, K) raw probabilities of tokens with the given logits (N, K)."""
        # the top is subtracted first: its sum with the log would lose the digits of a large logit
        return torch.exp((logits - self._top[0].to(self.dtype)[:, None]) - self._log_sum[:, None])

    def blocked(self, ids: Tensor) -> Tensor:
        """True where an id must never be committed."""
        return (ids == self.mask_id) | (ids >= self.token_limit)

    def best_committable(self) -> tuple[Tensor, Tensor]:
        """Best guess among committable ids only: probability (N,) under the full distribution and id (N,)."""
        logits = self.logits[:, : self.token_limit].clone()
        if self.mask_id < self.token_limit:
            logits[:, self.mask_id] = -torch.inf
        values, ids = logits.max(-1)
        # where nothing committable has any probability, an argmax would name id 0, which may be the mask
        ids = torch.where(values == -torch.inf, int(self.mask_id == 0), ids)
        return self.probability_of(values.to(self.dtype)[:, None])[:, 0], ids

    def sample(self, temperature: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Guess per position and its probability, both (N,): the raw top-1, or a Gumbel sample if temperature > 0."""
        if temperature == 0:
            return self.top_ids, self.top_p
        ids = self.gumbel(temperature, rng).argmax(-1)
        return ids, self.probability(ids[:, None])[:, 0]

    def rival_p(self, ids: Tensor) -> Tensor:
        """(N,) probability of the best token other than the given ids (N,)."""
        pair = self.topk(2)
        other = torch.where(pair[:, 0] == ids, pair[:, 1], pair[:, 0])
        return self.probability(other[:, None])[:, 0]

    def divergence(self, before: Predictions) -> Tensor:
        """(N,) Kullback-Leibler divergence KL(self || before) in nats, over the full vocabulary.

        No log-probability counts as less than that of 1e-12, so that an impossible token has a finite price.
        """
        rows, vocabulary = self.logits.shape
        at_once = self._rows_at_once
        scratch = torch.empty(2, min(rows, at_once), vocabulary, dtype=self.dtype, device=self.logits.device)
        parts = [self._divergence(before, slice(i, min(i + at_once, rows)), scratch) for i in range(0, rows, at_once)]
        return torch.cat(parts)

    def _divergence(self, before: Predictions, rows: slice, scratch: Tensor) -> Tensor:
        count = rows.stop - rows.start
        now, then = self._log_p(rows, scratch[0, :count]), before._log_p(rows, scratch[1, :count])
        ratio = torch.sub(now, then, out=then)
        divergence: Tensor = torch.linalg.vecdot(now.exp_(), ratio)
        return divergence

    def _log_p(self, rows: slice, scratch: Tensor) -> Tensor:
        """(R, V) floored log-probabilities of some rows; overwrites scratch."""
        return torch.sub(self.logits[rows], self.log_normalizer[rows, None], out=scratch).clamp_(min=_LOG_FLOOR)

    def gumbel(self, temperature: float, rng: torch.Generator) -> Tensor:
        """(N, V) float64 scores whose argmax is a sample at this temperature.

        LLaDA divides exp(logits) by (-log u)^T in float64; this is its logarithm, without the overflow.
        """
        uniform = torch.rand(self.logits.shape, dtype=torch.float64, device=self.logits.device, generator=rng)
        return self.logits.double() - temperature * torch.log(-torch.log(uniform))

    def topk(self, count: int) -> Tensor:
        """(N, K) ids of the most probable tokens, best first.

        Exact: the K largest values lie in the K chunks whose maxima are largest.
        """
        chunked = self._chunked
        if chunked is None or chunked.shape[1] <= count:
            return self.logits.topk(count, -1).indices
        best = self._chunk_maxima.topk(count, -1).indices
        inside = chunked.gather(1, best[:, :, None].expand(-1, -1, _CHUNK))
        places = inside.flatten(1).topk(count, -1).indices
        return best.gather(1, places // _CHUNK) * _CHUNK + places % _CHUNK

    @property
    def _chunked(self) -> Tensor | None:
        """(N, V / chunk, chunk) view of the logits, None where the vocabulary is small or does not divide."""
        rows, vocabulary = self.logits.shape
        if vocabulary < 16 * _CHUNK or vocabulary % _CHUNK or not self.logits.is_contiguous():
            return None
        return self.logits.view(rows, -1, _CHUNK)

    @cached_property
    def _chunk_maxima(self) -> Tensor:
        chunked = self._chunked
        assert chunked is not None
        return chunked.amax(-1)

    @cached_property
    def _top(self) -> tuple[Tensor, Tensor]:
        """Maximum and its first index: a vectorised maximum per chunk, then a search in the winning chunk only."""
        chunked = self._chunked
        if chunked is None:
            values, ids = self.logits.max(-1)
            return values, ids
        values, best = self._chunk_maxima.max(-1)
        inside = chunked[torch.arange(len(best), device=best.device), best]
        return values, best * _CHUNK + inside.argmax(-1)

    @property
    def _rows_at_once(self) -> int:
        """Rows that are exponentiated at a time."""
        rows, vocabulary = self.logits.shape
        return max(1, _SCRATCH // vocabulary) if self.logits.device.type == "cpu" else max(1, rows)

    @cached_property
    def _normalizer(self) -> tuple[Tensor, Tensor | None]:
        """Log of the sum of exp(x - top) (N,), and the entropy (N,) if it was asked for, in one sweep."""
        rows, vocabulary = self.logits.shape
        at_once = self._rows_at_once
        top = self._top[0].to(self.dtype)
        scratch = torch.empty(min(rows, at_once), vocabulary, dtype=self.dtype, device=top.device)
        parts = [
            self._sweep(self.logits[i : i + at_once], top[i : i + at_once], scratch[: min(at_once, rows - i)])
            for i in range(0, rows, at_once)
        ]
        sums = torch.cat([total for total, _ in parts])
        log_sums = sums.log()
        if not self._with_entropy:
            return log_sums, None
        return log_sums, log_sums - torch.cat([weighted for _, weighted in parts]) / sums

    def _sweep(self, logits: Tensor, top: Tensor, scratch: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of exp(x - top), and of exp(x - top) (x - top) if the entropy is wanted; overwrites scratch."""
        shifted = torch.sub(logits, top[:, None], out=scratch)
        if not self._with_entropy:
            total = shifted.exp_().sum(-1)
            return total, total
        # clamped: exp(-inf) * -inf would be NaN; exp(-1e4) is 0 all the same
        weights = shifted.clamp_(min=-1e4).exp()
        return weights.sum(-1), torch.linalg.vecdot(weights, shifted)
