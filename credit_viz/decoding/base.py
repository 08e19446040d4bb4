"""The decoder contract: what one decoder is given per step and what it answers. Knows tensors and settings.

A decoder is an immutable object that holds its settings and nothing else. Whatever it must remember lives in a state
that `start` makes fresh for every block of every run, so nothing can leak from one prompt to the next.

    state = decoder.start(block)
    decision = decoder.step(predictions, masked, state, rng)     # pure; decision.state goes into the next step

N is the number of positions in the active block, V the vocabulary size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.settings import Settings

__all__ = ["Block", "Candidates", "Decision", "Decoder"]


@dataclass(frozen=True)
class Block:
    """Where in the canvas the active block lies."""

    index: int  #: 0-based
    count: int  #: number of blocks in the run
    length: int  #: N
    gen_length: int  #: L
    device: torch.device


class Candidates(NamedTuple):
    """How the decoder sees given tokens: both (N, K)."""

    credit: Tensor
    fused: Tensor  #: fused probability; the raw one where the decoder changes no scores


@dataclass(frozen=True)
class Decision:
    """A decoder's answer to one step.

    `winner_ids` and `fused` speak of every position of the block, so that the trace can show what would have been
    written; `commit` says which are. `channels` are named (N,) statistics that the trace records as they are.
    """

    state: Any
    winner_ids: Tensor  #: (N,) int64
    winner_p: Tensor  #: (N,) raw probability of the winner
    fused: Tensor  #: (N,) probability that was compared with the acceptance rule
    commit: Tensor  #: (N,) bool, a subset of `masked`
    reasons: Tensor  #: (N,) uint8, values of trace.record.Reason where commit
    channels: Mapping[str, Tensor] = field(default_factory=dict)


class Decoder(Protocol):
    """One decoding strategy. Implementations are frozen dataclasses with the single field `settings`."""

    name: ClassVar[str]
    title: ClassVar[str]  #: for people
    rule: ClassVar[str]  #: one line
    paper: ClassVar[str]  #: source with equation or section
    settings_class: ClassVar[type[Settings]]
    presets: ClassVar[Mapping[str, Settings]]  #: named settings; their source is in the decoder's docstring

    @property
    def settings(self) -> Any:
        """The decoder's knobs."""

    def start(self, block: Block) -> Any:
        """Fresh state for one block.

        Raises:
            SettingsError: the settings make no sense for a block of this size.
        """

    def step(self, predictions: Predictions, masked: Tensor, state: Any, rng: torch.Generator) -> Decision:
        """Decide one step.

        Args:
            predictions: the model's view of the N positions of the block.
            masked: (N,) bool, positions that may be written.
            state: from `start` or the previous decision; not modified.
            rng: the run's only source of randomness.

        Returns:
            A decision; it may commit nothing when no masked position has a committable winner: the loop then
            writes the single best committable guess, so that every step makes progress.
        """

    def candidates(self, predictions: Predictions, ids: Tensor, decision: Decision) -> Candidates:
        """Credit and fused probability of given tokens in the state of `decision`. ids: (N, K)."""
