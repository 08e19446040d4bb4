"""What the page may ask about sweeps: which there are, what one would cost, start, follow, stop it. No gradio."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

from credit_viz.errors import BackendError, CreditVizError, PromptError, SettingsError
from credit_viz.lab import ModelSource, Plan
from credit_viz.lab.report import command_of
from credit_viz.models.known import EMBEDDED
from credit_viz.text import clean_text
from credit_viz.web.asked import Asked, text_of
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.planform import PlanForm, form_of
from credit_viz.web.sweepshelf import MAX_TITLE

__all__ = ["LabQuestions"]

_MINE = 200  #: ids of own sweeps that a page may name
_AT_ONCE = 2  #: plans that are read at a time
_TURN = 3.0  #: seconds to wait for a turn
_LONGEST = 500  #: characters of a command in a message


@dataclass(frozen=True)
class LabQuestions:
    """Answers from a laboratory."""

    laboratory: Laboratory
    _reading: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_AT_ONCE), init=False, repr=False)

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
        mine = asked.get("mine") or []
        if not isinstance(mine, list):
            raise SettingsError(f"mine {reprlib.repr(mine)}; valid: a list of ids")
        mine = [name for name in mine[:_MINE] if isinstance(name, str)]
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
            with self._turn():
                plan = self._read(form, asked)
                return {
                    "runs": sum(1 for _ in plan.runs()),
                    "settings": plan.rows,
                    "prompts": len(plan.all_prompts),
                    "seconds": self.laboratory.seconds(plan),
                }
        except CreditVizError as error:
            return _refused(error, form)

    def lab_start(self, asked: Asked) -> dict[str, Any]:
        """Begin a sweep."""
        form = self._form()
        try:
            with self._turn():
                plan = self._read(form, asked)
            return {"sweep": self.laboratory.start(plan, _title(asked.get("title"), plan))}
        except CreditVizError as error:
            return _refused(error, form)

    def lab_status(self, asked: Asked) -> dict[str, Any]:
        """How far a sweep is."""
        return self.laboratory.status(text_of(asked, "sweep"))._asdict()

    def lab_cancel(self, asked: Asked) -> dict[str, Any]:
        """Stop a sweep."""
        self.laboratory.cancel(text_of(asked, "sweep"))
        return self.lab_status(asked)

    def lab_resume(self, asked: Asked) -> dict[str, Any]:
        """Go on with a sweep that was stopped."""
        self.laboratory.resume(text_of(asked, "sweep"))
        return self.lab_status(asked)

    def lab_delete(self, asked: Asked) -> dict[str, Any]:
        """Remove a sweep for good."""
        self.laboratory.delete(text_of(asked, "sweep"))
        return {}

    def _form(self) -> PlanForm:
        backend = self.laboratory.backend
        return PlanForm(self.laboratory.limits, backend.source if backend else ModelSource())

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Whoever asks much keeps only those waiting who ask for the same."""
        if not self._reading.acquire(timeout=_TURN):
            raise BackendError("the server is busy with the plans of others; valid: ask again in a moment")
        try:
            yield
        finally:
            self._reading.release()

    def _read(self, form: PlanForm, asked: Asked) -> Plan:
        """The plan, if it is not too large for a page, and fits the model."""
        plan = form.read(asked.get("plan"))
        limit = self.laboratory.limits.runs
        if plan.size > limit:
            command = command_of(plan)
            short = command if len(command) <= _LONGEST and "\n" not in command else "credit-viz sweep"
            raise SettingsError(
                f"this sweep has up to {plan.size:,} runs; a page starts up to {limit:,}, a shell more: {short}"
            )
        if self.laboratory.backend is not None:
            self.laboratory.backend.check(plan)
        return plan


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
