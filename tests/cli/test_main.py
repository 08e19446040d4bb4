"""Commands, help, exit codes: nothing heavy is loaded before it is needed, and no error is a traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from credit_viz.cli import COMMANDS, main
from credit_viz.cli.words import visible
from credit_viz.decoding import DECODERS
from credit_viz.decoding.settings import knobs
from tests.cli.conftest import Call, assert_refused

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "gradio", "pandas", "plotly")


def python(code: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Code in a fresh interpreter."""
    words = [sys.executable, "-c", code, *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=check, timeout=120)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["serve", "-h"], ["show", "-h"], ["models", "-h"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from credit_viz.cli import main; code = main(sys.argv[1:]); "
        f"found = set(sys.modules) & set({HEAVY}); assert not found, found; sys.exit(code)"
    )
    assert python(code, *words).stdout


def test_showing_a_trace_loads_no_torch_and_its_page_no_gradio(saved: Path) -> None:
    code = "import sys; from credit_viz.cli import main; main(sys.argv[2:]); assert sys.argv[1] not in sys.modules"
    assert "NFE" in python(code, "torch", "show", str(saved)).stdout
    assert "NFE" in python(code, "gradio", "show", str(saved), "--html", str(saved.with_suffix(".html"))).stdout


def test_as_a_module() -> None:
    for module in ("credit_viz", "credit_viz.cli"):
        done = subprocess.run(
            [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
        )
        assert all(name in done.stdout for name in COMMANDS)


def test_help_of_trace_explains_every_knob_of_every_decoder(call: Call) -> None:
    code, out, _ = call("trace", "--help")
    words = " ".join(out.split())
    assert code == 0
    for decoder in DECODERS.values():
        assert decoder.rule in words
        for knob in knobs(decoder.settings_class):
            assert f"--set {decoder.name}.{knob.name}" in words
            assert f"{knob.role} {knob.symbol}, " in words
            assert f"{knob.range_text}, default {knob.default_text}" in words
            assert knob.help in words
        for preset in decoder.presets:
            assert f"{decoder.name}={preset}" in words
    assert "not in the paper itself" in words, "second-hand numbers are marked where they are offered"


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["decoders", "--help"], ["trace", "-h"]])
def test_help_is_a_success(call: Call, words: list[str]) -> None:
    assert call(*words).code == 0


def test_unknown_words_are_named_with_the_valid_ones(call: Call) -> None:
    assert_refused(call("shwo"), f"unknown command 'shwo'; valid: {', '.join(sorted(COMMANDS))}")
    assert_refused(call("trace"), "Missing argument 'PROMPT'", "see credit-viz trace --help")
    assert_refused(call("trace", "x", "--gen-length", "many"), "'many' is not a valid integer")
    assert_refused(call("show"), "Missing argument")
    assert_refused(call("decoders", "--nope"), "--nope")


def test_version(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"credit-viz \d+\.\d+\.\d+\n", call("--version").out)
    monkeypatch.setattr("credit_viz.cli.version", _not_installed)
    assert "not installed" in call("--version").out


def _not_installed(name: str) -> str:
    raise PackageNotFoundError(name)


def test_arguments_default_to_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["credit-viz", "shwo"])
    assert main() == 2


def test_hostile_words_do_not_reach_the_terminal_raw(call: Call) -> None:
    assert_refused(call("\x1b[31mred"), "\\x1b[31mred")


def test_interrupt_is_130_and_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("credit_viz.cli.decoders._print_overview", interrupted)
    code, out, err = call("decoders")
    assert (code, out) == (130, "")
    assert err.strip() == "credit-viz: interrupted"


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = f"{sys.executable} -m credit_viz decoders | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")


def test_a_closed_reader_gets_no_traceback() -> None:
    script = f"(sleep 0.1; {sys.executable} -m credit_viz decoders --json; echo $? >&2) | true"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    assert done.stderr.strip() in ("1", "0")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_full_disk_is_one_line(form: str) -> None:
    script = f"{sys.executable} -m credit_viz decoders {form} > /dev/full"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_without_greek_gets_escapes() -> None:
    script = f"PYTHONIOENCODING=ascii {sys.executable} -m credit_viz decoders"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u03b1 alpha" in done.stdout


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\nb\u202e\u200b", "a\\nb\\u202e\\u200b"),
        ("\ud800", "\\ud800"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_draws_nothing_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_kept_characters_stay() -> None:
    assert visible("a\nb\x1b", keep="\n") == "a\nb\\x1b"
