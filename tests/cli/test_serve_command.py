"""`credit-viz serve` loads the model and hands it to the page; the page itself is tested in tests/web."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from credit_viz.errors import SettingsError
from credit_viz.lab import ModelSource
from credit_viz.web.planform import PlanForm
from tests.cli.conftest import Call, FakePage, assert_refused


def test_serve_uses_the_chosen_model_and_address(call: Call, page: FakePage, fixtures: Path) -> None:
    words = ("--model", fixtures / "llada_peaky", "--device", "cpu", "--port", 9000, "--host", "0.0.0.0")
    assert call("serve", *words).code == 0
    assert page.built["backend"].model.info.name == "llada_peaky"
    assert set(page.built) == {"backend", "models", "choice", "gallery", "laboratory"}, (
        "examples and knobs are the embedded model's"
    )
    assert {exhibit.model for exhibit in page.built["gallery"]} == {"embedded"}
    assert page.built["models"]["served"]["name"] == "llada_peaky"
    assert page.launched == {"server_name": "0.0.0.0", "server_port": 9000, "share": False}


@pytest.mark.parametrize("words", [[], ["--port", "9000"], ["serve"]])
def test_serve_is_what_happens_without_a_command(
    call: Call, page: FakePage, fixtures: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    from credit_viz.models.loading import load_model

    monkeypatch.setattr(
        "credit_viz.models.loading.load_model", lambda _, **options: load_model(fixtures / "llada_peaky", **options)
    )
    assert call(*words).code == 0
    assert page.launched["server_name"] == "127.0.0.1"
    assert page.launched["server_port"] == (9000 if "--port" in words else None)
    assert page.built["examples"]
    assert page.built["settings"]


def test_a_known_model_starts_with_its_recommended_settings() -> None:
    from credit_viz.cli.serve import _first_choice
    from credit_viz.decoding import make_decoder
    from credit_viz.models.families import FAMILIES
    from credit_viz.models.known import KNOWN_MODELS

    for known in KNOWN_MODELS:
        info = SimpleNamespace(name=known.id)
        (abilities,) = {family.abilities for family in FAMILIES if family.name == known.family}
        choice = _first_choice(SimpleNamespace(info=info, block_length=None, abilities=abilities))  # type: ignore[arg-type]
        assert (choice.gen_length, choice.block_length) == (256, 64) or known.recommended.preset != "paper"
        assert known.recommended.decoder in [lane.decoder for lane in choice.lanes]
        assert len({lane.decoder for lane in choice.lanes}) == 2
        for lane in choice.lanes:
            assert make_decoder(lane.decoder, lane.settings).needs.served_by(abilities)
    info = SimpleNamespace(name="GSAI-ML/LLaDA-8B-Instruct")
    paper = _first_choice(SimpleNamespace(info=info, abilities=frozenset()))  # type: ignore[arg-type]
    assert paper.lanes[0].decoder == "vanilla"
    assert paper.lanes[1].settings["alpha"] == 0.65


def test_an_unknown_block_causal_model_starts_in_its_own_blocks(page: FakePage, fixtures: Path, call: Call) -> None:
    assert call("serve", "--model", fixtures / "llada2", "--device", "cpu").code == 0
    choice = page.built["choice"]
    assert choice.block_length == page.built["backend"].model.block_length
    assert choice.gen_length == 2 * choice.block_length


def test_a_taken_port_is_one_line(call: Call, page: FakePage, fixtures: Path) -> None:
    page.problem = OSError("Cannot find empty port in range: 9000-9000. You can ...")
    outcome = call("serve", "--model", fixtures / "llada_peaky", "--port", 9000)
    assert_refused(outcome, "cannot serve on 127.0.0.1, port 9000: Cannot find empty port in range: 9000-9000")


@pytest.mark.usefixtures("page")
def test_bad_ports_and_models_are_refused(call: Call) -> None:
    assert_refused(call("serve", "--port", "0"), "--port", "1<=x<=65535")
    assert_refused(call("serve", "--model", "./nowhere"), "no model folder at './nowhere'")


def test_serve_passes_on_how_to_load(call: Call, page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def load(source: str | None, **options: Any) -> Any:
        asked.update(options, source=source)
        raise SettingsError("enough seen")

    monkeypatch.setattr("credit_viz.models.loading.load_model", load)
    words = ("--model", "owner/name", "--quantize", "nf4", "--dtype", "bfloat16", "--offline", "--skip-memory-check")
    assert_refused(call("serve", *words, "--revision", "abc"), "enough seen")
    assert (asked["source"], asked["revision"]) == ("owner/name", "abc")
    assert (asked["quantize"], asked["dtype"]) == ("nf4", "bfloat16")
    assert (asked["offline"], asked["check_memory"]) == (True, False)
    assert page.launched == {}


def test_what_takes_long_is_said(call: Call, page: FakePage, fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credit_viz.models.loading.SLOW_BYTES", 0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    code, _, err = call("serve", "--model", fixtures / "llada_peaky", "--device", "cpu")
    assert code == 0
    assert err.splitlines() == [
        f"credit-viz: loading {fixtures / 'llada_peaky'}",
        "credit-viz: reading 0.8 MB of weights onto cpu",
        "credit-viz: llada_peaky, 0.2 M parameters: float32 on cpu",
    ]
    assert page.launched


@pytest.mark.usefixtures("page")
def test_refusals_of_loading_are_one_line(call: Call, fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ("--model", fixtures / "llada_peaky", "--device", "cpu")
    assert_refused(call("serve", *model, "--quantize", "fp8"), "unknown quantization 'fp8'; valid: int8, nf4")
    assert_refused(call("serve", *model, "--quantize", "int8"), "only 0.8 MB of weights")
    assert_refused(call("serve", "--model", "owner/name", "--offline"), "not in the hub's cache", "--offline")
    monkeypatch.setattr("credit_viz.models.memory.free_memory", lambda _: 1000)
    assert_refused(call("serve", *model), "llada_peaky needs 0.8 MB in float32", "0.0 MB are free on cpu")
    assert call("serve", *model, "--skip-memory-check").code == 0


@pytest.mark.usefixtures("page")
def test_an_interrupt_while_loading_leaves_nothing_behind(
    call: Call, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlamaForCausalLM
    from transformers.utils import logging

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    before = (logging.get_verbosity(), logging.is_progress_bar_enabled())
    monkeypatch.setattr(LlamaForCausalLM, "from_pretrained", interrupted)
    code, out, err = call("serve", "--model", fixtures / "llada_peaky", "--device", "cpu")
    assert (code, out, err.strip()) == (130, "", "credit-viz: interrupted")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


@pytest.mark.parametrize(
    ("words", "public"),
    [
        ((), False),
        (("--host", "::1"), False),
        (("--host", "localhost"), False),
        (("--host", "0.0.0.0"), True),
        (("--host", "my-machine"), True),
        (("--share",), True),
    ],
)
def test_the_lab_of_a_served_model(
    call: Call, page: FakePage, fixtures: Path, tmp_path: Path, words: tuple[str, ...], public: bool
) -> None:
    model = ("--model", fixtures / "llada_peaky", "--device", "cpu", "--dtype", "float32")
    assert call("serve", *model, "--lab", tmp_path / "kept", *words).code == 0
    laboratory = page.built["laboratory"]
    assert laboratory.backend.source == ModelSource(str(fixtures / "llada_peaky"), device="cpu", dtype="float32")
    assert laboratory.backend.served is page.built["backend"].model
    assert not (tmp_path / "kept").exists(), "nothing is written before a sweep is started"
    form = PlanForm(laboratory.limits, laboratory.backend.source)
    plan = form.read({"arms": ["credit"], "prompts": ["a"], "gen_length": [8], "block_length": [8]})
    sweep = laboratory.start(plan, "t")
    assert (tmp_path / "kept" / sweep).is_dir()
    ours = [entry.id for entry in laboratory.entries() if not entry.lasting]
    assert ours == ([] if public else [sweep]), "where others can come, a visitor sees the visitor's own"
    laboratory.close()


def test_the_study_that_ships_is_listed(call: Call, page: FakePage, fixtures: Path) -> None:
    assert call("serve", "--model", fixtures / "llada_peaky", "--device", "cpu").code == 0
    (entry,) = page.built["laboratory"].entries()
    assert (entry.id, entry.state, entry.lasting) == ("study", "done", True)
    assert not entry.can_race, "it is of the embedded model"
