"""The decoder contract: what one decoder is given per step and what it answers. Knows tensors and settings.

A decoder is an immutable object that holds its settings and nothing else. Whatever it must remember lives in a state
that `start` makes for every block of every run, so nothing can leak from one prompt to the next.

    state = decoder.start(block)
    decision = decoder.step(view, state, rng)     # pure; decision.state goes into the next step

Between two steps a person may write a token or take one back (interventions.py): a decoder reads what stands from its
view, and does not rely on what it wrote.

A step has two halves, each in a room of its own: scores.py and credit.py transform what the model says (`Scored`),
acceptance.py holds the rules that turn scores into commits. Most decoders are one of each.

N is the number of positions in view (the active block, for most decoders), V the vocabulary size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.settings import Settings

__all__ = ["Block", "Candidates", "Decision", "Decoder", "Needs", "View"]


@dataclass(frozen=True)
class Block:
    """Where in the generated region the active block lies."""

    index: int  #: 0-based
    count: int  #: number of blocks in the run
    start: int  #: first position
    length: int  #: positions in the block
    gen_length: int  #: L
    device: torch.device
    before: Any = None  #: state in which this run's decoder left the block before; None in the first block

    @classmethod
    def alone(cls, length: int, device: torch.device | None = None) -> Block:
        """A run of one block."""
        return cls(0, 1, 0, length, length, device or torch.device("cpu"))


class Needs(NamedTuple):
    """What a decoder asks for beyond the predictions of the masked positions of its block."""

    whole: bool = False  #: it sees and may write the whole generated region: N = L
    rewrites: bool = False  #: it may change tokens that are already written, or take them back
    shadow: bool = False  #: it also wants each position in view as mask tokens standing beside them see it
    guidance: float = 0.0  #: classifier-free guidance scale; above 0 a forward pass holds two canvases
    settle: int = 0  #: passes a block may go on without a mask, ended by the first that changes nothing
    uniform: bool = False  #: its model has no mask token: what is unwritten holds random tokens, new ones each step

    @property
    def abilities(self) -> frozenset[str]:
        """What a model must be able to do; see `LanguageModel.abilities`."""
        wanted = {"shadow": self.shadow, "guidance": self.guidance > 0, "uniform noise": self.uniform}
        return frozenset(ability for ability, needed in wanted.items() if needed)

    def served_by(self, abilities: frozenset[str]) -> bool:
        """Can a model with these abilities serve the decoder? One without a mask token serves no other kind."""
        return self.abilities <= abilities and self.uniform == ("uniform noise" in abilities)


@dataclass(frozen=True)
class View:
    """What a decoder sees in one step."""

    predictions: Predictions  #: of the N positions
    masked: Tensor  #: (N,) bool
    active: Tensor  #: (N,) bool, positions of the active block; all of them unless the decoder needs the whole region
    given: Tensor  #: (N,) bool, tokens that were fixed before the run: nobody may write there
    ids: Tensor  #: (N,) int64 tokens before the step; the mask id where masked
    mask_ratio: float  #: masked share of the whole generated region
    shadow: Predictions | None = None  #: of the N positions without their own tokens, where it is needed

    @classmethod
    def of_block(cls, predictions: Predictions, masked: Tensor) -> View:
        """A block that is the whole run, from its predictions and mask (N,); written tokens are the raw top-1."""
        ids = torch.where(masked, predictions.mask_id, predictions.top_ids)
        none = torch.zeros_like(masked)
        return cls(predictions, masked, ~none, none, ids, float(masked.float().mean()))

    @property
    def rewritable(self) -> Tensor:
        """(N,) bool: tokens of the active block that this run has written."""
        return self.active & ~self.masked & ~self.given

    def eligible(self, ids: Tensor) -> Tensor:
        """(N,) bool: masked positions of the active block where these ids (N,) may be written."""
        return self.masked & self.active & ~self.predictions.blocked(ids)


class Candidates(NamedTuple):
    """How the decoder sees given tokens: both (N, K)."""

    credit: Tensor
    fused: Tensor  #: fused probability; the raw one where the decoder changes no scores


@dataclass(frozen=True)
class Decision:
    """A decoder's answer to one step.

    `winner_ids` and `fused` speak of every position in view, so that the trace can show what would have been
    written; `commit` says which are. To take a token back a decoder commits the mask id over it (Reason.REMASKED);
    every other commit changes what stands there, and to a token that has a text. `channels` are named (N,) statistics
    that the trace records as they are; two names have a meaning of their own: "bar" is what had to be reached for a
    commit (at a written token: for the change, or for not being taken back), nan where nothing is judged, and "score"
    what was held against it where that is not `fused`.
    """

    state: Any
    winner_ids: Tensor  #: (N,) int64
    winner_p: Tensor  #: (N,) raw probability of the winner
    fused: Tensor  #: (N,) probability of the winner after the decoder's transformation of the scores
    commit: Tensor  #: (N,) bool, a subset of the masked positions unless the decoder `rewrites`
    reasons: Tensor  #: (N,) uint8, values of trace.record.Reason where commit
    channels: Mapping[str, Tensor] = field(default_factory=dict)
    done: Tensor | None = None  #: () bool, the block is finished and holds no mask; None: as soon as it holds none
    told: Tensor | None = None  #: uniform noise: (N, V) scaled logits that the next pass over the block is told


@dataclass(frozen=True)
class Decoder(ABC):
    """One decoding strategy: a frozen dataclass with the single field `settings`."""

    settings: Any

    name: ClassVar[str]
    title: ClassVar[str]  #: for people
    rule: ClassVar[str]  #: one line
    paper: ClassVar[str]  #: source with equation or section
    group: ClassVar[str] = "Sure enough"  #: the decoders it is listed among, in words
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("threshold", (0.99, 0.95, 0.9, 0.8, 0.7))
    """The knob that trades forward passes for quality, and values worth trying, slowest first."""
    settings_class: ClassVar[type[Settings]]
    presets: ClassVar[Mapping[str, Settings]] = {}  #: named settings; their source is in the decoder's docstring

    @property
    def score(self) -> str:
        """What is held against the bar, in words."""
        return "probability"

    @property
    def needs(self) -> Needs:
        """What it asks for beyond the predictions of its block; most decoders need nothing."""
        return Needs()

    def start(self, block: Block) -> Any:
        """State for one block, fresh but for what `block.before` hands on; None where nothing is remembered.

        Raises:
            SettingsError: the settings make no sense for a block of this size.
        """
        return None

    @abstractmethod
    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Decide one step.

        Args:
            view: the N positions, as the model sees them now.
            state: from `start` or the previous decision; not modified.
            rng: the run's only source of randomness.

        Returns:
            A decision; it may fill no mask when no masked position has a committable winner: the loop then also
            writes the single best committable guess, so that every step makes progress.
        """

    def candidates(self, predictions: Predictions, ids: Tensor, decision: Decision) -> Candidates:
        """Credit and fused probability of given tokens (N, K) in the state of `decision`.

        A decoder that changes no scores gives no credit, and its fused probability is the raw one.
        """
        p = predictions.probability(ids)
        return Candidates(torch.zeros_like(p), p)
