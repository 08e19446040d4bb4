"""Runs as short strings: one format for what a page receives live, what it keeps, and what is saved or exported.

Knows records and numpy; no page, no model. Meant for looking at, not for computing: probabilities travel as one
byte, while token ids, steps and writes (with their reasons) are exact. Exact numbers of one position travel in a
packet of their own (`encode_position`).

A packet is base64(gzip(container)). A container is

    uint32 header length | header (JSON, UTF-8) | arrays, little endian, each padded to 4 bytes

and its header lists the arrays as [name, dtype, count]. Every header has `kind`, `run` and `seq`; packets of a run
are numbered without gaps, so that a reader knows when it missed one.

Arrays of a lane are named "<lane>.<array>"; `vocab` is [[id, text]], to append to the run's vocabulary.

kind "start"     lanes: [RunInfo without token texts], about: free JSON, vocab, planes: what their bytes stand for (a
                 reader needs to know no name beforehand), and per lane
                   given_positions, given_tokens (vocabulary indices): what stood there from the beginning
kind "steps"     lanes: [{lane, from, k, planes}], vocab, and arrays for steps from..from+k-1 of each lane. Only open
                 positions are listed: masked ones, and written ones that may still change.
                   counts (k,) cells per step; blocks (2k,) start and end of the active block;
                   positions (n,) as differences within a step (first: position + 1);
                   top (n,) vocabulary index of the raw top-1; changed (m,) cells whose winner is another token,
                   winners (m,) its vocabulary index; one array of bytes per plane (see PLANES);
                   event_counts (k,), event_positions, event_tokens (vocabulary indices; the mask's where a token was
                   taken back), event_reasons; a position may have several, in order
kind "position"  exact float32 numbers of one position at every step, see `encode_position`
kind "end"       state: "done" | "cancelled" | "failed" | "refused", message: one line for people, ticket: what the
                 page called the run, seconds: per lane the wall clock of its forward passes ("forward"), of its
                 decoder ("decoder") and of everything ("all", null where unknown)
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.errors import TraceError
from credit_viz.text import clean_text
from credit_viz.trace.record import RunInfo, StepRecord, Trace

__all__ = [
    "PLANES",
    "VERSION",
    "Column",
    "Encoder",
    "Packet",
    "Plane",
    "decode_columns",
    "encode_position",
    "encode_traces",
    "open_packet",
    "pack_packet",
]

VERSION = 2

Arrays = dict[str, NDArray[Any]]


class Plane(NamedTuple):
    """How a byte stands for a value: "linear" byte / 255 * maximum, "log1p" (1 + maximum)^(byte / 255) - 1."""

    kind: str
    maximum: float

    def to_bytes(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Nearest byte; beyond the maximum it saturates, NaN becomes 0."""
        values = np.clip(np.nan_to_num(values.astype(np.float64), nan=0.0), 0.0, self.maximum)
        share = np.log1p(values) / np.log1p(self.maximum) if self.kind == "log1p" else values / self.maximum
        return np.rint(share * 255).astype(np.uint8)

    def from_bytes(self, values: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The value a byte stands for."""
        share = values.astype(np.float64) / 255
        return np.expm1(share * np.log1p(self.maximum)) if self.kind == "log1p" else share * self.maximum


#: statistics that travel with every cell; one that a decoder does not report is left out.
PLANES: Mapping[str, Plane] = MappingProxyType(
    {
        "confidence": Plane("linear", 1.0),
        "fused": Plane("linear", 1.0),
        "credit": Plane("log1p", 255.0),
        "boost": Plane("linear", 6.0),  # nats
        "entropy": Plane("log1p", 12.0),  # nats; even guesses over 160,000 tokens have 12
    }
)


class Packet(NamedTuple):
    """An opened packet."""

    header: dict[str, Any]
    arrays: Arrays


class Encoder:
    """Turns the records of one run into packets; keeps the run's vocabulary and the packet number."""

    def __init__(self, run: str, lanes: Sequence[RunInfo]) -> None:
        self.run = run
        self._lanes = tuple(lanes)
        self._seq = 0
        self._texts: dict[int, str] = {}
        self._index: dict[int, int] = {}
        self._new: list[int] = []
        self._pending: list[list[StepRecord]] = [[] for _ in lanes]
        self._seconds: list[dict[str, float | None]] = [{"forward": 0.0, "decoder": 0.0, "all": None} for _ in lanes]

    @property
    def texts(self) -> Mapping[int, str]:
        """Text of every token id seen so far, fit for a page."""
        return MappingProxyType(self._texts)

    def start(self, about: Mapping[str, Any]) -> str:
        """First packet: which lanes run what."""
        hidden = ("token_text", "prompt_ids", "fixed", "token_limit")
        lanes = [
            {name: value for name, value in info.to_json().items() if name not in hidden}
            | {"switches": list(info.switches)}
            for info in self._lanes
        ]
        arrays: Arrays = {}
        for lane, info in enumerate(self._lanes):
            self._know(info)
            arrays[f"{lane}.given_positions"] = np.array([*info.fixed.keys()], np.uint16)
            arrays[f"{lane}.given_tokens"] = self._vocabulary(np.array([*info.fixed.values()], np.int32))
        header = {"lanes": lanes, "about": dict(about), "planes": _planes_json(), "vocab": self._new_vocabulary()}
        return self._packet("start", header, arrays)

    def _know(self, info: RunInfo) -> None:
        """Tokens that a lane is told before its first step: given ones, and those to be written by hand."""
        told = [*info.fixed.values(), *(one.token for one in info.interventions if one.token is not None)]
        self._texts.update((token, info.token_text.get(token, f"[{token}]")) for token in told)
        self._vocabulary(np.array(told, np.int32))

    def add(self, lane: int, record: StepRecord, tokens: Mapping[int, str]) -> None:
        """Take in one step; it travels with the next `flush`."""
        self._texts.update((int(i), clean_text(text)) for i, text in tokens.items())
        self._pending[lane].append(record)
        spent = self._seconds[lane]
        for name, seconds in (("forward", record.forward_seconds), ("decoder", record.decoder_seconds)):
            spent[name] = (spent[name] or 0.0) + seconds

    def finish(self, lane: int, seconds: float | None) -> None:
        """Wall clock of a lane from its first step to its end, where that is known."""
        self._seconds[lane]["all"] = seconds

    def flush(self) -> str | None:
        """Packet of all steps since the last one; None when there are none."""
        lanes: list[dict[str, Any]] = []
        arrays: Arrays = {}
        for lane, records in enumerate(self._pending):
            if records:
                columns, planes = self._columns(records)
                lanes.append({"lane": lane, "from": records[0].step, "k": len(records), "planes": planes})
                arrays.update({f"{lane}.{name}": array for name, array in columns.items()})
        if not lanes:
            return None
        self._pending = [[] for _ in self._lanes]
        return self._packet("steps", {"lanes": lanes, "vocab": self._new_vocabulary()}, arrays)

    def end(self, state: str, message: str = "", ticket: str = "") -> str:
        """Last packet: how the run ended; ticket: the page's name for a run that never started."""
        header = {"state": state, "message": clean_text(message), "ticket": ticket, "seconds": self._seconds}
        return self._packet("end", header, {})

    def _packet(self, kind: str, header: dict[str, Any], arrays: Arrays) -> str:
        packet = pack_packet({"v": VERSION, "kind": kind, "run": self.run, "seq": self._seq} | header, arrays)
        self._seq += 1
        return packet

    def _columns(self, records: Sequence[StepRecord]) -> tuple[Arrays, dict[str, str]]:
        """Arrays of consecutive steps of one lane, and which array holds which plane."""
        top = np.concatenate([r.candidate_ids[:, 0] for r in records])
        winner = np.concatenate([r.winner_ids for r in records])
        changed = np.flatnonzero(winner != top)
        arrays: Arrays = {
            "counts": np.array([len(r.positions) for r in records], np.uint16),
            "blocks": np.array([r.block for r in records], np.uint16).reshape(-1),
            "positions": np.concatenate([np.diff(r.positions, prepend=-1) for r in records]).astype(np.uint16),
            "top": self._vocabulary(top),
            "changed": changed.astype(np.uint32),
            "winners": self._vocabulary(winner[changed]),
            "event_counts": np.array([len(r.event_positions) for r in records], np.uint16),
            "event_positions": np.concatenate([r.event_positions for r in records]).astype(np.uint16),
            "event_tokens": self._vocabulary(np.concatenate([r.event_ids for r in records])),
            "event_reasons": np.concatenate([r.event_reasons for r in records]).astype(np.uint8),
        }
        planes: dict[str, str] = {}
        for name, plane in PLANES.items():
            values = _statistic(records, name)
            if values is None:
                continue
            encoded = plane.to_bytes(values)
            planes[name] = next((known for known in planes.values() if np.array_equal(arrays[known], encoded)), name)
            if planes[name] == name:
                arrays[name] = encoded
        return arrays, planes

    def _new_vocabulary(self) -> list[list[int | str]]:
        """[id, text] of every token that no packet has named yet."""
        fresh: list[list[int | str]] = [[i, self._texts.get(i, f"[{i}]")] for i in self._new]
        self._new = []
        return fresh

    def _vocabulary(self, ids: NDArray[np.int32]) -> NDArray[Any]:
        """Indices into the run's vocabulary, which grows by the ids it has not met."""
        unique, inverse = np.unique(ids, return_inverse=True)
        for token in unique.tolist():
            if token not in self._index:
                self._index[token] = len(self._index)
                self._new.append(token)
        indices = np.array([self._index[token] for token in unique.tolist()], np.uint32)[inverse.reshape(-1)]
        return indices if len(self._index) > 1 << 16 else indices.astype(np.uint16)


def encode_traces(run: str, traces: Sequence[Trace], about: Mapping[str, Any]) -> list[str]:
    """Finished (or cancelled) runs as packets: one start, all steps in one packet, one end."""
    encoder = Encoder(run, [trace.info for trace in traces])
    start = encoder.start(about)
    for lane, trace in enumerate(traces):
        for record in trace.steps():
            encoder.add(lane, record, trace.info.token_text)
    steps = encoder.flush()
    state = "done" if all(trace.complete for trace in traces) else "cancelled"
    return [start, *([steps] if steps else []), encoder.end(state)]


def encode_position(run: str, position: int, lanes: Sequence[Iterable[StepRecord]], texts: Mapping[int, str]) -> str:
    """Exact numbers of one position in every lane and recorded step.

    Arrays per lane, n recorded steps, K candidates: steps (n,), ids p credit fused (n * K,) row by row,
    winner_ids winner_p winner_fused entropy (n,), and "channel.<name>" (n,) for each channel of the decoder.
    """
    arrays: Arrays = {}
    entries: list[dict[str, Any]] = []
    shown: set[int] = set()
    for lane, records in enumerate(lanes):
        found = [(r, int(cells[0])) for r in records if len(cells := np.flatnonzero(r.positions == position))]
        top_k = found[0][0].candidate_ids.shape[1] if found else 0
        channels = sorted(found[0][0].channels) if found else []
        entries.append({"lane": lane, "n": len(found), "k": top_k, "channels": channels})
        for name, values in _position_arrays(found, channels).items():
            arrays[f"{lane}.{name}"] = values
            if name in ("ids", "winner_ids"):
                shown.update(values.tolist())
    vocab = [[i, clean_text(texts.get(i, f"[{i}]"))] for i in sorted(shown)]
    header = {"v": VERSION, "kind": "position", "run": run, "seq": -1, "position": position}
    return pack_packet(header | {"lanes": entries, "vocab": vocab}, arrays)


def open_packet(packet: str) -> Packet:
    """Header and arrays of a packet.

    Raises:
        TraceError: not a packet, cut off, or of another version.
    """
    try:
        raw = gzip.decompress(base64.b64decode(packet, validate=True))
        (length,) = struct.unpack_from("<I", raw)
        header = json.loads(raw[4 : 4 + length])
        offset = _padded(4 + length)
        arrays: Arrays = {}
        for name, dtype, count in header["arrays"]:
            arrays[name] = np.frombuffer(raw, np.dtype(dtype).newbyteorder("<"), count, offset)
            offset = _padded(offset + arrays[name].nbytes)
    except (ValueError, TypeError, KeyError, OSError, EOFError, struct.error) as error:
        raise TraceError(f"damaged packet: {error}") from error
    if header.get("v") != VERSION:
        raise TraceError(f"packet version {header.get('v')!r}; valid: {VERSION}")
    return Packet(header, arrays)


@dataclass(frozen=True)
class Column:
    """One decoded step of one lane. Arrays are aligned with `positions`; planes hold the values bytes stand for."""

    lane: int
    step: int
    block: tuple[int, int]
    positions: NDArray[np.int64]
    top_ids: NDArray[np.int64]
    winner_ids: NDArray[np.int64]
    planes: Mapping[str, NDArray[np.float64]]
    events: tuple[tuple[int, int, int], ...]  #: (position, token id, reason)


def decode_columns(packets: Iterable[str]) -> list[Column]:
    """Every step in the packets of one run, in order of arrival.

    Raises:
        TraceError: a packet is damaged or missing.
    """
    columns: list[Column] = []
    ids: list[int] = []
    planes: dict[str, Plane] = {}
    for expected, (header, arrays) in enumerate(map(open_packet, packets)):
        if header["seq"] != expected:
            raise TraceError(f"packet {header['seq']} follows packet {expected - 1} of the run")
        ids.extend(int(token) for token, _ in header.get("vocab", ()))
        planes |= {name: Plane(**plane) for name, plane in header.get("planes", {}).items()}
        if header["kind"] == "steps":
            for entry in header["lanes"]:
                columns.extend(_decode_lane(entry, arrays, np.array(ids, np.int64), planes))
    return columns


def _decode_lane(
    entry: Mapping[str, Any], arrays: Arrays, ids: NDArray[np.int64], planes: Mapping[str, Plane]
) -> Iterable[Column]:
    part = {name.split(".", 1)[1]: a for name, a in arrays.items() if name.split(".", 1)[0] == str(entry["lane"])}
    top = ids[part["top"]]
    winner = top.copy()
    winner[part["changed"]] = ids[part["winners"]]
    cells = np.concatenate([[0], np.cumsum(part["counts"], dtype=np.int64)])
    events = np.concatenate([[0], np.cumsum(part["event_counts"], dtype=np.int64)])
    for k in range(entry["k"]):
        here, written = slice(cells[k], cells[k + 1]), slice(events[k], events[k + 1])
        yield Column(
            lane=entry["lane"],
            step=entry["from"] + k,
            block=(int(part["blocks"][2 * k]), int(part["blocks"][2 * k + 1])),
            positions=(np.cumsum(part["positions"][here], dtype=np.int64) - 1) % (1 << 16),
            top_ids=top[here],
            winner_ids=winner[here],
            planes={name: planes[name].from_bytes(part[array][here]) for name, array in entry["planes"].items()},
            events=tuple(
                zip(
                    part["event_positions"][written].tolist(),
                    ids[part["event_tokens"][written]].tolist(),
                    part["event_reasons"][written].tolist(),
                    strict=True,
                )
            ),
        )


def _statistic(records: Sequence[StepRecord], name: str) -> NDArray[Any] | None:
    """(n,) values of a plane over the cells of all records; None where the decoder does not report it."""
    if name == "confidence":
        return np.concatenate([r.candidate_p[:, 0] for r in records])
    if name in ("fused", "entropy"):
        return np.concatenate([getattr(r, name) for r in records])
    if any(name not in r.channels for r in records):
        return None
    return np.concatenate([r.channels[name] for r in records])


def _position_arrays(found: Sequence[tuple[StepRecord, int]], channels: Sequence[str]) -> Arrays:
    """Arrays of `encode_position` for one lane; `found` pairs a record with the position's cell in it."""
    if not found:
        return {}
    arrays: Arrays = {
        "steps": np.array([r.step for r, _ in found], np.uint32),
        "ids": np.concatenate([r.candidate_ids[m] for r, m in found]).astype(np.int32),
        "p": np.concatenate([r.candidate_p[m] for r, m in found]).astype(np.float32),
        "credit": np.concatenate([r.candidate_credit[m] for r, m in found]).astype(np.float32),
        "fused": np.concatenate([r.candidate_fused[m] for r, m in found]).astype(np.float32),
        "winner_ids": np.array([r.winner_ids[m] for r, m in found], np.int32),
        "winner_p": np.array([r.winner_p[m] for r, m in found], np.float32),
        "winner_fused": np.array([r.fused[m] for r, m in found], np.float32),
        "entropy": np.array([r.entropy[m] for r, m in found], np.float32),
    }
    for name in channels:
        arrays[f"channel.{name}"] = np.array([r.channels[name][m] for r, m in found], np.float32)
    return arrays


def _planes_json() -> dict[str, dict[str, Any]]:
    return {name: plane._asdict() for name, plane in PLANES.items()}


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4


def pack_packet(header: dict[str, Any], arrays: Arrays) -> str:
    """A packet; `open_packet` reads it back. header: with `v`, without the list of arrays."""
    header = header | {"arrays": [[name, array.dtype.name, len(array)] for name, array in arrays.items()]}
    text = json.dumps(header, separators=(",", ":")).encode()
    parts = [struct.pack("<I", len(text)), text, b"\0" * (_padded(4 + len(text)) - 4 - len(text))]
    for array in arrays.values():
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        parts += [raw, b"\0" * (_padded(len(raw)) - len(raw))]
    return base64.b64encode(gzip.compress(b"".join(parts), 6, mtime=0)).decode("ascii")
