"""The report: its command runs the same plan, its numbers are the table's, hostile names stay text."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from credit_viz import lab
from credit_viz.lab.report import command_of, facts_of
from tests.cli.conftest import Call, assert_refused
from tests.cli.conftest import call as call
from tests.lab.conftest import LabModel, small_plan

HOSTILE = "</script><img src=x onerror=window.pwned=1>${x} {{y}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep")
    prompts = (lab.Prompt("<b>1</b>", HOSTILE), lab.Prompt("2", "two"))
    lab.sweep(small_plan(prompts=prompts), path, workers=lab.InlineCrew(LabModel()))
    return path


def test_the_page_holds_figures_table_and_command(folder: Path, call: Call) -> None:
    code, _, err = call("report", folder)
    assert code == 0
    assert f"written: {folder / 'report.html'}" in err
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert len(page) < 2_200_000
    assert {"front", "heatmap-forward_passes", "slices-token_agreement", "parallel"} <= set(
        re.findall('<div id="([^"]+)"', page)
    )
    table = lab.SweepResult.load(folder).table()
    assert page.count("<tr") == 1 + len(table)
    assert HOSTILE not in page
    assert "<b>1</b>" not in page
    assert page.count("</script>") == 3
    assert "default-src 'none'" in page


def test_the_command_runs_the_same_plan(folder: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    plan = lab.SweepResult.load(folder).plan
    seen: list[Any] = []
    monkeypatch.setattr("credit_viz.cli.plans.PlanChoice.crew", lambda _: lab.InlineCrew(LabModel()))
    monkeypatch.setattr(
        "credit_viz.lab.look_ahead", lambda given, *_, **__: seen.append(given) or lab.running.Outlook(0, 0, 0)
    )
    words = shlex.split(command_of(plan))
    assert words[:2] == ["credit-viz", "sweep"]
    assert call(*words[1:], "--dry-run").code == 0
    (again,) = seen
    assert [(run.setting, run.options, run.prompt.text) for run in again.runs()] == [
        (run.setting, run.options, run.prompt.text) for run in plan.runs()
    ]


def test_prompts_with_answers_are_listed() -> None:
    plan = small_plan(prompts=(lab.Prompt("q", "1+1", "2"),))
    command = command_of(plan)
    assert "--prompts-file prompts.jsonl" in command
    assert command.splitlines()[-1] == '{"id": "q", "prompt": "1+1", "answer": "2"}'


def test_facts_name_what_it_ran_on(folder: Path) -> None:
    facts = facts_of(lab.SweepResult.load(folder))
    assert facts["Runs"] == "28"
    assert facts["Prompts"] == "2"
    assert "vanilla" in facts["Settings"]


def test_tables_and_bad_folders(folder: Path, tmp_path: Path, call: Call) -> None:
    import pandas as pd

    assert call("report", folder, "--csv", tmp_path / "a.csv", "--parquet", tmp_path / "a.parquet").code == 0
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(pd.read_parquet(tmp_path / "a.parquet")) == 28
    assert not (tmp_path / "report.html").exists()
    assert_refused(call("report", tmp_path), "holds no sweep")
    assert_refused(call("report", folder, "--html", tmp_path / "no" / "a.html"), "cannot write")
