"""THE denoising loop: the only one in the project. A generator of step records; a thin wrapper collects a Trace.

Knows canvases, decoders and forward.py; nothing of checkpoints, tokenizers or plots. A `Lane` is one run. Several lanes
run on one clock: each round gives every unfinished lane one forward pass, one after the other or in one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from credit_viz.decoding.base import Block, Decision, Decoder, View
from credit_viz.decoding.canvas import Canvas
from credit_viz.decoding.clock import Moment, reading_is_free
from credit_viz.decoding.events import Events, check_contract, given_tokens
from credit_viz.decoding.forward import Answer, Ask, LanguageModel, Query, forward
from credit_viz.decoding.interventions import Interventions
from credit_viz.decoding.options import RunOptions, block_spans, check_fit
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.recorder import Cells, Recorder
from credit_viz.errors import DecoderError
from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import Reason, StepRecord

__all__ = ["Lane", "Step", "denoise"]

#: passes per position of a block after which a decoder that takes tokens back is stopped: it would go on forever.
_PATIENCE = 8


@dataclass(frozen=True)
class Step:
    """A step that is decided and written; its cells may still be on their way from the device."""

    number: int
    block: tuple[int, int]
    cells: Cells
    events: Events
    forward_pass: _Pass | None
    began: Moment
    decided: Moment

    def record(self) -> StepRecord:
        """What is kept of it; waits for the cells."""
        return StepRecord(
            step=self.number,
            block=self.block,
            **self.cells.fields(),
            event_positions=self.events.positions.astype(np.int32),
            event_ids=self.events.ids.astype(np.int32),
            event_reasons=self.events.reasons,
            forward_seconds=self.forward_pass.seconds if self.forward_pass else 0.0,
            decoder_seconds=self.decided.since(self.began),
        )


class _Pass(NamedTuple):
    """A forward pass, perhaps still in the device's queue."""

    began: Moment
    ended: Moment
    lanes: int  #: that it was for

    @property
    def seconds(self) -> float:
        """One lane's share; waits for the pass."""
        return self.ended.since(self.began) / self.lanes


