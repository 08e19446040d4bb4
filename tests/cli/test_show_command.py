"""`credit-viz show`: the same numbers again, in every form, from the file alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from credit_viz.cli.lanes import labels as labels_of
from credit_viz.trace.record import Reason, Trace
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
    assert "Watch a diffusion language model" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_several_runs_make_one_table_each_and_one_page(call: Call, saved: Path, tmp_path: Path) -> None:
    other = saved.with_name("other.safetensors")
    other.write_bytes(saved.read_bytes())
    assert call("show", saved, other, "--csv", "t.csv", "--html", "t.html").code == 0
    assert {path.name for path in tmp_path.glob("t*")} == {"t-short.csv", "t-other.csv", "t.html"}


def test_runs_of_different_lengths_make_no_page(call: Call, saved: Path, tmp_path: Path) -> None:
    trace_of([{0: 1}], [(1, 0, 1)], gen_length=1, block=(0, 1)).save(tmp_path / "other.safetensors")
    assert_refused(call("show", saved, "other.safetensors", "--html", "t.html"), "these traces differ in gen_length")
    assert not (tmp_path / "t.html").exists()


def explained(call: Call, folder: Path, where: str, info: str = "probability", **changes: Any) -> list[str]:
    """Lines about one cell of a trace whose first step saw one position, with exact numbers."""
    trace = credit_trace(**changes, score_name=info)
    trace.save(folder / "run.safetensors")
    code, out, err = call("show", "run.safetensors", "--explain", where)
    assert (code, err) == (0, "")
    return out.splitlines()


def credit_trace(
    p: float = 0.8,
    credit: float = 2.4,
    alpha: float = 0.7,
    bar: float = 0.9,
    rival: float = 0.0,
    reason: Reason | None = Reason.CREDIT,
    score: float | None = None,
    score_name: str = "probability",
) -> Trace:
    """One position in one step: token 1 leads token 2; `rival` is the boost that token 2 has."""
    boost = alpha * np.log1p(credit)
    weights = np.array([p * np.exp(boost), (1 - p) * np.exp(rival)])
    fused = weights / weights.sum()
    values = {"credit": credit, "boost": boost, "bar": bar} | ({} if score is None else {"score": score})
    trace = trace_of([{0: 1}], [] if reason is None else [(1, 0, 1, reason)], channels=values, score=score_name)
    cell = {
        "candidate_p": [[p, 1 - p]],
        "candidate_credit": [[credit, np.expm1(rival / alpha)]],
        "candidate_fused": [fused],
        "winner_p": [p],
        "fused": fused[:1],
    }
    arrays = {name: np.array(value, np.float32) for name, value in cell.items()}
    channels = {name: np.array([value], np.float32) for name, value in values.items()}
    return replace(trace, **arrays, channels=channels)


def test_explain_spells_the_sum_out(call: Call, tmp_path: Path) -> None:
    head, names, guess, rival, sum_, enough = explained(call, tmp_path, "1:0")
    assert head == "run, step 1, position 0"
    assert names.split() == ["token", "p", "credit", "fused", "p"]
    assert guess.split() == ["best", "guess", '"t1"', "0.800", "2.40", "0.904"]
    assert rival.split() == ["runner-up", '"t2"', "0.200", "0.00", "0.096"]
    assert sum_ == (
        "p 0.800, credit 2.40 → odds × 2.36 → fused 0.904 ≥ 0.900: written, only Trace Credit lifted it over the bar"
    )
    assert enough == "With this credit p ≥ 0.793 would do, had no other token any."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"rival": 0.5, "reason": None},
            "p 0.800, credit 2.40 → odds × 2.36, × 0.61 for rivals' credit → fused 0.851 < 0.900: not written yet",
        ),
        # the odds of a float32 so near 1 are half noise: no rival took anything
        (
            {"p": 1 - 2**-23, "credit": 1.0, "alpha": 2.0, "bar": 1.0, "reason": None},
            "p 0.9999999, credit 1.00 → odds × 4.00 → fused 0.9999999 < 1.000: not written yet",
        ),
        ({"credit": 0.0, "p": 0.9, "bar": 0.75, "reason": Reason.CONFIDENT}, "p 0.900 ≥ 0.750: written, its own"),
        ({"credit": 0.0, "reason": Reason.FORCED}, "p 0.800 < 0.900: written, nothing was sure enough"),
        ({"credit": 0.0, "bar": 0.80001, "reason": None}, "p 0.80000 < 0.80001: not written yet"),
        ({"credit": 0.0, "p": 0.99999, "bar": 2.0, "reason": None}, "p 0.99999 < 2.000: not written yet"),
        ({"credit": 0.0, "p": 1.0, "bar": 1.0, "reason": Reason.CONFIDENT}, "p 1.000 ≥ 1.000: written, "),
        ({"bar": float("nan"), "credit": 0.0, "reason": None}, "p 0.800: not written, its block is not being"),
        ({"bar": float("inf"), "credit": 0.0, "reason": None}, "p 0.800 < ∞: not written yet"),
        ({"credit": 0.0, "reason": Reason.FILLED}, "p 0.800 < 0.900: filled in, the text had ended before it"),
        (
            {"credit": 0.0, "score": 0.6, "bar": 0.5, "info": "margin"},
            "p 0.800, margin 0.600 ≥ 0.500: written, ",
        ),
        (
            {"credit": 0.0, "score": -0.25, "bar": -0.1, "reason": None, "info": "−summed entropy"},
            "p 0.800, −summed entropy −0.250 < −0.100: not written yet",
        ),
    ],
)
def test_explain_in_one_sentence(call: Call, tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    name = changes.pop("info", "probability")
    assert explained(call, tmp_path, "1:0", **changes, info=name)[4].startswith(sentence)


def test_explain_says_what_a_long_score_is(call: Call, tmp_path: Path) -> None:
    lines = explained(call, tmp_path, "1:0", credit=0.0, score=3.0, info="gap; of logits")
    assert lines[4].startswith("p 0.800, score 3.000 ≥ 0.900: written")
    assert lines[5] == "score: gap; of logits"


def test_explain_of_several_runs_and_as_json(call: Call, tmp_path: Path) -> None:
    for name, changes in {"a": {}, "b": {"bar": float("nan"), "reason": None}}.items():
        credit_trace(**changes).save(tmp_path / f"{name}.safetensors")
    files = ("a.safetensors", "b.safetensors")
    assert [line for line in call("show", *files, "--explain", "1:0").out.splitlines() if "step" in line] == [
        "a, step 1, position 0",
        "b, step 1, position 0",
    ]
    code, out, _ = call("show", *files, "--explain", "1:0", "--json")
    one, two = json.loads(out)["runs"]
    assert code == 0
    assert (one["run"], one["step"], one["position"], one["reason"]) == ("a", 1, 0, "credit")
    assert one["guess"] == {
        "token_id": 1,
        "text": "t1",
        "raw_p": pytest.approx(0.8),
        "credit": pytest.approx(2.4),
        "fused_p": pytest.approx(0.904, abs=1e-3),
    }
    assert one["score"] >= one["bar"] == pytest.approx(0.9)
    assert (two["bar"], two["effective_threshold"], two["reason"], two["written"]) == (None,) * 4


@pytest.mark.parametrize(
    ("where", "part"),
    [
        ("1", "--explain '1' is no decision; valid: STEP:POSITION"),
        ("a:b", "valid: STEP:POSITION"),
        ("1:" + "9" * 5000, "valid: STEP:POSITION"),
        ("-1:0", "valid: STEP:POSITION"),
        ("9:0", "step 9 is out of range; valid: 1..2"),
        ("1:9", "position 9 is out of range; valid: 0..1"),
        ("2:0", "position 0 has no guess in step 2; it was recorded in steps 1..1"),
    ],
)
def test_explain_refuses_what_was_not_recorded(call: Call, saved: Path, where: str, part: str) -> None:
    assert_refused(call("show", saved, "--explain", where), part)


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
    assert labels_of([Path(file) for file in files]) == labels
