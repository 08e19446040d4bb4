"""Prompts from texts, files and tasks, and who judges them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from credit_viz.errors import PromptError, SettingsError
from credit_viz.lab.prompts import Prompt, TaskPrompts, read_prompts
from credit_viz.tiny.evaluate import SEED
from credit_viz.tiny.tasks import TASKS, held_out, is_held_out


def test_all_tasks_are_the_prompts_of_the_model_card() -> None:
    drawn = TaskPrompts(count=12, seed=SEED).draw()
    assert [p.text for p in drawn] == [example.prompt for example in held_out(12, SEED)]
    assert [p.id for p in drawn][:5] == [*(f"{task}-1" for task in TASKS), f"{next(iter(TASKS))}-2"]


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_splits_do_not_meet(split: str) -> None:
    drawn = TaskPrompts(("json", "story"), split, 8, 1).draw()
    assert len({p.text for p in drawn}) == 8
    assert {is_held_out(p.text) for p in drawn} == {split == "held-out"}
    assert [p.task for p in drawn] == ["json", "story"] * 4
    assert TaskPrompts(("json", "story"), split, 12, 1).draw()[:8] == drawn
    for prompt in drawn:
        assert prompt.judged
        assert prompt.example is not None
        assert prompt.accepts(prompt.example.response) is True
        assert prompt.accepts("no") is False


def test_bad_tasks() -> None:
    with pytest.raises(SettingsError, match="unknown task 'jsn'; valid: arithmetic"):
        TaskPrompts(("jsn",))
    with pytest.raises(SettingsError, match="unknown split 'test'; valid: held-out, train"):
        TaskPrompts(split="test")
    with pytest.raises(SettingsError, match="0 prompts of 4 tasks"):
        TaskPrompts(count=0)
    with pytest.raises(SettingsError, match="5 prompts of 0 tasks"):
        TaskPrompts((), count=5)


def test_a_family_without_enough_prompts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    few = itertools.cycle(held_out(3, SEED))
    monkeypatch.setattr("credit_viz.lab.prompts.held_out_example", lambda *_: next(few))
    assert len(TaskPrompts(("story",), count=3).draw()) == 3
    with pytest.raises(SettingsError, match="1,000 prompts of story were asked for, and story has no others after 3"):
        TaskPrompts(("story",), count=1000).draw()


def test_answers_are_compared_word_for_word() -> None:
    prompt = Prompt("1", "2 + 2?", "It is 4.")
    assert prompt.judged
    assert prompt.accepts(" It  is 4.\n") is True
    assert prompt.accepts("it is 4.") is False
    assert not Prompt("1", "2 + 2?").judged
    assert Prompt("1", "2 + 2?").accepts("4") is None


def test_a_file_of_prompts(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    lines = [{"prompt": "a"}, {"prompt": "b", "answer": 4}, {"prompt": "c \ud800", "answer": "x", "id": "last"}]
    file.write_text("\n\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    assert read_prompts(file) == (
        Prompt("mine-1", "a"),
        Prompt("mine-3", "b", "4"),
        Prompt("last", "c �", "x"),
    )


def test_lines_end_where_other_programs_end_them(tmp_path: Path) -> None:
    """JSON may hold U+2028 and form feeds as they are; a byte order mark and Windows line ends are no text."""
    file = tmp_path / "mine.jsonl"
    file.write_bytes('\ufeff{"prompt": "a\u2028b"}\r\n{"prompt": "c\x85d"}\r\n'.encode())
    assert [prompt.text for prompt in read_prompts(file)] == ["a\u2028b", "c\x85d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no prompts"),
        ("[" * 100_000, "line 1 is no JSON"),
        ('{"prompt": "a", "answer": NaN}', "neither text nor number"),
        (" \n\n", "holds no prompts"),
        ('{"prompt": "a"}\n{"prompt"', "line 2 is no JSON"),
        ('{"text": "a"}', 'line 1 has no text "prompt"'),
        ("[1]", "line 1 has no text"),
        ('{"prompt": 1}', "line 1 has no text"),
        ('{"prompt": "a", "anwser": "b"}', "line 1: unknown field 'anwser'; valid: answer, id, prompt"),
        ('{"prompt": "a", "answer": ["b"]}', "neither text nor number"),
    ],
)
def test_a_bad_file_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match=message):
        read_prompts(file)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"cannot read prompts from .*none\.jsonl"):
        read_prompts(tmp_path / "none.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PromptError, match="cannot read prompts from"):
        read_prompts(tmp_path / "binary.jsonl")
