"""Who computes the sweeps of a page: worker processes, or the served model. Knows models and the lab; no page."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from credit_viz.backend.local import QUICK_PARAMETERS
from credit_viz.errors import BackendError, CreditVizError
from credit_viz.evaluation.manifest import describe_model
from credit_viz.lab import Crew, InlineCrew, LocalCrew, ModelSource, Plan
from credit_viz.lab.team import Heard
from credit_viz.lab.work import Worker
from credit_viz.models.base import DiffusionLM
from credit_viz.models.known import EMBEDDED
from credit_viz.run import decode

__all__ = ["LocalSweeps", "StoppableCrew", "SweepBackend"]

_MOST_WORKERS = 8
_TIMED = 64  #: positions of the run that tells how fast the model is
_TIMED_PROMPT = "1 + 1 ="
_LOADING = 5.0  #: seconds until worker processes are ready, about
_NOBODY = -1  #: no worker has this number


class StoppableCrew(Crew, Protocol):
    """A crew that another thread may stop."""

    def stop(self) -> None:
        """Whoever computes sweeps with it is told so by a BackendError, soon; may be called at any time."""


class SweepBackend(Protocol):
    """Something that can compute sweeps."""

    @property
    def source(self) -> ModelSource:
        """How workers load the model, and what a plan names."""

    @property
    def workers(self) -> int:
        """How many runs are computed at a time."""

    @property
    def model(self) -> Mapping[str, Any]:
        """The model by its name and weights, as a sweep's manifest has it."""

    @property
    def loading_seconds(self) -> float:
        """What a crew takes until it begins, about."""

    @property
    def seconds_per_position(self) -> float | None:
        """What a generated position takes one worker, about; None where finding out would take long itself."""

    def crew(self) -> StoppableCrew:
        """Somebody to compute one sweep."""

    def check(self, plan: Plan) -> None:
        """Refuse what does not fit the model; no forward pass.

        Raises:
            SettingsError, PromptError: the message names the prompt or the setting.
        """


@dataclass(frozen=True)
class LocalSweeps:
    """Sweeps on this machine.

    The embedded model on a CPU is loaded by worker processes, so that the page stays quick. A larger model, or one on a
    GPU, is there once: the page's runs and the sweep share it, and slow each other down.
    """

    served: DiffusionLM
    source: ModelSource
    most_workers: int = _MOST_WORKERS

    @property
    def in_processes(self) -> bool:
        """Do worker processes compute, with models of their own?"""
        return self.served.info.name == EMBEDDED and self.served.device.type == "cpu"

    @property
    def workers(self) -> int:
        """See `SweepBackend`."""
        return max(1, min(os.cpu_count() or 1, self.most_workers)) if self.in_processes else 1

    @cached_property
    def model(self) -> Mapping[str, Any]:
        """See `SweepBackend`."""
        return describe_model(self.served)

    @property
    def loading_seconds(self) -> float:
        """See `SweepBackend`."""
        return _LOADING if self.in_processes else 0.0

    @cached_property
    def seconds_per_position(self) -> float | None:
        """See `SweepBackend`: one run of the decoder that most sweeps are about, on a small model."""
        if self.served.info.parameters > QUICK_PARAMETERS:
            return None
        began = time.perf_counter()
        try:
            decode(self.served, _TIMED_PROMPT, block_length=self.served.block_length or _TIMED, gen_length=_TIMED)
        except CreditVizError:  # a model that this decoder is not for
            return None
        return (time.perf_counter() - began) / _TIMED

    def crew(self) -> StoppableCrew:
        """See `SweepBackend`."""
        return _Processes(self.workers) if self.in_processes else _Served(self.served)

    def check(self, plan: Plan) -> None:
        """See `SweepBackend`."""
        Worker(self.served, plan).check()


class _Processes(LocalCrew):
    """Wakes up when it is stopped, whatever it waits for."""

    def stop(self) -> None:
        self._heard.put((_NOBODY, None))

    def _hear(self) -> Heard:
        heard = super()._hear()
        if heard[0] == _NOBODY:
            raise BackendError("the sweep was stopped")
        return heard


class _Served(InlineCrew):
    """Ends with the run that it is at: whoever takes runs from it takes no more."""

    def stop(self) -> None:
        """Nothing waits here for anything but the model."""
