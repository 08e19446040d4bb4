"""What is kept of each run: the columns of a sweep's results, and how they follow from a trace. Knows traces only.

    forward_passes ... redundant_guesses   as `Trace` has them (steps, tokens)
    confident ... answered                 tokens by the reason of their last write (`trace.reasons`)
    taken_back, edited                     events: written tokens that became masks again, or other tokens
    exact_match                            1 or 0 by the prompt's checker or answer; None where nobody can say
    log_likelihood                         see likelihood.py; None where it was not asked for
    seconds                                forward passes and decoder, wall clock; a shared pass is shared out, and one
                                           that an earlier run made counts as long as it took then
    failed                                 what stopped the run; then there is nothing else
    text, content_ids                      what was written; (L,) token ids, -1 where no text stands

Added when results are put into a table, because they compare runs (see `agreement`): token_agreement, text_agreement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from credit_viz.trace.reasons import REASONS, written_by
from credit_viz.trace.record import Trace

__all__ = ["KINDS", "Row", "agreement", "agreements", "failed_row", "measured"]

Row = dict[str, Any]

#: result columns in order, with the kind of their values.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "forward_passes": "int",
        "tokens_per_forward": "float",
        "content_tokens": "int",
        "content_tokens_per_forward": "float",
        "mean_wait": "float",
        "redundant_guesses": "int",
        **{f"written_{name}": "int" for name in REASONS},
        "taken_back": "int",
        "edited": "int",
        "exact_match": "int",
        "log_likelihood": "float",
        "seconds": "float",
        "failed": "text",
        "text": "text",
        "content_ids": "ids",
    }
)


def measured(trace: Trace) -> Row:
    """The columns of one finished run; quality columns are still None."""
    reasons = written_by(trace)
    metrics = ("tokens_per_forward", "content_tokens_per_forward", "mean_wait")
    counts = ("forward_passes", "content_tokens", "redundant_guesses", "taken_back", "edited")
    found: Row = {
        **{name: int(getattr(trace, name)) for name in counts},
        **{name: float(getattr(trace, name)) for name in metrics},
        **{f"written_{name}": reasons[name] for name in REASONS},
        "seconds": float(trace.forward_seconds.sum() + trace.decoder_seconds.sum()),
        "text": trace.text,
        "content_ids": np.where(trace.content_mask, trace.token_ids, -1).tolist(),
    }
    return {name: found.get(name) for name in KINDS}


def failed_row(message: str) -> Row:
    """A run that did not end."""
    return dict.fromkeys(KINDS) | {"failed": message}


def agreement(ids: Sequence[int] | None, reference: Sequence[int] | None) -> tuple[float | None, int | None]:
    """How far two runs wrote the same: share of equal tokens, and 1 if the text is the same token for token.

    ids, reference: `content_ids` of both. Positions count where at least one of them has text, so that padding does
    not look like agreement; two empty texts agree. None where a run failed.
    """
    return agreements([ids], reference)[0]


def agreements(
    runs: Sequence[Sequence[int] | None], reference: Sequence[int] | None
) -> list[tuple[float | None, int | None]]:
    """`agreement` of several runs of one length with the same reference."""
    found: list[tuple[float | None, int | None]] = [(None, None)] * len(runs)
    there = [place for place, ids in enumerate(runs) if ids is not None]
    if reference is None or not there:
        return found
    ours, theirs = np.array([runs[place] for place in there]), np.asarray(reference)
    text = (ours >= 0) | (theirs >= 0)
    count = text.sum(1)
    shares = np.where(count, ((ours == theirs) & text).sum(1) / np.maximum(count, 1), 1.0)
    for place, share in zip(there, shares.tolist(), strict=True):
        found[place] = share, int(share == 1.0)
    return found
