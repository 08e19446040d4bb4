"""Lanes that were decoded before are shown again instead of being decoded again. Knows the contract of backends only.

A lane is the same if everything that its result depends on is: the prompt, the run's options, its decoder and
every knob. Decoding is deterministic, so its events are, too; only lanes that finished are kept.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from credit_viz.backend.base import (
    Event,
    LaneFinished,
    LaneRequest,
    RunRequest,
    RunStarted,
    StepTaken,
    Stream,
    shown_ids,
)
from credit_viz.decoding import make_decoder
from credit_viz.errors import BackendError
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, STEP_FIELDS, RunInfo, StepRecord, Trace

__all__ = ["Reuse"]


@dataclass(frozen=True)
class _Kept:
    """A finished lane."""

    info: RunInfo  #: as its run announced it
    trace: Trace
    seconds: float | None

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        named = (getattr(self.trace, name) for name in (*STEP_FIELDS, *CELL_FIELDS, *EVENT_FIELDS))
        return sum(array.nbytes for array in (*named, *self.trace.channels.values()))


class Reuse:
    """A backend's stream with a memory. Thread-safe; the least recently used lanes go first.

    Args:
        stream: decodes what is not kept.
        max_bytes: of all lanes kept; one that is larger alone is not kept.
        clock: seconds, monotonic.
    """

    def __init__(
        self, stream: Stream, max_bytes: int = 256 << 20, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._clock = clock
        self._lanes: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes of all lanes kept."""
        return sum(kept.nbytes for kept in self._lanes.values())

    def afresh(self, request: RunRequest) -> Iterator[Event]:
        """`Backend.stream`: every lane is decoded, and kept for later."""
        return self._begin(request, [_key(request, lane) for lane in request.lanes], {})

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """`Backend.stream`, but kept lanes are shown again; they keep step with those that are decoded."""
        keys = [_key(request, lane) for lane in request.lanes]
        return self._begin(request, keys, {i: kept for i, key in enumerate(keys) if (kept := self._find(key))})

    def _begin(self, request: RunRequest, keys: list[str], found: dict[int, _Kept]) -> Iterator[Event]:
        missing = [lane for lane in range(len(keys)) if lane not in found]
        if found and not missing:
            return _Mix(found).replay()
        events = self._stream(replace(request, lanes=tuple(request.lanes[lane] for lane in missing)))
        return self._decode(events, missing, [keys[lane] for lane in missing], _Mix(found))

    def _decode(self, events: Iterator[Event], lanes: list[int], keys: list[str], mix: _Mix) -> Iterator[Event]:
        """Events of the lanes that are not kept, at their places in the run, among those of the others."""
        seconds = [0.0] * len(lanes)
        infos: tuple[RunInfo, ...] = ()
        try:
            while True:
                began = self._clock()
                event = next(events, None)
                if event is None:
                    break
                if isinstance(event, RunStarted):
                    infos = event.lanes
                    yield mix.started(dict(zip(lanes, infos, strict=True)))
                    continue
                if not infos:
                    raise BackendError("the backend did not say which lanes it runs")
                seconds[event.lane] += self._clock() - began
                if isinstance(event, StepTaken):
                    yield from mix.steps_before(event.record.step)
                    yield mix.step(lanes[event.lane], event.record, dict(event.tokens))
                    continue
                alone = seconds[event.lane] if infos[event.lane].lanes == 1 else None
                self._keep(keys[event.lane], _Kept(infos[event.lane], event.trace, alone))
                yield LaneFinished(lanes[event.lane], event.trace, alone)
            yield from mix.steps_before(math.inf)
        finally:
            close = getattr(events, "close", None)
            if close:
                close()

    def _find(self, key: str) -> _Kept | None:
        with self._lock:
            if key in self._lanes:
                self._lanes.move_to_end(key)
            return self._lanes.get(key)

    def _keep(self, key: str, kept: _Kept) -> None:
        with self._lock:
            self._lanes[key] = kept
            while self._lanes and self.nbytes > self._max_bytes:
                self._lanes.popitem(last=False)


@dataclass
class _Mix:
    """The kept lanes of a run, step by step, and the token texts that the run has told."""

    kept: dict[int, _Kept]
    _told: set[int] = field(default_factory=set)
    _waiting: dict[int, Iterator[StepRecord]] = field(default_factory=dict)
    _next: dict[int, StepRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiting = {lane: kept.trace.steps() for lane, kept in self.kept.items()}
        for lane in list(self._waiting):
            self._advance(lane)

    def started(self, decoded: dict[int, RunInfo]) -> RunStarted:
        """First event, given the lanes that are decoded."""
        infos = decoded | {lane: kept.info for lane, kept in self.kept.items()}
        return RunStarted(tuple(infos[lane] for lane in sorted(infos)), frozenset(self.kept))

    def replay(self) -> Iterator[Event]:
        """A run of kept lanes only."""
        yield self.started({})
        yield from self.steps_before(math.inf)

    def steps_before(self, step: float) -> Iterator[Event]:
        """What the kept lanes did up to a step, in the order of steps."""
        while due := [lane for lane, record in self._next.items() if record.step <= step]:
            lane = min(due, key=lambda each: (self._next[each].step, each))
            record = self._next.pop(lane)
            yield self.step(lane, record, self.kept[lane].trace.info.token_text)
            self._advance(lane)
            if lane not in self._next:
                yield LaneFinished(lane, self.kept[lane].trace, self.kept[lane].seconds)

    def step(self, lane: int, record: StepRecord, texts: Mapping[int, str]) -> StepTaken:
        """One step of any lane, with the texts that the run has not told yet."""
        new = {token for token in shown_ids(record) if token in texts} - self._told
        self._told |= new
        return StepTaken(lane, record, {token: texts[token] for token in sorted(new)})

    def _advance(self, lane: int) -> None:
        record = next(self._waiting[lane], None)
        if record is not None:
            self._next[lane] = record


def _key(request: RunRequest, lane: LaneRequest) -> str:
    """What a lane's result depends on, its unset knobs filled in."""
    settings = make_decoder(lane.decoder, lane.settings).settings.to_dict()
    return repr(replace(request, lanes=(replace(lane, settings=settings),)))
