"""A backend without a model: plausible random runs, the same for the same request, with hostile token texts.

For tests of the page and for working on it. Knows the backend contract only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.backend.base import Event, LaneFinished, Piece, RunRequest, RunStarted, StepTaken
from credit_viz.decoding import DECODERS
from credit_viz.errors import PromptError, SettingsError
from credit_viz.trace.record import CELL_FIELDS, Reason, RunInfo, StepRecord, Trace

HOSTILE = (
    "<img src=x onerror=window.pwned=1>",
    "${window.pwned=1}",
    "{{constructor.constructor('window.pwned=1')()}}",
    "</script><script>window.pwned=1</script>",
    "\ud800lone",
    "\u202eRTL",
    "\x00NUL",
    "<b>bold</b>&amp;",
    "`x`",
    "\u200f",
    "\r\n",
    "\t",
)
PLAIN = (
    *("Mia", "takes", "the", "red", "kite", "to", "park", ".", "She", "meets", "Tom", "near", "an", "old", "gate", ","),
    *(
        "and",
        "they",
        "fly",
        "it",
        "until",
        "sun",
        "sets",
        "Then",
        "starts",
        "rain",
        "so",
        "run",
        "home",
        "drink",
        "tea",
    ),
    *("with", "honey", "while", "cat", "sleeps", "on", "a", "warm", "chair"),
)
VOCABULARY = (*HOSTILE, *(" " + word for word in PLAIN), "\n", *(str(digit) for digit in range(10)))
MASK_ID, EOS_ID = len(VOCABULARY), len(VOCABULARY) + 1
TEXTS = {**dict(enumerate(VOCABULARY)), MASK_ID: "<|mdm_mask|>", EOS_ID: "<|endoftext|>"}
TOP_K = 5


class FakeBackend:
    """Runs a request lane after lane in lockstep; `seconds` is slept per step."""

    model_name = "fake (0 M)"
    abilities = frozenset({"guidance", "shadow", "prefix cache", "dual cache"})

    def __init__(self, seconds: float = 0.0, hostile: bool = True, quick: bool = False) -> None:
        self.seconds = seconds
        self.hostile = hostile
        self.quick = quick

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """Whole words with their space, else nothing."""
        known = {shown: token for token, shown in TEXTS.items()}
        words = [f" {word}" for word in text.split()]
        return tuple(Piece(known[word], word) for word in words if word in known)

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """See `credit_viz.backend.base.Backend.stream`."""
        if not request.prompt.strip():
            raise PromptError("the prompt is empty; valid: 1 to 4096 characters")
        if len(request.prompt) > 4096:
            raise PromptError(f"the prompt has {len(request.prompt)} characters; valid: 1 to 4096")
        if request.gen_length % request.block_length:
            raise SettingsError(
                f"gen_length={request.gen_length} is not divisible by block_length={request.block_length}; "
                "valid: a multiple of the block length"
            )
        return self._events(request)

    def _events(self, request: RunRequest) -> Iterator[Event]:
        lanes = [FakeLane(request, i, self.hostile) for i in range(len(request.lanes))]
        yield RunStarted(tuple(lane.info for lane in lanes))
        told: set[int] = set()
        while any(not lane.done for lane in lanes):
            for index, lane in enumerate(lanes):
                if lane.done:
                    continue
                time.sleep(self.seconds)
                record = lane.step()
                fresh = {int(i) for i in record.candidate_ids.flat} | {int(i) for i in record.event_ids}
                yield StepTaken(index, record, {i: TEXTS[i] for i in fresh - told})
                told |= fresh
                if lane.done:
                    yield LaneFinished(index, lane.trace())


class FakeLane:
    """One lane of a fake run: confidences rise over time, faster where neighbours are written."""

    def __init__(self, request: RunRequest, index: int, hostile: bool) -> None:
        lane = request.lanes[index]
        length = request.gen_length
        rng = np.random.default_rng(request.seed + sum(map(ord, request.prompt)))
        low = 0 if hostile else len(HOSTILE)
        self.final = rng.integers(low, len(VOCABULARY), length)
        self.final[int(length * 0.8) :] = EOS_ID
        self.rivals = rng.integers(low, len(VOCABULARY), (length, TOP_K - 1))
        self.ease = rng.gamma(2.0, 0.5, length) + 0.2
        self.rng = np.random.default_rng(request.seed)
        self.decoder = lane.decoder
        self.settings: Mapping[str, Any] = {"threshold": 0.9, "alpha": 0.7, "beta": 0.8, "gamma": 0.2, **lane.settings}
        self.info = _info(request, index)
        self.masked = np.ones(length, bool)
        self.credit = np.zeros(length)
        self.records: list[StepRecord] = []

    @property
    def done(self) -> bool:
        """No mask left."""
        return not self.masked.any()

    def step(self) -> StepRecord:
        """One forward pass and its writes."""
        positions = np.flatnonzero(self.masked).astype(np.int32)
        block_length = self.info.block_length
        start = int(positions[0]) // block_length * block_length
        active = (positions >= start) & (positions < start + block_length)
        p = self._confidence(positions)
        self.credit[positions[active]] = self.credit[positions[active]] * 0.8 + p[active] ** 0.2
        ids = np.concatenate([self.final[positions, None], self.rivals[positions]], 1).astype(np.int32)
        unsure = p < 0.35
        ids[unsure] = np.roll(ids[unsure], 1, axis=1)
        boost = np.where(active, 0.7 * np.log1p(self.credit[positions]), 0.0) * (self.decoder == "credit")
        odds = p / (1 - p) * np.exp(boost)
        fused = odds / (1 + odds)
        commit, reason = self._accept(p, fused, active)
        record = self._record(start, positions, ids, p, fused, boost, active, commit, reason)
        self.masked[positions[commit]] = False
        self.records.append(record)
        return record

    def trace(self) -> Trace:
        """Everything so far."""
        return trace_of(self.info, self.records)

    def _confidence(self, positions: NDArray[np.int32]) -> NDArray[np.float64]:
        written = 1 - self.masked
        near = np.convolve(written, np.ones(9) / 9, "same")[positions]
        left = written[: int(positions[0])].size / len(written)
        rise = self.ease[positions] * (0.12 * (len(self.records) ** 0.7) + 3.0 * near + left) - 1.5
        noise = self.rng.normal(0, 0.25, len(positions))
        return 0.02 + 0.97 / (1 + np.exp(-(rise + noise)))

    def _accept(
        self, p: NDArray[np.float64], fused: NDArray[np.float64], active: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], Reason | None]:
        best = np.zeros(len(p), bool)
        best[np.argmax(np.where(active, fused, -1))] = True
        if self.decoder == "vanilla":
            return best, Reason.SCHEDULED
        passed = active & (fused >= self.settings["threshold"])
        return (passed, None) if passed.any() else (best, Reason.FORCED)

    def _record(
        self,
        start: int,
        positions: NDArray[np.int32],
        ids: NDArray[np.int32],
        p: NDArray[np.float64],
        fused: NDArray[np.float64],
        boost: NDArray[np.float64],
        active: NDArray[np.bool_],
        commit: NDArray[np.bool_],
        reason: Reason | None,
    ) -> StepRecord:
        rest = (1 - p)[:, None] * np.array([0.5, 0.25, 0.12, 0.06])
        candidate_p = np.concatenate([p[:, None], rest], 1).astype(np.float32)
        scale = (1 - fused)[:, None] / (1 - p)[:, None]
        credit = np.where(boost > 0, self.credit[positions], 0.0)
        confident = np.where(p >= self.settings["threshold"], Reason.CONFIDENT, Reason.CREDIT)
        reasons = np.full(len(p), int(reason)) if reason else confident
        credit_table = np.zeros_like(candidate_p)
        credit_table[:, 0] = credit
        return StepRecord(
            step=len(self.records) + 1,
            block=(start, start + self.info.block_length),
            positions=positions,
            candidate_ids=ids,
            candidate_p=candidate_p,
            candidate_credit=credit_table,
            candidate_fused=np.concatenate([fused[:, None], rest * scale], 1).astype(np.float32),
            winner_ids=ids[:, 0].copy(),
            winner_p=p.astype(np.float32),
            fused=fused.astype(np.float32),
            entropy=(-p * np.log(p)).astype(np.float32),
            channels=self._channels(fused, credit, boost, active),
            event_positions=positions[commit],
            event_ids=ids[commit, 0],
            event_reasons=reasons[commit].astype(np.uint8),
            forward_seconds=0.002,
            decoder_seconds=0.0005,
        )

    def _channels(
        self,
        fused: NDArray[np.float64],
        credit: NDArray[np.float64],
        boost: NDArray[np.float64],
        active: NDArray[np.bool_],
    ) -> dict[str, NDArray[np.float32]]:
        bar = fused[active].max() if self.decoder == "vanilla" else self.settings["threshold"]
        named = {"bar": np.where(active, bar, np.nan)}
        if self.decoder == "credit":
            named |= {"credit": credit, "boost": boost}
        return {name: values.astype(np.float32) for name, values in named.items()}


def trace_of(info: RunInfo, records: list[StepRecord]) -> Trace:
    """Step records as a Trace."""
    events = {
        "event_steps": np.repeat([r.step for r in records], [len(r.event_ids) for r in records]).astype(np.int32),
        "event_positions": np.concatenate([r.event_positions for r in records]).astype(np.int32),
        "event_ids": np.concatenate([r.event_ids for r in records]).astype(np.int32),
        "event_reasons": np.concatenate([r.event_reasons for r in records]).astype(np.uint8),
    }
    names = sorted(records[0].channels)
    return Trace(
        info=info,
        cell_counts=np.array([len(r.positions) for r in records], np.int32),
        block_starts=np.array([r.block[0] for r in records], np.int32),
        block_ends=np.array([r.block[1] for r in records], np.int32),
        forward_seconds=np.array([r.forward_seconds for r in records]),
        decoder_seconds=np.array([r.decoder_seconds for r in records]),
        **{name: np.concatenate([getattr(r, name) for r in records]) for name in CELL_FIELDS},
        channels={name: np.concatenate([r.channels[name] for r in records]) for name in names},
        **events,
    )


def _info(request: RunRequest, index: int) -> RunInfo:
    lane = request.lanes[index]
    return RunInfo(
        model=FakeBackend.model_name,
        family="fake",
        decoder=lane.decoder,
        settings=DECODERS[lane.decoder].settings_class.from_mapping(lane.settings).to_dict(),
        prompt=request.prompt,
        prompt_ids=(1, 2, 3),
        gen_length=request.gen_length,
        block_length=request.block_length,
        seed=request.seed,
        early_stop=request.early_stop,
        cache=request.cache,
        record="all",
        top_k=TOP_K,
        mask_id=MASK_ID,
        eos_ids=(EOS_ID,),
        vocab_size=len(TEXTS),
        token_text=TEXTS,
    )
