"""What the page may ask about sweeps: which there are, what one would cost, start, follow, stop it. No gradio."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from credit_viz.errors import CreditVizError, PromptError, SettingsError
from credit_viz.lab import ModelSource, Plan
from credit_viz.lab.report import command_of
from credit_viz.models.known import EMBEDDED
from credit_viz.text import clean_text
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.planform import PlanForm, form_of
from credit_viz.web.sweepshelf import MAX_TITLE

__all__ = ["LabQuestions"]

Asked = Mapping[str, Any]
_MINE = 200  #: ids of own sweeps that a page may name


@dataclass(frozen=True)
class LabQuestions:
    """Answers from a laboratory."""

    laboratory: Laboratory

    def functions(self) -> list[Callable[[Asked], Any]]:
        """All questions."""
        return [
            self.lab_sweeps,
            self.lab_outlook,
            self.lab_start,
            self.lab_status,
            self.lab_cancel,
            self.lab_resume,
            self.lab_delete,
        ]

    def lab_sweeps(self, asked: Asked) -> dict[str, Any]:
        """The sweeps that a visitor sees, and what a new one may be."""
        mine = [name for name in list(asked.get("mine") or ())[:_MINE] if isinstance(name, str)]
        backend = self.laboratory.backend
        form = form_of(self.laboratory.limits, tasks=backend is not None and backend.model["name"] == EMBEDDED)
        return {
            "sweeps": [entry._asdict() for entry in self.laboratory.entries(mine)],
            "can_start": backend is not None,
            "form": form | {"workers": backend.workers if backend else 0},
        }

    def lab_outlook(self, asked: Asked) -> dict[str, Any]:
        """What a plan would cost."""
        form = self._form()
        try:
            plan = form.read(asked.get("plan"))
            self._check(form, plan)
        except CreditVizError as error:
            return _refused(error, form)
        return {
            "runs": sum(1 for _ in plan.runs()),
            "settings": plan.rows,
            "prompts": len(plan.all_prompts),
            "seconds": self.laboratory.seconds(plan),
        }

    def lab_start(self, asked: Asked) -> dict[str, Any]:
        """Begin a sweep."""
        form = self._form()
        try:
            plan = form.read(asked.get("plan"))
            self._check(form, plan)
            return {"sweep": self.laboratory.start(plan, _title(asked.get("title"), plan))}
        except CreditVizError as error:
            return _refused(error, form)

    def lab_status(self, asked: Asked) -> dict[str, Any]:
        """How far a sweep is."""
        return self.laboratory.status(str(asked["sweep"]))._asdict()

    def lab_cancel(self, asked: Asked) -> dict[str, Any]:
        """Stop a sweep."""
        self.laboratory.cancel(str(asked["sweep"]))
        return self.lab_status(asked)

    def lab_resume(self, asked: Asked) -> dict[str, Any]:
        """Go on with a sweep that was stopped."""
        self.laboratory.resume(str(asked["sweep"]))
        return self.lab_status(asked)

    def lab_delete(self, asked: Asked) -> dict[str, Any]:
        """Remove a sweep for good."""
        self.laboratory.delete(str(asked["sweep"]))
        return {}

    def _form(self) -> PlanForm:
        backend = self.laboratory.backend
        return PlanForm(self.laboratory.limits, backend.source if backend else ModelSource())

    def _check(self, form: PlanForm, plan: Plan) -> None:
        """Refuse what is too large for a page, or does not fit the model."""
        limit = self.laboratory.limits.runs
        if plan.size > limit:
            raise SettingsError(
                f"this sweep has up to {plan.size:,} runs; a page starts up to {limit:,}, a shell more: "
                f"{command_of(plan)}"
            )
        if self.laboratory.backend is not None:
            self.laboratory.backend.check(plan)


def _refused(error: CreditVizError, form: PlanForm) -> dict[str, Any]:
    field = "prompts" if form.field is None and isinstance(error, PromptError) else form.field
    return {"error": str(error), "field": field}


def _title(given: Any, plan: Plan) -> str:
    """What a visitor calls a sweep, else the decoders and the prompts."""
    if given is not None and not isinstance(given, str):
        raise SettingsError(f"title {reprlib.repr(given)} is no text")
    if given and (title := " ".join(clean_text(given).split())):
        return title[:MAX_TITLE]
    names = ", ".join(dict.fromkeys(arm.decoder for arm in plan.arms))
    return f"{names}: {len(plan.all_prompts)} prompts"
