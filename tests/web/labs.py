"""A laboratory whose sweeps go run by run, as a test says; and the plans that it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from credit_viz.backend.sweeps import LocalSweeps, StoppableCrew
from credit_viz.errors import BackendError
from credit_viz.evaluation.manifest import describe_model
from credit_viz.lab import InlineCrew, ModelSource, Plan
from credit_viz.lab.columns import Row
from credit_viz.lab.shares import Unit
from credit_viz.models.loading import load_model
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.sweepjobs import Job
from tests.lab.conftest import FIXTURES, LabModel

#: a plan as a page sends it: 4 settings on 3 prompts.
ASKED: Mapping[str, Any] = {
    "arms": ["vanilla: steps=4,8", "credit: threshold=0.5,0.9"],
    "prompts": ["one", "two", "three"],
    "gen_length": [8],
    "block_length": [8],
    "compare": "never",
}
RUNS = 12
PATIENCE = 300.0  #: seconds after which a test is stuck


class SteppedCrew(InlineCrew):
    """Each run waits until it may; `stop` wakes it."""

    def __init__(self, model: Any, gate: threading.Semaphore) -> None:
        super().__init__(model)
        self._gate = gate
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()
        self._gate.release()

    def run(self, units: Iterable[Unit]) -> Generator[tuple[Unit, list[Row]]]:
        for done in super().run(units):
            assert self._gate.acquire(timeout=PATIENCE)
            if self._stopped.is_set():
                raise BackendError("stopped")
            yield done


class SteppedSweeps:
    """A backend whose sweeps do as many runs as `allow` says."""

    source = ModelSource("mock")
    workers = 1
    served: Any = LabModel()
    loading_seconds = 2.0
    seconds_per_position: float | None = 0.25

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)

    @property
    def model(self) -> Mapping[str, Any]:
        return describe_model(self.served)

    def allow(self, runs: int = 1000) -> None:
        self.gate.release(runs)

    def crew(self) -> StoppableCrew:
        return SteppedCrew(LabModel(), self.gate)

    def check(self, plan: Plan) -> None:
        LocalSweeps(LabModel(), self.source).check(plan)  # type: ignore[arg-type]


class PeakySweeps(SteppedSweeps):
    """Real worker processes, of a model that they can load."""

    source = ModelSource(str(FIXTURES / "llada_peaky"), device="cpu", dtype="float32")
    workers = 2

    @cached_property
    def served(self) -> Any:  # type: ignore[override]
        return load_model(FIXTURES / "llada_peaky", device="cpu", dtype="float32")

    def crew(self) -> StoppableCrew:
        from credit_viz.backend.sweeps import _Processes

        return _Processes(self.workers)

    def check(self, plan: Plan) -> None:
        """The workers do."""


def wait_for(happened: Callable[[], object]) -> None:
    """Until something is so; a test that waits in vain fails."""
    nothing = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if happened():
            return
        nothing.wait(0.01)
    raise AssertionError("waited in vain")


def job_of(laboratory: Laboratory, sweep: str) -> Job:
    job = laboratory._sweeps[sweep].job
    assert job is not None
    return job


def sweep_folder(laboratory: Laboratory, sweep: str) -> Path:
    return laboratory._sweeps[sweep].folder
