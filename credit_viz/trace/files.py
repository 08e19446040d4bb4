"""Traces on disk: one `.safetensors` file with a versioned JSON header, and tidy tables. No torch, no pickle.

File format, version 1:
* safetensors metadata `credit_viz` holds JSON: {"schema": 1, "run": RunInfo, "channels": [names]}.
* tensors: every array of record.STEP_FIELDS, CELL_FIELDS and EVENT_FIELDS under its own name, and one `channel.NAME`
  per decoder channel. Shapes, dtypes and units are those of `record.Trace`.
A file of a newer schema is refused rather than half understood.
"""

from __future__ import annotations

import csv
import json
import reprlib
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from credit_viz.errors import TraceError
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, STEP_FIELDS, Reason, RunInfo, Trace

__all__ = [
    "SCHEMA",
    "csv_bytes",
    "lanes_frame",
    "load_trace",
    "parquet_bytes",
    "read_trace",
    "save_trace",
    "to_frame",
    "trace_bytes",
    "write_csv",
    "write_parquet",
]

SCHEMA = 1
_KEY = "credit_viz"
_CHANNEL = "channel."
_NAMES = (*STEP_FIELDS, *CELL_FIELDS, *EVENT_FIELDS)


def save_trace(trace: Trace, path: str | Path) -> None:
    """Write the trace; an existing file is replaced only once the new one is whole.

    Raises:
        TraceError: the folder does not exist or cannot be written to.
    """
    target = Path(path)
    if not target.name:
        raise TraceError(f"cannot write to {str(path)!r}; valid: the name of a file")
    partial = target.with_name(target.name + ".partial")
    try:
        # written here and not by the library, whose files only their owner may read
        partial.write_bytes(trace_bytes(trace))
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):  # a name that is too long cannot be removed either
            partial.unlink(missing_ok=True)
        raise TraceError(f"cannot write {target}: {error}") from error


def trace_bytes(trace: Trace) -> bytes:
    """What `save_trace` writes."""
    header = {"schema": SCHEMA, "run": trace.info.to_json(), "channels": list(trace.channels)}
    tensors = {name: np.ascontiguousarray(getattr(trace, name)) for name in _NAMES}
    tensors |= {_CHANNEL + name: np.ascontiguousarray(values) for name, values in trace.channels.items()}
    return bytes(save(tensors, metadata={_KEY: json.dumps(header, ensure_ascii=True)}))


