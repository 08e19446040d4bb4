"""`credit-viz trace` on a real checkpoint: tables, JSON, files, and every kind of bad input."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import credit_viz
from credit_viz.cli import progress
from credit_viz.decoding import DECODERS
from credit_viz.run import Race
from tests.cli.conftest import Call, assert_refused
from tests.support import MASK_DECODERS

SMALL = ("--gen-length", 8, "--block-length", 4, "--device", "cpu")


@pytest.fixture
def model(fixtures: Path) -> tuple[str, str]:
    """Options that choose the checkpoint."""
    return "--model", str(fixtures / "llada_peaky")


def test_table_of_two_decoders(call: Call, model: tuple[str, str]) -> None:
    code, out, err = call("trace", "hello", *model, *SMALL)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == [
        "run",
        "decoder",
        "NFE",
        "TPF",
        "content TPF",
        "mean wait",
        "redundant guesses",
    ]
    assert re.match(r"vanilla\s+vanilla\s+8\s+1\.00\s", lines[1])
    assert lines[2].startswith("credit")


def test_json_is_what_the_library_says(call: Call, model: tuple[str, str], fixtures: Path) -> None:
    settings = {"alpha": 0.3, "threshold": 0.8}
    words = [word for name, value in settings.items() for word in ("--set", f"credit.{name}={value}")]
    code, out, err = call("trace", "hello", "--decoder", "credit", *words, *model, *SMALL, "--json")
    assert (code, err) == (0, "")
    assert out.isascii()
    (run,) = json.loads(out)["runs"]
    loaded = credit_viz.load_model(fixtures / "llada_peaky", device="cpu")
    trace = credit_viz.decode(loaded, "hello", decoder="credit", settings=settings, gen_length=8, block_length=4)
    assert run["token_ids"] == trace.token_ids.tolist()
    assert run["commit_step"] == trace.commit_step.tolist()
    assert run["converge_step"] == trace.converge_step.tolist()
    assert run["forward_passes"] == trace.forward_passes
    assert run["mean_wait"] == trace.mean_wait
    assert run["settings"] == trace.info.settings
    assert run["file"] is None
    assert set(run["reason"]) <= {"confident", "credit", "forced"}


@pytest.mark.parametrize("name", MASK_DECODERS)
def test_every_decoder_runs_and_explains_itself(call: Call, model: tuple[str, str], name: str) -> None:
    code, _, err = call("trace", "hello", "--decoder", name, *model, *SMALL, "--out", "run.safetensors")
    assert (code, err) == (0, "credit-viz: saved run.safetensors\n")
    shown = call("show", "run.safetensors", "--explain", "1:0")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("run, step 1, position 0\n")
    for preset in DECODERS[name].presets:
        code, out, _ = call(
            "trace", "hello", "--decoder", name, "--preset", f"{name}={preset}", *model, *SMALL, "--json"
        )
        assert code == 0
        assert json.loads(out)["runs"][0]["settings"] == DECODERS[name].presets[preset].to_dict()


def test_several_runs_are_saved_by_name(call: Call, model: tuple[str, str], tmp_path: Path) -> None:
    lanes = ("--decoder", "credit", "--decoder", "control=credit", "--preset", "control=no history")
    code, _, err = call("trace", "hello", *lanes, *model, *SMALL, "--out", "run.safetensors")
    assert code == 0
    assert err.splitlines() == [
        "credit-viz: saved run-credit.safetensors",
        "credit-viz: saved run-control.safetensors",
    ]
    control = credit_viz.load_trace(tmp_path / "run-control.safetensors")
    assert control.info.settings["beta"] == 0
    assert credit_viz.load_trace(tmp_path / "run-credit.safetensors").info.settings["beta"] == 0.8
    shown = call("show", "run-credit.safetensors", "run-control.safetensors")
    assert shown.code == 0


def test_one_run_is_saved_where_told(call: Call, model: tuple[str, str], tmp_path: Path) -> None:
    code, out, _ = call("trace", "hello", "--decoder", "vanilla", *model, *SMALL, "--out", "v.safetensors", "--json")
    assert code == 0
    assert json.loads(out)["runs"][0]["file"] == "v.safetensors"
    assert credit_viz.load_trace(tmp_path / "v.safetensors").complete


def test_prompt_from_standard_input(call: Call, model: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hello \xff there\n")))
    code, out, _ = call("trace", "-", "--decoder", "credit", *model, *SMALL, "--json")
    assert code == 0
    assert json.loads(out)["runs"][0]["prompt"] == "hello \ufffd there"


def test_run_options_reach_the_run(call: Call, model: tuple[str, str], tmp_path: Path) -> None:
    more = ("--seed", 7, "--early-stop", "--top-k", 3, "--record", "block", "--dtype", "float32")
    assert call("trace", "hello", "--decoder", "credit", *model, *SMALL, *more, "--out", "r.safetensors").code == 0
    info = credit_viz.load_trace(tmp_path / "r.safetensors").info
    assert (info.seed, info.early_stop, info.top_k, info.record) == (7, True, 3, "block")


def test_switches_reach_the_run_and_are_said(call: Call, model: tuple[str, str], tmp_path: Path) -> None:
    more = ("--cache", "dual", "--logits-to-keep", "needed", "--early-stop", "--dtype", "bfloat16")
    code, out, _ = call("trace", "hello", *model, *SMALL, *more, "--out", "r.safetensors")
    assert code == 0
    words = "early stop, dual cache (approximate), needed rows, bfloat16"
    assert f"With: {words}" in out.splitlines()
    info = credit_viz.load_trace(tmp_path / "r-credit.safetensors").info
    assert (info.cache, info.logits_to_keep, info.early_stop, info.dtype) == ("dual", "needed", True, "bfloat16")
    # saved runs that differ say so one by one
    assert call("trace", "hello", *model, *SMALL, "--decoder", "credit", "--out", "plain.safetensors").code == 0
    code, out, _ = call("show", "r-credit.safetensors", "plain.safetensors", "--html", "page.html")
    assert {f"r-credit with: {words}", "plain with: nothing else"} <= set(out.splitlines())
    assert f"with {words}" in (tmp_path / "page.html").read_text("utf-8")
    code, out, _ = call("show", "r-credit.safetensors", "plain.safetensors", "--json")
    assert [run["switches"] for run in json.loads(out)["runs"]] == [words.split(", "), []]


def test_compiling_comes_after_the_threads_are_set(
    call: Call, model: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr("credit_viz.models.threads.torch.set_num_threads", lambda _: done.append("threads"))
    monkeypatch.setattr("torch.nn.Module.compile", lambda *_, **__: done.append("compile"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    code, out, err = call("trace", "hello", "--decoder", "credit", *model, *SMALL, "--compile")
    assert (code, done) == (0, ["threads", "compile"])
    assert "compiling the forward pass of llada_peaky" in err
    assert "With: compiled" in out.splitlines()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--decoder", "nope"], ["unknown decoder 'nope'; valid: credit"]),
        (["--decoder", "credit", "--set", "alfa=1"], ["unknown setting 'alfa'; valid: alpha, beta"]),
        (["--set", "credit.alpha=11"], ["alpha=11 is out of range; valid: 0..10"]),
        (["--set", "credit.alpha=nan"], ["alpha=nan", "valid: "]),
        (["--set", "vanilla.steps=2.5"], ["steps=2.5", "valid: "]),
        (["--set", "vanilla.steps=99"], ["steps=99 does not fit 8 positions"]),
        (["--preset", "credit=nope"], ["unknown preset of credit 'nope'", "paper"]),
        (["--gen-length", "9"], ["gen_length=9 is not divisible by block_length=4; valid block lengths: 1, 3, 9"]),
        (["--gen-length", "0"], ["gen_length=0", "valid: "]),
        (["--top-k", "0"], ["top_k=0"]),
        (["--seed", "-1"], ["seed=-1", "valid: "]),
        (["--record", "some"], ["unknown record mode 'some'; valid: all, block, none"]),
        (["--cache", "some"], ["unknown cache mode 'some'; valid: block, dual, none, prefix"]),
        (["--cache", "block"], ["unknown cache mode for this model 'block'; valid: dual, none, prefix"]),
        (["--cache", "dual", "--decoder", "wino"], ["cache='dual' cannot serve decoder 'wino'"]),
        (["--logits-to-keep", "some"], ["unknown logits_to_keep 'some'; valid: all, needed"]),
        (["--device", "quantum"], ["device 'quantum' cannot be used here"]),
        (["--dtype", "int3"], ["unknown dtype 'int3'", "float32"]),
        (["--model", "nowhere/at/all"], ["no model folder at 'nowhere/at/all'"]),
        (["--out", "no/such/folder/x.safetensors"], ["no folder", "no/such/folder"]),
        (["--out", ""], ["cannot write to", "the name of a file"]),
        (["--out", "", "--model", "no/such/model"], ["cannot write to"]),  # before anything is loaded
    ],
)
def test_bad_options_are_refused_in_one_line(
    call: Call, model: tuple[str, str], words: list[str], parts: list[str]
) -> None:
    assert_refused(call("trace", "hello", *model, *SMALL, *words), *parts)


@pytest.mark.parametrize(
    ("prompt", "part"),
    [("", "the prompt is empty"), (" \n ", "the prompt is empty"), ("word " * 200, "takes at most 120")],
)
def test_bad_prompts_are_refused(call: Call, model: tuple[str, str], prompt: str, part: str) -> None:
    assert_refused(call("trace", prompt, *model, *SMALL), part)


def test_wrong_folders_are_refused(call: Call, fixtures: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(call("trace", "hello", "--model", tmp_path / "empty"), "config.json")
    broken = tmp_path / "broken"
    shutil.copytree(fixtures / "llada_peaky", broken)
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"architectures": ["GPT2LMHeadModel"]}))
    assert_refused(call("trace", "hello", "--model", broken), "GPT2LMHeadModel")


def test_hostile_prompts_come_back_escaped(call: Call, model: tuple[str, str]) -> None:
    code, out, _ = call("trace", "\x1b[31m\u202e\udcff", *model, *SMALL)
    assert code == 0
    assert not any(character in out for character in "\x1b\u202e\udcff")
    code, out, _ = call("trace", "\x1b[31m\u202e", *model, *SMALL, "--json")
    assert (code, out.isascii(), "\x1b" in out) == (0, True, False)


class UnplannedError(Exception):
    """Something nobody planned for."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, UnplannedError])
