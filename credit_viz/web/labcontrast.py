"""What the Lab's page asks about two settings: why they differ. Knows comparisons of settings; no gradio.

Numbers are in the unit of their measure: a share is 0 to 1, and so is its difference. What nobody can say is null, the
interval of a single prompt included.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

from credit_viz.errors import SettingsError
from credit_viz.figures.sweeps.metrics import metric
from credit_viz.lab.contrasting import Contrast, contrast
from credit_viz.lab.controls import Control
from credit_viz.lab.paired import Measure
from credit_viz.lab.result import SweepResult
from credit_viz.web.asked import Asked, object_of, text_of
from credit_viz.web.kept import Kept
from credit_viz.web.labanswers import Results

__all__ = ["LabContrasts"]

_MOST_PROMPTS = 2_000  #: that are listed
_DIGITS = 6
_KEPT = 96


class LabContrasts:
    """Questions about two settings, see `credit_viz.web.questions`; safe to ask from several threads."""

    def __init__(self, laboratory: Results) -> None:
        self._laboratory = laboratory
        self._kept: Kept[dict[str, Any]] = Kept(_KEPT)

    def functions(self) -> list[Callable[[Asked], Any]]:
        """All questions."""
        return [self.lab_contrast]

    def lab_contrast(self, asked: Asked) -> dict[str, Any]:
        """Why two settings differ. Of the filters only that of tasks counts: it says which prompts are compared.

        Raises:
            SettingsError: no two settings of this sweep, or no prompt on which both have a result.
        """
        whole = self._laboratory.result(text_of(asked, "sweep"))
        first, second = _two(asked.get("rows"))
        tasks = object_of(object_of(asked, "filters"), "columns").get("task")
        if tasks is not None and not isinstance(tasks, list):
            raise SettingsError(f"task is kept at {reprlib.repr(tasks)}; valid: a list of values")
        key = whole.mark, first, second, repr(tasks)
        return self._kept.of(key, lambda: _answer(_of_tasks(whole, tasks), first, second))


def _two(rows: object) -> tuple[int, int]:
    if not isinstance(rows, list) or [type(row) for row in rows] != [int, int]:
        raise SettingsError(f"settings {reprlib.repr(rows)}; valid: a list of the numbers of two settings")
    return rows[0], rows[1]


def _of_tasks(whole: SweepResult, tasks: list[Any] | None) -> SweepResult:
    if tasks is None:
        return whole
    kept = whole.where(task=[task for task in tasks if isinstance(task, str | None)])
    if not len(kept.frame):
        raise SettingsError("no run is left; valid: filters that keep one or more")
    return kept


def _answer(result: SweepResult, first: int, second: int) -> dict[str, Any]:
    found = contrast(result, first, second)
    return {
        "names": found.names,
        "differs": [{"knob": knob, "values": values} for knob, values, _ in found.differs],
        "prompts": found.prompts,
        "left_out": found.left_out,
        "same_texts": found.same_texts,
        "sentence": found.sentence,
        "measures": [_measure(each) for each in found.measures.values()],
        "reasons": [
            {"name": name, "title": metric(f"written_{name}").title.removeprefix("tokens "), "values": _numbers(means)}
            for name, means in found.reasons.items()
        ],
        "pairs": _prompts(result, found),
        "controls": [_control(each) for each in found.controls],
        "command": found.command,
    }


def _measure(found: Measure) -> dict[str, Any]:
    value, low, high = _numbers(dataclasses.astuple(found.difference))
    about = {"name": found.name, **metric(found.name)._asdict(), "values": _numbers(found.values)}
    return about | {"difference": {"value": value, "low": low, "high": high}}


def _prompts(result: SweepResult, found: Contrast) -> list[dict[str, Any]]:
    texts = {prompt.id: prompt.text for prompt in result.plan.all_prompts}
    shown = found.by_prompt.iloc[:_MOST_PROMPTS]
    return [
        {
            "prompt": row.prompt,
            "text": texts[row.prompt],
            "passes": _numbers((row.passes_1, row.passes_2)),
            "quality": _numbers((row.quality_1, row.quality_2)),
            "same_text": row.same_text,
        }
        for row in shown.itertuples()
    ]


def _control(found: Control) -> dict[str, Any]:
    passes, quality = (None if each is None else _number(each.values[1]) for each in (found.passes, found.quality))
    return {
        "of": found.of,
        "role": found.role,
        "row": found.number,
        "name": found.name,
        "passes": passes,
        "quality": quality,
        "why": found.why,
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    """A few digits; what is missing is null."""
    return None if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
