"""Sweeps by name, for what asks about them."""

from __future__ import annotations

from credit_viz import lab


class Sweeps:
    """Stands in for the laboratory."""

    def __init__(self, **results: lab.SweepResult) -> None:
        self.results = results

    def result(self, sweep: str) -> lab.SweepResult:
        return self.results[sweep]
