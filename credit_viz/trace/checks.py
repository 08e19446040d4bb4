"""What every trace must fulfil before anything is computed from it. Knows records only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.errors import TraceError
from credit_viz.trace import metrics
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, MAX_LENGTH, STEP_FIELDS, Reason, RunInfo, Trace

__all__ = ["check"]

_LONGEST = 10**9  #: seconds of a step


def check(trace: Trace) -> None:
    """Shapes and types first: what follows relies on them.

    Raises:
        TraceError: the message names the array, what it holds and what is valid.
    """
    _check_header(trace.info)
    for name, dtype in STEP_FIELDS.items():
        _check_array(name, getattr(trace, name), trace.cell_counts.shape[:1], dtype)
        if dtype is np.float64:
            _check_seconds(name, getattr(trace, name))
    length, steps, cells = trace.info.gen_length, len(trace.cell_counts), int(trace.cell_counts.sum())
    for name, (dims, kind) in CELL_FIELDS.items():
        _check_array(name, getattr(trace, name), (cells, trace.info.top_k)[:dims], kind)
    for name, values in trace.channels.items():
        _check_array(f"channel {name!r}", values, (cells,), np.float32)
    for name, dtype in EVENT_FIELDS.items():
        _check_array(name, getattr(trace, name), trace.event_steps.shape[:1], dtype)
    _check_ranges(trace, length, steps)
    _check_orders(trace)
    _check_events(trace)


def _check_header(info: RunInfo) -> None:
    """What later code allocates or compares by."""
    largest = np.iinfo(np.int32).max
    numbers = {"gen_length": (info.gen_length, 1, MAX_LENGTH), "vocab_size": (info.vocab_size, 1, largest)}
    numbers |= {"block_length": (info.block_length, 1, MAX_LENGTH), "top_k": (info.top_k, 1, largest)}
    numbers["mask_id"] = (info.mask_id, -1, largest)  # -1: the model has no mask token
    numbers |= {f"eos_ids[{i}]": (token, 0, largest) for i, token in enumerate(info.eos_ids)}
    for i, one in enumerate(info.interventions):
        numbers[f"interventions[{i}].position"] = (one.position, 0, info.gen_length - 1)
        numbers[f"interventions[{i}].token"] = (one.token or 0, 0, info.vocab_size - 1)
    for name, (value, low, high) in numbers.items():
        if not low <= value <= high:
            raise TraceError(f"trace header has {name}={value}; valid: {low}..{high}")


def _check_ranges(trace: Trace, length: int, steps: int) -> None:
    last_id = trace.info.vocab_size - 1
    for position, token in trace.info.fixed.items():
        if not 0 <= position < length or not 0 <= token <= last_id:
            raise TraceError(f"trace header fixes token {token} at position {position}; the run has {length} positions")
    _check_range("cell_counts", trace.cell_counts, 0, length)
    _check_range("block_starts", trace.block_starts, 0, length - 1)
    _check_range("block_ends", trace.block_ends, 1, length)
    _check_range("positions", trace.positions, 0, length - 1)
    _check_range("candidate_ids", trace.candidate_ids, 0, last_id)
    for name in ("winner_ids", "event_ids"):  # a position that is taken back: -1 in models that have no mask token
        _check_range(name, getattr(trace, name), min(0, trace.info.mask_id), last_id)
    _check_range("event_positions", trace.event_positions, 0, length - 1)
    _check_range("event_steps", trace.event_steps, 1, steps)
    _check_range("event_reasons", trace.event_reasons, 1, max(Reason))


def _check_orders(trace: Trace) -> None:
    if (trace.block_starts >= trace.block_ends).any():
        raise TraceError("trace arrays block_starts and block_ends hold an empty block; valid: start < end")
    if (np.diff(trace.event_steps) < 0).any():
        raise TraceError("trace array event_steps goes back in time; valid: in the order of writing")
    same_step = trace.cell_steps[1:] == trace.cell_steps[:-1]
    if (same_step & (np.diff(trace.positions) <= 0)).any():
        raise TraceError("trace array positions repeats or goes back within a step; valid: ascending")


def _check_events(trace: Trace) -> None:
    """Every event changes what stands, and only taking back leaves a mask, unless a person wrote it."""
    given = np.isin(trace.event_positions, list(trace.info.fixed))
    if given.any():
        raise TraceError(f"trace array event_positions holds {trace.event_positions[given][0]}, whose token is given")
    takes_back = trace.event_ids == trace.info.mask_id
    by_decoder = trace.event_reasons != Reason.INTERVENED  # a person may do either
    wrong = np.flatnonzero(by_decoder & (takes_back != (trace.event_reasons == Reason.REMASKED)))
    if len(wrong):
        event = wrong[0]
        raise TraceError(
            f"trace array event_reasons gives {trace.event_reasons[event]} for token {trace.event_ids[event]}; "
            f"valid: {Reason.REMASKED:d} for the mask token {trace.info.mask_id} and for no other, or "
            f"{Reason.INTERVENED:d} by hand"
        )
    _check_by_hand(trace)
    idle = np.flatnonzero(metrics.stood(trace) == trace.event_ids)
    if len(idle):
        place, token = trace.event_positions[idle[0]], trace.event_ids[idle[0]]
        raise TraceError(f"trace array event_ids writes token {token} at position {place} where it already stands")


def _check_by_hand(trace: Trace) -> None:
    """What was changed by hand is what the header says."""
    mask = trace.info.mask_id
    said = {(one.step, one.position, mask if one.token is None else one.token) for one in trace.info.interventions}
    events = np.stack([trace.event_steps, trace.event_positions, trace.event_ids], 1)
    for event in events[trace.event_reasons == Reason.INTERVENED].tolist():
        if tuple(event) not in said:
            step, position, token = event
            raise TraceError(
                f"trace array event_reasons says that token {token} was put by hand at position {position} in step "
                f"{step}, which the header does not"
            )


def _check_array(name: str, array: NDArray[Any], shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    if array.shape != shape or array.dtype != dtype:
        wanted = f"{shape} {np.dtype(dtype).name}"
        raise TraceError(f"trace array {name} is {array.shape} {array.dtype}; expected {wanted}")


def _check_seconds(name: str, array: NDArray[np.float64]) -> None:
    if not ((array >= 0) & (array <= _LONGEST)).all():
        raise TraceError(f"trace array {name} holds times that are none; valid: 0..{_LONGEST} seconds")


def _check_range(name: str, array: NDArray[Any], low: int, high: int) -> None:
    if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
        raise TraceError(f"trace array {name} spans {array.min()}..{array.max()}; valid: {low}..{high}")
