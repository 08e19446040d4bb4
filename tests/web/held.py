"""What the server holds of a lane, as the short text that static/held.js makes of what the page holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.trace.codec import PLANES
from credit_viz.trace.record import StepRecord, Trace

__all__ = ["held_by"]

_BASIS, _PRIME = 0x811C9DC5, 0x01000193  # FNV-1a, over 32-bit numbers


def held_by(trace: Trace) -> str:
    """The words "steps cells events sum" of a trace, from nothing but its own arrays."""
    cells = [_cells(record) for record in trace.steps()]
    events = (trace.event_steps, trace.event_positions, trace.event_ids, trace.event_reasons)
    total = _BASIS
    for table in [*cells, np.stack(events, 1)]:
        for value in table.astype(np.int64).ravel().tolist():
            total = (total ^ value) * _PRIME & 0xFFFFFFFF
    return f"{len(cells)} {sum(map(len, cells))} {len(trace.event_ids)} {total}"


def _cells(record: StepRecord) -> NDArray[Any]:
    """A row per open position: where, raw top-1, winner, and a byte of each plane in the order of their names."""
    named = {"confidence": record.candidate_p[:, 0], "fused": record.fused, "entropy": record.entropy}
    values = {**record.channels, **named}
    planes = [PLANES[name].to_bytes(values[name]) for name in sorted(PLANES) if name in values]
    return np.stack([record.positions, record.candidate_ids[:, 0], record.winner_ids, *planes], 1)
