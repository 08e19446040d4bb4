"""`credit-viz serve` loads the model and hands it to the page; the page itself is tested in tests/web."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from credit_viz.backend.local import LocalBackend
from tests.cli.conftest import Call, assert_refused


class FakePage:
    """Stands in for the page."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.built: dict[str, Any] = {}
        self.launched: dict[str, Any] = {}

    def build(self, backend: LocalBackend, **options: Any) -> FakePage:
        """In place of `build_app`."""
        self.built = {"backend": backend, **options}
        return self

    def launch(self, **options: Any) -> None:
        """In place of `gr.Blocks.launch`."""
        self.launched = options
        if self.problem:
            raise self.problem


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> FakePage:
    """The page that is served."""
    fake = FakePage()
    monkeypatch.setattr("credit_viz.web.build_app", fake.build)
    return fake


def test_serve_uses_the_chosen_model_and_address(call: Call, page: FakePage, fixtures: Path) -> None:
    words = ("--model", fixtures / "llada_peaky", "--device", "cpu", "--port", 9000, "--host", "0.0.0.0")
    assert call("serve", *words).code == 0
    assert page.built["backend"].model.info.name == "llada_peaky"
    assert set(page.built) == {"backend"}, "examples and knobs are the embedded model's"
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


def test_a_taken_port_is_one_line(call: Call, page: FakePage, fixtures: Path) -> None:
    page.problem = OSError("Cannot find empty port in range: 9000-9000. You can ...")
    outcome = call("serve", "--model", fixtures / "llada_peaky", "--port", 9000)
    assert_refused(outcome, "cannot serve on 127.0.0.1, port 9000: Cannot find empty port in range: 9000-9000")


@pytest.mark.usefixtures("page")
def test_bad_ports_and_models_are_refused(call: Call) -> None:
    assert_refused(call("serve", "--port", "0"), "--port", "1<=x<=65535")
    assert_refused(call("serve", "--model", "./nowhere"), "no model folder at './nowhere'")
