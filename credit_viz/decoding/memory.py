"""Forward passes that are remembered: runs on one prompt meet the same canvas again and again. Knows queries only.

What a model says of a canvas depends on nothing but the canvas, so runs whose decoders differ share every pass up to
where they part, and often later ones: the results are the same, bit for bit. A pass is remembered for what it was
asked exactly; passes of a batch are not, because a batch changes the last bits, nor those whose cache has a past.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from credit_viz.decoding.clock import Moment
from credit_viz.decoding.forward import Answer, LanguageModel, Query, forward

__all__ = ["PassMemory"]

_Key = tuple[bytes, tuple[int, int], tuple[int, int] | None, float, int]


@dataclass
class _Pass:
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
    _spared: list[_Pass] = field(default_factory=list)

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
        self._spared.append(known)
        self.recalled += 1
        return [known.answer]

    def spared_seconds(self) -> float:
        """What the passes that were recalled since the last question took when they were computed."""
        spared, self._spared = self._spared, []
        return sum(one.ended.since(one.began) for one in spared)

    def _compute(self, model: LanguageModel, query: Query, key: _Key) -> Answer:
        began = Moment.now(model.device)
        (answer,) = forward(model, [query])
        done = _Pass(answer, began, Moment.now(model.device))
        self.computed += 1
        self._kept[key] = done
        self._nbytes += _nbytes(answer)
        while self._nbytes > self.max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._nbytes -= _nbytes(oldest.answer)
        return answer


def _key(query: Query) -> _Key:
    canvas = query.canvas.cpu().numpy().tobytes()
    # without guidance the model is not told where the prompt ends
    return canvas, query.rows, query.shadow, query.guidance, query.prompt_length if query.guidance else 0


def _nbytes(answer: Answer) -> int:
    return sum(_own_bytes(part) for part in (answer.logits, answer.shadow) if part is not None)


def _own_bytes(part: Tensor) -> int:
    """What a view keeps alive is all that it is a view of."""
    return part.untyped_storage().nbytes()
