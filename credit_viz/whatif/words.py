"""A prediction in one sentence. Knows traces and predictions; the token texts in it are as the model has them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from credit_viz.trace.record import Trace
from credit_viz.whatif.prediction import Prediction

__all__ = ["Change", "changes", "needs_rerun_from", "sentence"]

_NAMED = 4  #: tokens that a sentence names


class Change(NamedTuple):
    """What a step does to a position, as recorded and as predicted; None: nothing."""

    position: int  #: from 0
    recorded: int | None  #: token id; the mask id where one is taken back
    predicted: int | None


def changes(trace: Trace, predicted: Prediction) -> tuple[Change, ...]:
    """What differs in the step in which the runs part, by position; none where they do not."""
    step = predicted.diverges_at
    if step is None:
        return ()
    here = trace.event_steps == step
    old = dict(zip(trace.event_positions[here].tolist(), trace.event_ids[here].tolist(), strict=True))
    last = predicted.steps[-1] if predicted.steps else None
    new = {w.position: w.token_id for w in last.writes} if last and last.step == step else {}
    return tuple(
        Change(position, old.get(position), new.get(position))
        for position in sorted(old.keys() | new.keys())
        if old.get(position) != new.get(position)
    )


def needs_rerun_from(predicted: Prediction) -> int | None:
    """The first step that the record says nothing of; None where it tells all."""
    return None if predicted.ended == "same" else (predicted.diverges_at or len(predicted.steps)) + 1


def sentence(trace: Trace, predicted: Prediction) -> str:
    """For example: Same as recorded up to step 7; in step 8 it would also write " ball"."""
    steps = trace.forward_passes
    if predicted.ended == "same":
        unfinished = "" if trace.complete else ", which was not finished"
        return f"Same as recorded to the end: {_counted(steps, 'step')}{unfinished}."
    told = len(predicted.steps) - (predicted.diverges_at == len(predicted.steps))
    same = f"Same as recorded up to step {told}" if told else ""
    if predicted.diverges_at is None:
        where = "" if predicted.position is None else f" (position {predicted.position})"
        after = f"{same}; what step {told + 1} writes" if told else "What it writes"
        return f"{after} cannot be said from the record: {predicted.why}{where}."
    if predicted.diverges_at > len(predicted.steps):
        return f"{same}, and then it would be finished, {_counted(steps - told, 'step')} earlier."
    what = _difference(trace, predicted)
    return (
        f"{same}; in step {predicted.diverges_at} it would {what}." if told else f"In its first step it would {what}."
    )


def _difference(trace: Trace, predicted: Prediction) -> str:
    found = changes(trace, predicted)
    recorded_any = any(trace.event_steps == predicted.diverges_at)
    also = [c.predicted for c in found if c.recorded is None and c.predicted is not None]
    other = [c for c in found if c.recorded is not None and c.predicted is not None]
    less = [c.recorded for c in found if c.predicted is None and c.recorded is not None]
    parts = []
    if also:
        word = "also " if recorded_any and not less and not other else ""
        parts.append(f"{word}write {_tokens(trace, also)}")
    if other:
        pairs = [f"{_token(trace, c.predicted)} instead of {_token(trace, c.recorded)}" for c in other]
        parts.append(f"write {_joined(pairs)}")
    if less:
        parts.append(f"not write {_tokens(trace, less)}{' yet' if not also and not other else ''}")
    return _joined(parts)


def _tokens(trace: Trace, ids: Sequence[int]) -> str:
    times = Counter(ids)
    return _joined(_token(trace, token) + (f" × {count}" if count > 1 else "") for token, count in times.items())


def _token(trace: Trace, token: int | None) -> str:
    assert token is not None
    if token == trace.info.mask_id:
        return "a mask"
    return json.dumps(trace.info.token_text.get(token, f"[{token}]"), ensure_ascii=False)


def _joined(parts: Iterable[str]) -> str:
    words = list(parts)
    if len(words) > _NAMED:
        words = [*words[: _NAMED - 1], f"{len(words) - _NAMED + 1} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
