"""The harness's requests are answered as the harness means them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import SettingsError
from credit_viz.evaluation.generation import Answer, Generator
from credit_viz.evaluation.language_model import WHOLE_CANVAS, CreditVizLM
from credit_viz.evaluation.likelihood import log_likelihood
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race

OPTIONS = RunOptions(gen_length=64, block_length=64)


@pytest.fixture
def lm(embedded: DiffusionLM) -> CreditVizLM:
    return CreditVizLM(Generator(embedded, make_decoder("threshold"), OPTIONS))


def request(context: str, wanted: Any, task: str = "some_task", kind: Any = "generate_until") -> Instance:
    return Instance(kind, {}, (context, wanted), 0, metadata=(task, 0, 1))


def chat(lm: CreditVizLM, *turns: tuple[str, str], opened: bool = True) -> str:
    history = [{"role": role, "content": content} for role, content in turns]
    return lm.apply_chat_template(history, add_generation_prompt=opened)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Prompt ids as they reach the loop."""
    seen: list[list[int]] = []
    original = Race.start

    def start(**words: Any) -> Race:
        seen.append(list(words["prompt_ids"]))
        return original(**words)

    monkeypatch.setattr(Race, "start", start)
    return seen


def test_registered_by_name() -> None:
    assert get_model("credit-viz") is CreditVizLM
    assert get_model("dummy") is not CreditVizLM  # the harness's own are still found


def test_made_from_the_harness_s_own_words() -> None:
    words = "decoder=threshold,threshold=0.5,gen_length=16,block_length=16,early_stop=True"
    lm = get_model("credit-viz").create_from_arg_string(
        words, {"batch_size": 1, "device": "cpu", "max_batch_size": None}
    )
    (text,) = lm.generate_until([request("Tell a story.", {"until": []})])
    assert isinstance(text, str)
    (answer,) = lm.answers["some_task"]
    assert len(answer.token_ids) == 16
    with pytest.raises(SettingsError, match="unknown setting 'no_such_knob'"):
        CreditVizLM.create_from_arg_obj({"no_such_knob": 1})


def test_a_chat_goes_through_the_model_s_template(
    lm: CreditVizLM, embedded: DiffusionLM, asked: list[list[int]]
) -> None:
    prompt = "Write a Python function that sums the even prices in a list."
    lm.generate_until([request(chat(lm, ("user", prompt)), {})])
    assert asked[-1] == embedded.encode(prompt)
    assert asked[-1] != embedded.encode(prompt, raw=True)


def test_examples_are_turns_before_the_prompt(lm: CreditVizLM, embedded: DiffusionLM, asked: list[list[int]]) -> None:
    before = [("user", "Tell a story."), ("assistant", "A story.")]
    lm.generate_until([request(chat(lm, *before, ("user", "Tell a sad story.")), {})])
    assert asked[-1] == embedded.encode("Tell a sad story.", history=before)


def test_the_answer_s_beginning_stands_behind_the_template(
    lm: CreditVizLM, embedded: DiffusionLM, asked: list[list[int]]
) -> None:
    turns = (("user", "Tell a story."), ("assistant", "A story"))
    lm.generate_until([request(chat(lm, *turns, opened=False), {})])
    assert asked[-1] == [*embedded.encode("Tell a story."), *embedded.encode("A story", raw=True)]


def test_a_plain_prompt_is_sent_as_it_is(lm: CreditVizLM, embedded: DiffusionLM, asked: list[list[int]]) -> None:
    lm.generate_until([request("Tell a story.", {})])
    assert asked[-1] == embedded.encode("Tell a story.", raw=True)


def test_stop_strings_cut(lm: CreditVizLM) -> None:
    context = chat(lm, ("user", "Leo has 37 cookies and gives away 6. How many cookies now?"))
    (whole,) = lm.generate_until([request(context, {"until": []})])
    assert "." in whole
    first, second = whole.index("."), whole.index(" ")
    cases = {(".",): first, (" ",): second, (".", " "): min(first, second), ("", "\0"): len(whole)}
    for until, end in cases.items():
        (cut,) = lm.generate_until([request(context, {"until": list(until)})])
        assert cut == whole[:end]
    (cut,) = lm.generate_until([request(context, {"until": "."})])
    assert cut == whole[:first]


def test_text_ends_at_the_first_end_mark(
    lm: CreditVizLM, embedded: DiffusionLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = embedded.encode("Tell a story", raw=True)
    ids = [*words, embedded.eos_ids[0], *words]
    answer = Answer(ids, embedded.decode_ids([*words, *words]), 1, len(ids), 2 * len(words), 0.1)
    monkeypatch.setattr(Generator, "answer", lambda *_: answer)
    assert lm.generate_until([request("x", {})]) == [embedded.decode_ids(words)]
    assert lm.generate_until([request("x", {WHOLE_CANVAS: True})]) == [answer.text]
    assert answer.text.startswith(embedded.decode_ids(words))
    assert answer.text != embedded.decode_ids(words)


def test_sampling_is_refused_before_anything_is_decoded(lm: CreditVizLM, asked: list[list[int]]) -> None:
    requests = [request("x", {"do_sample": False}), request("x", {"do_sample": True}, task="humaneval_64")]
    with pytest.raises(SettingsError, match="'humaneval_64' asks for sampled answers"):
        lm.generate_until(requests)
    assert asked == []


def test_perplexity_is_refused(lm: CreditVizLM) -> None:
    with pytest.raises(SettingsError, match="'wikitext' asks for the perplexity"):
        lm.loglikelihood_rolling([request("x", None, task="wikitext", kind="loglikelihood_rolling")])


def test_likelihoods_are_the_bound(lm: CreditVizLM, embedded: DiffusionLM) -> None:
    context = chat(lm, ("user", "Tell a story."))
    (found,) = lm.loglikelihood([request(context, " a story", kind="loglikelihood")])
    assert found == log_likelihood(embedded, embedded.encode("Tell a story."), embedded.encode(" a story", raw=True))
    assert found[0] < 0


def test_answers_are_those_of_the_last_call(lm: CreditVizLM) -> None:
    lm.generate_until([request("Tell", {}, task="a"), request("Write", {}, task="b"), request("Tell", {}, task="a")])
    assert {task: len(answers) for task, answers in lm.answers.items()} == {"a": 2, "b": 1}
    lm.generate_until([request("Tell", {}, task="c")])
    assert set(lm.answers) == {"c"}


def test_chats_are_told_from_text(lm: CreditVizLM) -> None:
    assert json.loads(chat(lm, ("user", "hi")).removeprefix("\0chat\0")) == [["user", "hi"]]
    assert lm.tokenizer_name == "embedded"
