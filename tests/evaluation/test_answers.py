"""Answers survive a crash and are never mixed up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credit_viz.errors import BackendError
from credit_viz.evaluation.answers import Answers, content_key

ABOUT = {"decoder": "credit", "seed": 0}


def test_a_row_is_found_again(tmp_path: Path) -> None:
    first = Answers(tmp_path / "new" / "folder", "task", ABOUT)
    first.add("a", {"text": "ä\n", "passes": 3})
    again = Answers(tmp_path / "new" / "folder", "task", dict(reversed(ABOUT.items())))
    assert again.get("a") == {"text": "ä\n", "passes": 3}
    assert again.get("b") is None
    assert len(again) == 1
    assert first.path is not None
    manifest = first.path.with_suffix(".manifest.json")
    assert json.loads(manifest.read_text(encoding="utf-8")) == ABOUT


@pytest.mark.parametrize("changed", [{"decoder": "vanilla"}, {"seed": 1}, {"another": None}])
def test_another_setting_is_another_file(tmp_path: Path, changed: dict[str, object]) -> None:
    Answers(tmp_path, "task", ABOUT).add("a", {"passes": 1})
    other = Answers(tmp_path, "task", {**ABOUT, **changed})
    assert other.get("a") is None
    other.add("a", {"passes": 2})
    assert Answers(tmp_path, "task", ABOUT).get("a") == {"passes": 1}


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_half_written_last_line_is_dropped(tmp_path: Path, cut: int) -> None:
    answers = Answers(tmp_path, "task", ABOUT)
    for name in "abc":
        answers.add(name, {"passes": 1})
    assert answers.path is not None
    whole = answers.path.read_bytes()
    answers.path.write_bytes(whole[:-cut])
    again = Answers(tmp_path, "task", ABOUT)
    assert [again.get(name) for name in "abc"] == [{"passes": 1}, {"passes": 1}, None]
    again.add("c", {"passes": 1})
    assert answers.path.read_bytes() == whole


@pytest.mark.parametrize("line", ["{", "[]", '"text"', '{"passes": 1}', "{} {}"])
def test_damage_in_the_middle_is_named(tmp_path: Path, line: str) -> None:
    answers = Answers(tmp_path, "task", ABOUT)
    answers.add("a", {})
    assert answers.path is not None
    answers.path.write_text(answers.path.read_text() + line + "\n")
    with pytest.raises(BackendError, match=r"\.jsonl, line 2 is damaged"):
        Answers(tmp_path, "task", ABOUT)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BackendError, match=f"cannot keep answers in {blocked}"):
        Answers(blocked, "task", ABOUT)


def test_a_lost_folder_is_named(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "gone", "task", ABOUT)
    for file in (tmp_path / "gone").iterdir():
        file.unlink()
    (tmp_path / "gone").rmdir()
    with pytest.raises(BackendError, match="cannot keep answers"):
        answers.add("a", {})


def test_without_a_folder_rows_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answers = Answers(None, "task", ABOUT)
    answers.add("a", {"passes": 1})
    assert answers.get("a") == {"passes": 1}
    assert answers.path is None
    assert list(tmp_path.iterdir()) == []


def test_file_names_hold_no_path(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "../a group::task", ABOUT)
    assert answers.path is not None
    assert answers.path.parent == tmp_path
    assert answers.path.name.startswith(".._a_group_task-")


def test_keys_tell_contents_apart() -> None:
    assert content_key([1, 23]) != content_key([12, 3])
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
