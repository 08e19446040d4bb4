"""What would another decoder, or other knobs, have done? Answers from a trace, without a model and without a new run.

Knows decoders and traces; no models, no page. `what_if` follows other settings up to the first step that differs,
`counterfactuals` asks all decoders what they would do in one recorded state.
"""

from __future__ import annotations

from credit_viz.whatif.counterfactual import Counterfactual, Judgement, SameState, counterfactuals
from credit_viz.whatif.prediction import PredictedStep, Prediction, Write, predict, what_if
from credit_viz.whatif.words import Change, changes, needs_rerun_from, sentence

__all__ = [
    "Change",
    "Counterfactual",
    "Judgement",
    "PredictedStep",
    "Prediction",
    "SameState",
    "Write",
    "changes",
    "counterfactuals",
    "needs_rerun_from",
    "predict",
    "sentence",
    "what_if",
]
