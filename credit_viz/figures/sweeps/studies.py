"""A sweep's settings as an Optuna study, for Optuna's own evaluators. Knows tables and Optuna; draws nothing."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from credit_viz.errors import BackendError, SettingsError
from credit_viz.figures.labels import counted
from credit_viz.figures.sweeps.tables import UNSET, Swept, axes_of, check_metric, settings_table

__all__ = ["Study", "plain_value", "study_of"]


class Study(NamedTuple):
    """Optuna's study of one decoder's settings, and its axes."""

    optuna: Any
    study: Any
    axes: list[str]


def study_of(chosen: Swept, metric: str) -> Study:
    """One finished trial per setting of one decoder.

    Raises:
        SettingsError: unknown column, or fewer than four settings. BackendError: Optuna is not installed.
    """
    check_metric(chosen, metric)
    try:
        optuna = import_module("optuna")
    except ImportError:
        raise BackendError("this figure needs Optuna; install it with: pip install -e '.[lab]'") from None
    table = settings_table(chosen, [metric]).dropna(subset=[metric])
    axes = axes_of(chosen)
    if len(table) < 4 or not axes:
        raise SettingsError(f"{counted(len(table), 'setting')} of this decoder; valid: a sweep of four or more")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    distributions = {axis: _distribution(optuna, table[axis]) for axis in axes}
    columns = {axis: [plain_value(value) for value in table[axis]] for axis in axes}
    study.add_trials(
        optuna.trial.create_trial(
            params=dict(zip(axes, values, strict=True)), distributions=distributions, value=float(value)
        )
        for value, *values in zip(table[metric], *columns.values(), strict=True)
    )
    return Study(optuna, study, axes)


def _distribution(optuna: Any, column: pd.Series[Any]) -> Any:
    values = [plain_value(value) for value in column]
    if all(isinstance(value, float) for value in values):
        return optuna.distributions.FloatDistribution(min(values), max(values))
    return optuna.distributions.CategoricalDistribution(sorted(set(values), key=str))


def plain_value(value: Any) -> float | str:
    """A number, or words; a knob that is unset is a word of its own."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return UNSET
    if isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_)):
        return float(value)
    return str(value)
