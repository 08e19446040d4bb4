"""Predictions and counterfactuals as plain JSON types, for the page and for scripts; null where none applies."""

from __future__ import annotations

import math
from typing import Any

from credit_viz.trace.record import Trace
from credit_viz.whatif.counterfactual import Counterfactual, Judgement
from credit_viz.whatif.prediction import Prediction, Write
from credit_viz.whatif.words import Change, changes, needs_rerun_from, sentence

__all__ = ["counterfactual_json", "prediction_json"]


def prediction_json(trace: Trace, predicted: Prediction) -> dict[str, Any]:
    """The whole prediction, with what differs and the sentence that says so."""
    return {
        "decoder": predicted.decoder,
        "settings": dict(predicted.settings),
        **predicted.options,
        "ended": predicted.ended,
        "diverges_at": predicted.diverges_at,
        "rerun_from": needs_rerun_from(predicted),
        "why": predicted.why,
        "position": predicted.position,
        "sentence": sentence(trace, predicted),
        "steps": [
            {"step": step.step, "writes": [_write(trace, write) for write in step.writes]} for step in predicted.steps
        ],
        "changes": [_change(trace, change) for change in changes(trace, predicted)],
    }


def counterfactual_json(trace: Trace, found: Counterfactual, position: int) -> dict[str, Any]:
    """What one decoder would do, with all it makes of one position."""
    judgement = found.at(position)
    return {
        "decoder": found.decoder,
        "title": found.title,
        "settings": dict(found.settings),
        "score_name": found.score,
        "why": found.why,
        "position": found.position,
        "writes": [write.position for write in found.writes],
        "judgement": None if judgement is None else _judgement(trace, judgement),
    }


def _judgement(trace: Trace, judgement: Judgement) -> dict[str, Any]:
    values = {name: _number(value) for name, value in judgement._asdict().items()}
    return {**values, "text": _text(trace, judgement.token_id)}


def _write(trace: Trace, write: Write) -> dict[str, Any]:
    numbers = {"fused": _number(write.fused), "bar": _number(write.bar)}
    text = _text(trace, write.token_id)
    return {"position": write.position, "token": write.token_id, "text": text, "reason": int(write.reason), **numbers}


def _change(trace: Trace, change: Change) -> dict[str, Any]:
    texts = {
        name: None if token is None else _text(trace, token)
        for name, token in (("recorded", change.recorded), ("predicted", change.predicted))
    }
    return {"position": change.position, **texts}


def _text(trace: Trace, token: int) -> str:
    return trace.info.token_text.get(token, f"[{token}]")


def _number(value: Any) -> Any:
    """JSON has no nan and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
