"""Results of sweeps that nobody ran: random numbers in the place of runs, for tables and figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from credit_viz.lab import Arm, Plan, Prompt, SweepResult
from credit_viz.lab.columns import KINDS, failed_row
from credit_viz.lab.result import tidy

MODEL = {"name": "made up", "weights": "0"}


def made_plan(**changes: Any) -> Plan:
    """Three decoders, 2 + 9 + 3 settings at two block lengths, on five prompts with answers, two seeds."""
    given: dict[str, Any] = {
        "arms": (
            Arm("vanilla", {"steps": (4, 8)}),
            Arm("credit", {"alpha": (None, 0.7, 2.0), "threshold": (0.3, 0.6, 0.9)}),
            Arm("threshold", {"threshold": (0.45, 0.6, 0.9)}),
        ),
        "prompts": tuple(Prompt(f"p{n}", f"text {n}", "right") for n in range(5)),
        "options": {"gen_length": 8, "block_length": (4, 8), "seed": (0, 1)},
    }
    return Plan(**{**given, **changes})


def made_rows(plan: Plan, seed: int = 0, fail: float = 0.0) -> dict[str, dict[str, Any]]:
    """A row for every run by its key; `fail`: share of runs that raised."""
    rng = np.random.default_rng(seed)
    rows = {}
    for run in plan.runs():
        passes = int(rng.integers(1, 9))
        numbers = {
            "forward_passes": passes,
            "tokens_per_forward": 8 / passes,
            "content_tokens": 6,
            "content_tokens_per_forward": 6 / passes,
            "mean_wait": float(rng.random()),
            "redundant_guesses": int(rng.integers(0, 9)),
            "exact_match": int(rng.random() < 0.7) if run.prompt.judged else None,
            "log_likelihood": None,
            "seconds": 0.5,
            "failed": None,
            "text": "text",
            "content_ids": rng.integers(0, 2, 8).tolist(),
        }
        row = dict.fromkeys(KINDS, 0) | numbers
        rows[run.key(MODEL, plan.batch)] = failed_row("it broke") if rng.random() < fail else row
    return rows


def made_result(plan: Plan | None = None, seed: int = 0, fail: float = 0.0, runs: int | None = None) -> SweepResult:
    """The result of a plan; `runs`: only so many of them, the last ones first."""
    plan = plan or made_plan()
    rows = made_rows(plan, seed, fail)
    if runs is not None:
        rows = dict(list(rows.items())[-runs:])
    manifest = {
        "format": 1,
        "plan": plan.to_json(),
        "model": MODEL,
        "versions": {"credit-viz": "0"},
        "sessions": [{"machine": "none"}],
    }
    return SweepResult(manifest, tidy(plan, MODEL, rows))
