"""Forward passes that are remembered: runs on one prompt meet the same canvas again and again. Knows queries only.

What a model says of a canvas depends on nothing but the canvas, so runs whose decoders differ share every pass up to
where they part, and often later ones: the results are the same, bit for bit. A pass is remembered for what it was
asked exactly; passes of a batch are not, because a batch changes the last bits, nor those whose cache has a past, nor
those of random tokens, which hardly come twice. An answer is for reading: torch raises where one is written into, but
the harm is done by then, so whoever catches the error must `forget`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from credit_viz.decoding.clock import Moment
from credit_viz.decoding.forward import Answer, LanguageModel, Query, forward

__all__ = ["PassMemory"]

_Key = tuple[bytes, tuple[int, int], tuple[int, int] | None, float, int]


class _Pass(NamedTuple):
    answer: Answer
    began: Moment
    ended: Moment


@dataclass
class PassMemory:
    """`forward` that computes no pass twice, for one model; the least recently used passes go first.

    Args:
        max_bytes: of the logits that are kept, on the model's device.
    """

    max_bytes: int = 256 << 20
    computed: int = 0  #: passes so far
    recalled: int = 0  #: passes that were there already
    _kept: OrderedDict[_Key, _Pass] = field(default_factory=OrderedDict)
    _nbytes: int = 0
    _spared: list[tuple[Moment, Moment]] = field(default_factory=list)

    def __call__(self, model: LanguageModel, queries: Sequence[Query]) -> list[Answer]:
        """As `forward`."""
        if len(queries) > 1 or queries[0].cache is not None or queries[0].prefix is not None:
            self.computed += 1
            return forward(model, queries)
        key = _key(queries[0])
        known = self._kept.get(key)
        if known is None:
            return [self._compute(model, queries[0], key)]
        self._kept.move_to_end(key)
        self._spared.append((known.began, known.ended))
        self.recalled += 1
        return [known.answer]

    def spared_seconds(self) -> float:
        """What the passes that were recalled since the last question took when they were computed."""
        spared, self._spared = self._spared, []
        return sum(ended.since(began) for began, ended in spared)

    def forget(self) -> None:
        """Every pass; counts stay."""
        self._kept.clear()
        self._spared.clear()
        self._nbytes = 0

    def _compute(self, model: LanguageModel, query: Query, key: _Key) -> Answer:
        began = Moment.now(model.device)
        (answer,) = forward(model, [query])
        ended = Moment.now(model.device)
        self.computed += 1
        size = _nbytes(answer)
        if size <= self.max_bytes:
            self._kept[key] = _Pass(answer, began, ended)
            self._nbytes += size
        while self._nbytes > self.max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._nbytes -= _nbytes(oldest.answer)
        return answer


def _key(query: Query) -> _Key:
    canvas = query.canvas.cpu().numpy().tobytes()
    # without guidance the model is not told where the prompt ends
    return canvas, query.rows, query.shadow, query.guidance, query.prompt_length if query.guidance else 0


def _nbytes(answer: Answer) -> int:
    """What a view keeps alive is all that it is a view of; the shadow may be a view of the same."""
    storages = [part.untyped_storage() for part in (answer.logits, answer.shadow) if part is not None]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
