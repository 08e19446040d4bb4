"""The gallery on the page: recordings open without a model, are shared by all, and never go."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse

from credit_viz.errors import BackendError
from credit_viz.gallery import Exhibit, save_gallery
from credit_viz.trace.codec import encode_traces, open_packet
from credit_viz.web.assets import Assets, AssetsMiddleware
from credit_viz.web.page import build_app
from credit_viz.web.questions import Questions
from credit_viz.web.runs import RunStore
from credit_viz.web.shelf import Shelf
from tests.web.fake import FakeBackend
from tests.web.recordings import exhibited
from tests.web.test_web_assets import ask


@pytest.fixture
def exhibit(tmp_path: Path) -> Exhibit:
    made, traces = exhibited(tmp_path)
    save_gallery(tmp_path, "fake", [(made, traces)])
    return made


def test_the_page_is_told_what_it_can_open_and_nothing_is_read_yet(exhibit: Exhibit) -> None:
    (entry,) = Shelf([exhibit]).boot()
    assert entry["run"].startswith("kite-")
    assert entry["choice"]["lanes"] == list(exhibit.lanes)
    assert entry["choice"]["gen_length"] == 64
    assert entry["spot"] == {"step": 5, "position": 3, "lane": 1, "map": "fused"}
    json.dumps(entry)


def test_a_run_is_served_as_one_file_for_good(exhibit: Exhibit) -> None:
    shelf = Shelf([exhibit])
    (entry,) = shelf.boot()
    assets = Assets({"gallery": shelf.boot()}, late=shelf.file)
    app = AssetsMiddleware(PlainTextResponse("gradio"), assets)
    status, headers, body = ask(app, f"/{assets.base}gallery/{entry['run']}.json")
    assert status == 200
    assert "immutable" in headers["cache-control"]
    packets = json.loads(gzip.decompress(body))
    assert [open_packet(packet).header["kind"] for packet in packets] == ["start", "steps", "end"]
    assert open_packet(packets[0]).header["about"] == {"prompt": "kite", "gallery": "kite"}
    assert packets[1] == encode_traces(entry["run"], exhibit.traces(), {})[1]
    assert assets.get(f"gallery/{entry['run']}.json") is assets.get(f"gallery/{entry['run']}.json")
    for path in ("gallery/other.json", "gallery/", "other.json", "gallery/../boot.json"):
        assert ask(app, f"/{assets.base}{path}")[0] == 404, path
    assert not any(path.startswith("gallery/") for path in assets.paths())


def test_another_recording_has_another_name(exhibit: Exhibit) -> None:
    before = Shelf([exhibit]).boot()[0]["run"]
    exhibit.files[0].write_bytes(exhibit.files[1].read_bytes())
    assert Shelf([exhibit]).boot()[0]["run"] != before


def test_exact_numbers_are_there_for_everybody_for_good(exhibit: Exhibit) -> None:
    shelf = Shelf([exhibit])
    store = RunStore(max_runs=1, lasting=shelf.get)
    (entry,) = shelf.boot()
    run = entry["run"]
    questions = Questions(store, FakeBackend().pieces)
    assert open_packet(questions.position({"run": run, "position": 4})).header["position"] == 4
    store.free("")
    assert store.get(run) is store.get(run)
    assert store.nbytes == 0
    with pytest.raises(BackendError, match="no longer keeps"):
        store.get("other")


def test_a_first_visit_shows_the_welcome_run_and_its_prompt(exhibit: Exhibit) -> None:
    page = build_app(FakeBackend(), gallery=[exhibit], welcome=True)
    prompt = next(block for block in page.blocks.values() if getattr(block, "elem_id", None) == "prompt")
    assert prompt.value == "kite"
    asset = page.assets.get("boot.json")
    assert asset is not None
    boot = json.loads(gzip.decompress(asset.body))
    assert boot["welcome"] == "kite"
    assert [entry["name"] for entry in boot["gallery"]] == ["kite"]


def test_without_recordings_a_first_visit_is_the_model_s_own() -> None:
    page = build_app(FakeBackend(), welcome=True)
    asset = page.assets.get("boot.json")
    assert asset is not None
    assert json.loads(gzip.decompress(asset.body))["welcome"] == ""
