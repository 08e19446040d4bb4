"""Runs that cost nothing to make: a backend without a model, for measuring the page alone. Knows the backend contract
and numpy; no page, no model.

Shapes and orders of magnitude are those of a real run (guesses settle, confidence drifts upwards, words repeat), the
text means nothing. Everything is made before a run is streamed, so that the server is idle while a browser is timed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from credit_viz.backend.base import (
    Event,
    LaneFinished,
    LaneRequest,
    Piece,
    RunRequest,
    RunStarted,
    StepTaken,
    shown_ids,
)
from credit_viz.decoding import DECODERS
from credit_viz.trace.build import build_trace
from credit_viz.trace.record import Reason, RunInfo, StepRecord, Trace

__all__ = ["SyntheticBackend", "synthetic_trace"]

_WORDS, _TOP_K = 3000, 5
_MASK, _END = _WORDS, _WORDS + 1
_SYLLABLES = ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "pe", "du", "ha", "ri", "zu", "fe", "go")


class SyntheticBackend:
    """Every lane writes one token per step, so a run has as many steps as positions.

    Args:
        seconds: slept per step of all lanes, as if a model took that long.
    """

    model_name = "synthetic run (no model)"
    abilities: frozenset[str] = frozenset()
    quick = False

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.begun: list[float] = []  #: when each step was begun, in seconds on the monotonic clock
        self._made: dict[str, tuple[Trace, ...]] = {}

    def prepare(self, request: RunRequest) -> tuple[Trace, ...]:
        """The lanes of a request, made once; the prompt changes nothing."""
        key = repr((request.lanes, request.gen_length, request.block_length, request.seed))
        if key not in self._made:
            lanes = enumerate(request.lanes)
            self._made[key] = tuple(synthetic_trace(request, lane, request.seed + i) for i, lane in lanes)
        return self._made[key]

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """Nothing: no text is written here on demand."""
        return ()

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """See `credit_viz.backend.base.Backend.stream`."""
        traces = self.prepare(request)
        yield RunStarted(tuple(trace.info for trace in traces))
        told: set[int] = set()
        for records in zip(*(trace.steps() for trace in traces), strict=True):
            self.begun.append(time.monotonic())
            time.sleep(self.seconds)
            for lane, record in enumerate(records):
                fresh = shown_ids(record) - told
                told |= fresh
                yield StepTaken(lane, record, {i: traces[lane].info.token_text[i] for i in fresh})
        for lane, trace in enumerate(traces):
            yield LaneFinished(lane, trace)


def synthetic_trace(request: RunRequest, lane: LaneRequest, seed: int) -> Trace:
    """One lane: positions are written one by one, block after block, in random order within a block."""
    rng = np.random.default_rng(seed)
    length, width = request.gen_length, request.block_length
    order = np.concatenate([start + rng.permutation(width) for start in range(0, length, width)])
    written = np.empty(length, np.int64)
    written[order] = np.arange(1, length + 1)
    settled = np.maximum(1, written - rng.geometric(0.04, length))
    text = np.minimum(rng.zipf(1.4, (length, 2 + _TOP_K)) - 1, _WORDS - 1).astype(np.int32)
    text[int(length * 0.9) :, 0] = _END
    lift = 0.4 if lane.decoder == "credit" else 0.0
    sure = rng.normal(0, 0.8, length)
    records = []
    for step in range(1, length + 1):
        open_ = np.flatnonzero(written >= step).astype(np.int32)
        sure[open_] += rng.normal(0.002, 0.01, len(open_))  # it drifts, twice as restless as the embedded model
        ids = text[open_, :_TOP_K].copy()
        early = step < settled[open_]
        ids[early] = np.roll(ids[early], 1 + step // 24 % 3, axis=1)
        near = np.clip((step - settled[open_]) / 16 + 1, 0, 1)  # surer in the last steps before it settles
        p = 1e-6 + (1 - 2e-6) / (1 + np.exp(-5 * (sure[open_] + near - 0.6)))
        start = int(order[step - 1]) // width * width
        records.append(_record(step, (start, start + width), open_, ids, p, lift, int(order[step - 1])))
    return build_trace(_info(request, lane), records)


def _record(
    step: int,
    block: tuple[int, int],
    positions: NDArray[np.int32],
    ids: NDArray[np.int32],
    p: NDArray[np.float64],
    lift: float,
    written: int,
) -> StepRecord:
    active = (block[0] <= positions) & (positions < block[1])
    credit = np.where(active, (step % 64) * p * lift, 0.0)
    boost = 0.7 * np.log1p(credit)
    fused = p * np.exp(boost) / (1 - p + p * np.exp(boost))
    shares = np.array([0.5, 0.25, 0.12, 0.06])
    reason = Reason.CREDIT if lift else Reason.SCHEDULED
    channels = {"bar": np.where(active, 0.9, np.nan)} | ({"credit": credit, "boost": boost} if lift else {})
    return StepRecord(
        step=step,
        block=block,
        positions=positions,
        candidate_ids=ids,
        candidate_p=_rows(p, shares),
        candidate_credit=_rows(credit, np.zeros(4), rest=0.0),
        candidate_fused=_rows(fused, shares),
        winner_ids=ids[:, 0].copy(),
        winner_p=p.astype(np.float32),
        fused=fused.astype(np.float32),
        entropy=(-p * np.log(p) - (1 - p) * np.log((1 - p) / 50)).astype(np.float32),
        channels={name: values.astype(np.float32) for name, values in channels.items()},
        event_positions=np.array([written], np.int32),
        event_ids=ids[positions == written, 0],
        event_reasons=np.array([reason], np.uint8),
        forward_seconds=0.0,
        decoder_seconds=0.0,
    )


def _rows(first: NDArray[np.float64], shares: NDArray[np.float64], rest: float = 1.0) -> NDArray[np.float32]:
    """A row per position: its best candidate, and shares of what that leaves for the others."""
    return np.concatenate([first[:, None], (rest - rest * first)[:, None] * shares], 1).astype(np.float32)


def _texts() -> dict[int, str]:
    count = len(_SYLLABLES)
    words = {i: " " + "".join(_SYLLABLES[i // count**k % count] for k in range(3)) for i in range(_WORDS)}
    return {**words, _MASK: "<|mask|>", _END: "<|endoftext|>"}


def _info(request: RunRequest, lane: LaneRequest) -> RunInfo:
    return RunInfo(
        model=SyntheticBackend.model_name,
        family="synthetic",
        decoder=lane.decoder,
        settings=DECODERS[lane.decoder].settings_class.from_mapping(lane.settings).to_dict(),
        prompt=request.prompt,
        prompt_ids=(1,),
        gen_length=request.gen_length,
        block_length=request.block_length,
        seed=request.seed,
        early_stop=False,
        record="all",
        top_k=_TOP_K,
        mask_id=_MASK,
        eos_ids=(_END,),
        vocab_size=_WORDS + 2,
        token_text=_texts(),
    )
