"""Text to ids and back, whatever the tokenizer. Knows a tokenizer; nothing of networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from credit_viz.errors import PromptError
from credit_viz.text import clean_text

__all__ = ["TextCodec"]


class TextCodec:
    """A tokenizer with the few operations this project needs."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer

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

    def encode(self, prompt: str) -> list[int]:
        """Prompt through the chat template if there is one, else as it is.

        Raises:
            PromptError: the prompt is empty or blank.
        """
        if not prompt.strip():
            raise PromptError("the prompt is empty; write something to decode")
        if self._tokenizer.chat_template is None:
            return self._ids(clean_text(prompt))
        messages = [{"role": "user", "content": clean_text(prompt)}]
        rendered = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert isinstance(rendered, str)
        return self._ids(rendered)

    def _ids(self, text: str) -> list[int]:
        # not verbose: a text that is too long is refused by the canvas, with what fits, and needs no warning before
        ids = self._tokenizer.encode(text, add_special_tokens=False, verbose=False)
        return [int(i) for i in ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Readable text without special tokens."""
        return clean_text(str(self._tokenizer.decode(list(ids), skip_special_tokens=True)))

    def token(self, token_id: int) -> str:
        """Text of one token; special tokens by name, an id without text as `<id>`."""
        text = str(self._tokenizer.decode([token_id])) if 0 <= token_id < self.size else ""
        return clean_text(text) or f"<{token_id}>"