class Lane:
    """One run in progress. `query` and `advance` are called once per forward pass.

    Args:
        fixed: token ids by generated position that are given and never change (constraints, infilling).
        interventions: changes by hand, each made right after its step's writes; see interventions.py.

    Raises:
        SettingsError: options, decoder and model do not fit each other, or a change by hand cannot be made.
        PromptError: the prompt or a fixed token is not valid.
    """

    def __init__(
        self,
        model: LanguageModel,
        prompt_ids: Sequence[int],
        decoder: Decoder,
        options: RunOptions,
        fixed: Mapping[int, int] | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> None:
        check_fit(model, decoder, options)
        self.decoder = decoder
        self.options = options
        self.canvas = Canvas.blank(model, prompt_ids, options.gen_length)
        self._model = model
        self.rng = torch.Generator(model.device).manual_seed(options.seed)
        self._recorder = Recorder(options.record, options.top_k)
        self._cache = None if options.cache == "none" else model.open_cache(options.cache)
        # host copy of what the canvas holds: never asks the device
        self._ids = np.full(options.gen_length, model.mask_id, np.int64)
        self._fixed = np.zeros(options.gen_length, bool)
        self._fix(fixed or {})
        self._by_hand = Interventions(interventions, self._fixed, model.mask_id, model.token_limit, options.cache)
        self._steps = 0
        self._passes = 0  # of the active block
        self._unmasked_passes = 0  # of the active block, since its last mask went
        self._noise: Tensor | None = None  # of the active block, where its model has no mask
        self._told: Tensor | None = None  # to the model, by the last step of the active block
        self._spans = block_spans(options, len(prompt_ids), None if decoder.needs.uniform else model.block_length)
        self._index = -1
        self.state: object = None
        self._finished = False
        self._next_block()

    def _fix(self, fixed: Mapping[int, int]) -> None:
        given = given_tokens(fixed, len(self._ids), self._model.mask_id, self._model.token_limit)
        self._fixed[given.positions] = True
        self._put(given)
        self._given = torch.from_numpy(self._fixed.copy()).to(self.canvas.ids.device)

    @property
    def finished(self) -> bool:
        """No mask is left, and the decoder has settled."""
        return self._finished

    @property
    def as_asked(self) -> bool:
        """Every change by hand was made."""
        return self._by_hand.made

    def check_interventions(self) -> None:
        """After the run: was every change by hand made?

        Raises:
            SettingsError: one was meant for a step that the run does not have.
        """
        self._by_hand.check_reached(self._steps)

    @property
    def block(self) -> tuple[int, int]:
        """The active block, as [start, end) of the generated region."""
        return self._spans[self._index]

    @property
    def _masked(self) -> np.ndarray:
        return np.asarray(self._ids == self._model.mask_id)

    def _next_block(self) -> None:
        """Activate the next block that has a mask, with the state in which the decoder starts it."""
        masked = self._masked
        while not self._finished:
            self._index += 1
            if self._index == len(self._spans):
                self._finished = True
            elif masked[slice(*self.block)].any():
                break
        else:
            return
        start, end = self.block
        count, length, device = len(self._spans), self.options.gen_length, self.canvas.ids.device
        block = Block(self._index, count, start, end - start, length, device, self.state)
        self.state = self.decoder.start(block)
        self._passes = self._unmasked_passes = 0
        self._told = None
        self._draw_noise()

    def _draw_noise(self) -> None:
        """Fresh random tokens for the active block, in every step."""
        if self.decoder.needs.uniform:
            start, end = self.block
            limit, device = self._model.token_limit, self.canvas.ids.device
            self._noise = torch.randint(0, limit, (end - start,), device=device, generator=self.rng)

    @property
    def _view_span(self) -> tuple[int, int]:
        """Positions the decoder sees."""
        return (0, self.options.gen_length) if self.decoder.needs.whole else self.block

    def query(self) -> Query:
        """What this lane's next forward pass must answer."""
        offset, needs = self.canvas.prompt_length, self.decoder.needs
        block = (offset + self.block[0], offset + self.block[1])
        if self._noise is not None:
            canvas = self.canvas.noised(self.block, self._noise, self._model.mask_id)
            return Query(canvas, offset, rows=block, block=block, prefix=block[0], previous=self._told)
        start, end = 0, self.options.gen_length
        if self.options.logits_to_keep == "needed":
            # with everything recorded: from the active block on, since nothing before it is masked any more
            start, end = (self._view_span[0], end) if self.options.record == "all" else self._view_span
        return Query(
            self.canvas.ids,
            offset,
            rows=(offset + start, offset + end),
            block=block,
            shadow=(offset + self._view_span[0], offset + self._view_span[1]) if needs.shadow else None,
            guidance=needs.guidance,
            cache=self._cache,
            refresh=self._passes == 0,
        )

    def advance(self, answer: Answer, forward_pass: _Pass | None = None) -> Step:
        """Decide and write one step, given the model's answer to `query`."""
        began = Moment.now(self.canvas.ids.device)
        reading_start = answer.rows[0] - self.canvas.prompt_length
        reading, predictions, shadow = self._read(answer, reading_start)
        view, block, view_start = self.view(predictions, shadow), self.block, self._view_span[0]
        recorded = np.flatnonzero(self._open(reading_start, len(answer.logits)))
        decision = self.decoder.step(view, self.state, self.rng)
        events = self.take(decision, view)
        decided = Moment.now(self.canvas.ids.device)
        cells = self._recorder.cells(self.decoder, reading, reading_start, view, view_start, decision, recorded)
        return Step(self._steps, block, cells, events, forward_pass, began, decided)

    def view(self, predictions: Predictions, shadow: Predictions | None = None) -> View:
        """What the decoder sees of the canvas, with predictions of the positions in its view."""
        start, end = self._view_span
        ids = self.canvas.generated[start:end].clone()
        active = torch.zeros(end - start, dtype=torch.bool, device=ids.device)
        active[self.block[0] - start : self.block[1] - start] = True
        ratio = float(self._masked.mean())
        masked, given = ids == self._model.mask_id, self._given[start:end]
        return View(predictions, masked, active, given, ids, ratio, shadow)

    def take(self, decision: Decision, view: View) -> Events:
        """Write what was decided, and what the loop and changes by hand add to it; then the next step may come."""
        self.state, self._told = decision.state, decision.told
        events, block_done = self._write(decision, view)
        self._close(block_done)
        return events

    def follow(self, events: Events, block_done: bool, state: object) -> None:
        """A step in which something else happened than was decided; state: what the decoder remembers of it."""
        self.state = state
        self._put(events)
        self._close(block_done)

    def _close(self, block_done: bool) -> None:
        self._steps += 1
        self._passes += 1
        self._draw_noise()
        if block_done:
            self._next_block()

    def _read(self, answer: Answer, reading_start: int) -> tuple[Predictions, Predictions, Predictions | None]:
        """Readings of all recorded rows, of those in the decoder's view, which share the work, and of shadows."""
        start, end = self._view_span
        rows = slice(start - reading_start, end - reading_start)
        if self.options.record == "all":
            reading = self._predictions(answer.logits, with_entropy=True)
            predictions = reading.rows(rows.start, rows.stop)
        else:
            reading = predictions = self._predictions(answer.logits[rows], self.options.record == "block")
        return reading, predictions, None if answer.shadow is None else self._predictions(answer.shadow)

    def _predictions(self, logits: Tensor, with_entropy: bool = False) -> Predictions:
        return Predictions(logits, self._model.mask_id, self._model.token_limit, with_entropy)

    def _open(self, reading_start: int, count: int) -> np.ndarray:
        """(L,) positions that are open in this step, that have logits, and that shall be recorded."""
        start, end = self.block
        recorded = self._masked
        if self.decoder.needs.rewrites:
            recorded[start:end] |= ~self._fixed[start:end]
        wanted = {"all": slice(reading_start, reading_start + count), "block": slice(start, end), "none": slice(0)}
        inside = np.zeros_like(recorded)
        inside[wanted[self.options.record]] = True
        return np.asarray(recorded & inside)

    def _write(self, decision: Decision, view: View) -> tuple[Events, bool]:
        """Apply the decision to the canvas; the one place that waits for the device. Also says if the block is done."""
        answer = torch.stack([decision.commit.long(), decision.winner_ids, decision.reasons.long()]).cpu().numpy()
        places = np.flatnonzero(answer[0])
        events = Events(places + self._view_span[0], answer[1, places], answer[2, places].astype(np.uint8))
        masked, model = self._masked, self._model
        check_contract(self.decoder, events, self._ids, self._fixed, model.mask_id, model.token_limit)
        if decision.done is None and masked[slice(*self.block)].any() and not masked[events.positions].any():
            events = events.then(self._best_committable(view))
        self._put(events)
        by_hand = self._by_hand.after(self._steps + 1, self._ids, self.block)
        self._put(by_hand)
        events = events.then(by_hand)
        done = self._block_done(len(events.positions), decision.done)
        # a block that may go on after its last mask settles before the text may end
        needs = self.decoder.needs
        may_end = self.options.early_stop and (done or not (needs.settle or needs.uniform))
        return self._stop_early(events) if may_end else events, done

    def _best_committable(self, view: View) -> Events:
        """Every masked position of the block guessed an id that must not be written: take the best other guess."""
        p, ids = view.predictions.best_committable()
        place = torch.where(view.masked & view.active, p, -1.0).argmax()[None]
        place, token = torch.cat([place, ids[place]]).cpu().numpy()
        return Events(place[None] + self._view_span[0], token[None], np.array([Reason.FORCED], np.uint8))

    def _put(self, events: Events) -> None:
        if not len(events.positions):
            return
        self._ids[events.positions] = events.ids
        # one copy that waits for nothing: the host's side of it is free to go at once
        pair = np.stack([events.positions, events.ids])
        there = torch.from_numpy(pair).to(self.canvas.ids.device, non_blocking=True)
        self.canvas.generated[there[0]] = there[1]

    def _block_done(self, changes: int, told: Tensor | None) -> bool:
        """No mask is left in the block, and the decoder changes nothing any more or has had its last passes.

        told: what the decoder says of it, if anything; a mask that came back by hand keeps the block alive.
        """
        masks = bool(self._masked[slice(*self.block)].any())
        if told is not None:
            return bool(told) and not masks
        if masks:
            self._unmasked_passes = 0
            self._check_progress()
            return False
        settled = not changes or self._unmasked_passes >= self.decoder.needs.settle
        self._unmasked_passes += 1
        return settled

    def _check_progress(self) -> None:
        start, end = self.block
        # each token that is taken back by hand may cost a pass more
        if self._passes >= _PATIENCE * (end - start) + self._by_hand.count:
            raise DecoderError(
                f"decoder {self.decoder.name!r} has masks left at positions {start}..{end - 1} after {self._passes} "
                f"passes; valid: it fills more than it takes back, so that {end - start} passes are enough"
            )

    def _stop_early(self, events: Events) -> Events:
        """Once an end-of-text token is written with no mask before it, whatever is still masked becomes end-of-text.

        A token already written behind it stays as the decoder wrote it, but is no part of the text any more. A step
        that takes a token back ends nothing: its writer is still in doubt.
        """
        masked = self._masked
        first_mask = int(masked.argmax()) if masked.any() else len(masked)
        ends = np.flatnonzero(np.isin(self._ids[:first_mask], self._model.eos_ids))
        if not len(ends) or (events.ids == self._model.mask_id).any():
            return events
        rest = np.flatnonzero(masked)
        filled = Events(rest, np.full(len(rest), self._ids[ends[0]]), np.full(len(rest), Reason.FILLED, np.uint8))
        self._put(filled)
        self._finished = True
        return events.then(filled)


def denoise(
    model: LanguageModel, lanes: Sequence[Lane], batched: bool = False, ask: Ask = forward
) -> Iterator[tuple[int, StepRecord]]:
    """Run lanes on one clock until all are finished; yields (lane index, record) after every step.

    Close the generator to cancel: no pass begins after the step last yielded. On a device of its own one is under way:
    the record of a step is read while the next pass runs, so that recording never stalls it.

    Args:
        batched: one forward pass for all unfinished lanes of equal length. That changes the last bits of the logits, so
            a lane may differ where two guesses tie. Guidance, shadows and caches have passes of their own.
        ask: does a pass.
    """
    ahead = not reading_is_free(model.device)
    waiting: list[tuple[int, Step]] = []
    while running := [index for index, lane in enumerate(lanes) if not lane.finished]:
        for group in _groups(lanes, running, batched):
            began = Moment.now(model.device)
            answers = ask(model, [lanes[index].query() for index in group])
            forward_pass = _Pass(began, Moment.now(model.device), len(group))
            yield from _records(waiting)
            waiting = []
            for index, answer in zip(group, answers, strict=True):
                waiting.append((index, lanes[index].advance(answer, forward_pass)))
                if not ahead:
                    yield from _records(waiting)
                    waiting = []
    yield from _records(waiting)
    for lane in lanes:
        lane.check_interventions()


def _groups(lanes: Sequence[Lane], running: Sequence[int], batched: bool) -> list[list[int]]:
    """Lanes that share a forward pass."""
    together = [index for index in running if batched and lanes[index].query().plain]
    return [group for group in (together, *([index] for index in running if index not in together)) if group]


def _records(steps: Sequence[tuple[int, Step]]) -> Iterator[tuple[int, StepRecord]]:
    for index, step in steps:
        yield index, step.record()
