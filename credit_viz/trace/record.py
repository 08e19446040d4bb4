"""What one decoding run leaves behind: frozen numpy records. Knows no torch, no model, no plot.

A *cell* is one (step, open position) pair: what the model guessed there, before the commits of that step. A position
is open while it is masked and, for decoders that edit or take back, as long as its block is active. Cells are stored
flat, step after step, so that memory follows the open cells and not steps x length.

Symbols: T steps (= forward passes), L generated positions, N cells, K candidates, E events.
Positions count from 0 at the first generated token; steps count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.errors import TraceError
from credit_viz.trace import metrics
from credit_viz.trace.info import RunInfo

if TYPE_CHECKING:
    import pandas as pd

    from credit_viz.trace.divergence import Divergence
    from credit_viz.trace.explain import Explanation

__all__ = ["CELL_FIELDS", "EVENT_FIELDS", "MAX_LENGTH", "STEP_FIELDS", "Reason", "RunInfo", "StepRecord", "Trace"]

MAX_LENGTH = 65_535  #: longest generated text; positions travel to the page as 16-bit numbers

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]


class Reason(IntEnum):
    """Why what stands at a position changed."""

    CONFIDENT = 1  #: its raw score (a probability, for most decoders) reached the bar
    CREDIT = 2  #: only its score with credit did
    FORCED = 3  #: nothing passed; it was the best one
    SCHEDULED = 4  #: a fixed number of tokens is written per step
    FILLED = 5  #: early stop: the end-of-text token fills the rest of the canvas
    REMASKED = 6  #: taken back: the position is a mask again
    EDITED = 7  #: a written token was replaced by another
    ANSWERED = 8  #: every guess had settled, so all that was left was written at once
    INTERVENED = 9  #: changed by hand: written over whatever stood there, or taken back


@dataclass(frozen=True, eq=False)
class StepRecord:
    """One forward pass, as recorded. Arrays are aligned: entry m belongs to `positions[m]`.

    `winner` is the token the decoder would write at that position now: the raw top-1 for most decoders, the
    fused argmax for credit, a sample at a temperature, the mask token where one is taken back. Probabilities are in
    [0, 1]; entropy and boost are in nats; seconds are wall clock.
    """

    step: int
    block: tuple[int, int]  #: active block as [start, end) in generated positions
    positions: Ints  #: (M,) open positions before this step: masked ones, and written ones that may still change
    candidate_ids: Ints  #: (M, K) most probable tokens, best first; [:, 0] is the raw top-1
    candidate_p: Floats  #: (M, K) raw probability
    candidate_credit: Floats  #: (M, K) Trace Credit after this step's award
    candidate_fused: Floats  #: (M, K) fused probability
    winner_ids: Ints  #: (M,)
    winner_p: Floats  #: (M,) raw probability of the winner
    fused: Floats  #: (M,) fused probability of the winner
    entropy: Floats  #: (M,) nats
    channels: Mapping[str, Floats]  #: named (M,) extras of the decoder, e.g. "credit" and "boost" of the winner
    event_positions: Ints  #: (C,) written in this step
    event_ids: Ints  #: (C,) the mask id where a token was taken back
    event_reasons: Bytes  #: (C,) values of Reason
    forward_seconds: float
    decoder_seconds: float


#: per-cell arrays of a Trace, with the number of trailing dimensions and dtype.
CELL_FIELDS: Mapping[str, tuple[int, type[np.generic]]] = MappingProxyType(
    {
        "positions": (1, np.int32),
        "candidate_ids": (2, np.int32),
        "candidate_p": (2, np.float32),
        "candidate_credit": (2, np.float32),
        "candidate_fused": (2, np.float32),
        "winner_ids": (1, np.int32),
        "winner_p": (1, np.float32),
        "fused": (1, np.float32),
        "entropy": (1, np.float32),
    }
)
#: per-step arrays.
STEP_FIELDS: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        "cell_counts": np.int32,
        "block_starts": np.int32,
        "block_ends": np.int32,
        "forward_seconds": np.float64,
        "decoder_seconds": np.float64,
    }
)
#: per-event arrays.
EVENT_FIELDS: Mapping[str, type[np.generic]] = MappingProxyType(
    {"event_steps": np.int32, "event_positions": np.int32, "event_ids": np.int32, "event_reasons": np.uint8}
)


@dataclass(frozen=True, eq=False)
class Trace:
    """A finished (or cancelled) run. Arrays are read-only; see the module docstring for T, L, N, K, E.

    Raises:
        TraceError: shapes, dtypes or values do not fit together; the message names the array.
    """

    info: RunInfo
    # steps (T,)
    cell_counts: Ints
    block_starts: Ints
    block_ends: Ints
    forward_seconds: NDArray[np.float64]
    decoder_seconds: NDArray[np.float64]
    # cells (N,) or (N, K): see StepRecord for meaning and units
    positions: Ints
    candidate_ids: Ints
    candidate_p: Floats
    candidate_credit: Floats
    candidate_fused: Floats
    winner_ids: Ints
    winner_p: Floats
    fused: Floats
    entropy: Floats
    channels: Mapping[str, Floats]
    # events (E,): every write, in order
    event_steps: Ints
    event_positions: Ints
    event_ids: Ints
    event_reasons: Bytes

    def __post_init__(self) -> None:
        from credit_viz.trace.checks import check  # checks.py knows this module, not the other way round

        check(self)
        for array in (*_arrays(self).values(), *self.channels.values()):
            array.flags.writeable = False
        object.__setattr__(self, "channels", MappingProxyType(dict(self.channels)))

    # ---------------------------------------------------------------- run
    @property
    def forward_passes(self) -> int:
        """Number of model calls (NFE), T."""
        return len(self.cell_counts)

    @property
    def gen_length(self) -> int:
        """Number of generated positions, L."""
        return self.info.gen_length

    @property
    def text(self) -> str:
        """Generated text without special tokens."""
        return self.info.text

    @property
    def complete(self) -> bool:
        """True when no mask is left (False after a cancelled run)."""
        return bool((self.token_ids != self.info.mask_id).all())

    # ---------------------------------------------------------------- cells
    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """(T + 1,) cells of step t (1-based) are `offsets[t - 1]:offsets[t]`."""
        return np.concatenate([[0], np.cumsum(self.cell_counts, dtype=np.int64)])

    @cached_property
    def cell_steps(self) -> Ints:
        """(N,) 1-based step of each cell."""
        return np.repeat(np.arange(1, self.forward_passes + 1, dtype=np.int32), self.cell_counts)

    @property
    def confidence(self) -> Floats:
        """(N,) raw probability of the raw top-1."""
        return self.candidate_p[:, 0]

    @property
    def margin(self) -> Floats:
        """(N,) p1 - p2; needs K >= 2, else the confidence itself."""
        second = self.candidate_p[:, 1] if self.info.top_k > 1 else np.float32(0)
        return np.asarray(self.candidate_p[:, 0] - second, dtype=np.float32)

    def cells(self, name: str) -> Floats:
        """(N,) per-cell values by name: confidence, fused, entropy, margin, winner_p, flips, or a decoder channel.

        A decoder without the channel "credit" or "boost" grants none: zeros. "flips" is 1 where the raw top-1 is not
        that of the position's record before, else 0.
        """
        if name in self.channels:
            return self.channels[name]
        if name == "flips":
            return metrics.flipped(self).astype(np.float32)
        if name in ("credit", "boost"):
            return np.zeros(len(self.positions), np.float32)
        if name in ("confidence", "fused", "entropy", "margin", "winner_p"):
            return np.asarray(getattr(self, name))
        valid = {"confidence", "fused", "entropy", "margin", "winner_p", "flips", "credit", "boost", *self.channels}
        raise TraceError(f"unknown cell value {name!r}; valid: {', '.join(sorted(valid))}")

    def grid(self, name: str) -> Floats:
        """(L, T) heatmap of `cells(name)`: row = position, column = step, NaN where nothing was recorded."""
        grid = np.full((self.gen_length, self.forward_passes), np.nan, np.float32)
        grid[self.positions, self.cell_steps - 1] = self.cells(name)
        return grid

    def steps(self) -> Iterator[StepRecord]:
        """The run again as the loop yielded it."""
        ends = np.searchsorted(self.event_steps, np.arange(1, self.forward_passes + 2))
        for index in range(self.forward_passes):
            cells = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
            events = slice(int(ends[index]), int(ends[index + 1]))
            yield StepRecord(
                step=index + 1,
                block=(int(self.block_starts[index]), int(self.block_ends[index])),
                **{name: getattr(self, name)[cells] for name in CELL_FIELDS},
                channels={name: values[cells] for name, values in self.channels.items()},
                event_positions=self.event_positions[events],
                event_ids=self.event_ids[events],
                event_reasons=self.event_reasons[events],
                forward_seconds=float(self.forward_seconds[index]),
                decoder_seconds=float(self.decoder_seconds[index]),
            )

    def explain(self, step: int, position: int) -> Explanation:
        """The numbers behind the decision on one position in one step; see explain.py.

        Raises:
            TraceError: nothing was recorded there; the message says what was.
        """
        from credit_viz.trace.explain import explain  # explain.py knows this module, not the other way round

        return explain(self, step, position)

    def first_divergence(self, other: Trace) -> Divergence | None:
        """Where this run and another first hold different tokens; see divergence.py.

        Raises:
            TraceError: the runs differ in length.
        """
        from credit_viz.trace.divergence import first_divergence  # divergence.py knows this module

        return first_divergence(self, other)

    # ---------------------------------------------------------------- metrics (definitions: metrics.py)
    def canvas(self, step: int) -> Ints:
        """(L,) tokens after a step (0: before the first); the mask id where nothing stands.

        Raises:
            TraceError: the run has no such step.
        """
        if not 0 <= step <= self.forward_passes:
            raise TraceError(f"step {step} is out of range; valid: 0..{self.forward_passes}")
        return metrics.canvas(self, step)

    @cached_property
    def token_ids(self) -> Ints:
        """(L,) final canvas; the mask id where nothing was written."""
        return metrics.final_ids(self)

    @cached_property
    def commit_step(self) -> Ints:
        """(L,) 1-based step of the last write; 0 = never written."""
        return metrics.commit_step(self)

    @cached_property
    def converge_step(self) -> Ints:
        """(L,) first step from which the raw top-1 stayed the committed token until commit; 0 = never written."""
        return metrics.converge_step(self)

    @cached_property
    def first_hit_step(self) -> Ints:
        """(L,) first recorded step whose raw top-1 is the committed token; 0 = never before its commit."""
        return metrics.first_hit_step(self)

    @cached_property
    def wait(self) -> Ints:
        """(L,) commit - converge, in steps."""
        return np.asarray(self.commit_step - self.converge_step, np.int32)

    @cached_property
    def flips(self) -> Ints:
        """(L,) how often the raw top-1 changed."""
        return metrics.flips(self)

    @cached_property
    def reason(self) -> Bytes:
        """(L,) value of Reason of the last write; 0 = never written, or given."""
        return metrics.reasons(self)

    @cached_property
    def winner_changed(self) -> NDArray[np.bool_]:
        """(L,) the committed token was not the raw top-1 when it was written."""
        return metrics.winner_changed(self)

    @cached_property
    def by_hand(self) -> NDArray[np.bool_]:
        """(L,) the token that stands there in the end was written by a person during the run."""
        return np.asarray(self.reason == Reason.INTERVENED)

    @property
    def redundant_guesses(self) -> int:
        """Sum of waits: guesses that already were the final answer but were thrown away."""
        return int(self.wait.sum())

    @property
    def taken_back(self) -> int:
        """Number of written tokens that became masks again, by the decoder's own doing."""
        return int((self.event_reasons == Reason.REMASKED).sum())

    @property
    def edited(self) -> int:
        """Number of written tokens that the decoder replaced by another."""
        return int((self.event_reasons == Reason.EDITED).sum())

    @property
    def mean_wait(self) -> float:
        """Mean wait in steps over the content tokens (over all tokens when there are none)."""
        content = self.content_mask
        return float(self.wait[content].mean()) if content.any() else float(self.wait.mean())

    @property
    def content_mask(self) -> NDArray[np.bool_]:
        """(L,) True where a decoder committed text: not end-of-text, given or by hand, and not behind an early stop."""
        is_text = ~np.isin(self.token_ids, [*self.info.eos_ids, self.info.mask_id])
        is_text[[*self.info.fixed.keys()]] = False
        is_text[self.text_end :] = False
        return np.asarray(is_text & ~self.by_hand)

    @property
    def text_end(self) -> int:
        """Position of the end-of-text token that stopped the run early; L where nothing did."""
        ends = np.flatnonzero(np.isin(self.token_ids, self.info.eos_ids))
        return int(ends[0]) if self.info.early_stop and self.complete and len(ends) else self.gen_length

    @property
    def content_tokens(self) -> int:
        """Number of committed tokens that are text."""
        return int(self.content_mask.sum())

    @property
    def tokens_per_forward(self) -> float:
        """TPF: tokens that the decoder has written / forward passes; counts end-of-text padding."""
        return float(((self.commit_step > 0) & ~self.by_hand).sum() / max(1, self.forward_passes))

    @property
    def content_tokens_per_forward(self) -> float:
        """Text tokens / forward passes: not inflated by end-of-text padding."""
        return self.content_tokens / max(1, self.forward_passes)

    def save(self, path: str | Path) -> None:
        """Write as one `.safetensors` file; `credit_viz.load_trace` reads it back. See files.py for the format."""
        from credit_viz.trace.files import save_trace  # files.py knows this module, not the other way round

        save_trace(self, path)

    def to_frame(self) -> pd.DataFrame:
        """Tidy pandas table, one row per recorded (step, position); columns: see files.to_frame."""
        from credit_viz.trace.files import to_frame

        return to_frame(self)

    def same_run(self, other: Trace) -> bool:
        """True when both hold the same run: everything but wall-clock times and library versions."""
        ours, theirs = self.info.to_json() | {"versions": {}}, other.info.to_json() | {"versions": {}}
        mine, others = _arrays(self) | dict(self.channels), _arrays(other) | dict(other.channels)
        if ours != theirs or mine.keys() != others.keys():
            return False
        pairs = [(mine[name], others[name]) for name in mine if not name.endswith("_seconds")]
        return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)  # NaN: no bar applies

    def _repr_html_(self) -> str:
        from credit_viz.trace.notebook import trace_html  # notebook.py knows this module, not the other way round

        return trace_html(self)

    def __repr__(self) -> str:
        return (
            f"Trace({self.info.decoder} on {self.info.model}: {self.forward_passes} forward passes, "
            f"{self.gen_length} positions, {len(self.positions)} cells)"
        )


def _arrays(trace: Trace) -> dict[str, NDArray[Any]]:
    return {name: getattr(trace, name) for name in (*STEP_FIELDS, *CELL_FIELDS, *EVENT_FIELDS)}
