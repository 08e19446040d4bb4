"""`credit-viz view` shows saved runs on the page: no model, no runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from credit_viz.backend.base import LaneRequest, RunRequest
from credit_viz.backend.none import NoModel
from credit_viz.errors import BackendError
from credit_viz.lab import InlineCrew, sweep
from credit_viz.trace.files import load_trace
from tests.cli.conftest import Call, FakePage, assert_refused
from tests.lab.conftest import LabModel, small_plan
from tests.support import trace_of


def test_files_become_lanes_of_one_run(call: Call, page: FakePage, saved: Path) -> None:
    other = saved.with_name("other.safetensors")
    other.write_bytes(saved.read_bytes())
    outcome = call("view", saved, other, "--port", 9000)
    assert outcome.code == 0, outcome.err
    assert page.built["opened"]
    assert [trace.same_run(load_trace(saved)) for trace in page.built["opened"].traces()] == [True, True]
    assert page.launched == {"server_name": "127.0.0.1", "server_port": 9000}
    assert isinstance(page.built["backend"], NoModel)


def test_bad_files_and_mismatched_ones_are_refused(call: Call, page: FakePage, saved: Path, tmp_path: Path) -> None:
    trace_of([{0: 1}], [], gen_length=1, block=(0, 1)).save(tmp_path / "other.safetensors")
    assert_refused(call("view"), "Missing argument")
    assert_refused(call("view", "nothing.safetensors"), "no trace file at nothing.safetensors")
    assert_refused(call("view", saved, "other.safetensors"), "short.safetensors and other.safetensors differ in length")
    assert_refused(call("view", *[saved] * 5), "5 trace files; valid: 1 to 4")
    (tmp_path / "cut.safetensors").write_bytes(saved.read_bytes()[:100])
    assert_refused(call("view", "cut.safetensors"), "cut.safetensors")
    assert page.launched == {}


def test_a_taken_port_is_one_line(call: Call, page: FakePage, saved: Path) -> None:
    page.problem = OSError("Cannot find empty port in range: 9000-9000. You can ...")
    assert_refused(call("view", saved, "--port", 9000), "cannot serve on 127.0.0.1, port 9000: Cannot find empty port")


def test_without_a_model_every_run_is_refused_in_one_sentence() -> None:
    with pytest.raises(BackendError, match="no model is loaded here"):
        NoModel().stream(RunRequest("kite", (LaneRequest("vanilla"),)))


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    """The folder of a finished sweep, in a folder of such."""
    folder = tmp_path / "sweeps" / "first"
    sweep(small_plan(), folder, InlineCrew(LabModel()))
    return folder


def test_a_folder_of_a_sweep_opens_the_lab(call: Call, page: FakePage, swept: Path) -> None:
    for given in (swept, swept.parent):
        outcome = call("view", given)
        assert outcome.code == 0, outcome.err
        assert page.built["opened"] is None
        (entry,) = page.built["laboratory"].entries()
        assert (entry.id, entry.state, entry.lasting, entry.can_race) == ("first", "done", True, False)


def test_traces_and_sweeps_together(call: Call, page: FakePage, saved: Path, swept: Path) -> None:
    assert call("view", saved, swept).code == 0
    assert len(page.built["opened"].traces()) == 1
    assert len(page.built["laboratory"].entries()) == 1


def test_traces_alone_need_no_lab(call: Call, page: FakePage, saved: Path) -> None:
    assert call("view", saved).code == 0
    assert page.built["laboratory"] is None


@pytest.mark.usefixtures("page")
def test_folders_without_a_sweep_and_damaged_ones_are_refused(call: Call, tmp_path: Path, swept: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(call("view", "empty"), "empty holds no sweep; valid: a folder that credit-viz sweep --out made")
    (swept / "manifest.json").write_text("{")
    assert_refused(call("view", swept), "manifest.json is damaged")
