"""Whole runs step by step in float64 numpy, for decoders restated from their rules. Shares no code with the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st

from credit_viz.trace.record import Trace
from tests.restated import CloseCall, softmax
from tests.support import PROMPT, MockModel

__all__ = ["ByHand", "above", "expect_events", "models", "rather", "settled"]

Array = np.ndarray[Any, Any]

#: sharper models have probabilities that round to 1, where float64 no longer tells positions apart.
models = st.builds(
    MockModel,
    seed=st.integers(0, 10_000),
    vocab_size=st.integers(5, 16),
    sharpness=st.sampled_from([0.3, 1.0, 3.0]),
    dtype=st.just(torch.float64),
)


def above(value: float, bar: float, near: float = 1e-9) -> bool:
    """Strictly more than the bar; too close to tell raises CloseCall."""
    if abs(value - bar) < near:
        raise CloseCall
    return value > bar


def rather(values: Array, places: Sequence[int]) -> list[int]:
    """Places by falling value."""
    order = sorted(places, key=lambda i: -values[i])
    if any(abs(values[one] - values[two]) < 1e-9 for one, two in pairwise(order)):
        raise CloseCall
    return order


class ByHand:
    """A canvas, and what each step wrote into it."""

    def __init__(self, model: MockModel, gen_length: int, block_length: int, fixed: Mapping[int, int]) -> None:
        self.model = model
        self.length = gen_length
        self.block_length = block_length
        self.canvas = np.array([*PROMPT, *[model.mask_id] * gen_length])
        for place, token in fixed.items():
            self.canvas[len(PROMPT) + place] = token
        self.steps: list[dict[int, int]] = []

    @property
    def text(self) -> Array:
        """(L,) view of the generated region."""
        return self.canvas[len(PROMPT) :]

    @property
    def masked(self) -> list[int]:
        """Masked positions."""
        return [int(i) for i in np.flatnonzero(self.text == self.model.mask_id)]

    def blocks(self) -> Iterator[range]:
        """Blocks that have a mask, when their turn comes."""
        for start in range(0, self.length, self.block_length):
            block = range(start, start + self.block_length)
            if set(block) & set(self.masked):
                yield block

    def logits(self) -> Array:
        """(L, V) what the model says now."""
        return np.asarray(self.model._logits(self.canvas[None])[0].double().numpy()[len(PROMPT) :])

    def logits_without(self, place: int) -> Array:
        """(V,) what the model says of a place when its token is hidden."""
        hidden = self.canvas.copy()
        hidden[len(PROMPT) + place] = self.model.mask_id
        return np.asarray(self.model._logits(hidden[None])[0].double().numpy()[len(PROMPT) + place])

    def writable(self, token: int) -> bool:
        """The token has a text."""
        return token != self.model.mask_id and token < self.model.token_limit

    def write(self, writes: Mapping[int, int], logits: Array, block: range) -> None:
        """End a step; where it would fill no mask, the best guess that may be written is added."""
        masked = [i for i in self.masked if i in block]
        if masked and not any(i in self.masked for i in writes):
            p = softmax(logits)
            p[:, [t for t in range(p.shape[1]) if not self.writable(t)]] = -1
            best = rather(p.max(1), masked)[0]
            writes = {**writes, best: int(p[best].argmax())}
        for place, token in writes.items():
            self.text[place] = token
        self.steps.append(dict(writes))


def expect_events(trace: Trace, steps: Sequence[Mapping[int, int]]) -> None:
    """The trace wrote the same tokens in the same steps."""
    found: list[dict[int, int]] = [{} for _ in range(trace.forward_passes)]
    for step, place, token in zip(trace.event_steps, trace.event_positions, trace.event_ids, strict=True):
        found[step - 1][int(place)] = int(token)
    assert found == [dict(writes) for writes in steps]


def settled(rerun: Callable[..., ByHand], *args: Any) -> ByHand:
    """The run by hand; examples that are too close to call are left out."""
    try:
        return rerun(*args)
    except CloseCall:
        assume(False)
        raise
