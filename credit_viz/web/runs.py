"""The runs the server keeps for inspection, bounded in number and bytes. Knows records and packets; no gradio.

A page needs its run again when it missed a packet (`packets`) and when a token is inspected (`position`).
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from credit_viz.backend.base import LaneRequest, RunRequest
from credit_viz.errors import BackendError, TraceError
from credit_viz.trace.build import build_trace
from credit_viz.trace.codec import Encoder, encode_position
from credit_viz.trace.record import RunInfo, StepRecord, Trace

__all__ = ["KeptRun", "RunStore"]


class KeptRun:
    """One run: its packets as sent, and its records for exact numbers."""

    def __init__(self, run: str, owner: str, request: RunRequest, lanes: tuple[RunInfo, ...]) -> None:
        self.run = run
        self.owner = owner
        self.request = request
        self.encoder = Encoder(run, lanes)
        self.packets: list[str] = []
        self.records: list[list[StepRecord]] = [[] for _ in lanes]
        self.nbytes = 0
        self._infos = lanes
        self._finished: dict[int, Trace] = {}

    @classmethod
    def of_traces(
        cls, run: str, traces: Sequence[Trace], about: Mapping[str, Any] = MappingProxyType({}), owner: str = ""
    ) -> KeptRun:
        """Saved runs as one kept run, with all its packets.

        Args:
            about: what the first packet says beside the prompt.

        Raises:
            TraceError: no traces, or of different prompts or lengths.
        """
        request = _request_of(traces)
        kept = cls(run, owner, request, tuple(trace.info for trace in traces))
        for lane, trace in enumerate(traces):
            for record in trace.steps():
                kept.add(lane, record, trace.info.token_text)
            kept.finish(lane, trace)
        kept.send(kept.encoder.start({"prompt": request.prompt, **about}))
        if steps := kept.encoder.flush():
            kept.send(steps)
        kept.send(kept.encoder.end("done" if all(trace.complete for trace in traces) else "cancelled"))
        return kept

    def add(self, lane: int, record: StepRecord, tokens: Mapping[int, str]) -> None:
        """Take in one step."""
        self.encoder.add(lane, record, tokens)
        self.records[lane].append(record)
        self.nbytes += _nbytes(record)

    def finish(self, lane: int, trace: Trace, seconds: float | None = None) -> None:
        """Lane `lane` is done; seconds: wall clock of all of it, where that is known."""
        self._finished[lane] = trace
        self.encoder.finish(lane, seconds)

    def trace(self, lane: int) -> Trace:
        """What a lane has done so far; incomplete where the run was cancelled.

        Raises:
            TraceError: no such lane.
        """
        if lane in self._finished:
            return self._finished[lane]
        if not 0 <= lane < len(self._infos):
            raise TraceError(f"lane {lane} is out of range; valid: 0..{len(self._infos) - 1}")
        bare = build_trace(self._infos[lane], list(self.records[lane]))
        texts = {**bare.info.token_text, **self.encoder.texts}
        written = (int(i) for i in bare.token_ids[: bare.text_end] if i not in (bare.info.mask_id, *bare.info.eos_ids))
        info = dataclasses.replace(bare.info, token_text=texts, text="".join(texts.get(i, "") for i in written))
        return dataclasses.replace(bare, info=info)

    def traces(self) -> tuple[Trace, ...]:
        """`trace` of every lane."""
        return tuple(self.trace(lane) for lane in range(len(self._infos)))

    def send(self, packet: str) -> str:
        """The packet, remembered."""
        self.packets.append(packet)
        return packet

    def position(self, position: int) -> str:
        """Exact numbers of one position in all lanes."""
        return encode_position(self.run, position, [list(lane) for lane in self.records], self.encoder.texts)


class RunStore:
    """Thread-safe; the least recently used runs go first, a visitor's runs go when the visitor leaves.

    Args:
        lasting: runs that are nobody's and never go, by id.
        pinned: what a first visit shows; else what is pinned first.
    """

    def __init__(
        self,
        max_runs: int = 32,
        max_per_owner: int = 4,
        max_bytes: int = 256 << 20,
        lasting: Callable[[str], KeptRun | None] | None = None,
        pinned: KeptRun | None = None,
    ) -> None:
        self._lasting = lasting
        self._max_runs = max_runs
        self._max_per_owner = max_per_owner
        self._max_bytes = max_bytes
        self._runs: OrderedDict[str, KeptRun] = OrderedDict()
        self._cancelled: OrderedDict[str, None] = OrderedDict()
        self._pinned = pinned
        self._lock = threading.Lock()

    def keep(self, kept: KeptRun) -> None:
        """Add a run and let old ones go."""
        with self._lock:
            self._runs[kept.run] = kept
            mine = [run for run, other in self._runs.items() if other.owner == kept.owner]
            for run in mine[: -self._max_per_owner]:
                del self._runs[run]
            while len(self._runs) > 1 and (len(self._runs) > self._max_runs or self.nbytes > self._max_bytes):
                self._runs.popitem(last=False)

    def get(self, run: str) -> KeptRun:
        """A kept run.

        Raises:
            BackendError: it is unknown or was let go.
        """
        if self._lasting and (kept := self._lasting(run)):
            return kept
        with self._lock:
            if self._pinned is not None and self._pinned.run == run:
                return self._pinned
            if run not in self._runs:
                raise BackendError("the server no longer keeps this run; run it again to inspect it")
            self._runs.move_to_end(run)
            return self._runs[run]

    def free(self, owner: str) -> None:
        """Let a visitor's runs go."""
        with self._lock:
            for run in [run for run, kept in self._runs.items() if kept.owner == owner]:
                del self._runs[run]

    def pin(self, kept: KeptRun) -> None:
        """Keep one run for good, the one a first visit shows; the first to come stays."""
        with self._lock:
            self._pinned = self._pinned or kept

    @property
    def pinned(self) -> KeptRun | None:
        """The run a first visit shows, if there is one."""
        return self._pinned

    @property
    def nbytes(self) -> int:
        """Bytes of all records kept."""
        return sum(kept.nbytes for kept in self._runs.values())

    def cancel(self, ticket: str) -> None:
        """Ask the run with this ticket to stop, even if it has not started."""
        with self._lock:
            self._cancelled[ticket] = None
            while len(self._cancelled) > 1024:
                self._cancelled.popitem(last=False)

    def is_cancelled(self, ticket: str) -> bool:
        """Was this run asked to stop?"""
        return bool(ticket) and ticket in self._cancelled


def _request_of(traces: Sequence[Trace]) -> RunRequest:
    """The request that would make these runs again."""
    infos = [trace.info for trace in traces]
    if not infos:
        raise TraceError("a run of no traces; valid: 1 or more")
    first = infos[0]
    for name in ("prompt", "prompt_ids", "gen_length"):
        if any(getattr(info, name) != getattr(first, name) for info in infos):
            raise TraceError(f"these traces differ in {name}; valid: lanes of one run")
    return RunRequest(
        prompt=first.prompt or "",
        lanes=tuple(LaneRequest(info.decoder, info.settings) for info in infos),
        gen_length=first.gen_length,
        block_length=first.block_length,
        seed=first.seed,
        early_stop=first.early_stop,
        top_k=first.top_k,
        cache=first.cache,
        logits_to_keep=first.logits_to_keep,
    )


def _nbytes(record: StepRecord) -> int:
    arrays = [value for value in vars(record).values() if hasattr(value, "nbytes")]
    return sum(int(array.nbytes) for array in (*arrays, *record.channels.values()))
