"""Text to ids and back, whatever the tokenizer. Knows a tokenizer; nothing of networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from credit_viz.errors import PromptError, one_of
from credit_viz.text import clean_text

__all__ = ["ROLES", "TextCodec"]

ROLES = ("system", "user", "assistant")  #: who may speak in a chat
#: what a template can fail with: it is a small program.
_TEMPLATE_ERRORS = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class TextCodec:
    """A tokenizer with the few operations this project needs."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, chat_template: str | None = None) -> None:
        """chat_template: Jinja template for prompts; None sends them as they are."""
        self._tokenizer = tokenizer
        self._chat_template = chat_template

    @property
    def chats(self) -> bool:
        """Prompts go through a chat template."""
        return self._chat_template is not None

    @cached_property
    def size(self) -> int:
        """Number of ids that have text: one more than the largest."""
        return max(self._tokenizer.get_vocab().values()) + 1

    @property
    def eos_id(self) -> int | None:
        """Id of the tokenizer's end-of-text token, if it names one."""
        eos_id = self._tokenizer.eos_token_id
        return None if eos_id is None else int(eos_id)

    def find(self, token: str) -> int | None:
        """Id of a token given by its exact text, None if the tokenizer lacks it."""
        found = self._tokenizer.get_vocab().get(token)
        return None if found is None else int(found)

    def encode(self, prompt: str, raw: bool = False, history: Sequence[tuple[str, str]] = ()) -> list[int]:
        """Prompt through the chat template if there is one, else as it is.

        Args:
            raw: send the text as it is, also where there is a chat template.
            history: (role, content) turns before the prompt, the oldest first; roles are `ROLES`.

        Raises:
            PromptError: the prompt is blank, a role is unknown, or the history cannot be rendered.
        """
        if not prompt.strip():
            raise PromptError("the prompt is empty; write something to decode")
        if self._chat_template is None or raw:
            if history:
                why = "raw" if raw else "this model has no chat template, so it"
                raise PromptError(f"the prompt has {len(history)} turns before it, but {why} takes a single text")
            return self.encode_text(prompt)
        return self.encode_text(self._render([*history, ("user", prompt)]))

    def _render(self, turns: Sequence[tuple[Any, Any]]) -> str:
        """Turns as one text that ends where the answer begins."""
        for role, content in turns:
            if role not in ROLES:
                raise PromptError(one_of("role", role, ROLES))
            if not isinstance(content, str):
                raise PromptError(f"the {role} turn holds a {type(content).__name__}; valid: text")
        messages = [{"role": role, "content": clean_text(content)} for role, content in turns]
        try:
            rendered = self._tokenizer.apply_chat_template(
                messages, chat_template=self._chat_template, tokenize=False, add_generation_prompt=True
            )
        except _TEMPLATE_ERRORS as error:
            reason = str(error).partition("\n")[0]
            raise PromptError(f"the model's chat template refuses these {len(turns)} turns: {reason}") from error
        assert isinstance(rendered, str)
        return rendered

    def encode_text(self, text: str) -> list[int]:
        """Ids of a piece of text as it is, blank or not."""
        # not verbose: a text that is too long is refused by the canvas, with what fits, and needs no warning before
        ids = self._tokenizer.encode(clean_text(text), add_special_tokens=False, verbose=False)
        return [int(i) for i in ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Readable text without special tokens."""
        return clean_text(str(self._tokenizer.decode(list(ids), skip_special_tokens=True)))

    def token(self, token_id: int) -> str:
        """Text of one token; special tokens by name, an id without text as `<id>`."""
        text = str(self._tokenizer.decode([token_id])) if 0 <= token_id < self.size else ""
        return clean_text(text) or f"<{token_id}>"
