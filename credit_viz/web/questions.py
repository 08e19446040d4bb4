"""What the page may ask for beside runs. Knows the store of runs and the laboratory; no gradio, no model.

Each question takes one JSON object and answers with JSON, or with {"error": one sentence} when it cannot. A new
question is a method of `Questions` and a line in `functions`; the page calls it by the method's name.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from credit_viz.backend.base import Piece
from credit_viz.errors import CreditVizError, PromptError
from credit_viz.web.asked import Asked, text_of, whole_of
from credit_viz.web.labanswers import LabAnswers
from credit_viz.web.labcontrast import LabContrasts
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.labquestions import LabQuestions
from credit_viz.web.runs import RunStore
from credit_viz.web.whatif import WhatIfs

__all__ = ["Question", "Questions"]

Question = Callable[[dict[str, Any]], Any]


#: characters of a text that is asked about.
_MAX_TEXT = 10_000


@dataclass(frozen=True)
class Questions:
    """Answers from the kept runs, and from the model's tokenizer."""

    store: RunStore
    tokenize: Callable[[str], tuple[Piece, ...]]
    laboratory: Laboratory | None = None

    def functions(self) -> list[Question]:
        """All questions, as the page may call them."""
        hypothetical = WhatIfs(self.store)
        own = (self.packets, self.position, self.welcome, self.pieces)
        lab = _about_sweeps(self.laboratory) if self.laboratory else []
        return [_answering(question) for question in (*own, hypothetical.whatif, hypothetical.counterfactual, *lab)]

    def packets(self, asked: Asked) -> list[str]:
        """Packets of a kept run, from number `from` on."""
        return self.store.get(text_of(asked, "run")).packets[whole_of(asked, "from") :]

    def position(self, asked: Asked) -> str:
        """Exact numbers of one position."""
        return self.store.get(text_of(asked, "run")).position(whole_of(asked, "position"))

    def welcome(self, _asked: Asked) -> list[str]:
        """All packets of the run a first visit shows; none when nobody has made it yet."""
        return list(self.store.pinned.packets) if self.store.pinned else []

    def pieces(self, asked: Asked) -> list[list[int | str]]:
        """[id, text] of each token that `text` becomes."""
        text = asked.get("text")
        if not isinstance(text, str) or len(text) > _MAX_TEXT:
            raise PromptError(
                f"{reprlib.repr(text)} has no tokens to name; valid: a text of up to {_MAX_TEXT} characters"
            )
        return [[piece.id, piece.text] for piece in self.tokenize(text)]


def _about_sweeps(laboratory: Laboratory) -> list[Callable[[Asked], Any]]:
    rooms = LabQuestions(laboratory), LabAnswers(laboratory), LabContrasts(laboratory)
    return [question for room in rooms for question in room.functions()]


def _answering(question: Callable[[Asked], Any]) -> Question:
    """A question that never fails: what was foreseen becomes a sentence."""

    @wraps(question)
    def answer(asked: Any) -> Any:
        if not isinstance(asked, dict):
            return {"error": f"{reprlib.repr(asked)} asks nothing; valid: an object with what the question needs"}
        try:
            return question(asked)
        except CreditVizError as error:
            return {"error": str(error)}
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return {"error": f"{reprlib.repr(asked)} is nothing that {question.__name__} can answer"}

    return answer
