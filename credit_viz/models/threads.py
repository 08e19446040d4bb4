"""How many CPU threads a program should give its model. For entry points only: the setting is the whole process's."""

from __future__ import annotations

import os

import torch

from credit_viz.models.base import DiffusionLM

__all__ = ["fit_threads"]

#: below this many parameters a layer is done before a second thread has woken up; where cores are shared, waiting
#: for that thread has made a run of one second take eighteen.
_SMALL = 20_000_000


def fit_threads(model: DiffusionLM) -> DiffusionLM:
    """One thread for a small model on a CPU, unless OMP_NUM_THREADS says otherwise; returns the model."""
    if model.device.type == "cpu" and model.info.parameters < _SMALL and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    return model
