"""One line per position: what each token was, when it settled and was written, and why. Shared by all maps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.figures.labels import counted, safe, token_label, visible, word_label
from credit_viz.figures.style import reason_words
from credit_viz.trace.record import Trace

__all__ = ["Rows", "get_rows"]


class Rows(NamedTuple):
    """Positions of one run; arrays are (L,), steps count from 1 and 0 means never."""

    title: str  #: decoder and model, for people
    labels: tuple[str, ...]  #: final tokens, safe for Plotly; "·" where nothing was written
    hover: tuple[str, ...]  #: safe for Plotly
    settled: NDArray[np.int32]
    written: NDArray[np.int32]
    borders: tuple[float, ...]  #: between blocks, in positions


def get_rows(trace: Trace) -> Rows:
    """Rows of a run, finished or not."""
    ids = trace.token_ids.tolist()
    written = trace.commit_step
    labels = tuple(word_label(trace, i) if step else "·" for i, step in zip(ids, written, strict=True))
    block = trace.info.block_length
    return Rows(
        title=f"{safe(visible(trace.info.decoder))}: {counted(trace.forward_passes, 'step')}",
        labels=labels,
        hover=tuple(_hover(trace, place, token_label(trace, i, 40)) for place, i in enumerate(ids)),
        settled=trace.converge_step,
        written=written,
        borders=tuple(edge - 0.5 for edge in range(block, trace.gen_length, block)),
    )


def _hover(trace: Trace, place: int, label: str) -> str:
    written, wait = int(trace.commit_step[place]), int(trace.wait[place])
    if not written:
        return f"position {place}: not written"
    changed = "<br>credit changed the winner" if trace.winner_changed[place] else ""
    return (
        f"<b>{label}</b> at position {place}<br>settled in step {trace.converge_step[place]}, written in step {written}"
        f"<br>waited {counted(wait, 'step')}<br>{reason_words(int(trace.reason[place]))}{changed}"
    )
