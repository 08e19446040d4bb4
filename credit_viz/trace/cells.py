"""Exact numbers of every position of some runs as one packet: for a page that has no server to ask. Knows traces.

Kind "cells": cells lie position after position, each in the order of its steps, so that the browser reads a position
as a slice. Arrays per lane, n cells, K candidates: `starts` (L + 1,), where the cells of each position begin; `steps`
(n,); and, as bytes, the numbers of `encode_position`: ids p credit fused (K columns below each other), winner_ids
winner_p winner_fused entropy, channel.<name>. The four bytes of a number lie apart, all first ones before all second
ones, because that packs to three quarters of the size. An array that equals another of its lane is only named, in
`same`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.text import clean_text
from credit_viz.trace.codec import VERSION, pack_packet
from credit_viz.trace.record import Trace

__all__ = ["encode_cells"]


def encode_cells(run: str, traces: Sequence[Trace], budget: int) -> str:
    """The packet, as complete as fits into `budget` characters; `kept` in its header says what it holds.

    "candidates": everything is exact. "winners": what the decoder compared is exact, the other candidates are left
    out. "bars": only what had to be reached, and decoders' own scores, are exact; for the rest the page has the bytes
    of its maps. "": nothing fits.
    """
    packets = (_packet(run, traces, kept) for kept in ("candidates", "winners", "bars"))
    return next((packet for packet in packets if len(packet) <= budget), _packet(run, [], ""))


def _packet(run: str, traces: Sequence[Trace], kept: str) -> str:
    arrays: dict[str, NDArray[Any]] = {}
    lanes: list[dict[str, Any]] = []
    shown: set[int] = set()
    for lane, trace in enumerate(traces):
        channels = [name for name in sorted(trace.channels) if kept != "bars" or name in ("bar", "score")]
        found, same = _unlike(_lane_arrays(trace, kept, channels))
        arrays |= {f"{lane}.{name}": values for name, values in found.items()}
        top_k = trace.info.top_k if kept == "candidates" else 1
        lanes.append({"lane": lane, "k": top_k, "channels": channels, "same": same})
        ids = {"candidates": [trace.candidate_ids, trace.winner_ids], "winners": [trace.winner_ids]}
        shown.update(token for array in ids.get(kept, []) for token in np.unique(array).tolist())
    texts = {token: text for trace in traces for token, text in trace.info.token_text.items()}
    vocab = [[token, clean_text(texts.get(token, f"[{token}]"))] for token in sorted(shown)]
    header = {"v": VERSION, "kind": "cells", "run": run, "seq": -1, "kept": kept, "lanes": lanes, "vocab": vocab}
    return pack_packet(header, arrays)


def _lane_arrays(trace: Trace, kept: str, channels: Sequence[str]) -> dict[str, NDArray[Any]]:
    order = np.argsort(trace.positions, kind="stable")
    numbers: dict[str, NDArray[Any]] = {f"channel.{name}": trace.channels[name] for name in channels}
    if kept in ("candidates", "winners"):
        numbers |= {"winner_ids": trace.winner_ids, "winner_p": trace.winner_p, "winner_fused": trace.fused}
    if kept == "candidates":
        numbers |= {
            "entropy": trace.entropy,
            "ids": trace.candidate_ids,
            "p": trace.candidate_p,
            "credit": trace.candidate_credit,
            "fused": trace.candidate_fused,
        }
    starts = np.searchsorted(trace.positions[order], np.arange(trace.gen_length + 1))
    return {
        "starts": starts.astype(np.uint32),
        "steps": trace.cell_steps[order].astype(np.uint32),
        **{name: _bytes_apart(values[order]) for name, values in numbers.items()},
    }


def _bytes_apart(values: NDArray[Any]) -> NDArray[np.uint8]:
    """(n,) or (n, K) numbers of 4 bytes as (4 n K,) bytes: columns below each other, then bytes by their place."""
    columns = np.ascontiguousarray(values.T).astype(values.dtype.newbyteorder("<"))
    return np.ascontiguousarray(columns.reshape(-1).view(np.uint8).reshape(-1, 4).T).reshape(-1)


def _unlike(arrays: dict[str, NDArray[Any]]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays without those that equal an earlier one, and which one that is."""
    found: dict[str, NDArray[Any]] = {}
    same: dict[str, str] = {}
    for name, values in arrays.items():
        twin = next((other for other, kept in found.items() if np.array_equal(kept, values)), None)
        if twin is None:
            found[name] = values
        else:
            same[name] = twin
    return found, same
