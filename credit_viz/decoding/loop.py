"""THE denoising loop: the only one in the project. A generator of step records; a thin wrapper collects a Trace.

Knows canvases, decoders and anything with `token_logits` (the `LanguageModel` protocol below); nothing of checkpoints,
tokenizers or plots. A `Lane` is one run: its canvas, its decoder's state, its randomness. Several lanes run on one
clock: each round gives every unfinished lane one forward pass, either one after the other or in one batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from credit_viz.decoding.base import Block, Decision, Decoder
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.recorder import Recorder
from credit_viz.errors import PromptError, SettingsError, one_of
from credit_viz.trace.record import Reason, StepRecord

__all__ = ["MAX_LENGTH", "RECORD_MODES", "Canvas", "Lane", "LanguageModel", "RunOptions", "denoise"]

RECORD_MODES = ("all", "block", "none")
MAX_LENGTH = 65_535  #: longest generated text; positions travel to the page as 16-bit numbers


class LanguageModel(Protocol):
    """What the loop needs of a model."""

    @property
    def mask_id(self) -> int: ...
    @property
    def eos_ids(self) -> tuple[int, ...]: ...
    @property
    def token_limit(self) -> int: ...
    @property
    def max_positions(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    def token_logits(self, canvas: Tensor, rows: Tensor | None = None) -> Tensor:
        """Position-aligned logits of canvas (B, L): (B, L, V), or (B, R, V) for the positions in rows (R,)."""


@dataclass(frozen=True)
class RunOptions:
    """What all lanes of a run share.

    Raises:
        SettingsError: a value is out of range; the message names it and says what is valid.
    """

    gen_length: int = 64  #: L
    block_length: int = 32
    seed: int = 0
    early_stop: bool = False  #: end once an end-of-text token is written with everything before it
    record: str = "all"  #: cells of "all" masked positions, of the active "block" only, or "none"
    top_k: int = 5  #: candidates per cell

    def __post_init__(self) -> None:
        for name in ("gen_length", "block_length", "top_k"):
            object.__setattr__(self, name, _whole(name, getattr(self, name), 1, MAX_LENGTH))
        object.__setattr__(self, "seed", _whole("seed", self.seed, 0, 2**63 - 1))
        if self.gen_length % self.block_length:
            divisors = [n for n in range(1, self.gen_length + 1) if self.gen_length % n == 0]
            raise SettingsError(
                f"gen_length={self.gen_length} is not divisible by block_length={self.block_length}; "
                f"valid block lengths: {', '.join(map(str, divisors))}"
            )
        if self.record not in RECORD_MODES:
            raise SettingsError(one_of("record mode", self.record, RECORD_MODES))


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise SettingsError(f"{name}={value!r} is out of range; valid: whole numbers {low}..{high}")
    return int(value)


class Canvas(NamedTuple):
    """The prompt followed by the generated region."""

    ids: Tensor  #: (P + L,) int64 on the model's device
    prompt_length: int  #: P

    @property
    def generated(self) -> Tensor:
        """(L,) view of the generated region."""
        return self.ids[self.prompt_length :]

    @classmethod
    def blank(cls, model: LanguageModel, prompt_ids: Sequence[int], gen_length: int) -> Canvas:
        """Prompt and masks.

        Raises:
            PromptError: the prompt is empty, has unknown ids, or leaves no room for gen_length positions.
        """
        if not prompt_ids:
            raise PromptError("the prompt is empty; valid: at least one token")
        bad = next((i for i in prompt_ids if not 0 <= i < model.token_limit), None)
        if bad is not None:
            raise PromptError(f"prompt id {bad} is unknown; valid: 0..{model.token_limit - 1}")
        room = model.max_positions - gen_length
        if len(prompt_ids) > room:
            raise PromptError(
                f"the prompt has {len(prompt_ids)} tokens; with {gen_length} generated positions this model "
                f"(maximum {model.max_positions} positions) takes at most {max(0, room)}"
            )
        ids = torch.tensor([*prompt_ids, *[model.mask_id] * gen_length], device=model.device)
        return cls(ids, len(prompt_ids))


class Lane:
    """One run in progress. `advance` is called once per forward pass; the rest is bookkeeping on the host."""

    def __init__(self, model: LanguageModel, prompt_ids: Sequence[int], decoder: Decoder, options: RunOptions) -> None:
        if options.top_k > model.token_limit:
            raise SettingsError(f"top_k={options.top_k} exceeds the vocabulary; valid: 1..{model.token_limit}")
        self.decoder = decoder
        self.options = options
        self.canvas = Canvas.blank(model, prompt_ids, options.gen_length)
        self._model = model
        self._rng = torch.Generator(model.device).manual_seed(options.seed)
        self._recorder = Recorder(options.record, options.top_k)
        # host copy of what is still masked: never asks the device
        self._masked = np.ones(options.gen_length, bool)
        self._written_ids = np.full(options.gen_length, model.mask_id, np.int64)
        self._steps = 0
        self._block = -1
        self._state: object = None
        self._next_block()

    @property
    def finished(self) -> bool:
        """No mask is left."""
        return not self._masked.any()

    @property
    def rows(self) -> Tensor:
        """(L,) canvas positions whose logits `advance` wants."""
        return torch.arange(self.canvas.prompt_length, len(self.canvas.ids), device=self.canvas.ids.device)

    @property
    def _span(self) -> tuple[int, int]:
        length = self.options.block_length
        return self._block * length, (self._block + 1) * length

    def _next_block(self) -> None:
        """Activate the next block that has a mask, with fresh decoder state."""
        self._block += 1
        count = self.options.gen_length // self.options.block_length
        block = Block(self._block, count, self.options.block_length, self.options.gen_length, self.canvas.ids.device)
        self._state = self.decoder.start(block)

    def advance(self, logits: Tensor, forward_seconds: float = 0.0) -> StepRecord:
        """Decide and write one step. logits: (L, V), position-aligned, of this lane's current canvas."""
        began = time.perf_counter()
        start, end = self._span
        everything, predictions = self._read(logits, start, end)
        masked = torch.from_numpy(self._masked[start:end].copy()).to(logits.device)
        decision = self.decoder.step(predictions, masked, self._state, self._rng)
        self._state = decision.state
        events = self._write(decision, predictions, start)
        decided = time.perf_counter()
        self._steps += 1
        cells = self._recorder.cells(self.decoder, everything, predictions, decision, events.masked, (start, end))
        record = StepRecord(
            step=self._steps,
            block=(start, end),
            **cells,
            event_positions=events.positions.astype(np.int32),
            event_ids=events.ids.astype(np.int32),
            event_reasons=events.reasons,
            forward_seconds=forward_seconds,
            decoder_seconds=decided - began,
        )
        while not self.finished and not self._masked[slice(*self._span)].any():
            self._next_block()
        return record

    def _read(self, logits: Tensor, start: int, end: int) -> tuple[Predictions | None, Predictions]:
        """Readings of all positions (only where they are recorded) and of the active block, sharing the work."""
        mask_id, limit = self._model.mask_id, self._model.token_limit
        if self.options.record == "all":
            everything = Predictions(logits, mask_id, limit, with_entropy=True)
            return everything, everything.rows(start, end)
        recorded = self.options.record == "block"
        return None, Predictions(logits[start:end], mask_id, limit, with_entropy=recorded)

    def _write(self, decision: Decision, predictions: Predictions, start: int) -> _Events:
        """Apply the decision to the canvas; the one place that waits for the device."""
        answer = torch.stack([decision.commit.long(), decision.winner_ids, decision.reasons.long()]).cpu().numpy()
        before = self._masked.copy()
        places = np.flatnonzero(answer[0])
        ids, reasons = answer[1, places], answer[2, places].astype(np.uint8)
        if not len(places):
            places, ids = self._best_committable(predictions, start)
            reasons = np.array([Reason.FORCED], np.uint8)
        events = _Events(before, places + start, ids, reasons)
        self._put(events)
        return self._stop_early(events) if self.options.early_stop else events

    def _best_committable(self, predictions: Predictions, start: int) -> tuple[np.ndarray, np.ndarray]:
        """Every masked position of the block guessed an id that must not be written: take the best other guess."""
        p, ids = predictions.best_committable()
        masked = self._masked[start : start + len(ids)]
        place = int(np.where(masked, p.cpu().numpy(), -1.0).argmax())
        return np.array([place]), np.array([int(ids[place])])

    def _put(self, events: _Events) -> None:
        self._masked[events.positions] = False
        self._written_ids[events.positions] = events.ids
        device = self.canvas.ids.device
        self.canvas.generated[torch.from_numpy(events.positions).to(device)] = torch.from_numpy(events.ids).to(device)

    def _stop_early(self, events: _Events) -> _Events:
        """Once an end-of-text token is written with no mask before it, whatever is still masked becomes end-of-text.

        A token already written behind it stays as the decoder wrote it, but is no part of the text any more.
        """
        first_mask = int(self._masked.argmax()) if self._masked.any() else len(self._masked)
        ends = np.flatnonzero(np.isin(self._written_ids[:first_mask], self._model.eos_ids))
        rest = np.flatnonzero(self._masked)
        if not len(ends) or not len(rest):
            return events
        filled = _Events(
            events.masked,
            rest,
            np.full(len(rest), self._written_ids[ends[0]]),
            np.full(len(rest), Reason.FILLED, np.uint8),
        )
        self._put(filled)
        joined = [np.concatenate(pair) for pair in zip(events[1:], filled[1:], strict=True)]
        return _Events(events.masked, *joined)


