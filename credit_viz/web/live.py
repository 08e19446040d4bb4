"""A run as it happens: backend events in, packets out, cancellable between steps. No gradio, no page."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from credit_viz.backend.base import Event, LaneFinished, RunRequest, RunStarted, StepTaken, Stream
from credit_viz.errors import BackendError, CreditVizError
from credit_viz.trace.codec import Encoder
from credit_viz.web.request import parse_choice, ticket_of
from credit_viz.web.runs import KeptRun, RunStore

__all__ = ["Live"]

#: a choice longer than this is not repeated to the page.
_MAX_CHOICE = 20_000


class Live:
    """Turns requests into packets.

    Args:
        stream: `Backend.stream`, possibly wrapped (ZeroGPU).
        again: the same for a run after a small change, see `Reuse`; None: as `stream`.
        store: where runs are kept for inspection.
        every: seconds between packets; a step that takes longer travels alone.
        clock: seconds, monotonic.
        welcome: the request of a first visit; its first finished run is kept for all later visitors.
    """

    def __init__(
        self,
        stream: Stream,
        store: RunStore,
        every: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
        welcome: RunRequest | None = None,
        again: Stream | None = None,
    ) -> None:
        self._stream = stream
        self._again = again or stream
        self._store = store
        self._every = every
        self._clock = clock
        self._welcome = welcome

    def packets(
        self, prompt: str, choice: str, owner: str, *, again: bool = False, whole: bool = False
    ) -> Iterator[str]:
        """Run and report; every failure that was foreseen ends as one sentence in the last packet.

        Args:
            owner: whose run it is, see `RunStore.free`.
            again: lanes of earlier runs need not be decoded again.
            whole: send no step before the run is over.
        """
        run = secrets.token_urlsafe(9)
        kept: KeptRun | None = None
        ticket = ticket_of(choice)
        try:
            request = parse_choice(choice).request(prompt)
            events = (self._again if again else self._stream)(request)
            started = next(events)
            if not isinstance(started, RunStarted):
                raise BackendError("the backend did not say which lanes it runs")
            kept = KeptRun(run, owner, request, started.lanes)
            self._store.keep(kept)
            about = {"prompt": prompt, "ticket": ticket, "choice": _as_asked(choice), "kept": sorted(started.kept)}
            yield kept.send(kept.encoder.start(about))
            yield from self._steps(kept, events, ticket, whole)
        except CreditVizError as error:
            encoder = kept.encoder if kept else Encoder(run, ())
            packet = encoder.end("failed" if kept else "refused", str(error), ticket)
            yield kept.send(packet) if kept else packet

    def _steps(self, kept: KeptRun, events: Iterator[Event], ticket: str, whole: bool) -> Iterator[str]:
        """Packets of the steps and the end; closing this generator closes the backend's."""
        state = "done"
        due = math.inf if whole else -math.inf
        try:
            while True:
                if self._store.is_cancelled(ticket):
                    state = "cancelled"
                    break
                event = next(events, None)
                if event is None:
                    break
                if isinstance(event, StepTaken):
                    kept.add(event.lane, event.record, event.tokens)
                elif isinstance(event, LaneFinished):
                    kept.finish(event.lane, event.trace, event.seconds)
                if (now := self._clock()) >= due and (packet := kept.encoder.flush()):
                    due = now + self._every
                    yield kept.send(packet)
        finally:
            close = getattr(events, "close", None)
            if close:
                close()
        if packet := kept.encoder.flush():
            yield kept.send(packet)
        last = kept.send(kept.encoder.end(state))
        if state == "done" and kept.request == self._welcome:
            self._store.pin(kept)
        yield last


def _as_asked(choice: str) -> dict[str, Any]:
    """The choice of a run, whatever it holds, for the page's links; {} for the default, or one too long to repeat."""
    if not choice or len(choice) > _MAX_CHOICE:
        return {}
    return {name: value for name, value in json.loads(choice).items() if name != "ticket"}
