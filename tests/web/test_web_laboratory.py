"""Sweeps of a page: begun, followed, stopped, found again; whose they are; what they came to."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credit_viz.errors import BackendError
from credit_viz.lab import InlineCrew, Plan, SweepResult, sweep
from credit_viz.lab.store import Store
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.planform import Limits, PlanForm
from credit_viz.web.sweepshelf import Shown, shown_sweeps
from tests.lab.conftest import LabModel, small_plan
from tests.web.labs import ASKED, RUNS, PeakySweeps, SteppedSweeps, job_of, sweep_folder, wait_for


def plan_of(backend: SteppedSweeps, **changes: Any) -> Plan:
    return PlanForm(Limits(), backend.source).read({**ASKED, **changes})


@pytest.fixture
def backend() -> SteppedSweeps:
    return SteppedSweeps()


@pytest.fixture
def laboratory(backend: SteppedSweeps, tmp_path: Path) -> Iterator[Laboratory]:
    found = Laboratory(backend, tmp_path / "lab")
    yield found
    backend.allow()
    found.close()


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder that somebody's sweep made."""
    folder = tmp_path / "theirs"
    sweep(small_plan(), folder, InlineCrew(LabModel()))
    return folder


def ids(laboratory: Laboratory, *mine: str) -> list[str]:
    return [entry.id for entry in laboratory.entries(mine)]


def test_a_sweep_from_start_to_result(laboratory: Laboratory, backend: SteppedSweeps) -> None:
    name = laboratory.start(plan_of(backend), "My sweep")
    backend.allow(5)
    wait_for(lambda: laboratory.status(name).done == 5)
    status = laboratory.status(name)
    assert (status.state, status.done, status.total, status.failed) == ("running", 5, RUNS, 0)
    assert status.seconds is not None
    assert status.seconds_left is not None
    (entry,) = laboratory.entries()
    assert (entry.title, entry.state, entry.runs, entry.settings, entry.prompts) == ("My sweep", "running", 5, 4, 3)
    assert not entry.lasting
    backend.allow()
    wait_for(lambda: job_of(laboratory, name).over)
    assert laboratory.status(name) == laboratory.status(name)._replace(state="done", done=RUNS, seconds_left=None)
    result = laboratory.result(name)
    assert result is laboratory.result(name), "read once"
    assert len(result.frame) == RUNS


def test_a_growing_table_is_read_again_after_a_second(backend: SteppedSweeps, tmp_path: Path) -> None:
    now = [0.0]
    laboratory = Laboratory(backend, tmp_path, clock=lambda: now[0])
    name = laboratory.start(plan_of(backend), "t")
    backend.allow(3)
    wait_for(lambda: laboratory.status(name).done == 3)
    assert len(laboratory.result(name).frame) == 3
    backend.allow(3)
    wait_for(lambda: laboratory.status(name).done == 6)
    assert len(laboratory.result(name).frame) == 3, "a second has not passed"
    now[0] = 1.5
    assert len(laboratory.result(name).frame) == 6
    backend.allow()
    wait_for(lambda: job_of(laboratory, name).over)
    assert len(laboratory.result(name).frame) == RUNS, "what is over is always read whole"
    laboratory.close()


def test_one_runs_and_the_others_wait_in_order(laboratory: Laboratory, backend: SteppedSweeps) -> None:
    names = [laboratory.start(plan_of(backend), str(n)) for n in range(3)]
    wait_for(lambda: laboratory.status(names[0]).state == "running")
    assert [laboratory.status(name).state for name in names] == ["running", "queued", "queued"]
    assert [laboratory.status(name).ahead for name in names] == [0, 1, 2]
    with pytest.raises(BackendError, match="nothing of this sweep is there yet"):
        laboratory.result(names[2])
    laboratory.cancel(names[1])
    assert laboratory.status(names[1]).state == "cancelled"
    assert laboratory.status(names[2]).ahead == 1
    backend.allow()
    wait_for(lambda: job_of(laboratory, names[2]).over)
    assert [laboratory.status(name).state for name in names] == ["done", "cancelled", "done"]
    assert len(laboratory.result(names[2]).frame) == RUNS


def test_no_more_than_a_few_may_wait(backend: SteppedSweeps, tmp_path: Path) -> None:
    laboratory = Laboratory(backend, tmp_path, limits=Limits(waiting=1))
    first = laboratory.start(plan_of(backend), "runs")
    wait_for(lambda: laboratory.status(first).state != "queued")
    laboratory.start(plan_of(backend), "waits")
    with pytest.raises(BackendError, match="1 sweeps wait already"):
        laboratory.start(plan_of(backend), "too many")
    assert len(laboratory.entries()) == 2
    laboratory.close()


