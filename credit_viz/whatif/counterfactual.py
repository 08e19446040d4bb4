"""What would each decoder do in one recorded state? No separate run: the history is the recorded one for all of them.

A decoder that remembers (credit, schedules, stable guesses) has seen the recorded guesses from the run's start, and
the recorded writes, whatever it would have written itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.errors import SettingsError, TraceError
from credit_viz.trace.record import Trace
from credit_viz.whatif.recorded import NotRecorded, Rows
from credit_viz.whatif.replay import Replay, RowsOf, Seen, Verdict, refusal

__all__ = ["Counterfactual", "Judgement", "SameState", "counterfactuals"]


class Judgement(NamedTuple):
    """What a decoder makes of one position."""

    position: int  #: from 0
    writes: bool  #: its token changes in this step
    token_id: int  #: what it would write, now or later; the mask id where it takes a token back
    raw_p: float  #: probability of that token
    fused: float  #: the same after credit
    score: float  #: what is held against the bar
    bar: float  #: what must be reached; nan where nothing is judged
    reason: int  #: value of Reason, 0 where nothing is written
    active: bool  #: its block is being written


class Counterfactual(NamedTuple):
    """What one decoder would do in one state."""

    decoder: str
    title: str
    settings: Mapping[str, Any]
    score: str  #: what is held against the bar, in words
    judgements: tuple[Judgement, ...]  #: every open position in its view; none where nothing can be said
    why: str = ""  #: nothing can be said from the record, in words
    position: int | None = None  #: and because of which position, where it is one

    @property
    def writes(self) -> tuple[Judgement, ...]:
        """What it would write in this step."""
        return tuple(judgement for judgement in self.judgements if judgement.writes)

    def at(self, position: int) -> Judgement | None:
        """What it makes of a position; None where the position is not open, or out of its view."""
        return next((judgement for judgement in self.judgements if judgement.position == position), None)


def counterfactuals(trace: Trace, step: int, decoders: Sequence[Decoder] | None = None) -> tuple[Counterfactual, ...]:
    """What each decoder would do in the state before a step.

    Args:
        step: from 1.
        decoders: with their settings; None: all of the registry with their defaults, the recorded one with its own.

    Raises:
        TraceError: the run has no such step.
    """
    return SameState(trace, _registered(trace) if decoders is None else decoders).at(step)


def _registered(trace: Trace) -> list[Decoder]:
    own = trace.info.decoder
    return [make_decoder(name, trace.info.settings if name == own else None) for name in DECODERS]


class _Memory(Enum):
    """What a decoder's state may hold of the steps before."""

    NONE = "nothing"
    BLOCK = "its block"
    RUN = "the whole run"


#: steps whose recorded numbers are shared by the decoders.
_SHARED = 128
#: positions times steps that each decoder's history is kept of.
_REMEMBERED = 4096


class SameState:
    """Answers for the steps of one trace; what the decoders remember is kept from question to question."""

    def __init__(self, trace: Trace, decoders: Sequence[Decoder]) -> None:
        self._trace = trace
        rows: RowsOf = lru_cache(_SHARED)(partial(Rows.of_step, trace))
        self._histories = [_History(trace, decoder, rows) for decoder in decoders]
        self._last: tuple[int, tuple[Counterfactual, ...]] = (0, ())

    def at(self, step: int) -> tuple[Counterfactual, ...]:
        """What each decoder would do in the state before a step from 1 on.

        Raises:
            TraceError: the run has no such step.
        """
        if not 1 <= step <= self._trace.forward_passes:
            raise TraceError(f"step {step} is out of range; valid: 1..{self._trace.forward_passes}")
        if self._last[0] != step:
            self._last = step, tuple(history.at(step) for history in self._histories)
        return self._last[1]


class _History:
    """One decoder led through the recorded states."""

    def __init__(self, trace: Trace, decoder: Decoder, rows: RowsOf) -> None:
        self._decoder = decoder
        self._trace = trace
        self._rows = rows
        self._why = refusal(trace, decoder)
        self._replay: Replay | None = None
        self._seen: dict[int, Seen] = {}

    def at(self, step: int) -> Counterfactual:
        try:
            return self._answer(_judgements(self._verdict(step)))
        except NotRecorded as missing:
            return self._answer((), str(missing), missing.position)

    def _verdict(self, step: int) -> Verdict:
        if self._why:
            raise NotRecorded(self._why)
        replay = self._replay = self._replay or self._begin()
        first = self._first_needed(step)
        if step not in self._seen and not first <= replay.steps + 1 <= step:
            replay = self._replay = self._begin()
            while replay.steps < first - 1:
                replay.follow(None)
        while step not in self._seen:
            self._remember(replay.steps + 1, seen := replay.see())
            replay.follow(seen.decision.state)
        return replay.judge(self._seen[step])

    def _remember(self, step: int, seen: Seen) -> None:
        self._seen[step] = seen
        while len(self._seen) > max(1, _REMEMBERED // len(seen.view.masked)):
            del self._seen[next(iter(self._seen))]

    @cached_property
    def _memory(self) -> _Memory:
        probe = self._begin()
        seen = probe.see()
        if self._decoder.needs.whole or probe.draws:
            return _Memory.RUN
        return _Memory.NONE if seen.state is None else _Memory.BLOCK

    def _first_needed(self, step: int) -> int:
        """From which step on the decoder must have seen everything."""
        if self._memory is _Memory.BLOCK:
            starts = self._trace.block_starts[:step]
            return int(np.flatnonzero(starts == starts[-1])[0]) + 1
        return step if self._memory is _Memory.NONE else 1

    def _begin(self) -> Replay:
        try:
            return Replay(self._trace, self._decoder, rows=self._rows)
        except SettingsError as error:
            raise NotRecorded(str(error)) from error

    def _answer(self, judgements: tuple[Judgement, ...], why: str = "", position: int | None = None) -> Counterfactual:
        decoder = self._decoder
        return Counterfactual(
            decoder.name, decoder.title, decoder.settings.to_dict(), decoder.score, judgements, why, position
        )


def _judgements(verdict: Verdict) -> tuple[Judgement, ...]:
    """Every position that is open to the decoder: the masked ones, and written ones it changes."""
    view, decision = verdict.view, verdict.decision
    nothing = torch.full_like(verdict.fused, torch.nan)
    score, bar = decision.channels.get("score", verdict.fused), decision.channels.get("bar", nothing)
    open_ = view.masked | decision.commit
    columns = (
        *(decision.commit, decision.winner_ids, decision.winner_p, verdict.fused),
        *(score, bar, decision.reasons, view.active),
    )
    places = open_.nonzero()[:, 0]
    rows = zip(*(column[places].tolist() for column in columns), strict=True)
    return tuple(Judgement(verdict.start + place, *row) for place, row in zip(places.tolist(), rows, strict=True))
