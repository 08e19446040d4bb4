"""The sweeps of a page: which there are, whose they are, how far they are, what they came to. No gradio, no model.

A sweep is a folder, see `credit_viz.lab.store`; one that was started on a page also holds `page.json` with its title.
Ids of those cannot be guessed: who knows the id may look at it, stop it and delete it. All others are lasting: listed
for everybody, and never deleted.
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from credit_viz.backend.sweeps import SweepBackend
from credit_viz.errors import BackendError, CreditVizError
from credit_viz.lab import Plan, SweepResult
from credit_viz.lab.found import Summary, signature, summarize, sweep_folders
from credit_viz.web.planform import Limits
from credit_viz.web.sweepjobs import Job, Jobs

__all__ = ["Entry", "Laboratory", "Shown"]

_ABOUT = "page.json"
_RESULTS = 4  #: tables that are held at a time
_FRESH = 1.0  #: seconds for which a growing table is not read again


class Shown(NamedTuple):
    """A sweep that is there for everybody."""

    id: str
    title: str
    folder: Path


class Entry(NamedTuple):
    """A sweep as a list shows it."""

    id: str
    title: str
    model: str
    made: str  #: ISO 8601
    state: str
    settings: int
    prompts: int
    runs: int  #: that are there
    total: int
    failed: int
    lasting: bool
    can_race: bool
    note: str


@dataclass
class _Sweep:
    id: str
    title: str
    folder: Path
    lasting: bool
    listed: bool
    job: Job | None = None


class Laboratory:
    """Thread-safe.

    Args:
        backend: who computes new sweeps; None only shows those that are there.
        folder: where new ones are kept and earlier ones are found; None keeps them until `close`.
        shown: sweeps that lie elsewhere.
        public: visitors do not see each other's sweeps.
        limits: of what a page may start.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        backend: SweepBackend | None = None,
        folder: Path | None = None,
        *,
        shown: Sequence[Shown] = (),
        public: bool = False,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backend = backend
        self.limits = limits or Limits()
        self._folder = folder
        self._temporary: TemporaryDirectory[str] | None = None
        self._public = public
        self._clock = clock
        self._lock = threading.RLock()
        self._sweeps = {s.id: _Sweep(s.id, s.title, s.folder, lasting=True, listed=True) for s in shown}
        self._always = frozenset(self._sweeps)
        self._jobs = Jobs(backend.crew, self.limits.waiting) if backend is not None else None
        self._summaries: dict[str, tuple[Any, Summary]] = {}
        self._results: OrderedDict[str, tuple[Any, float, SweepResult]] = OrderedDict()

    def entries(self, mine: Collection[str] = ()) -> list[Entry]:
        """What a visitor sees: sweeps for everybody, and the visitor's own.

        Args:
            mine: ids of sweeps that the visitor started.
        """
        self._look()
        with self._lock:
            seen = [sweep for sweep in self._sweeps.values() if sweep.listed or sweep.id in mine]
        return [self._entry(sweep) for sweep in seen]

    def start(self, plan: Plan, title: str) -> str:
        """Begin a sweep, or queue it; returns its id.

        Raises:
            BackendError: nothing computes here, too many wait, or it cannot be kept.
        """
        if self._jobs is None:
            raise BackendError("no model is loaded here: this page shows sweeps that are there, and starts none")
        name = secrets.token_hex(8)
        folder = self._home() / name
        try:
            folder.mkdir(parents=True)
            about = {"title": title, "visitor": self._public}
            (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        except OSError as error:
            raise BackendError(f"cannot keep a sweep in {folder.parent}: {error}") from error
        job = Job(name, plan, folder)
        self._jobs.put(job)
        with self._lock:
            self._sweeps[name] = _Sweep(name, title, folder, lasting=False, listed=not self._public, job=job)
        return name

    def status(self, sweep: str) -> dict[str, Any]:
        """How far a sweep is.

        Raises:
            BackendError: it is unknown, or its folder is damaged.
        """
        found = self._find(sweep)
        if found.job is None:
            told = self._summary(found)
            return {
                "state": "done" if told.runs >= told.total else "cancelled",
                "done": told.runs,
                "total": told.total,
                "failed": told.failed,
                "seconds": None,
                "seconds_left": None,
                "ahead": 0,
                "error": "",
            }
        job, progress = found.job, found.job.progress
        return {
            "state": job.state,
            "done": progress.done if progress else 0,
            "total": progress.total if progress else job.plan.size,
            "failed": progress.failed if progress else 0,
            "seconds": progress.seconds if progress else 0.0,
            "seconds_left": progress.seconds_left if progress and not job.over else None,
            "ahead": self._jobs.ahead(job) if self._jobs else 0,
            "error": job.error,
        }

    def cancel(self, sweep: str) -> None:
        """Stop a sweep; what is done is kept.

        Raises:
            BackendError: it is unknown, or not computed here.
        """
        found = self._find(sweep)
        if found.job is None or self._jobs is None:
            raise BackendError("this sweep is not being computed here; there is nothing to stop")
        self._jobs.stop(found.job)

    def delete(self, sweep: str) -> None:
        """Stop a sweep and remove its folder.

        Raises:
            BackendError: it is unknown, or lasting.
        """
        found = self._find(sweep)
        if found.lasting:
            raise BackendError("this sweep is for everybody; who keeps the server can remove its folder")
        if found.job is not None and not found.job.over:
            raise BackendError("this sweep is not over; cancel it first")
        with self._lock:
            del self._sweeps[sweep]
            self._results.pop(sweep, None)
        shutil.rmtree(found.folder, ignore_errors=True)

    def result(self, sweep: str) -> SweepResult:
        """What a sweep came to so far; the same object as long as nothing new is there.

        Raises:
            BackendError, SettingsError, PromptError: it is unknown, damaged, or nothing of it is there yet.
        """
        found = self._find(sweep)
        with self._lock:
            now, mark = self._clock(), signature(found.folder)
            if held := self._results.get(sweep):
                growing = found.job is not None and not found.job.over
                if held[0] == mark or (growing and now - held[1] < _FRESH):
                    self._results.move_to_end(sweep)
                    return held[2]
            result = SweepResult.load(found.folder)
            self._results[sweep] = mark, now, result
            self._results.move_to_end(sweep)
            while len(self._results) > _RESULTS:
                self._results.popitem(last=False)
            return result

    def can_race(self, sweep: str) -> bool:
        """Can runs of this sweep be decoded again here: is its model the one that is served?"""
        try:
            return self.same_model(self._summary(self._find(sweep)).model)
        except CreditVizError:
            return False

    def same_model(self, name: str) -> bool:
        """Is this the model that is served?"""
        return self.backend is not None and self.backend.model["name"] == name

    def close(self) -> None:
        """End what runs, and remove what is not kept."""
        if self._jobs is not None:
            self._jobs.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _home(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._temporary = TemporaryDirectory(prefix="credit-viz-lab-", ignore_cleanup_errors=True)
                self._folder = Path(self._temporary.name)
            return self._folder

    def _look(self) -> None:
        """Find what lies in the folder."""
        if self._folder is None or not self._folder.exists():
            return
        found = {_id_of(path): path for path in sweep_folders(self._folder)}
        with self._lock:
            for name, path in found.items():
                if name not in self._sweeps:
                    self._sweeps[name] = _from_folder(name, path, self._public)
            gone = [
                name
                for name, sweep in self._sweeps.items()
                if sweep.job is None and name not in found and name not in self._always
            ]
            for name in gone:
                del self._sweeps[name]

    def _find(self, sweep: str) -> _Sweep:
        if sweep not in self._sweeps:
            self._look()
        with self._lock:
            if sweep not in self._sweeps:
                raise BackendError("the server does not keep this sweep, or no longer")
            return self._sweeps[sweep]

    def _summary(self, sweep: _Sweep) -> Summary:
        mark = signature(sweep.folder)
        with self._lock:
            held = self._summaries.get(sweep.id)
        if held is None or held[0] != mark:
            held = mark, summarize(sweep.folder)
            with self._lock:
                self._summaries[sweep.id] = held
        return held[1]

    def _entry(self, sweep: _Sweep) -> Entry:
        job = sweep.job
        if job is not None and (not job.over or job.state == "failed"):
            return self._entry_of_job(sweep, job)
        try:
            told = self._summary(sweep)
        except CreditVizError as error:
            return Entry(sweep.id, sweep.title, "", "", "failed", 0, 0, 0, 0, 0, sweep.lasting, False, str(error))
        whole = told.runs >= told.total
        return Entry(
            sweep.id,
            sweep.title,
            told.model,
            told.made,
            "done" if whole else "cancelled",
            len(told.plan.settings),
            len(told.plan.all_prompts),
            told.runs,
            told.total,
            told.failed,
            sweep.lasting,
            self.same_model(told.model),
            "" if whole else f"{told.runs:,} of {told.total:,} runs are there",
        )

    def _entry_of_job(self, sweep: _Sweep, job: Job) -> Entry:
        status = self.status(sweep.id)
        return Entry(
            sweep.id,
            sweep.title,
            str(self.backend.model["name"]) if self.backend else "",
            datetime.now(UTC).isoformat(timespec="seconds"),
            job.state,
            len(job.plan.settings),
            len(job.plan.all_prompts),
            status["done"],
            status["total"],
            status["failed"],
            sweep.lasting,
            True,
            job.error,
        )


def _id_of(folder: Path) -> str:
    return folder.name


def _from_folder(name: str, folder: Path, public: bool) -> _Sweep:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        title, visitor = str(about["title"]), bool(about["visitor"])
    except (OSError, ValueError, KeyError, TypeError):  # not started on a page
        return _Sweep(name, folder.name, folder, lasting=True, listed=True)
    theirs = visitor and public
    return _Sweep(name, title, folder, lasting=public and not visitor, listed=not theirs)