def load_trace(path: str | Path) -> Trace:
    """Read a trace and check all of it.

    Raises:
        TraceError: no such file, truncated, not a trace, of a newer schema, or inconsistent; says which.
    """
    source = Path(path)
    if not source.is_file():
        raise TraceError(f"no trace file at {source}")
    try:
        with safe_open(source, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise TraceError(f"{source} is no safetensors file, or is truncated: {error}") from error
    try:
        return _from_file(metadata, tensors)
    except TraceError as error:
        raise TraceError(f"{source}: {error}") from error


def read_trace(data: bytes) -> Trace:
    """`load_trace` of what lies in memory.

    Raises:
        TraceError: truncated, not a trace, of a newer schema, or inconsistent; says which.
    """
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")  # safetensors: header length, header (JSON), tensors
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise TraceError(f"is no safetensors file, or is truncated: {error}") from error
    return _from_file(metadata, tensors)


def _from_file(metadata: dict[str, str], tensors: dict[str, Any]) -> Trace:
    header = _header(metadata)
    names = [*_NAMES, *(_CHANNEL + name for name in header["channels"])]
    if missing := sorted(set(names) - set(tensors)):
        raise TraceError(f"lacks the arrays {', '.join(missing)}")
    if unknown := sorted(set(tensors) - set(names)):
        raise TraceError(f"has the unknown arrays {', '.join(unknown)}")
    return Trace(
        info=RunInfo.from_json(header["run"]),
        **{name: tensors[name] for name in _NAMES},
        channels={name: tensors[_CHANNEL + name] for name in header["channels"]},
    )


def _header(metadata: dict[str, str]) -> dict[str, Any]:
    if _KEY not in metadata:
        raise TraceError(f"is no trace: its metadata lacks {_KEY!r}")
    try:
        header = json.loads(metadata[_KEY])
    except (json.JSONDecodeError, RecursionError) as error:
        raise TraceError(f"has a damaged header: {error}") from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else header
        raise TraceError(f"has schema {reprlib.repr(found)}; this version reads {SCHEMA}")
    channels = header.get("channels")
    if not isinstance(header.get("run"), dict) or not isinstance(channels, list):
        raise TraceError("has a damaged header: run or channels are missing")
    if not all(isinstance(name, str) for name in channels):
        raise TraceError(f"has a damaged header: channels are {reprlib.repr(channels)}; expected names")
    return header


def to_frame(trace: Trace) -> pd.DataFrame:
    """Tidy table: one row per recorded (step, position).

    Columns: step, position, raw top-1 (id, token, confidence), winner (id, token, raw p, fused), entropy (nats),
    margin, one column per channel, the written token if this step wrote one (else missing) and why, and the token that
    was put there by hand right after (the mask token where one was taken back).
    """
    text = trace.info.token_text
    top = trace.candidate_ids[:, 0]
    frame = pd.DataFrame(
        {
            "step": trace.cell_steps,
            "position": trace.positions,
            "top_id": top,
            "top_token": [text.get(int(i), "") for i in top],
            "confidence": trace.confidence,
            "winner_id": trace.winner_ids,
            "winner_token": [text.get(int(i), "") for i in trace.winner_ids],
            "winner_p": trace.winner_p,
            "fused": trace.fused,
            "credit": trace.cells("credit"),
            "boost": trace.cells("boost"),
            "entropy": trace.entropy,
            "margin": trace.margin,
            **{name: values for name, values in trace.channels.items() if name not in ("credit", "boost")},
        }
    )
    by_hand = trace.event_reasons == Reason.INTERVENED
    names = {int(reason): reason.name.lower() for reason in Reason}
    why = [names[reason] for reason in trace.event_reasons[~by_hand].tolist()]
    written = _events(trace, ~by_hand, "written_id").assign(why=pd.array(why, dtype="str"))
    for events in (written, _events(trace, by_hand, "by_hand_id")):
        frame = frame.merge(events, how="left", on=["step", "position"])
    return frame


def _events(trace: Trace, which: NDArray[np.bool_], name: str) -> pd.DataFrame:
    ids = {name: pd.array(trace.event_ids[which], dtype="Int32")}
    return pd.DataFrame({"step": trace.event_steps[which], "position": trace.event_positions[which], **ids})


def lanes_frame(traces: Sequence[Trace]) -> pd.DataFrame:
    """`to_frame` of several runs below each other, with the columns lane (from 1) and decoder in front.

    A channel that a decoder does not report is missing in its rows.
    """
    frames = []
    for lane, trace in enumerate(traces, 1):
        frame = to_frame(trace)
        frame.insert(0, "lane", lane)
        frame.insert(1, "decoder", trace.info.decoder)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as UTF-8 CSV."""
    # quoted throughout: a lone carriage return in a token's text would break its row
    return frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC).encode("utf-8")


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as Parquet."""
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def write_csv(trace: Trace, path: str | Path) -> None:
    """`to_frame` as UTF-8 CSV.

    Raises:
        TraceError: the file cannot be written.
    """
    _write(path, csv_bytes(to_frame(trace)))


def write_parquet(trace: Trace, path: str | Path) -> None:
    """`to_frame` as Parquet.

    Raises:
        TraceError: the file cannot be written.
    """
    _write(path, parquet_bytes(to_frame(trace)))


def _write(path: str | Path, data: bytes) -> None:
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise TraceError(f"cannot write {path}: {error}") from error
