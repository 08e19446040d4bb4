"""Step records -> one Trace. Knows numpy records only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.errors import TraceError
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, STEP_FIELDS, RunInfo, StepRecord, Trace

__all__ = ["build_trace"]


def build_trace(info: RunInfo, records: Sequence[StepRecord]) -> Trace:
    """Join the records of a run, in order; fewer than the whole run give a trace that is not complete.

    Raises:
        TraceError: the records do not fit `info` or each other.
    """
    steps = {
        "cell_counts": [len(r.positions) for r in records],
        "block_starts": [r.block[0] for r in records],
        "block_ends": [r.block[1] for r in records],
        "forward_seconds": [r.forward_seconds for r in records],
        "decoder_seconds": [r.decoder_seconds for r in records],
    }
    channels = sorted({name for r in records for name in r.channels})
    return Trace(
        info=info,
        **{name: np.asarray(steps[name], dtype) for name, dtype in STEP_FIELDS.items()},
        **{name: _join(records, name, kind, (info.top_k,) * (dims - 1)) for name, (dims, kind) in CELL_FIELDS.items()},
        channels={name: _concat([r.channels[name] for r in records], np.float32, ()) for name in channels},
        event_steps=np.repeat([r.step for r in records], [len(r.event_ids) for r in records]).astype(np.int32),
        **{name: _join(records, name, kind, ()) for name, kind in EVENT_FIELDS.items() if name != "event_steps"},
    )


def _join(records: Sequence[StepRecord], name: str, dtype: type[np.generic], tail: tuple[int, ...]) -> NDArray[Any]:
    return _concat([getattr(r, name) for r in records], dtype, tail)


def _concat(parts: list[NDArray[Any]], dtype: type[np.generic], tail: tuple[int, ...]) -> NDArray[Any]:
    try:
        return np.concatenate([np.zeros((0, *tail), dtype), *parts]).astype(dtype, copy=False)
    except ValueError as error:
        raise TraceError(f"records of different widths cannot be one trace: {error}") from error