def test_what_a_cancelled_sweep_has_done_is_kept(laboratory: Laboratory, backend: SteppedSweeps) -> None:
    name = laboratory.start(plan_of(backend), "t")
    backend.allow(4)
    wait_for(lambda: laboratory.status(name).done == 4)
    laboratory.cancel(name)
    wait_for(lambda: job_of(laboratory, name).over)
    assert laboratory.status(name).state == "cancelled"
    assert laboratory.status(name).error == ""
    assert len(laboratory.result(name).frame) == 4
    laboratory.cancel(name)
    assert laboratory.status(name).state == "cancelled", "twice does nothing"


def test_a_cancelled_sweep_goes_on_where_it_stopped(backend: SteppedSweeps, tmp_path: Path) -> None:
    laboratory = Laboratory(backend, tmp_path)
    name = laboratory.start(plan_of(backend), "t")
    with pytest.raises(BackendError, match="did not end early"):
        laboratory.resume(name)
    backend.allow(4)
    wait_for(lambda: laboratory.status(name).done == 4)
    laboratory.cancel(name)
    wait_for(lambda: job_of(laboratory, name).over)
    before = laboratory.start(plan_of(backend), "before it")
    laboratory.resume(name)
    assert laboratory.status(name)[:2] == ("queued", 4), "what is done is seen while it waits"
    assert len(laboratory.result(name).frame) == 4
    laboratory.cancel(before)
    backend.allow(3)
    wait_for(lambda: laboratory.status(name).done >= 7)
    laboratory.close()
    assert laboratory.status(name).state == "cancelled"
    again, backend.served = Laboratory(backend, tmp_path), LabModel(seed=1)
    with pytest.raises(BackendError, match="of mock, which is not served here"):
        again.resume(name)
    backend.served = SteppedSweeps.served
    backend.allow()
    again.resume(name)
    wait_for(lambda: job_of(again, name).over)
    progress = job_of(again, name).progress
    assert progress is not None
    assert progress.reused >= 7, "nothing is computed twice, also after a restart"
    assert again.result(name).missing == 0
    with pytest.raises(BackendError, match="did not end early"):
        again.resume(name)
    again.close()


