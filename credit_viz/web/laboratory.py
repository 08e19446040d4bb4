"""The sweeps of a page: which there are, whose they are, how far they are, what they came to. No gradio, no model.

A sweep is a folder, see `credit_viz.lab.store`; one that was started on a page says so, see sweepshelf.py. Ids of those
cannot be guessed: who knows the id may look at it, stop it and delete it. All others are lasting: listed for everybody,
and never deleted. A public laboratory lists to a visitor only what lasts and what the visitor started.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from credit_viz.backend.sweeps import SweepBackend
from credit_viz.errors import BackendError, CreditVizError
from credit_viz.lab import Plan, SweepResult
from credit_viz.lab.found import Summary, holds_sweep, sweep_folders
from credit_viz.lab.store import worked_on
from credit_viz.web.pace import Pace
from credit_viz.web.planform import Limits
from credit_viz.web.sweepcache import SweepCache
from credit_viz.web.sweepjobs import Job, Jobs
from credit_viz.web.sweepshelf import About, Shown, read_about, write_about

__all__ = ["Entry", "Laboratory", "Status"]

_GONE = "the server does not keep this sweep, or no longer"


class Status(NamedTuple):
    """How far a sweep is."""

    state: str  #: queued, loading, running; elsewhere: another process computes it; done, cancelled or failed
    done: int  #: runs that are there
    total: int
    failed: int  #: of those that are there
    seconds: float | None  #: since its first run began
    seconds_left: float | None
    ahead: int  #: sweeps that come first
    error: str


class Entry(NamedTuple):
    """A sweep as a list shows it."""

    id: str
    title: str
    model: str
    made: str  #: when it was begun, ISO 8601
    state: str  #: as in `Status`
    settings: int
    prompts: int
    runs: int  #: that are there
    total: int
    failed: int
    lasting: bool
    can_race: bool
    note: str  #: what is wrong with it, or missing; "" mostly


@dataclass
class _Sweep:
    id: str
    title: str
    folder: Path
    lasting: bool
    listed: bool  #: for everybody
    made: str = ""
    job: Job | None = None


class Laboratory:
    """Nothing is started or written before somebody asks for it. Thread-safe.

    Args:
        backend: who computes new sweeps; None only shows those that are there.
        folder: where new ones are kept and earlier ones are found; None keeps them until `close`.
        shown: sweeps that lie elsewhere; listed first.
        public: visitors do not see each other's sweeps, and the oldest of theirs go.
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
        self._lock = threading.RLock()
        self._first = {place.id: number for number, place in enumerate(shown)}
        self._sweeps = {s.id: _Sweep(s.id, s.title, s.folder, lasting=True, listed=True) for s in shown}
        self._jobs = Jobs(self.limits.waiting)
        self._pace = Pace(backend)
        self._cache = SweepCache(clock)

    def entries(self, mine: Collection[str] = ()) -> list[Entry]:
        """What a visitor sees: sweeps that lie elsewhere, then the newest first.

        Args:
            mine: ids of sweeps that the visitor started.
        """
        self._look()
        with self._lock:
            seen = [sweep for sweep in self._sweeps.values() if sweep.listed or sweep.id in mine]
        entries = sorted(map(self._entry, seen), key=lambda entry: entry.made, reverse=True)
        return sorted(entries, key=lambda entry: self._first.get(entry.id, len(self._first)))

    def seconds(self, plan: Plan) -> float | None:
        """How long a plan would take, about; None where nobody can say."""
        return self._pace.seconds(plan)

    def start(self, plan: Plan, title: str) -> str:
        """Begin a sweep, or queue it; returns its id.

        Raises:
            BackendError: nothing computes here, too many wait, or it cannot be kept.
        """
        name = secrets.token_hex(8)
        folder = self._home() / name
        made = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            write_about(folder, About(title, self._public, made))  # first: whose it is must be known whatever happens
            job = self._put(name, plan, folder)
        except (OSError, BackendError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, BackendError):
                raise
            raise BackendError(f"cannot keep a sweep in {folder.parent}: {error}") from error
        with self._lock:
            self._sweeps[name] = _Sweep(name, title, folder, False, not self._public, made, job)
        self._let_go()
        return name

    def resume(self, sweep: str) -> None:
        """Go on with a sweep that ended early; what is done is not done again.

        Raises:
            BackendError: it is unknown, lasting, complete, under way here or elsewhere, or of a model that is not
                served here.
            SettingsError, PromptError: its folder is damaged.
        """
        found = self._find(sweep)
        if found.lasting:
            raise BackendError("this sweep is there for everybody; who keeps the server can go on with it from a shell")
        state = self.status(sweep).state
        if state == "elsewhere":
            raise BackendError("another process computes this sweep; there is nothing to go on with until it has ended")
        if state not in ("cancelled", "failed"):
            raise BackendError("this sweep did not end early; there is nothing to go on with")
        if found.job is not None:
            plan = found.job.plan
        elif self.can_race(sweep):
            plan = self._cache.summary(found.folder).plan
        else:
            raise BackendError(f"this sweep is of {self._cache.summary(found.folder).model}, which is not served here")
        with self._lock:
            found.job = self._put(found.id, plan, found.folder)

    def _put(self, name: str, plan: Plan, folder: Path) -> Job:
        if self.backend is None:
            raise BackendError("no model is loaded here: this page shows sweeps that are there, and starts none")
        job = Job(name, plan, folder, self.backend.crew(), self._pace.learn)
        self._jobs.put(job)
        return job

    def status(self, sweep: str) -> Status:
        """How far a sweep is.

        Raises:
            BackendError, SettingsError, PromptError: it is unknown, or its folder is damaged.
        """
        found = self._find(sweep)
        elsewhere, job = self._elsewhere(found), found.job
        if job is None:
            told = self._cache.summary(found.folder, growing=elsewhere)
            state = "elsewhere" if elsewhere else "done" if told.runs >= told.total else "cancelled"
            return Status(state, told.runs, told.total, told.failed, None, None, 0, "")
        progress = job.progress
        if progress is None:
            earlier = self._cache.summary(found.folder) if holds_sweep(found.folder) else None
            done, failed = (earlier.runs, earlier.failed) if earlier else (0, 0)
            return Status(job.state, done, job.plan.size, failed, None, None, self._jobs.ahead(job), job.error)
        left = None if job.over else progress.seconds_left
        return Status(job.state, progress.done, progress.total, progress.failed, progress.seconds, left, 0, job.error)

    def cancel(self, sweep: str) -> None:
        """Stop a sweep; what is done is kept.

        Raises:
            BackendError: it is unknown, or not computed here.
        """
        found = self._find(sweep)
        if self._elsewhere(found):
            raise BackendError("another process computes this sweep; it can be stopped where it was started")
        if found.job is None:
            raise BackendError("this sweep is not being computed here; there is nothing to stop")
        self._jobs.stop(found.job)

    def delete(self, sweep: str) -> None:
        """Remove a sweep with its folder.

        Raises:
            BackendError: it is unknown, lasting, not over, or another process works on it.
        """
        found = self._find(sweep)
        if found.lasting:
            raise BackendError("this sweep is there for everybody; who keeps the server can remove its folder")
        if found.job is not None and not found.job.over:
            raise BackendError("this sweep is not over; cancel it first")
        self._remove(found)

    def result(self, sweep: str) -> SweepResult:
        """What a sweep came to so far; the same object while nothing new is there, or it is a second old at most.

        Raises:
            BackendError, SettingsError, PromptError: it is unknown, damaged, or nothing of it is there yet.
        """
        found = self._find(sweep)
        if not holds_sweep(found.folder):
            loading = found.job is not None and found.job.progress is None
            raise BackendError(
                "nothing of this sweep is there yet; its model is still being loaded" if loading else _GONE
            )
        here = found.job is not None and not found.job.over
        return self._cache.result(found.folder, growing=here or self._elsewhere(found))

    def title(self, sweep: str) -> str:
        """What it is called.

        Raises:
            BackendError: it is unknown.
        """
        return self._find(sweep).title

    def can_race(self, sweep: str) -> bool:
        """Can its runs be decoded again here: is its model the one that is served?"""
        try:
            return self._serves(self._cache.summary(self._find(sweep).folder))
        except CreditVizError:
            return False

    def close(self) -> None:
        """End what runs, with its workers, and remove what is not kept, or holds nothing."""
        self._jobs.close()
        with self._lock:
            for sweep in [*self._sweeps.values()]:
                if sweep.job is not None and not holds_sweep(sweep.folder):
                    with suppress(BackendError):
                        self._remove(sweep)
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = self._folder = None

    def _serves(self, told: Summary) -> bool:
        """Is it the model that is served, perhaps in another precision?"""
        if self.backend is None:
            return False
        served = self.backend.model
        same_weights = served["weights"] == told.weights or served["dtype"] != told.dtype
        return bool(served["name"] == told.model and same_weights)

    def _home(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._temporary = TemporaryDirectory(prefix="credit-viz-lab-", ignore_cleanup_errors=True)
                self._folder = Path(self._temporary.name)
            return self._folder

    def _look(self) -> None:
        """See what lies in the folder by now."""
        if self._folder is None or not self._folder.is_dir():
            return
        found = {folder.name: folder for folder in sweep_folders(self._folder)}
        with self._lock:
            for name in found.keys() - self._sweeps.keys():
                self._sweeps[name] = _from_folder(found[name], self._public)
            for sweep in [*self._sweeps.values()]:
                if sweep.id not in found and sweep.id not in self._first and sweep.job is None:
                    self._forget(sweep)

    def _find(self, sweep: str) -> _Sweep:
        if sweep not in self._sweeps:
            self._look()
        with self._lock:
            if sweep not in self._sweeps:
                raise BackendError(_GONE)
            return self._sweeps[sweep]

    def _elsewhere(self, sweep: _Sweep) -> bool:
        """Does another process compute it? Then what came of it here is of the past."""
        job = sweep.job
        if (job is not None and not job.over) or not worked_on(sweep.folder):
            return False
        with self._lock:
            if sweep.job is not job:  # it was begun here meanwhile
                return False
            sweep.job = None
            return True

    def _remove(self, sweep: _Sweep) -> None:
        """Raises BackendError where another process works on it."""
        if self._elsewhere(sweep):
            raise BackendError("another process computes this sweep; it can be removed when that has ended")
        self._forget(sweep)
        shutil.rmtree(sweep.folder, ignore_errors=True)

    def _forget(self, sweep: _Sweep) -> None:
        with self._lock:
            self._sweeps.pop(sweep.id, None)
        self._cache.forget(sweep.folder)

    def _let_go(self) -> None:
        """Visitors' oldest sweeps make room for new ones."""
        if not self._public:
            return
        with self._lock:
            theirs = [s for s in self._sweeps.values() if not s.lasting and (s.job is None or s.job.over)]
        for sweep in sorted(theirs, key=lambda sweep: sweep.made)[: -self.limits.kept or None]:
            with suppress(BackendError):
                self._remove(sweep)

    def _entry(self, sweep: _Sweep) -> Entry:
        try:
            status = self.status(sweep.id)
            if sweep.job is not None:
                return self._entry_of_job(sweep, sweep.job, status)
            told = self._cache.summary(sweep.folder, growing=status.state == "elsewhere")
        except CreditVizError as error:
            nothing = 0, 0, 0, 0, 0
            return Entry(sweep.id, sweep.title, "", sweep.made, "failed", *nothing, sweep.lasting, False, str(error))
        return Entry(
            id=sweep.id,
            title=sweep.title,
            model=told.model,
            made=sweep.made or told.made,
            state=status.state,
            settings=told.plan.rows,
            prompts=len(told.plan.all_prompts),
            runs=status.done,
            total=status.total,
            failed=status.failed,
            lasting=sweep.lasting,
            can_race=self._serves(told),
            note="" if status.state == "done" else f"{status.done:,} of {status.total:,} runs are there",
        )

    def _entry_of_job(self, sweep: _Sweep, job: Job, status: Status) -> Entry:
        assert self.backend is not None  # who else made the job
        return Entry(
            id=sweep.id,
            title=sweep.title,
            model=str(self.backend.model["name"]),
            made=sweep.made,
            state=status.state,
            settings=job.plan.rows,
            prompts=len(job.plan.all_prompts),
            runs=status.done,
            total=status.total,
            failed=status.failed,
            lasting=False,
            can_race=True,
            note=status.error,
        )


def _from_folder(folder: Path, public: bool) -> _Sweep:
    """A sweep that was there before; one that a visitor started on a public page stays that visitor's."""
    about = read_about(folder)
    if about is None:
        return _Sweep(folder.name, folder.name, folder, lasting=True, listed=True)
    theirs = about.visitor and public
    return _Sweep(folder.name, about.title, folder, public and not theirs, not theirs, about.made)
