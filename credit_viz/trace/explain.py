"""Why this token, why now: the numbers behind one decision, from the trace alone. Knows records, no decoder."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.errors import TraceError
from credit_viz.trace.record import Reason, Trace

__all__ = ["Explanation", "Guess", "effective_threshold", "explain"]


class Guess(NamedTuple):
    """One token as the decoder saw it."""

    token_id: int
    text: str
    raw_p: float  #: probability before any credit
    credit: float  #: Trace Credit
    fused_p: float  #: probability after credit; raw_p for decoders that change no scores


class Explanation(NamedTuple):
    """One position in one step. Steps count from 1, positions from 0; nan is "does not apply"."""

    step: int
    position: int
    guess: Guess  #: the token the decoder would write; the mask token where it takes one back
    runner_up: Guess | None  #: the most probable other candidate after credit; None when one was recorded
    boost: float  #: logits added by credit, nats
    score: float  #: what was held against the bar
    bar: float  #: what the score had to reach, at a written token to replace or to keep it; nan where nothing is judged
    effective_threshold: float  #: raw probability that would do, had no other token credit; nan where the score is none
    reason: Reason | None  #: why it was written in this step; None: it was not
    written: Guess | None  #: the token written in this step, where that is another than the guess
    by_hand: Guess | None  #: the token that a person put there right after; the mask token where one was taken back
    stood: Guess | None  #: the token that stood there before the step; None where a mask did


def effective_threshold(threshold: float, boost: float) -> float:
    """Raw probability at which a token with this boost reaches the threshold; no other token has credit.

    1 / (1 + ((1 - tau) / tau) (1 + C)^alpha), with (1 + C)^alpha = exp(boost); from the fused odds of
    CreditDecoding (arXiv 2510.06133, section 4.2). A threshold outside (0, 1) is its own answer.
    """
    if not 0 < threshold < 1:
        return threshold
    return float(1 / (1 + (1 - threshold) / threshold * np.exp(boost)))


def explain(trace: Trace, step: int, position: int) -> Explanation:
    """The numbers behind the decision on `position` (from 0) in `step` (from 1).

    Raises:
        TraceError: out of range, or nothing was recorded there.
    """
    cell = _cell(trace, step, position)
    guess, boost = _winner(trace, cell), float(trace.cells("boost")[cell])
    bar = float(trace.channels["bar"][cell]) if "bar" in trace.channels else float("nan")
    score = float(trace.channels["score"][cell]) if "score" in trace.channels else guess.fused_p
    stood = int(trace.canvas(step - 1)[position])
    here = (trace.event_steps == step) & (trace.event_positions == position)
    by_hand = trace.event_reasons == Reason.INTERVENED
    event, change = _first(here & ~by_hand), _first(here & by_hand)
    written = None if event is None else int(trace.event_ids[event])
    return Explanation(
        step,
        position,
        guess,
        _runner_up(trace, cell, guess.token_id),
        boost,
        score,
        bar,
        effective_threshold(bar, boost) if score == guess.fused_p else float("nan"),
        None if event is None else Reason(int(trace.event_reasons[event])),
        None if written is None or written == guess.token_id else _token(trace, cell, written),
        None if change is None else _token(trace, cell, int(trace.event_ids[change])),
        None if stood == trace.info.mask_id else _token(trace, cell, stood),
    )


def _first(which: NDArray[np.bool_]) -> int | None:
    return int(which.argmax()) if which.any() else None


def _cell(trace: Trace, step: int, position: int) -> int:
    if not 1 <= step <= trace.forward_passes:
        raise TraceError(f"step {step} is out of range; valid: 1..{trace.forward_passes}")
    if not 0 <= position < trace.gen_length:
        raise TraceError(f"position {position} is out of range; valid: 0..{trace.gen_length - 1}")
    start, end = (int(offset) for offset in trace.offsets[step - 1 : step + 1])
    found = np.flatnonzero(trace.positions[start:end] == position)
    if not len(found):
        recorded = trace.cell_steps[trace.positions == position]
        when = f"recorded in steps {recorded[0]}..{recorded[-1]}" if len(recorded) else "never recorded in this trace"
        raise TraceError(f"position {position} has no guess in step {step}; it was {when}")
    return start + int(found[0])


def _winner(trace: Trace, cell: int) -> Guess:
    token = int(trace.winner_ids[cell])
    credit = float(trace.cells("credit")[cell])
    return Guess(token, _text(trace, token), float(trace.winner_p[cell]), credit, float(trace.fused[cell]))


def _runner_up(trace: Trace, cell: int, winner: int) -> Guess | None:
    others = np.flatnonzero(trace.candidate_ids[cell] != winner)
    if not len(others):
        return None
    best = others[trace.candidate_fused[cell, others].argmax()]
    return _candidate(trace, cell, int(best))


def _token(trace: Trace, cell: int, token: int) -> Guess:
    places = np.flatnonzero(trace.candidate_ids[cell] == token)
    nan = float("nan")
    return _candidate(trace, cell, int(places[0])) if len(places) else Guess(token, _text(trace, token), nan, nan, nan)


def _candidate(trace: Trace, cell: int, place: int) -> Guess:
    token = int(trace.candidate_ids[cell, place])
    p, credit, fused = (getattr(trace, f"candidate_{name}")[cell, place] for name in ("p", "credit", "fused"))
    return Guess(token, _text(trace, token), float(p), float(credit), float(fused))


def _text(trace: Trace, token: int) -> str:
    return trace.info.token_text.get(token, f"[{token}]")
