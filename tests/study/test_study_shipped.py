"""The study that ships: every number of its words is in its data, and its runs come out again."""

from __future__ import annotations

import random
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from credit_viz.lab import parse_arm
from credit_viz.lab.found import study_path
from credit_viz.lab.plan import Run
from credit_viz.lab.work import Worker
from credit_viz.models.loading import load_model
from credit_viz.study.__main__ import blocks, main
from credit_viz.study.conclusion import Study, Verified, conclude, verification
from credit_viz.study.scores import NO_HISTORY, Scores
from credit_viz.study.shipping import Shipped, fill, load_study

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "assets" / "study"
MAX_BYTES = 3_000_000
SAMPLE = 30


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    return load_study()


@pytest.fixture(scope="module")
def study(shipped: Shipped) -> Study:
    return conclude(shipped.sweep, shipped.verification)


@pytest.fixture(scope="module")
def said(shipped: Shipped) -> dict[str, str]:
    return blocks(shipped)


def test_it_is_large_enough_and_whole(shipped: Shipped) -> None:
    frame = shipped.sweep.frame
    assert frame.groupby(["setting", "block_length"]).ngroups >= 500
    assert frame["prompt"].nunique() == 50
    assert {prompt.example is not None for prompt in shipped.sweep.plan.all_prompts} == {True}
    assert shipped.sweep.plan.tasks is not None
    assert shipped.sweep.plan.tasks.split == "held-out"
    for result in (shipped.sweep, *shipped.verification):
        assert result.missing == 0
        assert len(result.failed) == 0


def test_it_is_small_and_tells_nothing_of_where_it_was_made() -> None:
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files if file.suffix == ".parquet") <= MAX_BYTES
    for file in files:
        if file.suffix in (".json", ".md"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"/(?:home|root|tmp|work|Users)\b|localhost|\d+\.\d+\.\d+\.\d+", text), file


def test_it_is_part_of_an_installed_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["assets/study"] == "credit_viz/assets/study"
    assert study_path() == FOLDER


def test_make_study_asks_for_what_is_there(shipped: Shipped) -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nstudy:")[2].partition("> build/study")[0]
    assert tuple(map(parse_arm, re.findall(r'--arm "([^"]*)"', recipe))) == shipped.sweep.plan.arms


@pytest.mark.parametrize(("document", "names"), [("assets/study/README.md", 6), ("README.md", 2)])
def test_documents_say_what_the_data_say(said: dict[str, str], document: str, names: int) -> None:
    """Where they do not: python -m credit_viz.study ship, or make study."""
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    there = {name: words for name, words in said.items() if f"<!-- {name} -->" in text}
    assert len(there) == names
    assert fill(path, there) == text


def _by_hand(shipped: Shipped, study: Study, found: Verified) -> tuple[float, float]:
    """Mean passes and exact match of a chosen setting on the last prompts, straight from the rows."""
    (result,) = [r for r in shipped.verification if r.plan.options["block_length"] == (found.point.block_length,)]
    last = {prompt.id for prompt in result.plan.all_prompts[study.chosen_on :]}
    rows = result.frame[result.frame["prompt"].isin(last)]
    rows = rows[rows["decoder"] == found.point.setting.decoder]
    for knob, value in found.point.setting.values.items():
        rows = rows[rows[knob].isna() if value is None else rows[knob] == value]
    assert len(rows) == rows["prompt"].nunique() == len(last) == study.verified_on
    return float(rows["forward_passes"].mean()), float(rows["exact_match"].mean())


def test_the_table_by_hand(shipped: Shipped, study: Study, said: dict[str, str]) -> None:
    vanilla = _by_hand(shipped, study, study.reference)[1]
    assert {found.point.family for found in study.verified} >= {"threshold", "credit", NO_HISTORY, "entropy-bound"}
    for found in study.verified:
        passes, right = _by_hand(shipped, study, found)
        assert found.passes.value == pytest.approx(passes)
        assert found.right.value == pytest.approx(right)
        assert found.gained.value == pytest.approx(right - vanilla)
        assert found.gained.low <= found.gained.value <= found.gained.high
        row = f"| {found.point.family} | {found.point.words} | {passes:.1f} ["
        assert row in said["chosen"]


def test_what_was_verified_is_what_the_sweep_finds_best(shipped: Shipped, study: Study) -> None:
    count = study.chosen_on + study.verified_on - study.swept_on
    plans = verification(shipped.sweep.plan, Scores.of(shipped.sweep), count)
    assert [result.plan for result in shipped.verification] == list(plans)


def test_no_setting_with_fewer_passes_was_within_the_margin(shipped: Shipped, study: Study) -> None:
    scores = Scores.joined([Scores.of(part) for part in shipped.verification]).on(slice(study.chosen_on))
    passes, right = scores.passes.mean(1), scores.right.mean(1)
    floor = right[scores.place(study.reference.point)] - 0.02 - 1e-9
    for found in study.verified:
        own = scores.place(found.point)
        assert right[own] >= floor
        for rival in scores.of_family(found.point.family):
            assert passes[rival] >= passes[own] or right[rival] < floor


def test_a_sample_of_its_runs_comes_out_again(shipped: Shipped) -> None:
    """Passes, text and exact match, decoded one by one, without passes that other runs have made."""
    model = load_model(device="cpu")
    rng = random.Random(0)
    for result in (shipped.sweep, *shipped.verification):
        worker = Worker(model, result.plan, 0)
        identity: dict[str, Any] = dict(worker.identity().model)
        assert identity == result.manifest["model"], "the same weights"
        rows = result.frame.set_index("key")
        runs: list[Run] = rng.sample(list(result.plan.runs()), SAMPLE // 3)
        for run in runs:
            (again,) = worker.run([run])
            row = rows.loc[run.key(identity, result.plan.batch)]
            for name in ("forward_passes", "text", "exact_match", "content_tokens"):
                assert again[name] == row[name], (run.setting, run.prompt.id, name)


def test_it_is_told_by_a_command(capsys: pytest.CaptureFixture[str], said: dict[str, str]) -> None:
    main([])
    told = capsys.readouterr().out
    for name in ("conclusion", "chosen", "time", "tune", "attribute"):
        assert said[name] in told
