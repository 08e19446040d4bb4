"""Sweeps that are killed at any moment, and disks that are full: what was done stays, the rest is done once."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.errors import BackendError
from credit_viz.lab import InlineCrew, SweepResult, sweep
from credit_viz.lab import store as store_module
from credit_viz.lab.store import MANIFEST, ROWS, TABLE, Store, read_rows
from tests.lab.conftest import LabModel, small_plan
from tests.lab.test_lab_running import assert_equal

ROOT = Path(__file__).parents[2]


def test_killed_before_each_thing_it_does_to_its_folder(tmp_path: Path) -> None:
    """A new folder, and one that a smaller sweep has filled: before each step of manifest, rows and compaction."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.crashing", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    kills: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    told = {kill["what"] for kill in kills}
    for name in (MANIFEST, TABLE):
        assert {f"open {name}.partial", "fsync", f"os.rename {name}.partial"} <= told
    assert {"open lock", f"open {ROWS}", f"os.remove {ROWS}", "os.remove running.json"} <= told
    total = 4
    for kill in kills:
        assert kill["same"], kill
        assert kill["there"] + kill["did"] == total, kill
        assert kill["left"] == ["lock", MANIFEST, TABLE], kill
    assert {kill["there"] for kill in kills} == {0, 1, 2, 3, 4}


# ------------------------------------------------------------------ full disks


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: what fits is written, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [1, 200, 3000, 5000, 9000, 20_000])
def test_a_disk_that_fills_up_loses_no_run(tmp_path: Path, size: int) -> None:
    """Room for nothing, for part of the manifest, for some of the rows, or for all of them but not for the table."""
    plan = small_plan()
    folder = tmp_path / "sweep"
    with room_for(size), pytest.raises(BackendError, match=r"cannot (write into|keep results in) .*File too large"):
        sweep(plan, folder, InlineCrew(LabModel()))
    assert not [*folder.glob("*.partial")]
    there = len(read_rows(folder))
    assert there == (folder / ROWS).read_bytes().count(b"\n") if (folder / ROWS).exists() else there == 0
    crew = InlineCrew(LabModel())
    result = sweep(plan, folder, crew)
    assert_equal(result, sweep(plan, workers=crew))


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("synced", [0, 1, 2])
def test_no_space_left_when_a_file_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: int) -> None:
    """running.json, the manifest and the table in turn."""
    plan = small_plan(prompts=("one",))
    left, sync = [synced], os.fsync

    def fsync(file: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            no_space()
        sync(file)

    monkeypatch.setattr(store_module.os, "fsync", fsync)
    with pytest.raises(BackendError, match="No space left on device"):
        sweep(plan, tmp_path, InlineCrew(LabModel()))
    monkeypatch.undo()
    assert len(read_rows(tmp_path)) == (0 if synced < 2 else sum(1 for _ in plan.runs()))
    assert_equal(sweep(plan, tmp_path, InlineCrew(LabModel())), sweep(plan, workers=InlineCrew(LabModel())))


def test_a_folder_that_could_not_be_entered_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module.os, "fsync", no_space)
    with pytest.raises(BackendError, match="No space left") as told, Store(tmp_path):
        pass
    monkeypatch.undo()
    with Store(tmp_path):
        assert told.value.__traceback__ is not None, "whatever it holds on to"


# ------------------------------------------------------------------ damaged tables


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SweepResult]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, sweep(small_plan(), folder, InlineCrew(LabModel()))


@given(data=st.data())
def test_a_damaged_table_is_said_and_never_believed(
    whole: tuple[Path, SweepResult], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A flipped bit, or an end that is missing; without the table its runs are done again."""
    folder, result = whole
    table = bytearray((folder / TABLE).read_bytes())
    if data.draw(st.booleans()):
        table = table[: data.draw(st.integers(0, len(table) - 1))]
    else:
        table[data.draw(st.integers(0, len(table) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    hurt = tmp_path_factory.mktemp("hurt")
    (hurt / MANIFEST).write_bytes((folder / MANIFEST).read_bytes())
    (hurt / TABLE).write_bytes(table)
    try:
        rows = read_rows(hurt)
    except BackendError as error:
        told = str(error)
    else:
        assert rows == read_rows(folder), "nothing that counts was hurt"
        return
    assert told.startswith(f"{hurt / TABLE} is damaged")
    (hurt / TABLE).unlink()
    assert_equal(sweep(small_plan(), hurt, InlineCrew(LabModel())), result)
