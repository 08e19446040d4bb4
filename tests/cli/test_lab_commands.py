"""`credit-viz tune` and `credit-viz attribute`, as someone types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credit_viz.lab import InlineCrew
from tests.cli.conftest import Call, assert_refused
from tests.lab.conftest import LabModel

PROMPTS = tuple(word for text in "abcdefgh" for word in ("--prompt", text))
SMALL = ("--gen-length", "8", "--block-length", "8", *PROMPTS)


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, on a mock."""
    model = LabModel(max_positions=400)
    monkeypatch.setattr("credit_viz.cli.plans.PlanChoice.crew", lambda _: InlineCrew(model))  # type: ignore[arg-type]


def test_tune_says_a_sentence_and_json(call: Call, tmp_path: Path) -> None:
    words = ("tune", *SMALL, "--trials", "3", "--margin", "0.5", "--out", tmp_path / "search")
    code, out, err = call(*words, "--arm", "credit: threshold=0.3..0.9", "--arm", "threshold: threshold=0.3,0.9")
    assert code == 0
    assert "passes" in out
    assert "4 held-out prompts" in out
    assert "credit: 3/3 trials" in err
    again = call(*words, "--arm", "credit: threshold=0.3..0.9", "--arm", "threshold: threshold=0.3,0.9", "--json")
    report = json.loads(again.out)
    assert report["sentence"] == out.strip()
    assert report["quality"] == "token_agreement"
    assert {each["decoder"] for each in report["found"]} | set(report["nothing"]) == {"credit", "threshold"}


def test_attribute_prints_the_controls(call: Call) -> None:
    words = ("attribute", *SMALL, "--compare", "always", "--arm", "credit: alpha=2, threshold=0.9")
    code, out, _ = call(*words)
    assert code == 0
    for row in ("without credit", "no history", "as set"):
        assert row in out
    report = json.loads(call(*words, "--json").out)
    assert report["saved"]["value"] == pytest.approx(report["lower_bar"]["value"] + report["memory"]["value"])
    assert report["sentence"] in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tune", "--prompt", "a"), "1 prompts to search and verify on; valid: 2 or more"),
        (("tune", *SMALL, "--margin", "2"), "margin=2 is out of range"),
        (("tune", *SMALL, "--arm", "credit: alpha=9..1"), "range 9..1 is empty"),
        (("attribute", *SMALL, "--arm", "threshold"), "decoder 'threshold' grants no credit"),
        (("attribute", *SMALL, "--arm", "credit: alpha=0..1/3"), "3 settings to attribute"),
        (("attribute", "--arm", "credit"), "a sweep of no prompt"),
    ],
)
def test_bad_input_is_one_line(call: Call, words: tuple[str, ...], message: str) -> None:
    assert_refused(call(*words), message)