def test_a_sweep_that_fails_says_why(backend: SteppedSweeps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_model(*_: Any) -> Any:
        raise BackendError("a worker ended before it had loaded the model")

    monkeypatch.setattr(InlineCrew, "open", no_model)
    laboratory = Laboratory(backend, tmp_path)
    name = laboratory.start(plan_of(backend), "t")
    wait_for(lambda: job_of(laboratory, name).over)
    assert laboratory.status(name).state == "failed"
    assert laboratory.status(name).error == "a worker ended before it had loaded the model"
    (entry,) = laboratory.entries()
    assert (entry.state, entry.note) == ("failed", "a worker ended before it had loaded the model")
    laboratory.delete(name)
    assert laboratory.entries() == []
    laboratory.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_foresaw_ends_one_sweep_and_no_other(
    laboratory: Laboratory, backend: SteppedSweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = InlineCrew.open
    monkeypatch.setattr(InlineCrew, "open", lambda *_: 1 / 0)
    first = laboratory.start(plan_of(backend), "first")
    wait_for(lambda: job_of(laboratory, first).over)
    assert "nobody foresaw" in laboratory.status(first).error
    monkeypatch.setattr(InlineCrew, "open", opened)
    backend.allow()
    second = laboratory.start(plan_of(backend), "second")
    wait_for(lambda: job_of(laboratory, second).over)
    assert laboratory.status(second).state == "done"


def test_closing_ends_what_runs_and_what_waits(backend: SteppedSweeps) -> None:
    laboratory = Laboratory(backend)
    names = [laboratory.start(plan_of(backend), str(n)) for n in range(2)]
    wait_for(lambda: laboratory.status(names[0]).state == "running")
    folder, jobs = sweep_folder(laboratory, names[0]), [job_of(laboratory, name) for name in names]
    assert folder.exists()
    laboratory.close()
    assert [job.state for job in jobs] == ["cancelled", "cancelled"]
    assert not folder.exists(), "nobody asked to keep it"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sweep ")]
    with pytest.raises(BackendError, match="about to end"):
        laboratory.start(plan_of(backend), "late")
    laboratory.close()


def test_runs_of_other_weights_are_not_made_again(backend: SteppedSweeps, tmp_path: Path) -> None:
    before = Laboratory(backend, tmp_path)
    backend.allow()
    name = before.start(plan_of(backend), "Kept")
    wait_for(lambda: before.status(name).state == "done")
    before.close()
    assert Laboratory(backend, tmp_path).can_race(name)
    replaced = SteppedSweeps()
    replaced.served = LabModel(seed=1)
    assert not Laboratory(replaced, tmp_path).can_race(name)
    assert not Laboratory(None, tmp_path).can_race(name)


def test_a_server_that_starts_again_finds_its_sweeps(backend: SteppedSweeps, tmp_path: Path) -> None:
    before = Laboratory(backend, tmp_path)
    backend.allow(2)
    name = before.start(plan_of(backend), "Kept")
    wait_for(lambda: before.status(name).done == 2)
    before.close()
    after = Laboratory(backend, tmp_path)
    (entry,) = after.entries()
    assert (entry.id, entry.title, entry.state, entry.runs, entry.total) == (name, "Kept", "cancelled", 2, RUNS)
    assert entry.note == "2 of 12 runs are there"
    assert not entry.lasting, "it was started on a page of this server's owner"
    assert after.status(name).state == "cancelled"
    after.delete(name)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BackendError, match="does not keep this sweep"):
        after.status(name)


def test_a_sweep_that_another_server_computes_is_followed_and_left_alone(
    backend: SteppedSweeps, tmp_path: Path
) -> None:
    now = [0.0]
    computing, other = Laboratory(backend, tmp_path), Laboratory(SteppedSweeps(), tmp_path, clock=lambda: now[0])
    backend.allow(2)
    name = computing.start(plan_of(backend), "shared")
    wait_for(lambda: computing.status(name).done == 2)
    (entry,) = other.entries()
    assert (entry.state, entry.runs, entry.total) == ("elsewhere", 2, RUNS)
    assert len(other.result(name).frame) == 2
    for act, message in ((other.delete, "can be removed when"), (other.resume, "go on"), (other.cancel, "be stopped")):
        with pytest.raises(BackendError, match=f"another process computes this sweep; .*{message}"):
            act(name)
    backend.allow(3)
    wait_for(lambda: computing.status(name).done == 5)
    assert other.status(name)[:3] == ("elsewhere", 2, RUNS), "it is not read again at once"
    now[0] = 1.5
    assert other.status(name)[:3] == ("elsewhere", 5, RUNS)
    assert len(other.result(name).frame) == 5
    backend.allow()
    wait_for(lambda: job_of(computing, name).over)
    assert computing.status(name).state == other.status(name).state == "done"
    assert len(other.result(name).frame) == RUNS
    other.delete(name)
    assert list(tmp_path.iterdir()) == []
    computing.close()


def test_what_another_process_goes_on_with_is_no_longer_what_it_was_here(
    backend: SteppedSweeps, tmp_path: Path
) -> None:
    laboratory, other = Laboratory(backend, tmp_path), Laboratory(backend, tmp_path)
    backend.allow(2)
    name = laboratory.start(plan_of(backend), "t")
    wait_for(lambda: laboratory.status(name).done == 2)
    laboratory.cancel(name)
    wait_for(lambda: job_of(laboratory, name).over)
    backend.allow(1)
    other.resume(name)
    wait_for(lambda: other.status(name).done == 3)
    assert laboratory.status(name)[:2] == ("elsewhere", 3)
    backend.allow()
    wait_for(lambda: job_of(other, name).over)
    assert laboratory.status(name)[:2] == ("done", RUNS)
    laboratory.delete(name)


def test_what_a_killed_process_left_behind_is_not_being_computed(backend: SteppedSweeps, tmp_path: Path) -> None:
    before = Laboratory(backend, tmp_path)
    backend.allow(2)
    name = before.start(plan_of(backend), "t")
    wait_for(lambda: before.status(name).done == 2)
    before.close()
    (tmp_path / name / "running.json").write_text(json.dumps({"pid": 1, "host": "here"}))
    after = Laboratory(backend, tmp_path)
    assert after.status(name)[:2] == ("cancelled", 2)
    backend.allow()
    after.resume(name)
    wait_for(lambda: job_of(after, name).over)
    assert after.status(name)[:2] == ("done", RUNS)


def test_sweeps_of_a_shell_are_listed_and_last(tmp_path: Path, finished: Path) -> None:
    laboratory = Laboratory(None, tmp_path)
    (entry,) = laboratory.entries()
    assert (entry.id, entry.title, entry.state, entry.model) == ("theirs", "theirs", "done", "mock")
    assert (entry.settings, entry.prompts, entry.runs) == (14, 3, 42), (
        "vanilla beside six settings, at two block lengths"
    )
    assert entry.lasting
    assert not entry.can_race
    assert laboratory.status("theirs").state == "done"
    with pytest.raises(BackendError, match="for everybody"):
        laboratory.delete("theirs")
    with pytest.raises(BackendError, match="nothing to stop"):
        laboratory.cancel("theirs")
    with pytest.raises(BackendError, match="from a shell"):
        laboratory.resume("theirs")
    with pytest.raises(BackendError, match="no model is loaded here"):
        laboratory.start(small_plan(), "t")
    assert isinstance(laboratory.result("theirs"), SweepResult)
    shutil.rmtree(finished)
    with pytest.raises(BackendError, match="no longer"):
        laboratory.result("theirs")
    assert laboratory.entries() == []


def test_a_sweep_that_comes_into_the_folder_is_found_by_its_id(tmp_path: Path) -> None:
    laboratory = Laboratory(None, tmp_path)
    with pytest.raises(BackendError):
        laboratory.result("late")
    sweep(small_plan(), tmp_path / "late", InlineCrew(LabModel()))
    assert len(laboratory.result("late").frame) == 42


def damage(folder: Path, how: str) -> None:
    manifest = folder / "manifest.json"
    if how == "no json":
        manifest.write_text("{")
    elif how == "no manifest":
        manifest.unlink()
    elif how == "table":
        (folder / "runs.parquet").write_bytes(b"PAR1 no more")
    else:
        data = json.loads(manifest.read_text())
        if how == "hostile":
            data["plan"]["tasks"] = {"tasks": ["story"], "split": "held-out", "count": 10**9, "seed": 0}
        else:
            data[how] = []
        manifest.write_text(json.dumps(data))


@pytest.mark.parametrize("how", ["no json", "no manifest", "table", "plan", "model", "sessions", "hostile"])
def test_a_damaged_sweep_is_listed_with_its_error(tmp_path: Path, finished: Path, how: str) -> None:
    damage(finished, how)
    sweep(small_plan(), tmp_path / "whole", InlineCrew(LabModel()))
    laboratory = Laboratory(None, tmp_path)
    listed = {entry.id: entry for entry in laboratory.entries()}
    assert listed["whole"].state == "done"
    assert listed["theirs"].state == "failed"
    assert listed["theirs"].note
    assert "\n" not in listed["theirs"].note
    assert not listed["theirs"].can_race
    assert not laboratory.can_race("theirs")


def test_visitors_of_a_public_page_see_their_own(backend: SteppedSweeps, tmp_path: Path, finished: Path) -> None:
    del finished
    laboratory = Laboratory(backend, tmp_path, public=True)
    backend.allow()
    one, other = laboratory.start(plan_of(backend), "one"), laboratory.start(plan_of(backend), "other")
    assert ids(laboratory) == ["theirs"]
    assert set(ids(laboratory, one)) == {"theirs", one}
    assert set(ids(laboratory, other, "theirs", "nonsense")) == {"theirs", other}
    wait_for(lambda: job_of(laboratory, other).over)
    laboratory.close()
    again = Laboratory(backend, tmp_path, public=True)
    assert ids(again) == ["theirs"], "also after the server was started again"
    assert set(ids(again, one)) == {"theirs", one}
    again.delete(one)
    assert not (tmp_path / one).exists()


def test_what_the_owner_started_before_lasts_on_a_public_page(backend: SteppedSweeps, tmp_path: Path) -> None:
    own = Laboratory(backend, tmp_path)
    backend.allow()
    name = own.start(plan_of(backend), "mine")
    wait_for(lambda: job_of(own, name).over)
    own.close()
    public = Laboratory(backend, tmp_path, public=True)
    (entry,) = public.entries()
    assert entry.lasting
    with pytest.raises(BackendError, match="for everybody"):
        public.delete(name)


def test_ids_cannot_be_guessed_and_lead_nowhere_else(laboratory: Laboratory, backend: SteppedSweeps) -> None:
    names = {laboratory.start(plan_of(backend), "t") for _ in range(4)}
    assert all(len(bytes.fromhex(name)) == 8 for name in names)
    for hostile in ("..", "../theirs", "", ".", "a/b", "\0", "x" * 10_000):
        with pytest.raises(BackendError, match="does not keep this sweep"):
            laboratory.result(hostile)


def test_the_oldest_of_visitors_make_room(backend: SteppedSweeps, tmp_path: Path) -> None:
    laboratory = Laboratory(backend, tmp_path, public=True, limits=Limits(kept=2))
    backend.allow()
    names = []
    for number in range(4):
        names.append(laboratory.start(plan_of(backend), str(number)))
        wait_for(lambda: job_of(laboratory, names[-1]).over)
    listed = set(ids(laboratory, *names))
    assert names[3] in listed
    assert len(listed) == len(list(tmp_path.iterdir())) <= 3, "two that are over, and the newest"
    laboratory.close()


def test_what_another_process_computes_makes_no_room(backend: SteppedSweeps, tmp_path: Path) -> None:
    laboratory = Laboratory(backend, tmp_path, public=True, limits=Limits(kept=1))
    backend.allow(RUNS)
    first = laboratory.start(plan_of(backend), "first")
    wait_for(lambda: job_of(laboratory, first).over)
    with Store(tmp_path / first):
        backend.allow()
        for title in ("second", "third"):
            late = laboratory.start(plan_of(backend), title)
            wait_for(lambda late=late: job_of(laboratory, late).over)
        assert (tmp_path / first / "manifest.json").exists()
        assert set(ids(laboratory, first, late)) == {first, late}
    laboratory.close()


def test_how_long_a_sweep_will_take(laboratory: Laboratory, backend: SteppedSweeps) -> None:
    plan = plan_of(backend)
    assert laboratory.seconds(plan) == 2.0 + 0.25 * 8 * RUNS
    backend.seconds_per_position = None
    assert laboratory.seconds(plan) is None, "nobody can say"
    big = plan_of(backend, prompts=list("abcdef"))
    backend.allow()
    name = laboratory.start(big, "t")
    wait_for(lambda: job_of(laboratory, name).over)
    found = laboratory.seconds(plan)
    assert found is not None, "a sweep has run here by now"
    assert 0 < found < 60
    assert Laboratory().seconds(plan) is None


def test_shown_sweeps_come_first_and_once(tmp_path: Path, finished: Path) -> None:
    sweep(small_plan(), tmp_path / "more" / "theirs", InlineCrew(LabModel()))
    shown = shown_sweeps([finished, tmp_path / "more"])
    assert [place.id for place in shown] == ["theirs", "theirs-2"]
    laboratory = Laboratory(shown=[Shown("study", "Study", finished)], folder=tmp_path / "more")
    assert [(entry.id, entry.title) for entry in laboratory.entries()] == [("study", "Study"), ("theirs", "theirs")]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BackendError, match="holds no sweep"):
        shown_sweeps([empty])


