"""What would each decoder do in one recorded state? No separate run: the history is the recorded one for all of them.

A decoder that remembers (credit, schedules, stable guesses) has seen the recorded guesses from the run's start, and
the recorded writes, whatever it would have written itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.errors import SettingsError, TraceError
from credit_viz.trace.record import Trace
from credit_viz.whatif.recorded import NotRecorded
from credit_viz.whatif.replay import Replay, Seen, Verdict, refusal

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


class SameState:
    """Answers for the steps of one trace; what the decoders remember is kept from question to question."""

    def __init__(self, trace: Trace, decoders: Sequence[Decoder]) -> None:
        self._trace = trace
        self._histories = [_History(trace, decoder) for decoder in decoders]

    def at(self, step: int) -> tuple[Counterfactual, ...]:
        """What each decoder would do in the state before a step from 1 on.

        Raises:
            TraceError: the run has no such step.
        """
        if not 1 <= step <= self._trace.forward_passes:
            raise TraceError(f"step {step} is out of range; valid: 1..{self._trace.forward_passes}")
        return tuple(history.at(step) for history in self._histories)


class _History:
    """One decoder led through the recorded states."""

    def __init__(self, trace: Trace, decoder: Decoder) -> None:
        self._decoder = decoder
        self._trace = trace
        self._why = refusal(trace, decoder)
        self._replay: Replay | None = None
        self._seen: list[Seen] = []
        self._answers: dict[int, Counterfactual] = {}

    def at(self, step: int) -> Counterfactual:
        if step not in self._answers:
            try:
                self._answers[step] = self._answer(_judgements(self._verdict(step)))
            except NotRecorded as missing:
                self._answers[step] = self._answer((), str(missing), missing.position)
        return self._answers[step]

    def _verdict(self, step: int) -> Verdict:
        if self._why:
            raise NotRecorded(self._why)
        replay = self._replay = self._replay or self._begin()
        remembers = replay.lane.state is not None
        if not remembers:  # no need of the steps between, nor to keep them
            replay = self._begin()
            while replay.steps < step - 1:
                replay.follow(None)
            return replay.judge(replay.see())
        while len(self._seen) < step:
            seen = replay.see()
            replay.follow(seen.decision.state)
            self._seen.append(seen)
        return replay.judge(self._seen[step - 1])

    def _begin(self) -> Replay:
        try:
            return Replay(self._trace, self._decoder)
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
    return tuple(
        Judgement(
            verdict.start + place,
            bool(decision.commit[place]),
            int(decision.winner_ids[place]),
            float(decision.winner_p[place]),
            float(verdict.fused[place]),
            float(score[place]),
            float(bar[place]),
            int(decision.reasons[place]),
            bool(view.active[place]),
        )
        for place in (view.masked | decision.commit).nonzero()[:, 0].tolist()
    )
