"""Calling the command line in this process, and saved runs to show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from credit_viz.cli import main
from tests.support import trace_of


class Outcome(NamedTuple):
    """What a call of the command line did."""

    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("show", path)` runs `credit-viz show path` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


class FakePage:
    """Stands in for the page that a command builds and serves."""

    def __init__(self) -> None:
        self.problem: Exception | None = None  #: of serving it
        self.built: dict[str, Any] = {}
        self.launched: dict[str, Any] = {}

    def build(self, backend: Any, **options: Any) -> FakePage:
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
    for home in ("credit_viz.web", "credit_viz.web.page"):
        monkeypatch.setattr(f"{home}.build_app", fake.build)
    return fake


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A short finished run, saved."""
    path = tmp_path / "short.safetensors"
    tops = [{0: 1, 1: 2}, {1: 2}]
    trace_of(tops, [(1, 0, 1), (2, 1, 2)], gen_length=2, block=(0, 2), settings={"threshold": 0.9}).save(path)
    return path


def assert_refused(outcome: Outcome, *parts: str) -> None:
    """Exit code 2, nothing on stdout, exactly one line on stderr that holds the parts."""
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("credit-viz: error: ")
    assert outcome.err.count("\n") == 1
    for part in parts:
        assert part in outcome.err