@pytest.mark.slow
def test_real_workers_one_of_which_is_killed(tmp_path: Path) -> None:
    laboratory = Laboratory(PeakySweeps(), tmp_path)
    plan = plan_of(PeakySweeps(), prompts=[f"prompt {n}" for n in range(120)])
    name = laboratory.start(plan, "t")
    job = job_of(laboratory, name)
    wait_for(lambda: job.progress is not None and job.progress.done > 2)
    workers = _workers(job)
    workers[0].kill()
    wait_for(lambda: job.over)
    assert job.state == "done"
    assert len(laboratory.result(name).frame) == 480
    assert len(laboratory.result(name).failed) == 0
    assert all(worker.poll() is not None for worker in workers)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["loading", "running"])
def test_the_end_of_a_server_ends_its_workers(tmp_path: Path, when: str) -> None:
    laboratory = Laboratory(PeakySweeps(), tmp_path)
    plan = plan_of(PeakySweeps(), prompts=[f"prompt {n}" for n in range(200)])
    name = laboratory.start(plan, "t")
    job = job_of(laboratory, name)
    wait_for(lambda: job.state == when and len(_workers(job)) == 2)
    workers = _workers(job)
    laboratory.close()
    assert job.state == "cancelled"
    assert all(worker.poll() is not None for worker in workers)


def _workers(job: Any) -> list[subprocess.Popen[str]]:
    return [worker.link.popen for worker in job._crew._workers.values()]
