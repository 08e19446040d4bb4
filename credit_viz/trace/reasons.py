"""Which reasons the tokens of a run were written for, counted. Knows traces only.

A token counts once, for its last write: one that was taken back and written again counts for the second time, and one
whose place is a mask in the end does not count. Given tokens were not written.
"""

from __future__ import annotations

import numpy as np

from credit_viz.trace.record import Reason, Trace

__all__ = ["REASONS", "written_by"]

#: why a decoder fills a mask, by the names of `Reason`.
REASONS = ("confident", "credit", "forced", "scheduled", "filled", "answered")
#: why a token stands that was put over another one.
_OVER = ("edited", "intervened")


def written_by(trace: Trace) -> dict[str, int]:
    """Tokens by the reason of their last write: those of `REASONS`, then "edited" and "intervened" (by hand).

    Every reason is there, also with 0; together they are all tokens that were written and stand.
    """
    counts = np.bincount(trace.reason, minlength=max(Reason) + 1)
    return {name: int(counts[Reason[name.upper()]]) for name in (*REASONS, *_OVER)}
