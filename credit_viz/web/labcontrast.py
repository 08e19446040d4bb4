"""What the Lab's page asks about two settings: why they differ. Knows comparisons of settings; no gradio."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from credit_viz.errors import SettingsError
from credit_viz.figures.sweeps.metrics import metric
from credit_viz.lab.contrast_plain import plain
from credit_viz.lab.contrasting import contrast
from credit_viz.lab.result import SweepResult
from credit_viz.web.asked import Asked, object_of, text_of
from credit_viz.web.kept import Kept
from credit_viz.web.labanswers import Results

__all__ = ["LabContrasts"]

_MOST_PROMPTS = 2_000  #: that are listed
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
        """Why two settings differ, see `contrast_plain`. Of the filters only that of tasks counts: it says which
        prompts are compared.

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
    found = plain(contrast(result, first, second))
    texts = {prompt.id: prompt.text for prompt in result.plan.all_prompts}
    return found | {
        "measures": [measure | metric(measure["name"])._asdict() for measure in found["measures"]],
        "reasons": [reason | {"title": _title(reason["name"])} for reason in found["reasons"]],
        "pairs": [pair | {"text": texts[pair["prompt"]]} for pair in found["pairs"][:_MOST_PROMPTS]],
    }


def _title(reason: str) -> str:
    """What is counted are tokens, which is said beside the table."""
    return metric(f"written_{reason}").title.removeprefix("tokens ")
