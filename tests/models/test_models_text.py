"""Prompts as each family was trained to see them: templates, turns before the prompt, and text as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from credit_viz.errors import PromptError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from tests.models.checkpoints import FAMILY_NAMES

SYSTEM = ("system", "Answer in one word.")
TALK = (("user", "Hi there"), ("assistant", "Hello!"))
TALKS = [(), TALK, (SYSTEM,), (SYSTEM, *TALK), (*TALK, *TALK), (("user", ""), ("assistant", ""))]

#: what the model reads for the prompt "Why?" after TALK.
EXPECTED = {
    "llada": (
        "<|startoftext|><|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHello!<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "llada_moe": (
        "<role>HUMAN</role>Hi there<|role_end|><role>ASSISTANT</role>Hello!<|role_end|>"
        "<role>HUMAN</role>Why?<|role_end|><role>ASSISTANT</role>"
    ),
    "dream": (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi there<|im_end|>\n"
        "<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    ),
    "llada2": (
        "<role>SYSTEM</role>detailed thinking off<|role_end|><role>HUMAN</role>Hi there<|role_end|>"
        "<role>ASSISTANT</role>Hello!<|role_end|><role>HUMAN</role>Why?<|role_end|><role>ASSISTANT</role>"
    ),
}


@pytest.fixture(params=FAMILY_NAMES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def checkpoint(fixtures: Path, folder: Path, family: str, **tokenizer: Any) -> DiffusionLM:
    """The fixture under another folder name, with changes to its tokenizer_config.json; None removes a field."""
    shutil.copytree(fixtures / family, folder, ignore=shutil.ignore_patterns("reference.npz"))
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text()) | tokenizer
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return load_model(folder, device="cpu")


def rendered(model: DiffusionLM, *prompt: Any, **options: Any) -> str:
    return "".join(model.token_text(i) for i in model.encode(*prompt, **options))


def test_turns_and_headers(fixtures: Path, family: str) -> None:
    model = load_model(fixtures / family, device="cpu")
    assert rendered(model, "Why?", history=TALK) == EXPECTED[family]


@pytest.mark.parametrize("history", TALKS, ids=len)
def test_a_checkpoint_without_a_template_gets_the_familys(
    fixtures: Path, tmp_path: Path, family: str, history: tuple[tuple[str, str], ...]
) -> None:
    """The fixtures have the published templates: the family's own must say the same."""
    own = load_model(fixtures / family, device="cpu")
    bare = checkpoint(fixtures, tmp_path / "Some-Instruct", family, chat_template=None)
    assert bare.text.chats
    assert bare.encode("Why?", history=history) == own.encode("Why?", history=history)


@pytest.mark.parametrize("name", ["LLaDA-8B-Base", "base", "my_base_v2", "Dream-v0-Base-7B"])
def test_a_base_model_gets_the_bare_prompt(fixtures: Path, tmp_path: Path, family: str, name: str) -> None:
    model = checkpoint(fixtures, tmp_path / name, family, chat_template=None)
    assert not model.text.chats
    assert rendered(model, "Once upon") == "Once upon"
    with pytest.raises(PromptError, match="no chat template"):
        model.encode("Once upon", history=TALK)


@pytest.mark.parametrize("name", ["checkpoint", "database-instruct", "baseline"])
def test_only_the_word_makes_a_base_model(fixtures: Path, tmp_path: Path, name: str) -> None:
    assert checkpoint(fixtures, tmp_path / name, "llada", chat_template=None).text.chats


def test_a_template_of_its_own_wins(fixtures: Path, tmp_path: Path, family: str) -> None:
    template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"
    model = checkpoint(fixtures, tmp_path / "Some-Base", family, chat_template=template)
    assert rendered(model, "b", history=[("system", "a")]) == "[system] a[user] b"


def test_named_templates(fixtures: Path, tmp_path: Path) -> None:
    templates = [{"name": "tools", "template": "no"}, {"name": "default", "template": "{{ messages[0].content }}!"}]
    assert rendered(checkpoint(fixtures, tmp_path / "a", "llada", chat_template=templates), "hi") == "hi!"
    assert not checkpoint(fixtures, tmp_path / "b", "llada", chat_template=templates[:1]).text.chats


def test_a_template_in_a_file_of_its_own(fixtures: Path, tmp_path: Path, family: str) -> None:
    folder = tmp_path / "c"
    checkpoint(fixtures, folder, family, chat_template=None)
    (folder / "chat_template.jinja").write_text("<<{{ messages[-1].content }}>>")
    assert rendered(load_model(folder, device="cpu"), "hi") == "<<hi>>"


def test_a_tokenizer_that_knows_no_turns_gets_the_bare_prompt(fixtures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    checkpoint(fixtures, folder, "llada", chat_template=None)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text((folder / name).read_text().replace("<|eot_id|>", "<|other|>"))
    model = load_model(folder, device="cpu")
    assert rendered(model, "hi") == "hi"
    assert model.eos_ids == (257,)


@pytest.mark.parametrize("text", ["What is 2 + 3?", " two  spaces ", "<|mask|> or <|mdm_mask|>", "{{ x }}"])
def test_raw_prompts_are_sent_as_they_are(fixtures: Path, family: str, text: str) -> None:
    model = load_model(fixtures / family, device="cpu")
    assert rendered(model, text, raw=True) == text
    assert rendered(model, text) != text


def test_raw_prompts_have_nothing_before_them(peaky: DiffusionLM) -> None:
    with pytest.raises(PromptError, match="2 turns before it, but raw"):
        peaky.encode("hi", raw=True, history=TALK)
    with pytest.raises(PromptError, match="empty"):
        peaky.encode(" ", raw=True)


@pytest.mark.parametrize("role", ["human", "User", "", "tool", None, 5])
def test_an_unknown_role_is_refused(peaky: DiffusionLM, role: Any) -> None:
    with pytest.raises(PromptError) as raised:
        peaky.encode("hi", history=[("user", "a"), (role, "b")])
    assert f"{role!r}; valid: assistant, system, user" in str(raised.value)


@pytest.mark.parametrize("content", [None, 5, ["text"], {"text": "x"}])
def test_a_turn_that_is_no_text_is_refused(peaky: DiffusionLM, content: Any) -> None:
    with pytest.raises(PromptError, match=rf"user turn holds a {type(content).__name__}; valid: text"):
        peaky.encode("hi", history=[("user", content)])


def test_a_template_may_refuse_turns(fixtures: Path, tmp_path: Path) -> None:
    template = "{% if messages | length > 1 %}{{ raise_exception('one turn\nat a time') }}{% endif %}x"
    model = checkpoint(fixtures, tmp_path / "c", "llada", chat_template=template)
    assert rendered(model, "hi") == "x"
    with pytest.raises(PromptError, match=r"refuses these 3 turns: one turn$"):
        model.encode("hi", history=TALK)
