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
    out. "": nothing fits; the page has only the bytes of its maps.
    """
    for kept in ("candidates", "winners"):
        packet = _packet(run, traces, kept)
        if len(packet) <= budget:
            return packet
    return _packet(run, traces, "")


def _packet(run: str, traces: Sequence[Trace], kept: str) -> str:
    arrays: dict[str, NDArray[Any]] = {}
    lanes: list[dict[str, Any]] = []
    shown: set[int] = set()
    for lane, trace in enumerate(traces if kept else ()):
        found, same = _unlike(_lane_arrays(trace, kept == "candidates"))
        arrays |= {f"{lane}.{name}": values for name, values in found.items()}
        top_k = trace.info.top_k if kept == "candidates" else 1
        lanes.append({"lane": lane, "k": top_k, "channels": sorted(trace.channels), "same": same})
        shown.update(np.unique(trace.candidate_ids if kept == "candidates" else trace.winner_ids).tolist())
        shown.update(np.unique(trace.winner_ids).tolist())
    texts = {token: text for trace in traces for token, text in trace.info.token_text.items()}
    vocab = [[token, clean_text(texts.get(token, f"[{token}]"))] for token in sorted(shown)]
    header = {"v": VERSION, "kind": "cells", "run": run, "seq": -1, "kept": kept, "lanes": lanes, "vocab": vocab}
    return pack_packet(header, arrays)


def _lane_arrays(trace: Trace, candidates: bool) -> dict[str, NDArray[Any]]:
    order = np.argsort(trace.positions, kind="stable")
    numbers: dict[str, NDArray[Any]] = {
        "winner_ids": trace.winner_ids,
        "winner_p": trace.winner_p,
        "winner_fused": trace.fused,
        "entropy": trace.entropy,
        **{f"channel.{name}": trace.channels[name] for name in sorted(trace.channels)},
    }
    if candidates:
        numbers |= {
            "ids": trace.candidate_ids,
            "p": trace.candidate_p,
            "credit": trace.candidate_credit,
            "fused": trace.candidate_fused,
        }
    else:
        del numbers["entropy"]
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
