"""A decoder stepping through a recorded run: its own rule and the loop's, on recorded predictions. Knows traces.

While the writes of the replayed decoder equal the recorded ones, the recorded next state is its own next state too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.events import Events
from credit_viz.decoding.forward import Cache
from credit_viz.decoding.loop import Lane
from credit_viz.decoding.options import RunOptions, block_spans
from credit_viz.errors import SettingsError
from credit_viz.trace.record import Trace
from credit_viz.whatif.agreement import agreed
from credit_viz.whatif.recorded import LOWER, UPPER, NotRecorded, RecordedPredictions, Rows

__all__ = ["Replay", "RowsOf", "Seen", "Verdict", "recorded_events", "refusal"]


#: what was recorded in a step at positions [start, end).
RowsOf = Callable[[int, tuple[int, int]], Rows]


class Seen(NamedTuple):
    """A recorded state, as the decoder sees it, and its decision at the lower end of what is known."""

    view: View
    rows: Rows
    start: int  #: position of the first in view
    state: object  #: what the decoder remembered
    draws: Tensor  #: state of the randomness before it decided
    decision: Decision
    vague: bool  #: it asked for numbers of which only bounds are known


class Verdict(NamedTuple):
    """What the decoder makes of one recorded state. Arrays cover the positions in its view, from `start` on."""

    view: View
    decision: Decision
    start: int
    fused: Tensor  #: (N,) fused probability of the winner
    doubt: Tensor  #: (N,) what that may be off, because the record holds bounds only


class Replay:
    """One decoder in the states of one trace.

    Args:
        block_length, early_stop: other than recorded, if given.
        rows: as `Rows.of_step` of the trace, where several replays share what it returns.

    Raises:
        SettingsError: the options do not fit each other, the decoder or the record.
    """

    def __init__(
        self,
        trace: Trace,
        decoder: Decoder,
        block_length: int | None = None,
        early_stop: bool | None = None,
        rows: RowsOf | None = None,
    ) -> None:
        info = trace.info
        self.trace = trace
        self._rows: RowsOf = rows or partial(Rows.of_step, trace)
        self.steps = 0  #: taken so far
        self.draws = False  #: the decoder has drawn random numbers
        options = RunOptions(
            info.gen_length,
            info.block_length if block_length is None else block_length,
            info.seed,
            info.early_stop if early_stop is None else early_stop,
            record="none",
            top_k=1,
        )
        model = _RecordedModel(trace)
        if options.block_length != info.block_length and (model.block_length is not None or info.cache != "none"):
            why = "this model has blocks of its own" if info.cache == "none" else f"with the {info.cache} cache"
            raise SettingsError(
                f"block_length={block_length}: {why} others cannot be judged; valid: {info.block_length}"
            )
        self.lane = Lane(model, info.prompt_ids, decoder, options, info.fixed, info.interventions)

    def see(self) -> Seen:
        """The next recorded state.

        Raises:
            NotRecorded: the trace does not hold what the decoder asks for.
        """
        trace, lane, step = self.trace, self.lane, self.steps + 1
        if step > trace.forward_passes:
            raise NotRecorded("the record ends here")
        recorded = (int(trace.block_starts[step - 1]), int(trace.block_ends[step - 1]))
        if lane.block != recorded and trace.info.cache != "none":
            raise NotRecorded(f"with the {trace.info.cache} cache, guesses belong to the block that was being written")
        span = (0, trace.gen_length) if lane.decoder.needs.whole else lane.block
        rows = self._rows(step, span)
        vague: list[bool] = []
        view = lane.view(_predictions(rows, trace, LOWER, vague))
        _check_known(view, rows, lane.decoder, span[0])
        state, draws = lane.state, lane.rng.get_state()
        decision = lane.decoder.step(view, state, lane.rng)
        self.draws = self.draws or not torch.equal(draws, lane.rng.get_state())
        if self.draws and trace.info.device != "cpu":
            raise NotRecorded(f"its random numbers were drawn on {trace.info.device}")
        return Seen(view, rows, span[0], state, draws, decision, bool(vague))

    def judge(self, seen: Seen) -> Verdict:
        """What the decoder makes of a state.

        Raises:
            NotRecorded: what is known leaves open what is written.
        """
        lower = upper = seen.decision
        if seen.vague:
            other = replace(seen.view, predictions=_predictions(seen.rows, self.trace, UPPER, []))
            rng = torch.Generator()
            rng.set_state(seen.draws)
            upper = self.lane.decoder.step(other, seen.state, rng)
        agreed(seen.view, lower, upper, seen.start)
        return Verdict(
            seen.view, lower, seen.start, (lower.fused + upper.fused) / 2, (upper.fused - lower.fused).abs() / 2
        )

    def take(self, verdict: Verdict) -> Events:
        """Write it, and go on to the state that follows from it."""
        self.steps += 1
        return self.lane.take(verdict.decision, verdict.view)

    def follow(self, state: object) -> None:
        """Go on to the recorded next state, whatever was decided; state: what the decoder remembers."""
        self.steps += 1
        starts, step = self.trace.block_starts, self.steps
        block_done = step < len(starts) and starts[step] != starts[step - 1]
        self.lane.follow(recorded_events(self.trace, step), bool(block_done), state)


def recorded_events(trace: Trace, step: int) -> Events:
    """What was written in a step from 1 on."""
    here = slice(*np.searchsorted(trace.event_steps, (step, step + 1)))
    return Events(
        trace.event_positions[here].astype(np.int64), trace.event_ids[here].astype(np.int64), trace.event_reasons[here]
    )


def refusal(trace: Trace, decoder: Decoder) -> str:
    """Why a trace can say nothing about a decoder; "" if it can."""
    info, needs = trace.info, decoder.needs
    if info.record == "none":
        return "no guesses were recorded"
    if needs.uniform or info.mask_id < 0:
        return "random tokens stand where others have masks, new ones in each step"
    if needs.shadow:
        return "it also asks what is seen without a written token"
    guidance = make_decoder(info.decoder, info.settings).needs.guidance
    if needs.guidance != guidance:
        return f"its guidance is {needs.guidance:g}, and the guesses were recorded with {guidance:g}"
    return ""


def _predictions(rows: Rows, trace: Trace, side: int, vague: list[bool]) -> RecordedPredictions:
    info = trace.info
    return RecordedPredictions(rows, info.mask_id, _token_limit(trace), info.vocab_size, side, vague)


def _token_limit(trace: Trace) -> int:
    limit = trace.info.token_limit
    return trace.info.vocab_size if limit is None else limit


def _check_known(view: View, rows: Rows, decoder: Decoder, start: int) -> None:
    """Is everything recorded that the decoder may look at?"""
    asked = view.masked if decoder.needs.whole else view.masked & view.active
    if decoder.needs.rewrites:
        asked = asked | view.rewritable
    missing = (asked & ~rows.known).nonzero()
    if len(missing):
        place = int(missing[0])
        what = "masked position" if view.masked[place] else "written token"
        raise NotRecorded(f"the guesses at this {what} were not recorded", start + place)


class _RecordedModel:
    """What a lane needs of the model that was recorded."""

    def __init__(self, trace: Trace) -> None:
        info = trace.info
        self.mask_id, self.eos_ids, self.token_limit = info.mask_id, info.eos_ids, _token_limit(trace)
        self.max_positions = len(info.prompt_ids) + info.gen_length
        self.device = torch.device("cpu")
        self.abilities = frozenset({"guidance"})
        self.block_length = _native_length(trace)

    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """There is no model."""
        raise NotRecorded("it needs another forward pass")

    def open_cache(self, mode: str) -> Cache:
        """There is no model."""
        raise NotRecorded("it needs another forward pass")


def _native_length(trace: Trace) -> int | None:
    """Block length of a model whose blocks count from the prompt's start; None where the recorded blocks do not."""
    info = trace.info
    options = RunOptions(info.gen_length, info.block_length)
    plain = block_spans(options, len(info.prompt_ids), None)
    recorded = set(zip(trace.block_starts.tolist(), trace.block_ends.tolist(), strict=True))
    return None if recorded <= set(plain) else info.block_length
