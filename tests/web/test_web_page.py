"""The page as Gradio sees it, without a browser: catalogue, handlers, questions, ZeroGPU."""

from __future__ import annotations

import gc
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType, ModuleType, SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from credit_viz.backend.base import Event, RunRequest
from credit_viz.backend.none import NoModel
from credit_viz.decoding import DECODERS
from credit_viz.decoding.base import Needs
from credit_viz.decoding.threshold import Threshold, ThresholdSettings
from credit_viz.trace.codec import open_packet
from credit_viz.web import build_app, launch
from credit_viz.web.catalogue import boot
from credit_viz.web.labdownloads import SweepDownloads
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.opening import as_run
from credit_viz.web.page import Page
from credit_viz.web.request import default_choice
from credit_viz.web.theme import page_theme
from credit_viz.web.zero_gpu import on_gpu, seconds_needed
from tests.support import MASK_DECODERS
from tests.web.fake import FakeBackend
from tests.web.recordings import exhibited

EXAMPLES = [SimpleNamespace(task="story", prompt="Mia takes a kite."), SimpleNamespace(task="<b>", prompt="</script>")]


@pytest.fixture(scope="module")
def page() -> Page:
    return build_app(FakeBackend(), examples=EXAMPLES)


def handler(page: Page, name: str) -> Any:
    return next(fn.fn for fn in page.fns.values() if getattr(fn.fn, "__name__", "") == name)


def component(page: Page, elem_id: str) -> Any:
    return next(block for block in page.blocks.values() if getattr(block, "elem_id", None) == elem_id)


def visitor(name: str = "a") -> gr.Request:
    request = gr.Request()
    request.session_hash = name
    return request


def test_prompt_run_and_cancel_have_their_ids(page: Page) -> None:
    assert component(page, "prompt").value == "Mia takes a kite."
    assert isinstance(component(page, "run"), gr.Button)
    assert isinstance(component(page, "cancel"), gr.Button)


def test_without_examples_the_prompt_is_empty() -> None:
    assert component(build_app(FakeBackend()), "prompt").value == ""


def test_a_run_its_numbers_and_its_end(page: Page) -> None:
    packets = list(handler(page, "run")("Mia takes a kite.", "", visitor()))
    run = open_packet(packets[0]).header["run"]
    view = component(page, "view")
    assert view.packets({"run": run, "from": 1}) == packets[1:]
    assert open_packet(view.position({"run": run, "position": 4})).header["position"] == 4
    assert view.welcome({}) == packets
    list(handler(page, "run")("Another", "", visitor()))
    handler(page, "unload")(visitor())
    assert view.welcome({}) == packets


@pytest.mark.parametrize("question", [{}, {"run": "x", "from": 0}, {"run": "x", "from": "y"}, {"run": []}])
def test_questions_that_cannot_be_answered_say_so(page: Page, question: dict[str, Any]) -> None:
    view = component(page, "view")
    assert set(view.packets(question)) == {"error"}
    assert set(view.position(question)) == {"error"}


def test_a_first_visit_to_a_fresh_server_finds_no_run() -> None:
    assert component(build_app(FakeBackend()), "view").welcome({}) == []


def test_the_template_holds_no_place_for_values(page: Page) -> None:
    template = component(page, "view").html_template
    assert "$" not in template
    assert "{" not in template


def test_every_decoder_is_described_with_its_knobs_and_presets() -> None:
    data = boot("model", DECODERS, EXAMPLES, default_choice(), frozenset({"guidance", "shadow"}))
    assert list(data["decoders"]) == list(MASK_DECODERS)
    for name, decoder in data["decoders"].items():
        knobs = {knob["name"]: knob for knob in decoder["knobs"]}
        assert set(knobs) == set(DECODERS[name].settings_class().to_dict())
        assert all(knob["role"] and knob["symbol"] and knob["help"] and knob["range"] for knob in knobs.values())
        assert decoder["group"]
        assert all(set(preset) == set(knobs) for preset in decoder["presets"].values())
    assert data["choice"]["gen_length"] == default_choice().gen_length
    assert "ticket" not in data["choice"]
    json.dumps(data)


