"""The credit ledger: exact sparse Trace Credit of the N positions of a block. Knows tensors only.

Only a step's raw top-1 ever receives credit, so a position needs one slot per DIFFERENT winner it has had, not one
number per vocabulary entry. Slots grow when a position has more winners than slots, so nothing is ever forgotten.

With S the credited tokens of a position, Z = logsumexp(logits) and C the credits, fusing
    fused_logits[v] = logits[v] + alpha * log(1 + C[v])
changes the logits of S only, hence
    fused_p[v] = p[v] (1 + C[v])^alpha / (1 + sum_{s in S} p[s] ((1 + C[s])^alpha - 1)).
The raw top-1 is always in S (it has just been awarded), and no token outside S can beat it: the fused argmax lies in S.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from credit_viz.decoding.base import Candidates
from credit_viz.decoding.clock import reading_is_free
from credit_viz.decoding.predictions import Predictions

__all__ = ["Fusion", "Ledger"]

_FIRST_SLOTS = 4
_EMPTY = -1


@dataclass(frozen=True)
class Ledger:
    """Credits of N positions in S slots. Immutable: every update returns a new ledger."""

    ids: Tensor  #: (N, S) int32 credited token, -1 in an empty slot
    credit: Tensor  #: (N, S) credit, 0 in an empty slot; the dtype of the probabilities
    used: Tensor  #: (N,) int32 number of filled slots, which are the first ones
    used_bound: int  #: upper bound of used.max() that is known without asking the device

    @classmethod
    def empty(cls, positions: int, device: torch.device, dtype: torch.dtype) -> Ledger:
        """No credit anywhere."""
        return cls(
            ids=torch.full((positions, _FIRST_SLOTS), _EMPTY, dtype=torch.int32, device=device),
            credit=torch.zeros(positions, _FIRST_SLOTS, dtype=dtype, device=device),
            used=torch.zeros(positions, dtype=torch.int32, device=device),
            used_bound=0,
        )

    @property
    def nbytes(self) -> int:
        """Memory of the state, bytes."""
        return sum(t.numel() * t.element_size() for t in (self.ids, self.credit, self.used))

    def award(self, ids: Tensor, amount: Tensor, masked: Tensor, decay: float) -> Ledger:
        """Decay everything, then give `amount` to one token per masked position.

        Args:
            ids: (N,) raw top-1; amount: (N,) p^gamma; masked: (N,) bool; decay: beta.

        Paper: arXiv 2510.06133, section 4.1 (Trace Credit update).
        """
        room = self._with_room()
        slots = torch.arange(room.ids.shape[1], device=ids.device)
        known = room.ids == ids[:, None]
        is_new = masked & ~known.any(1)
        target = (known | (is_new[:, None] & (slots == room.used[:, None]))) & masked[:, None]
        return Ledger(
            ids=torch.where(target, ids[:, None].to(torch.int32), room.ids),
            credit=torch.where(target, room.credit * decay + amount[:, None], room.credit * decay),
            used=room.used + is_new,
            used_bound=room.used_bound + 1,
        )

    def _with_room(self) -> Ledger:
        """A ledger in which every position has a free slot.

        A device that would have to be waited for is not asked how many are used: there are then as many as steps.
        """
        slots = self.ids.shape[1]
        if self.used_bound < slots:
            return self
        most = int(self.used.max()) if reading_is_free(self.ids.device) else self.used_bound
        # doubling already at half full keeps these questions rare
        extra = slots if most * 2 > slots else 0
        return replace(
            self,
            ids=torch.nn.functional.pad(self.ids, (0, extra), value=_EMPTY),
            credit=torch.nn.functional.pad(self.credit, (0, extra)),
            used_bound=most,
        )

    def fuse(self, predictions: Predictions, alpha: float) -> Fusion:
        """Scores after adding alpha * log(1 + C); paper: section 4.2 (credit fusion)."""
        empty = self.ids < 0
        ids = self.ids.clamp(min=0).long()
        logits, raw_p = predictions.gather(ids), predictions.probability(ids)
        boost = alpha * torch.log1p(self.credit)
        gain = torch.where(empty, 0.0, raw_p * torch.expm1(boost)).sum(1)
        fused_logits = torch.where(empty, -torch.inf, logits + boost)
        return Fusion(self, alpha, fused_logits, boost, raw_p, 1 + gain)


@dataclass(frozen=True)
class Fusion:
    """One step's fused view: (N, S) per slot, (N,) per position."""

    ledger: Ledger
    alpha: float
    logits: Tensor  #: (N, S) fused logits, -inf in an empty slot
    boost: Tensor  #: (N, S) alpha * log(1 + C), nats
    raw_p: Tensor  #: (N, S)
    growth: Tensor  #: (N,) factor by which fusing raised the normalizer

    def winner_slots(self) -> Tensor:
        """(N,) slot of the fused argmax; the lowest token id among equals, as a dense argmax has it."""
        best = self.logits.amax(1, keepdim=True)
        ids = torch.where(self.logits == best, self.ledger.ids, torch.iinfo(torch.int32).max)
        return ids.argmin(1)

    def fused_p(self, raw_p: Tensor, boost: Tensor) -> Tensor:
        """Fused probability of tokens given raw probability and boost, both (N, K)."""
        # built from the same terms as the growth, so that certainty stays exactly 1; rounding must not pass it
        return (raw_p * (1 + torch.expm1(boost)) / self.growth[:, None]).clamp(max=1)

    def candidates(self, predictions: Predictions, ids: Tensor) -> Candidates:
        """Credit and fused probability of any tokens (N, K)."""
        same = self.ledger.ids[:, None, :] == ids[:, :, None]
        credit = (same * self.ledger.credit[:, None, :]).sum(-1)
        return Candidates(credit, self.fused_p(predictions.probability(ids), self.alpha * torch.log1p(credit)))

    def rival_p(self, predictions: Predictions, ids: Tensor) -> Tensor:
        """(N,) fused probability of the best token other than ids (N,).

        It has credit, or it is the best token without: one of the S + 1 most probable is uncredited.
        """
        count = min(self.ledger.ids.shape[1] + 2, predictions.vocab_size)
        rivals = torch.cat([self.ledger.ids.clamp(min=0).long(), predictions.topk(count)], 1)
        fused = self.candidates(predictions, rivals).fused
        return torch.where(rivals == ids[:, None], 0.0, fused).amax(1)
