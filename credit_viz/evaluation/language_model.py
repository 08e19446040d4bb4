"""The harness's view of a diffusion language model with one decoder; registered there as "credit-viz".

Knows the harness's requests. Does not know tasks, tables or files. Prompts are decoded one at a time: a batch would
change what a second of wall clock and a forward pass mean.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import lm_eval.models  # noqa: F401  registers the harness's own, which it skips once another is there
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import SettingsError
from credit_viz.evaluation.generation import Answer, Generator
from credit_viz.evaluation.likelihood import log_likelihood
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model

__all__ = ["WHOLE_CANVAS", "CreditVizLM"]

#: a task's generation setting of our own: the answer is the text of the whole canvas, also behind an end-of-text token
WHOLE_CANVAS = "whole_canvas"
#: opens a prompt that is a chat, handed through the harness as JSON
_CHAT = "\0chat\0"


@register_model("credit-viz")
class CreditVizLM(LM):  # type: ignore[misc]
    """A model and a decoder behind the harness's interface.

    What a task asks for is honoured like this: stop strings cut the text at their first occurrence, and so does an
    end-of-text token; the length is the canvas's, whatever `max_gen_toks` says, so that all decoders and tasks fill
    the same number of positions; sampling is refused, because a decoder's temperature is one of its own knobs.

    Attributes:
        answers: by task, the answer to every request of the last `generate_until`, in the harness's order.
    """

    def __init__(self, generator: Generator, alongside: Sequence[Generator] = ()) -> None:
        """alongside: others that answer each prompt right after this one, for their own use later."""
        super().__init__()
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self._generator = generator
        self._alongside = tuple(alongside)
        self._model = generator.model
        self._device = generator.model.device

    @classmethod
    def create_from_arg_obj(
        cls, arg_dict: Mapping[str, Any], additional_config: Mapping[str, Any] | None = None
    ) -> Self:
        """From the harness's own command line or `simple_evaluate("credit-viz", model_args=...)`; see `from_words`."""
        words = {**arg_dict, **{k: v for k, v in (additional_config or {}).items() if v is not None}}
        for size in ("batch_size", "max_batch_size"):
            words.pop(size, None)
        return cls.from_words(**words)

    @classmethod
    def create_from_arg_string(cls, arg_string: str, additional_config: Mapping[str, Any] | None = None) -> Self:
        """As `create_from_arg_obj`, from "decoder=credit,threshold=0.9"."""
        from lm_eval.utils import simple_parse_args_string

        return cls.create_from_arg_obj(simple_parse_args_string(arg_string), additional_config)

    @classmethod
    def from_words(
        cls,
        model: str | None = None,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        decoder: str = "credit",
        preset: str | None = None,
        gen_length: int = 256,
        block_length: int = 64,
        seed: int = 0,
        early_stop: bool = False,
        **settings: Any,
    ) -> Self:
        """Load a model and make a decoder; `settings` are the decoder's knobs.

        Raises:
            CheckpointError, SettingsError: the message names the bad value and what is valid.
        """
        options = RunOptions(gen_length=gen_length, block_length=block_length, seed=seed, early_stop=early_stop)
        made = make_decoder(decoder, settings, preset)
        return cls(Generator(load_model(model, device=device, dtype=dtype, revision=revision), made, options))

    @property
    def tokenizer_name(self) -> str:
        """Name of whose chat template is used."""
        return self._model.info.name

    def apply_chat_template(self, chat_history: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
        """The chat as one string for `generate_until`, where the model's own template renders it."""
        return _CHAT + json.dumps([[turn["role"], turn["content"]] for turn in chat_history])

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """One text per request.

        Raises:
            SettingsError: a task asks for sampling. PromptError: a prompt does not fit; the message names its task.
        """
        self.answers.clear()
        for request in requests:
            _refuse_sampling(request)
        return [self._generate(request) for request in requests]

    def loglikelihood(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """A bound in nats per request, by masked passes; see `log_likelihood`. The decoder plays no part."""
        return [
            log_likelihood(self._model, self._prompt_ids(context), self._model.encode(target, raw=True))
            for context, target in (request.args for request in requests)
        ]

    def loglikelihood_rolling(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[float]:
        """Refused: the perplexity of a document is no question about decoding.

        Raises:
            SettingsError: always; the message names the task.
        """
        task = requests[0].task_name
        raise SettingsError(f"task {task!r} asks for the perplexity of texts; valid: tasks that generate")

    def _generate(self, request: Instance) -> str:
        context, wanted = request.args
        task = str(request.task_name)
        prompt_ids = self._prompt_ids(context)
        answer = self._generator.answer(task, prompt_ids)
        self.answers[task].append(answer)
        for other in self._alongside:
            other.answer(task, prompt_ids)
        return _until(_text(self._model, answer, wanted), wanted)

    def _prompt_ids(self, context: str) -> list[int]:
        """Ids of a prompt: a chat through the model's template, anything else as it is."""
        if not context.startswith(_CHAT):
            return self._model.encode(context, raw=True)
        turns = [(role, content) for role, content in json.loads(context.removeprefix(_CHAT))]
        opening = turns.pop()[1] if turns[-1][0] == "assistant" else ""  # the answer's beginning, given by the task
        ids = self._model.encode(turns[-1][1], history=turns[:-1])
        return [*ids, *self._model.encode(opening, raw=True)] if opening else ids


def _refuse_sampling(request: Instance) -> None:
    if request.args[1].get("do_sample"):
        raise SettingsError(
            f"task {request.task_name!r} asks for sampled answers; valid: tasks with one answer per prompt "
            "(a decoder's temperature is set with --set)"
        )


def _text(model: DiffusionLM, answer: Answer, wanted: Mapping[str, Any]) -> str:
    """Text of an answer, up to its first end-of-text token unless the task wants the whole canvas."""
    if wanted.get(WHOLE_CANVAS):
        return answer.text
    end = next((i for i, token in enumerate(answer.token_ids) if token in model.eos_ids), len(answer.token_ids))
    return model.decode_ids(answer.token_ids[:end])


def _until(text: str, wanted: Mapping[str, Any]) -> str:
    """Text up to the first stop string in it."""
    until = wanted.get("until") or []
    stops = [until] if isinstance(until, str) else until
    return text[: min((text.find(stop) for stop in stops if stop and stop in text), default=len(text))]
