"""The lab on a Hugging Face Space: a small machine that many visitors share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from credit_viz.backend.sweeps import LocalSweeps
from credit_viz.lab import ModelSource
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.planform import Limits
from credit_viz.web.sweepshelf import shipped_study

if TYPE_CHECKING:
    from credit_viz.models.base import DiffusionLM

__all__ = ["space_laboratory"]

_LIMITS = Limits(runs=600, prompts=50, length=256, waiting=4, kept=16)


def space_laboratory(model: DiffusionLM) -> Laboratory:
    """Few and small sweeps on one worker; on ZeroGPU, which lends a GPU for seconds, none but those that are there."""
    sweeps = None if os.environ.get("SPACES_ZERO_GPU") else LocalSweeps(model, ModelSource(), most_workers=1)
    return Laboratory(sweeps, shown=shipped_study(), public=True, limits=_LIMITS)