class _Events(NamedTuple):
    """Writes of one step, on the host."""

    masked: np.ndarray  #: (L,) bool, before the writes
    positions: np.ndarray
    ids: np.ndarray
    reasons: np.ndarray


def denoise(model: LanguageModel, lanes: Sequence[Lane], batched: bool = False) -> Iterator[tuple[int, StepRecord]]:
    """Run lanes on one clock until no mask is left; yields (lane index, record) after every step.

    Close the generator to cancel: nothing is computed after the step last yielded.

    Args:
        batched: one forward pass for all unfinished lanes (they must be of equal length) instead of one each. Batches
            change the last bits of the logits, so a lane may differ from its run alone where two guesses tie.
    """
    while running := [index for index, lane in enumerate(lanes) if not lane.finished]:
        if batched:
            logits, seconds = _forward(model, [lanes[index] for index in running])
            for place, index in enumerate(running):
                yield index, lanes[index].advance(logits[place], seconds / len(running))
        else:
            for index in running:
                logits, seconds = _forward(model, [lanes[index]])
                yield index, lanes[index].advance(logits[0], seconds)


def _forward(model: LanguageModel, lanes: Sequence[Lane]) -> tuple[Tensor, float]:
    """Logits (B, L, V) of the lanes' generated regions and the seconds it took (enqueued only, on a GPU)."""
    began = time.perf_counter()
    with torch.inference_mode():
        logits = model.token_logits(torch.stack([lane.canvas.ids for lane in lanes]), lanes[0].rows)
    return logits, time.perf_counter() - began
