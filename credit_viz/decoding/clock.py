"""When something happened where it is computed, without making anybody wait. Knows devices only.

A GPU works through a queue: the host's clock would say when work was queued, not when it was done.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

__all__ = ["Moment", "reading_is_free"]


def reading_is_free(device: torch.device) -> bool:
    """The host may look at the device's numbers at any time: there is no queue that would have to run empty first."""
    return device.type == "cpu"


@dataclass(frozen=True)
class Moment:
    """A point in time; on a GPU one in its queue of work."""

    host: float
    event: torch.cuda.Event | None

    @classmethod
    def now(cls, device: torch.device) -> Moment:
        """Once everything asked of the device so far is done."""
        event = None
        if device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record(torch.cuda.current_stream(device))
        return cls(time.perf_counter(), event)

    def since(self, earlier: Moment) -> float:
        """Seconds between two moments of one device; waits for this one."""
        if self.event is None or earlier.event is None:
            return self.host - earlier.host
        self.event.synchronize()
        return float(earlier.event.elapsed_time(self.event)) / 1000
