"""The report: its command runs the same plan, its numbers are the table's, hostile names stay text."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from credit_viz import lab
from credit_viz.figures.sweeps.metrics import with_interval
from credit_viz.figures.sweeps.report import render_report
from credit_viz.figures.sweeps.tables import settings_table
from credit_viz.lab.report import command_of, facts_of
from credit_viz.pareto import unbeaten
from tests.cli.conftest import Call, assert_refused
from tests.cli.conftest import call as call
from tests.lab.conftest import LabModel, small_plan
from tests.lab.made import made_plan, made_result

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


def rows_of(page: str) -> list[list[str]]:
    """Cells of the table's rows; the first says whether no other setting beats it."""
    rows = re.findall(r"<tr( class=best)?>(<td.*?)</tr>", page)
    return [[best, *(re.sub("<.*?>", "", cell) for cell in re.findall("<td.*?</td>", cells))] for best, cells in rows]


def test_the_table_begins_with_what_is_not_beaten() -> None:
    result = made_result(fail=0.1)
    table = settings_table(result, ["forward_passes", "exact_match"]).set_index("name")
    rows = rows_of(render_report(result, "A sweep", {}, "command"))
    best = [bool(row[0]) for row in rows]
    assert best == sorted(best, reverse=True)
    assert [row[1] for row in rows if row[0]] == list(
        table[unbeaten(*table[["forward_passes", "exact_match"]].to_numpy(float).T)].sort_values("forward_passes").index
    )
    for _, name, prompts, failed, passes, right, *_ in rows:
        own = table.loc[name]
        assert (int(prompts), int(failed)) == (own["prompts"], own["failed"])
        assert float(passes.split(" [")[0]) == pytest.approx(own["forward_passes"], rel=0.01)
        assert right == with_interval("exact_match", *own[["exact_match", "exact_match_low", "exact_match_high"]])


def test_a_large_sweep_is_a_small_file() -> None:
    values = tuple(round(0.3 + 0.001 * n, 3) for n in range(260))
    plan = made_plan(arms=(lab.Arm("threshold", {"threshold": values}),), prompts=(lab.Prompt("p0", "a", "right"),))
    page = render_report(made_result(plan), "Large", {}, "command")
    assert len(rows_of(page)) == 520
    assert len(page) < 2_400_000


def test_a_report_of_passes_alone() -> None:
    page = render_report(made_result(made_plan(prompts=("one",), compare="never")), "No judge", {}, "command")
    assert "Nothing says how good its texts are" in page
    assert "heatmap-forward_passes" in page
    assert not any(row[0] for row in rows_of(page))
    failed = render_report(made_result(fail=1.0), "Nothing", {}, "command")
    assert "No run has a result yet." in failed


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
    assert facts["Settings"] == "14: 7 of vanilla, credit × 2 values of block_length", "with the one compared with"


def test_settings_are_counted_as_the_table_counts_them() -> None:
    plan = made_plan(options={"gen_length": 8, "block_length": (2, 4, 8), "seed": (0, 1)})
    result = made_result(plan)
    assert facts_of(result)["Settings"] == "42: 14 of vanilla, credit, threshold × 3 values of block_length"
    assert len(result.table()) == 42
    alone = made_result(made_plan(options={"gen_length": 8, "block_length": 8}))
    assert facts_of(alone)["Settings"] == "14 of vanilla, credit, threshold"


def test_tables_and_bad_folders(folder: Path, tmp_path: Path, call: Call) -> None:
    import pandas as pd

    assert call("report", folder, "--csv", tmp_path / "a.csv", "--parquet", tmp_path / "a.parquet").code == 0
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(pd.read_parquet(tmp_path / "a.parquet")) == 28
    assert not (tmp_path / "report.html").exists()
    assert_refused(call("report", tmp_path), "holds no sweep")
    assert_refused(call("report", folder, "--html", tmp_path / "no" / "a.html"), "cannot write")
