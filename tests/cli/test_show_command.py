"""`credit-viz show`: the same numbers again, in every form, from the file alone."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from credit_viz.cli.show import _labels
from tests.cli.conftest import Call, assert_refused
from tests.support import trace_of

HOSTILE = "\x1b]0;title\x07[bold]<b>\u202e"


def test_table(call: Call, saved: Path) -> None:
    code, out, err = call("show", saved)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["short", "credit", "2", "1.00", "1.00", "0.5", "1"]
    assert "short: t1t2" in out


def test_equal_texts_are_shown_once(call: Call, saved: Path) -> None:
    other = saved.with_name("other.safetensors")
    other.write_bytes(saved.read_bytes())
    code, out, _ = call("show", saved, other)
    assert code == 0
    assert out.count("t1t2") == 1
    assert "all: t1t2" in out


def test_runs_without_text_say_so(call: Call, tmp_path: Path) -> None:
    trace_of([{0: 1}], [(1, 0, 1)], text="").save(tmp_path / "a.safetensors")
    out = call("show", "a.safetensors").out
    assert "a: (no text)" in out
    assert "1 (unfinished)" in out


def test_json(call: Call, saved: Path) -> None:
    code, out, _ = call("show", saved, "--json")
    (run,) = json.loads(out)["runs"]
    assert code == 0
    assert (run["run"], run["forward_passes"], run["redundant_guesses"]) == ("short", 2, 1)
    assert (run["converge_step"], run["commit_step"]) == ([1, 1], [1, 2])
    assert run["reason"] == ["confident", "confident"]


def test_tables_for_other_programs(call: Call, saved: Path, tmp_path: Path) -> None:
    code, _, err = call("show", saved, "--csv", "a.csv", "--parquet", "a.parquet", "--html", "a.html")
    assert code == 0
    assert err.splitlines() == [f"credit-viz: wrote a.{kind}" for kind in ("csv", "parquet", "html")]
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(pd.read_parquet(tmp_path / "a.parquet")) == 3
    assert "How a diffusion language model" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_several_runs_make_one_table_each_and_one_page(call: Call, saved: Path, tmp_path: Path) -> None:
    other = saved.with_name("other.safetensors")
    other.write_bytes(saved.read_bytes())
    assert call("show", saved, other, "--csv", "t.csv", "--html", "t.html").code == 0
    assert {path.name for path in tmp_path.glob("t*")} == {"t-short.csv", "t-other.csv", "t.html"}


@pytest.mark.parametrize("form", ["--csv", "--parquet", "--html"])
def test_unwritable_places_are_refused(call: Call, saved: Path, form: str) -> None:
    assert_refused(call("show", saved, form, "no/such/folder/file"), "cannot write no/such/folder/file")


def test_bad_files_are_refused(call: Call, saved: Path, tmp_path: Path) -> None:
    assert_refused(call("show", "nothing.safetensors"), "no trace file at nothing.safetensors")
    assert_refused(call("show", tmp_path), "no trace file at")
    whole = saved.read_bytes()
    for size in (0, 5, 100, len(whole) - 1):
        (tmp_path / "cut.safetensors").write_bytes(whole[:size])
        assert_refused(call("show", "cut.safetensors"), "cut.safetensors")


def test_hostile_traces_do_not_reach_the_terminal_raw(call: Call, tmp_path: Path) -> None:
    name = "\x1b[31mred.safetensors"
    trace_of([{0: 1}], [(1, 0, 1)], decoder=HOSTILE, model=HOSTILE, text=HOSTILE).save(tmp_path / name)
    for words in ([], ["--json"], ["--csv", "\x1b.csv"]):
        code, out, err = call("show", name, *words)
        assert code == 0
        assert not any(character in out + err for character in "\x1b\x07\u202e")
    assert "[bold]<b>" in call("show", name).out, "rich markup is shown as it is"


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        (["a/x.safetensors", "y.safetensors"], ["x", "y"]),
        (["a/x.safetensors", "b/x.safetensors"], ["a/x", "b/x"]),
        (["x.safetensors", "x.safetensors"], ["x#1", "x#2"]),
    ],
)
def test_every_file_has_its_own_name(files: list[str], labels: list[str]) -> None:
    assert _labels([Path(file) for file in files]) == labels