def test_partial_results_are_kept(
    call: Call, model: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    whole = Race.steps

    def cut(race: Race) -> Iterator[Any]:
        steps = whole(race)
        yield next(steps)
        yield next(steps)
        yield next(steps)
        raise error

    monkeypatch.setattr(Race, "steps", cut)
    words = ("trace", "hello", *model, *SMALL, "--out", "cut.safetensors")
    if error is KeyboardInterrupt:
        code, out, err = call(*words)
        assert (code, out) == (130, "")
        assert "saved cut-vanilla.safetensors (unfinished: 2 of 8 tokens)" in err
        assert err.rstrip().endswith("credit-viz: interrupted")
    else:
        with pytest.raises(UnplannedError):
            call(*words)
    assert credit_viz.load_trace(tmp_path / "cut-vanilla.safetensors").forward_passes == 2
    assert credit_viz.load_trace(tmp_path / "cut-credit.safetensors").forward_passes == 1


def test_nothing_is_saved_before_the_first_step(
    call: Call, model: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_: Race) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Race, "steps", cut)
    assert call("trace", "hello", *model, *SMALL, "--out", "cut.safetensors").code == 130
    assert list(tmp_path.iterdir()) == []


def test_a_slow_run_reports_in_lines(call: Call, model: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    code, _, err = call("trace", "hello", "--decoder", "vanilla", *model, *SMALL)
    assert code == 0
    assert err.splitlines()[0] == "credit-viz: vanilla 1/8 tokens, 1 passes"
    assert err.splitlines()[-1] == "credit-viz: vanilla 8/8 tokens, 8 passes"


def test_a_terminal_gets_bars(call: Call, model: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    code, _, err = call("trace", "hello", *model, *SMALL)
    assert code == 0
    assert "8/8" in err
    assert "credit" in err