class Demanding(Threshold):
    """Can do nothing without shadow positions, and with a temperature nothing without guidance."""

    name = "demanding"
    presets = MappingProxyType({"plain": ThresholdSettings(), "guided": ThresholdSettings(temperature=1.0)})

    @property
    def needs(self) -> Needs:
        return Needs(shadow=True, guidance=self.settings.temperature)


@pytest.mark.parametrize(
    ("abilities", "presets"),
    [((), None), (("guidance",), None), (("shadow",), ["plain"]), (("shadow", "guidance"), ["plain", "guided"])],
)
def test_only_what_the_model_can_serve_is_offered(abilities: tuple[str, ...], presets: list[str] | None) -> None:
    decoders = {"demanding": Demanding, "threshold": Threshold}
    offered = boot("model", decoders, EXAMPLES, default_choice(), frozenset(abilities))["decoders"]
    assert list(offered) == (["demanding", "threshold"] if presets else ["threshold"])
    assert presets is None or list(offered["demanding"]["presets"]) == presets


@pytest.mark.parametrize(
    ("abilities", "caches"),
    [
        ((), ["none"]),
        (("shadow", "prefix cache", "dual cache"), ["none", "prefix", "dual"]),
        (("block cache",), ["none", "block"]),
    ],
)
def test_only_the_model_s_caches_are_offered(abilities: tuple[str, ...], caches: list[str]) -> None:
    assert boot("model", {}, EXAMPLES, default_choice(), frozenset(abilities))["caches"] == caches


def test_the_theme_fetches_no_fonts() -> None:
    assert page_theme()._stylesheets == []


# gradio's server leaves a socket to the garbage collector now and then
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_serves_with_headers_and_its_own_files(page: Page) -> None:
    import urllib.request

    address = launch(page, port=None, block=False)
    try:
        with urllib.request.urlopen(address) as response:
            assert response.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors" in response.headers["content-security-policy"]
            assert b"fonts.googleapis" not in response.read()
        with urllib.request.urlopen(f"{address}{page.assets.base}boot.json") as response:
            assert response.headers["content-encoding"] == "gzip"
    finally:
        page.close(verbose=False)
        gc.collect()


class Interrupted:
    """A laboratory that says that it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_an_interrupt_ends_the_laboratory_and_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    laboratory: Any = Interrupted()
    page = build_app(FakeBackend(), laboratory=laboratory)
    monkeypatch.setattr("credit_viz.web.page.time.sleep", interrupt)
    page.is_running = True
    page.block_thread()
    assert laboratory.closed
    assert not page.is_running


@pytest.mark.parametrize("lab", [True, False])
def test_the_page_is_told_whether_there_is_a_lab(lab: bool) -> None:
    page = build_app(FakeBackend(), laboratory=Laboratory() if lab else None)
    told = json.loads(gzip.decompress(page.assets.get("boot.json").body))  # type: ignore[union-attr]
    assert told["can"] == {"run": True, "race": True, "ask": True, "lab": lab}
    assert bool([layer for layer in page.middleware() if layer.cls is SweepDownloads]) == lab


def test_without_a_model_there_is_a_race_only_of_what_was_opened(tmp_path: Path) -> None:
    laboratory, (_, (trace, *_)) = Laboratory(), exhibited(tmp_path)
    for opened, race in ((None, False), (as_run([("a", trace)]), True)):
        page = build_app(NoModel(), opened=opened, laboratory=laboratory)
        told = json.loads(gzip.decompress(page.assets.get("boot.json").body))  # type: ignore[union-attr]
        assert told["can"] == {"run": False, "race": race, "ask": True, "lab": True}


def test_off_a_zero_gpu_space_the_stream_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = FakeBackend().stream
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert on_gpu(stream) == stream


def test_on_a_zero_gpu_space_the_stream_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    spaces = ModuleType("spaces")
    spaces.__spec__ = SimpleNamespace(name="spaces")  # type: ignore[assignment]

    def gpu(duration: Any) -> Any:
        asked.append(duration)
        return lambda function: function

    spaces.GPU = gpu  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")

    def stream(request: RunRequest) -> Iterator[Event]:
        return FakeBackend().stream(request)

    wrapped = on_gpu(stream)
    assert wrapped is not stream
    request = default_choice().request("kite")
    assert len(list(wrapped(request))) == len(list(stream(request)))
    assert asked == [seconds_needed]
    assert 30 <= seconds_needed(request) <= 120
