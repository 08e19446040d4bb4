"""The bench of the page: its runs are sound, its figures are measured on a tiny page, and what it lacks it says."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest, RunStarted, StepTaken
from credit_viz.bench.page.__main__ import main
from credit_viz.bench.page.synthetic import SyntheticBackend
from credit_viz.bench.table import Row, Section, met, to_text
from tests.browser.conftest import CHROMIUM
from tests.web.conftest import no_forgotten_loops

__all__ = ["no_forgotten_loops"]

REQUEST = RunRequest("x", (LaneRequest("vanilla"), LaneRequest("credit")), gen_length=16, block_length=8)
TINY = ["--length", "8", "--lengths", "8", "--rounds", "1", "--seconds", "0.1"]


def test_synthetic_lanes_write_one_token_a_step_in_their_blocks() -> None:
    for trace in SyntheticBackend().prepare(REQUEST):
        assert trace.complete
        assert len(trace.cell_counts) == 16
        assert (np.diff(trace.event_steps) == 1).all()
        assert ((trace.event_positions // 8) == np.repeat([0, 1], 8)).all()


def test_synthetic_runs_are_the_same_each_time_and_stream_as_a_backend_does() -> None:
    backend = SyntheticBackend()
    first, again = (list(backend.stream(REQUEST)) for _ in range(2))
    kinds = [type(event) for event in first]
    assert kinds == [RunStarted, *([StepTaken] * 32), *([LaneFinished] * 2)]
    assert first[0] == again[0]
    told: set[int] = set()
    for event in first:
        if isinstance(event, StepTaken):
            told |= set(event.tokens)
            assert set(event.record.candidate_ids.flat) <= told
    assert len(backend.begun) == 32


@pytest.mark.parametrize(
    ("value", "aim", "reached"),
    [(1, "<= 1", True), (1.1, "<= 1", False), (55, ">= 55", True), (54, ">= 55", False), (9, "", True), (9, "1", True)],
)
def test_a_figure_says_when_it_misses_its_aim(value: float, aim: str, reached: bool) -> None:
    row = Row("speed", value, "fps", aim)
    assert met(row) is reached
    assert ("missed" in to_text(Section("title", [row]))) is not reached


def test_without_playwright_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert main(TINY) == 2
    assert "needs playwright" in capsys.readouterr().err


def test_without_a_browser_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert main(TINY) == 2
    assert "no Chromium found" in capsys.readouterr().err


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")
@pytest.mark.filterwarnings("ignore:.*no_silent_downcasting", "ignore:The copy keyword")  # Gradio's queue asks for both
def test_every_figure_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", *TINY]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = [row for section in report["sections"] for row in section["rows"]]
    figures = {row["name"]: row for row in reversed(rows)}  # of the same name, the first
    assert "Chromium" in report["machine"]["browser"]
    for name in ("first paint", "maps", "gap between frames, 95 of 100", "size"):
        assert figures[name]["value"] > 0
        assert figures[name]["aim"]
    for name in ("console errors", "requests meanwhile", "requests to anywhere else", "steps begun after Cancel"):
        assert figures[name]["value"] <= 1
