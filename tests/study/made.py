"""Sweeps whose every run came out as told, for tests of the study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from credit_viz.lab import Arm, Plan, SweepResult, TaskPrompts
from credit_viz.lab.columns import KINDS, Row
from credit_viz.lab.plan import Run
from credit_viz.lab.result import tidy
from credit_viz.study.scores import family_of

MODEL = {"name": "m"}
ARMS = (
    Arm("vanilla", {"steps": (None, 2)}),
    Arm("threshold", {"threshold": (0.5, 0.8, 0.9)}),
    Arm("credit", {"beta": (0.8, 0.0), "alpha": (0.7, 1.0), "threshold": (0.5, 0.8, 0.9)}),
)
BLOCKS = (4, 8)
SESSIONS = [{"started": "2026-01-01T00:00:00+00:00", "machine": "a machine"}]
#: forward passes and share of right answers by threshold.
PASSES = {0.5: 2, 0.8: 4, 0.9: 6}
SHARES = {0.5: 0.25, 0.8: 0.5, 0.9: 1.0}
Outcome = tuple[int, bool]


def plan_of(arms: tuple[Arm, ...] = ARMS, count: int = 20, blocks: tuple[int, ...] = BLOCKS) -> Plan:
    return Plan(arms, tasks=TaskPrompts(("story",), count=count), options={"gen_length": 8, "block_length": blocks})


def outcome(run: Run) -> Outcome:
    """Passes and whether the answer is right: one pass fewer in long blocks, and one fewer by credit with history."""
    share = run.prompt.id.rpartition("-")[2]
    values = run.setting.values
    if run.setting.decoder == "vanilla":
        steps = values["steps"]
        return (8, True) if steps is None else (2, False)
    tau = float(str(values["threshold"]))
    fewer = (run.options.block_length == 8) + (family_of(*run.setting) == "credit")
    return PASSES[tau] - fewer, int(share) % 4 < 4 * SHARES[tau]


def result_of(plan: Plan, told: Callable[[Run], Outcome] = outcome) -> SweepResult:
    """A result in which every run came out as told."""
    kinds: dict[str, Any] = {"int": 1, "float": 1.0, "text": "t", "ids": [1, 2, -1, -1]}
    rows: dict[str, Row] = {}
    for run in plan.runs():
        passes, right = told(run)
        row = {name: kinds[kind] for name, kind in KINDS.items()}
        rows[run.key(MODEL, 1)] = row | {"forward_passes": passes, "exact_match": int(right), "failed": None}
    manifest = {"plan": plan.to_json(), "model": MODEL, "format": 1, "versions": {}, "sessions": SESSIONS}
    return SweepResult(manifest, tidy(plan, MODEL, rows))
