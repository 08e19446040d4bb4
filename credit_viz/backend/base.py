"""The contract between a front end and whatever runs the model. Knows traces and settings, no torch, no page.

A front end sends one `RunRequest` and receives events: `RunStarted`, then `StepTaken` per lane and forward pass,
`LaneFinished` per lane. Closing the generator cancels the run between two steps; nothing after that is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import RunInfo, StepRecord, Trace

__all__ = [
    "Backend",
    "Event",
    "LaneFinished",
    "LaneRequest",
    "Piece",
    "RunRequest",
    "RunStarted",
    "StepTaken",
    "Stream",
    "shown_ids",
]


class Piece(NamedTuple):
    """A token of a text."""

    id: int
    text: str


@dataclass(frozen=True)
class LaneRequest:
    """One decoder with its settings (unset knobs take their defaults), and what a person changes in its run."""

    decoder: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    interventions: tuple[Intervention, ...] = ()


@dataclass(frozen=True)
class RunRequest:
    """One prompt decoded by 1 or more lanes on one clock; options as in `RunOptions`."""

    prompt: str
    lanes: tuple[LaneRequest, ...]
    gen_length: int = 64
    block_length: int = 32
    seed: int = 0
    early_stop: bool = False
    top_k: int = 5
    cache: str = "none"
    logits_to_keep: str = "all"
    infill: bool = False  #: the prompt has gaps that are filled; gen_length and block_length follow from it
    given: tuple[tuple[int, str], ...] = ()  #: texts that stand from a position on, and never change


@dataclass(frozen=True)
class RunStarted:
    """First event: validated, nothing computed yet. `lanes[i]` describes lane i (its text still empty)."""

    lanes: tuple[RunInfo, ...]
    kept: frozenset[int] = frozenset()  #: lanes that are shown again as an earlier run left them, see `Reuse`


@dataclass(frozen=True)
class StepTaken:
    """Lane `lane` did one forward pass. `tokens` are the texts of ids that this run shows for the first time."""

    lane: int
    record: StepRecord
    tokens: Mapping[int, str]


@dataclass(frozen=True)
class LaneFinished:
    """Lane `lane` has no mask left, and its decoder changes nothing any more."""

    lane: int
    trace: Trace
    seconds: float | None = None  #: wall clock of the lane, recording included; None: unknown, or not its alone


Event = RunStarted | StepTaken | LaneFinished
Stream = Callable[[RunRequest], Iterator[Event]]  #: `Backend.stream`


def shown_ids(record: StepRecord) -> set[int]:
    """Every token id that a reader of this step may want the text of."""
    arrays = (record.candidate_ids, record.winner_ids, record.event_ids)
    return {i for array in arrays for i in array.ravel().tolist()}


class Backend(Protocol):
    """Something that can run a request."""

    @property
    def model_name(self) -> str:
        """Name shown to people, e.g. "embedded (1.7 M)"."""

    @property
    def abilities(self) -> frozenset[str] | None:
        """What the model can do for decoders and options, see `LanguageModel.abilities`; None: no model is there."""

    @property
    def quick(self) -> bool:
        """Is a forward pass a matter of milliseconds, so that a run may follow a knob while it is dragged?"""

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """The tokens that a piece of text becomes."""

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """Run `request`.

        Raises:
            PromptError, SettingsError: before the first event, if the request cannot be run.
        """
