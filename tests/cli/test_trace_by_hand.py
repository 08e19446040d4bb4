"""`credit-viz trace --intervene`: its notation, what it does to the run, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credit_viz.cli.by_hand import Change, parse_change
from credit_viz.errors import SettingsError
from credit_viz.trace.files import load_trace
from credit_viz.trace.intervention import Intervention
from tests.cli.conftest import Call, assert_refused
from tests.support import MockModel


@pytest.fixture
def words(fixtures: Path) -> tuple[str, ...]:
    """A short run on a small checkpoint."""
    size = ("--gen-length", "8", "--block-length", "8")
    return ("trace", "ab", "--model", str(fixtures / "llada_peaky"), "--device", "cpu", *size)


@pytest.mark.parametrize(
    ("word", "name", "change"),
    [
        ("7:12= she", "", Change(7, 12, " she")),
        ("credit.7:12=#5", "credit", Change(7, 12, "#5")),
        ("7:12=[MASK]", "", Change(7, 12, "[MASK]")),
        ("7:12==", "", Change(7, 12, "=")),
        ("a-b_c.1:0=x.y:z=1", "a-b_c", Change(1, 0, "x.y:z=1")),
    ],
)
def test_a_change_is_a_step_a_position_and_a_token(word: str, name: str, change: Change) -> None:
    assert parse_change(word) == (name, change)


@pytest.mark.parametrize(
    "word", ["", "7:12", "7:12=", "7=x", ":=x", "-7:12=x", "7:1.5=x", "x:12=y", f"{'9' * 5000}:1=x", "٣:1=x"]
)
def test_other_notations_are_refused(word: str) -> None:
    with pytest.raises(SettingsError, match=r"is no change by hand; valid: \[NAME\.\]STEP:POSITION=TOKEN"):
        parse_change(word)


@pytest.mark.parametrize(
    ("token", "id_"),
    [
        ("a", ord("a") % 13),
        ("#5", 5),
        ("[MASK]", None),
        ("\\#", ord("#") % 13),
        ("\\", ord("\\") % 13),
        ("]", ord("]") % 13),
    ],
)
def test_tokens_are_texts_ids_or_masks(token: str, id_: int | None) -> None:
    assert Change(2, 3, token).intervention(MockModel()) == Intervention(2, 3, id_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("#x", r"'#x' is no token id; valid: #0 to #12"),
        ("#" + "9" * 5000, "is no token id"),
        ("ab", r"'ab' is 2 tokens \('t6 ', 't7 '\); valid: a text of one token"),
        ("\\[MASK]", r"'\[MASK\]' is 6 tokens"),
        ("x" * 10**5, r"is 100000 tokens \(.*\.\.\.\)"),
    ],
)
def test_what_is_not_one_token_is_refused_with_its_pieces(token: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Change(1, 0, token).intervention(MockModel())  # type: ignore[arg-type]


def test_the_run_goes_on_from_the_change(call: Call, words: tuple[str, ...], tmp_path: Path) -> None:
    lanes = ["--decoder", "vanilla", "--decoder", "other=vanilla", "--intervene", "other.2:7=#3"]
    code, out, _ = call(*words, *lanes, "--json", "--out", tmp_path / "t.safetensors")
    assert code == 0
    assert [run["switches"] for run in json.loads(out)["runs"]] == [[], ["changed by hand"]]
    plain, changed = (load_trace(tmp_path / f"t-{name}.safetensors") for name in ("vanilla", "other"))
    assert changed.info.interventions == (Intervention(2, 7, 3),)
    assert changed.canvas(1).tolist() == plain.canvas(1).tolist()
    assert changed.token_ids[7] == 3


def test_a_change_that_cannot_be_made_ends_in_one_line(call: Call, words: tuple[str, ...]) -> None:
    late = call(*words, "--decoder", "vanilla", "--intervene", "20:7=#3")
    assert_refused(late, "position 7 after step 20: the run was finished after 8 steps; valid: steps 1..8")
    assert_refused(call(*words, "--intervene", "2:7=#3"), "does not say for which of vanilla, credit")
