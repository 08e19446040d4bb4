"""The gallery: every recording comes out again write by write, and everything its words claim is so."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_viz
from credit_viz.errors import TraceError
from credit_viz.gallery import Exhibit, gallery_path, load_gallery, save_gallery
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny.exhibits import WANTED, Wanted
from credit_viz.tiny.gallery import examples_of, main, search
from credit_viz.tiny.tasks import Example
from credit_viz.trace.record import Reason, Trace
from credit_viz.web.catalogue import style
from tests.web.recordings import exhibited

EXHIBITS = {exhibit.name: exhibit for exhibit in load_gallery()}
WRITES = ("event_steps", "event_positions", "event_ids", "event_reasons")
MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def model() -> DiffusionLM:
    return credit_viz.load_model(device="cpu")


def wanted(name: str) -> Wanted:
    return next(each for each in WANTED if each.name == name)


def task_of(exhibit: Exhibit) -> Example:
    """The prompt with its checker."""
    task, (_, tried) = wanted(exhibit.name).task, exhibit.claims["found"]
    return next(example for example in examples_of(task, tried) if example.prompt == exhibit.prompt)


def test_it_is_small_and_holds_nothing_but_traces() -> None:
    files = sorted(gallery_path().iterdir())
    named = {file for exhibit in EXHIBITS.values() for file in exhibit.files}
    assert {file for file in files if file.name != "index.json"} == named
    assert {file.suffix for file in named} == {".safetensors"}
    assert sum(file.stat().st_size for file in files) <= MAX_BYTES


def test_it_has_what_was_wanted_in_that_order() -> None:
    assert list(EXHIBITS) == [each.name for each in WANTED]
    assert 6 <= len(EXHIBITS) <= 8
    assert len({exhibit.title for exhibit in EXHIBITS.values()}) == len(EXHIBITS)


def test_it_is_part_of_an_installed_package() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["assets/gallery"] == "credit_viz/assets/gallery"


@pytest.mark.parametrize("name", EXHIBITS)
def test_a_recording_comes_out_again(name: str, model: DiffusionLM) -> None:
    """Write by write, also on another processor: see `credit_viz.tiny.gallery` on how steady runs are chosen."""
    exhibit = EXHIBITS[name]
    for lane, recorded in zip(exhibit.lanes, exhibit.traces(), strict=True):
        again = credit_viz.decode(model, exhibit.prompt, **lane, **exhibit.options)
        for field in WRITES:
            np.testing.assert_array_equal(getattr(again, field), getattr(recorded, field), err_msg=field)
        np.testing.assert_allclose(again.candidate_p[:, 0], recorded.candidate_p[:, 0], atol=2e-3)
        assert again.text == recorded.text
        assert recorded.info.model == exhibit.model == "embedded"


@pytest.mark.parametrize("name", EXHIBITS)
def test_what_the_index_claims_is_so(name: str) -> None:
    exhibit = EXHIBITS[name]
    traces, example = exhibit.traces(), task_of(exhibit)
    claims = exhibit.claims
    assert claims["passes"] == [trace.forward_passes for trace in traces]
    assert claims["right"] == [example.accepts(trace.text) for trace in traces]
    assert claims["taken_back"] == [trace.taken_back for trace in traces]
    assert claims["edited"] == [trace.edited for trace in traces]
    assert claims["same_text"] == all((trace.token_ids == traces[0].token_ids).all() for trace in traces)
    assert 0 < claims["found"][0] <= claims["found"][1]
    assert all(trace.complete for trace in traces)


@pytest.mark.parametrize("name", EXHIBITS)
def test_where_to_look_is_there(name: str) -> None:
    exhibit = EXHIBITS[name]
    spot, traces = exhibit.spot, exhibit.traces()
    told = traces[spot.lane].explain(spot.step, spot.position)
    assert told.reason is not None or told.stood is not None
    assert spot.map in style()["maps"]
    assert 0 < spot.step <= max(trace.forward_passes for trace in traces)
    assert "{" not in exhibit.title + exhibit.look


def at_the_spot(exhibit: Exhibit) -> tuple[Trace, set[int]]:
    """The lane to look at, and why it wrote what it wrote there."""
    trace, spot = exhibit.traces()[exhibit.spot.lane], exhibit.spot
    here = (trace.event_steps == spot.step) & (trace.event_positions == spot.position)
    return trace, set(trace.event_reasons[here].tolist())


def test_the_first_run_is_quicker_with_the_same_text() -> None:
    exhibit = EXHIBITS["story"]
    vanilla, credit = exhibit.traces()
    assert credit.forward_passes < vanilla.forward_passes / 4
    assert exhibit.claims["same_text"]
    assert all(exhibit.claims["right"])
    assert at_the_spot(exhibit)[1] == {Reason.CREDIT}


def test_memory_is_told_apart_from_the_threshold() -> None:
    vanilla, threshold, credit = EXHIBITS["memory"].claims["passes"]
    assert vanilla > threshold > credit
    assert EXHIBITS["memory"].claims["same_text"]
    assert at_the_spot(EXHIBITS["memory"])[1] == {Reason.CREDIT}


def test_the_control_without_history_does_as_well() -> None:
    exhibit = EXHIBITS["control"]
    threshold, credit, control = exhibit.claims["passes"]
    assert threshold > credit == control
    assert exhibit.lanes[2]["settings"]["beta"] == 0
    assert exhibit.lanes[1]["settings"] | {"beta": 0} == exhibit.lanes[2]["settings"]


def test_credit_fails_where_the_others_are_right() -> None:
    exhibit = EXHIBITS["wrong-word"]
    assert exhibit.claims["right"] == [True, True, False]
    trace, reasons = at_the_spot(exhibit)
    threshold = exhibit.traces()[1]
    differ = np.flatnonzero(trace.token_ids != threshold.token_ids)
    assert reasons == {Reason.CREDIT}
    assert exhibit.spot.position in differ
    assert trace.commit_step[differ].min() == exhibit.spot.step


def test_credit_saves_nothing() -> None:
    exhibit = EXHIBITS["no-gain"]
    threshold, credit = exhibit.traces()
    assert threshold.forward_passes == credit.forward_passes
    assert exhibit.claims["same_text"]
    text = credit.reason[credit.content_mask]
    assert Reason.CREDIT not in text


def test_the_sum_is_wrong_in_every_lane() -> None:
    exhibit = EXHIBITS["wrong-sum"]
    assert exhibit.claims["same_text"]
    assert not any(exhibit.claims["right"])


def test_words_are_taken_back_and_edited() -> None:
    back, edited = EXHIBITS["taken-back"], EXHIBITS["second-thought"]
    assert back.claims["right"] == [False, True]
    assert back.claims["taken_back"][1] >= 3
    assert Reason.REMASKED in at_the_spot(back)[1]
    assert edited.claims["right"] == [True, False]
    assert Reason.EDITED in at_the_spot(edited)[1]


# making one -----------------------------------------------------------------------------------------------------------


def test_the_search_finds_the_same_again(model: DiffusionLM) -> None:
    exhibit, traces = search(model, wanted("wrong-sum"), 4)
    again, _ = search(model, wanted("wrong-sum"), 4)
    assert exhibit == again
    assert exhibit.claims["passes"] == [trace.forward_passes for trace in traces]
    with pytest.raises(LookupError, match="0 of 1 prompts came out like this"):
        search(model, wanted("second-thought"), 1)


def test_the_command_writes_a_gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("credit_viz.tiny.gallery.WANTED", (wanted("wrong-sum"),))
    (tmp_path / "old.safetensors").write_bytes(b"old")
    main(["--out", str(tmp_path), "--prompts", "4"])
    (made,) = load_gallery(tmp_path)
    assert made.name == "wrong-sum"
    assert f"{made.claims['found'][0]} of 4" in capsys.readouterr().out
    assert not (tmp_path / "old.safetensors").exists()
    assert len(made.traces()) == 3


def test_a_gallery_is_read_as_it_was_written(tmp_path: Path) -> None:
    exhibit, traces = exhibited(tmp_path)
    save_gallery(tmp_path, exhibit.model, [(exhibit, traces)])
    (read,) = load_gallery(tmp_path)
    assert read == exhibit
    assert all(one.same_run(other) for one, other in zip(read.traces(), traces, strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "has schema 2; this version reads 1"),
        ({"runs": [{}]}, "holds no gallery: KeyError"),
        ({"runs": 3}, "holds no gallery: TypeError"),
    ],
)
def test_a_damaged_gallery_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    exhibit, traces = exhibited(tmp_path)
    save_gallery(tmp_path, exhibit.model, [(exhibit, traces)])
    index = tmp_path / "index.json"
    index.write_text(json.dumps(json.loads(index.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(TraceError, match=message):
        load_gallery(tmp_path)
    with pytest.raises(TraceError, match="make gallery"):
        load_gallery(tmp_path / "nowhere")
