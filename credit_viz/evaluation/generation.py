"""Prompts answered by one decoder, each once: kept answers are found again. Knows the decode loop, no harness."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from credit_viz.decoding.base import Decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.evaluation.answers import Answers, content_key
from credit_viz.evaluation.manifest import describe_device, describe_lane, describe_model
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race
from credit_viz.versions import versions

__all__ = ["Answer", "Generator", "Tell"]

#: what an answer may depend on; the harness is not among them, because prompts are compared as ids
_PACKAGES = ("credit-viz", "torch", "transformers", "tokenizers", "numpy")

#: tell(tokens newly written, forward passes of this answer so far)
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Answer:
    """What one prompt came to."""

    token_ids: list[int]  #: (L,)
    text: str  #: of the whole canvas, without special tokens
    passes: int
    written: int  #: tokens
    content: int  #: of these, text: not end-of-text
    seconds: float  #: wall clock of all steps


class Generator:
    """Answers prompts with one decoder.

    Args:
        options: as for a run; what is recorded is not used.
        folder: where answers are kept; None keeps them in memory only.

    Attributes:
        tell: called after every step, and once for an answer that was in the folder, with 0 passes.
        about: what answers depend on besides their prompt, in plain JSON types.
    """

    def __init__(
        self,
        model: DiffusionLM,
        decoder: Decoder,
        options: RunOptions,
        folder: Path | None = None,
    ) -> None:
        self.model = model
        self.decoder = decoder
        self.options = replace(options, record="none", top_k=1)
        self.folder = folder
        self.tell: Tell = lambda _written, _passes: None
        self.about: dict[str, Any] = {
            "model": describe_model(model),
            "device": describe_device(model),
            "versions": versions(_PACKAGES),
            **describe_lane(decoder, self.options),
        }
        self._warm = False
        self._told: set[tuple[str, str]] = set()
        self._kept: dict[str, Answers] = {}

    def answer(self, task: str, prompt_ids: Sequence[int]) -> Answer:
        """The answer to a prompt.

        Raises:
            PromptError: the prompt does not fit. BackendError: answers cannot be kept.
        """
        kept = self._answers(task)
        key = content_key(list(prompt_ids))
        news = (task, key) not in self._told
        self._told.add((task, key))
        row = kept.get(key)
        if row is not None:
            if news:
                self.tell(self.options.gen_length, 0)
            return Answer(**row)
        if not self._warm:
            self._warm_up(prompt_ids)
        answer = self._decode(prompt_ids)
        kept.add(key, asdict(answer))
        return answer

    def _answers(self, task: str) -> Answers:
        if task not in self._kept:
            name = f"{task}-{self.decoder.name}"
            self._kept[task] = Answers(self.folder, name, {"task": task, **self.about})
        return self._kept[task]

    def _start(self, prompt_ids: Sequence[int]) -> Race:
        return Race.start(model=self.model, decoders=[self.decoder], options=self.options, prompt_ids=prompt_ids)

    def _warm_up(self, prompt_ids: Sequence[int]) -> None:
        """One step that no clock sees: the first pass of a process also loads and tunes the device's programs."""
        steps = iter(self._start(prompt_ids).steps())
        next(steps)
        self._warm = True

    def _decode(self, prompt_ids: Sequence[int]) -> Answer:
        race = self._start(prompt_ids)
        began = time.perf_counter()
        for _, record in race.steps():
            self.tell(len(record.event_positions), record.step)
        seconds = time.perf_counter() - began
        trace = race.trace(0)
        return Answer(
            token_ids=trace.token_ids.tolist(),
            text=trace.text,
            passes=trace.forward_passes,
            written=int((trace.commit_step > 0).sum()),
            content=trace.content_tokens,
            seconds=seconds,
        )
