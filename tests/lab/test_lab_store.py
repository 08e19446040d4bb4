"""Folders: whole rows or none, one writer, and only plans that fit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab.columns import KINDS, Row, failed_row
from credit_viz.lab.plan import Plan
from credit_viz.lab.result import tidy
from credit_viz.lab.spaces import Arm
from credit_viz.lab.store import Store, read_manifest, read_rows, worked_on
from credit_viz.lab.work import Identity
from tests.lab.conftest import small_plan

ROOT = Path(__file__).parents[2]
ME = Identity({"name": "m", "weights": "0"}, {"torch": "1"}, "cpu")


def row(number: int) -> Row:
    values: dict[str, Any] = {"int": number, "float": number / 3, "text": f"text {number} \n é", "ids": [number, -1]}
    return {name: None if name == "failed" else values[kind] for name, kind in KINDS.items()}


def filled(folder: Path, plan: Plan | None = None, count: int = 3) -> dict[str, Row]:
    """A folder with the first few rows of a plan."""
    plan = plan or small_plan()
    keys = [run.key(ME.model, plan.batch) for run in plan.runs()]
    rows = {key: row(number) for number, key in enumerate(keys[:count])}
    with Store(folder) as store:
        store.begin(plan, ME)
        for key, own in rows.items():
            store.add({key: own})
    return rows


def test_rows_come_back(tmp_path: Path) -> None:
    rows = filled(tmp_path / "new" / "folder")
    assert read_rows(tmp_path / "new" / "folder") == rows
    manifest = read_manifest(tmp_path / "new" / "folder")
    assert Plan.from_json(manifest["plan"]) == small_plan()
    assert manifest["versions"] == {"torch": "1"}
    assert [session["machine"] for session in manifest["sessions"]] == ["cpu"]


@given(cut=st.integers(0, 3000))
def test_a_file_cut_at_any_byte_loses_no_whole_row(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    rows = filled(folder)
    file = folder / "runs.jsonl"
    data = file.read_bytes()[:cut]
    file.write_bytes(data)
    whole = data.count(b"\n")
    with Store(folder) as store:
        store.begin(small_plan(), ME)
        assert store.rows == dict(list(rows.items())[:whole])
        for key in list(rows)[whole:]:
            store.add({key: rows[key]})
    assert read_rows(folder) == rows
    assert file.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"key": "a"}', b"\x00\x00\xff", b'{"key": 3}'])
def test_a_damaged_line_is_a_run_that_is_not_there(tmp_path: Path, damage: bytes) -> None:
    rows = filled(tmp_path)
    lines = (tmp_path / "runs.jsonl").read_bytes().splitlines()
    lines[1] = damage
    (tmp_path / "runs.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert list(read_rows(tmp_path)) == [*rows][::2]


def test_the_table_holds_the_same_rows(tmp_path: Path) -> None:
    plan = small_plan()
    rows = filled(tmp_path, plan, count=36)
    failed = next(iter(rows))
    with Store(tmp_path) as store:
        store.begin(plan, ME)
        store.add({failed: failed_row("it broke")})
        store.compact(tidy(plan, ME.model, store.rows))
    assert not (tmp_path / "runs.jsonl").exists()
    back = read_rows(tmp_path)
    assert back == {**rows, failed: failed_row("it broke")}
    assert back[list(rows)[1]] == row(1), "every type as it was"
    with Store(tmp_path) as store:
        store.begin(plan, ME)
        store.add({failed: row(0)})
    assert read_rows(tmp_path) == rows, "a later row counts"


def test_a_plan_that_asks_for_more_goes_on(tmp_path: Path) -> None:
    rows = filled(tmp_path)
    more = small_plan(arms=(*small_plan().arms, Arm("margin")), prompts=("two", "one", "three", "four"))
    with Store(tmp_path) as store:
        store.begin(more, ME)
        assert store.rows == rows
    assert Plan.from_json(read_manifest(tmp_path)["plan"]) == more
    assert len(read_manifest(tmp_path)["sessions"]) == 2


@pytest.mark.parametrize(
    ("plan", "identity", "message"),
    [
        (small_plan(prompts=("one", "two")), ME, "12 of its runs are not in this one, the first is vanilla steps=4"),
        (small_plan(arms=(Arm("margin"),)), ME, "holds another sweep: 36 of its runs .* on prompt '1', block_length=4"),
        (small_plan(batch=2), ME, "holds another sweep"),
        (small_plan(), ME._replace(model={"name": "other"}), "another model or device: 'm', not 'other'"),
        (small_plan(), ME._replace(versions={"torch": "2"}), "was computed with torch 1, here are torch 2"),
    ],
)
def test_another_sweep_is_refused_and_nothing_changes(
    tmp_path: Path, plan: Plan, identity: Identity, message: str
) -> None:
    plan_there = small_plan(compare="never")
    filled(tmp_path, plan_there)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.name != "lock"}
    with pytest.raises(SettingsError, match=message), Store(tmp_path) as store:
        store.begin(plan.__class__(**{**vars_of(plan), "compare": "never"}), identity)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.name != "lock"} == before


def vars_of(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in ("arms", "prompts", "tasks", "options", "model", "batch")}


def test_a_folder_may_have_to_be_new(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(SettingsError, match="holds a sweep already"), Store(tmp_path) as store:
        store.begin(small_plan(), ME, resume=False)


def test_a_folder_is_worked_on_while_a_living_process_holds_it(tmp_path: Path) -> None:
    filled(tmp_path)
    assert not worked_on(tmp_path)
    assert not worked_on(tmp_path / "nowhere")
    script = (
        "import sys; from credit_viz.lab.store import Store\n"
        "with Store(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert worked_on(tmp_path)
        holder.kill()
        holder.wait()
    assert (tmp_path / "running.json").exists(), "it could not take it away"
    assert not worked_on(tmp_path)
    with Store(tmp_path):
        assert worked_on(tmp_path)
    assert not worked_on(tmp_path)


def test_one_writer(tmp_path: Path) -> None:
    with (
        Store(tmp_path),
        pytest.raises(BackendError, match=r"another sweep works on .* \(process \d+ on .*\); wait for it"),
        Store(tmp_path),
    ):
        pass
    with Store(tmp_path):
        (tmp_path / "running.json").unlink()
        with pytest.raises(BackendError, match=r"another sweep works on [^()]*; wait"), Store(tmp_path):
            pass
    assert not (tmp_path / "running.json").exists()


HOLD = """
import sys, time
from credit_viz.lab.store import Store
with Store(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_writer_of_all_programs_and_none_when_it_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BackendError, match=rf"\(process {holder.pid} on "), Store(tmp_path):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with Store(tmp_path) as store:
        store.begin(small_plan(), ME)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="holds no sweep"):
        read_manifest(tmp_path)
    for text in ("{", "[]", '{"format": 0}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(BackendError, match=r"manifest\.json is"):
            read_manifest(tmp_path)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "runs.jsonl").write_text(json.dumps({}))
    with pytest.raises(BackendError, match=r"holds results without manifest\.json"), Store(tmp_path) as store:
        store.begin(small_plan(), ME)
    (tmp_path / "runs.parquet").write_bytes(b"PAR1")
    with pytest.raises(BackendError, match=r"runs\.parquet is damaged"):
        read_rows(tmp_path)
    with pytest.raises(BackendError, match="cannot write into"), Store(tmp_path / "runs.parquet"):
        pass


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.begin(small_plan(), ME)
        (tmp_path / "runs.jsonl").mkdir()
        with pytest.raises(BackendError, match="cannot keep results in"):
            store.add({"a": row(1)})
        with pytest.raises(BackendError, match="cannot keep results in"):
            store.compact(tidy(small_plan(), ME.model, {}))
