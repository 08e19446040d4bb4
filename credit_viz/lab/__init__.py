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
running.py  from plan to result            crew.py, serve.py, work.py: who computes; store.py: what is kept
tuning.py   the fewest passes at good enough a quality, searched and verified
attribution.py  where a credit decoder's saved passes come from
report.py   the words of a report
result.py   tables with intervals          columns.py, likelihood.py: what is measured of each run
"""

from __future__ import annotations

from credit_viz.lab.attribution import Attribution, attribute
from credit_viz.lab.crew import Crew, InlineCrew, LocalCrew
from credit_viz.lab.notation import parse_arm, write_arm
from credit_viz.lab.plan import ModelSource, Plan, Run
from credit_viz.lab.prompts import Prompt, TaskPrompts, read_prompts
from credit_viz.lab.result import SweepResult
from credit_viz.lab.running import Progress, look_ahead, stream, sweep
from credit_viz.lab.spaces import Arm, Span
from credit_viz.lab.tuned import Tuned
from credit_viz.lab.tuning import TuningProgress, tune

__all__ = [
    "Arm",
    "Attribution",
    "Crew",
    "InlineCrew",
    "LocalCrew",
    "ModelSource",
    "Plan",
    "Progress",
    "Prompt",
    "Run",
    "Span",
    "SweepResult",
    "TaskPrompts",
    "Tuned",
    "TuningProgress",
    "attribute",
    "look_ahead",
    "parse_arm",
    "read_prompts",
    "stream",
    "sweep",
    "tune",
    "write_arm",
]
