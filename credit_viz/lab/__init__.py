"""The lab: which decoder with which knobs for a model and a task, measured. Knows no page and no shell.

from credit_viz import lab

plan = lab.Plan(
    arms=(lab.Arm("vanilla"), lab.Arm("credit", {"alpha": lab.Span(0, 2, 5), "threshold": (0.8, 0.9)})),
    tasks=lab.TaskPrompts(("story", "json"), count=20),
    options={"block_length": (32, 64)},
)
result = lab.sweep(plan, "first-sweep", workers=2)
result.table(), result.front(), result.frame

plan.py     what to run, as data           spaces.py, prompts.py, notation.py: its parts, and arms in words
running.py  from plan to result            crew.py, cluster.py, team.py, relay.py, serve.py, work.py: who computes;
                                           store.py: what is kept
tuning.py   the fewest passes at good enough a quality, searched and verified
attribution.py  where a credit decoder's saved passes come from
contrasting.py  why two settings of a sweep differ  named.py, listed.py, paired.py, controls.py,
                                           contrast_words.py, contrast_plain.py: its parts
report.py   the words of a report
result.py   tables with intervals          columns.py, likelihood.py: what is measured of each run
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_viz.lab.attribution import Attribution, attribute
    from credit_viz.lab.cluster import RayCrew
    from credit_viz.lab.contrasting import Contrast, contrast
    from credit_viz.lab.crew import Crew, InlineCrew, LocalCrew
    from credit_viz.lab.notation import parse_arm, write_arm
    from credit_viz.lab.plan import ModelSource, Plan, Run
    from credit_viz.lab.prompts import Prompt, TaskPrompts, read_prompts
    from credit_viz.lab.result import SweepResult
    from credit_viz.lab.running import Progress, look_ahead, stream, sweep
    from credit_viz.lab.spaces import Arm, Span
    from credit_viz.lab.tuned import Tuned
    from credit_viz.lab.tuning import TuningProgress, tune
    from credit_viz.trace.contrast import RunContrast, contrast_runs

__all__ = [
    "Arm",
    "Attribution",
    "Contrast",
    "Crew",
    "InlineCrew",
    "LocalCrew",
    "ModelSource",
    "Plan",
    "Progress",
    "Prompt",
    "RayCrew",
    "Run",
    "RunContrast",
    "Span",
    "SweepResult",
    "TaskPrompts",
    "Tuned",
    "TuningProgress",
    "attribute",
    "contrast",
    "contrast_runs",
    "look_ahead",
    "parse_arm",
    "read_prompts",
    "stream",
    "sweep",
    "tune",
    "write_arm",
]

#: imported when asked for: a worker needs a few of them only, and starts the sooner.
_HOMES = {
    "Arm": "credit_viz.lab.spaces",
    "Attribution": "credit_viz.lab.attribution",
    "Contrast": "credit_viz.lab.contrasting",
    "Crew": "credit_viz.lab.crew",
    "InlineCrew": "credit_viz.lab.crew",
    "LocalCrew": "credit_viz.lab.crew",
    "ModelSource": "credit_viz.lab.plan",
    "Plan": "credit_viz.lab.plan",
    "Progress": "credit_viz.lab.running",
    "Prompt": "credit_viz.lab.prompts",
    "RayCrew": "credit_viz.lab.cluster",
    "Run": "credit_viz.lab.plan",
    "RunContrast": "credit_viz.trace.contrast",
    "Span": "credit_viz.lab.spaces",
    "SweepResult": "credit_viz.lab.result",
    "TaskPrompts": "credit_viz.lab.prompts",
    "Tuned": "credit_viz.lab.tuned",
    "TuningProgress": "credit_viz.lab.tuning",
    "attribute": "credit_viz.lab.attribution",
    "contrast": "credit_viz.lab.contrasting",
    "contrast_runs": "credit_viz.trace.contrast",
    "look_ahead": "credit_viz.lab.running",
    "parse_arm": "credit_viz.lab.notation",
    "read_prompts": "credit_viz.lab.prompts",
    "stream": "credit_viz.lab.running",
    "sweep": "credit_viz.lab.running",
    "tune": "credit_viz.lab.tuning",
    "write_arm": "credit_viz.lab.notation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'credit_viz.lab' has no attribute {name!r}; public: {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
