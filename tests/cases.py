"""Properties of every registered decoder: drawn runs, and how to ask the same of all of them.

The registry is read: a decoder added later is covered without a change here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS
from credit_viz.decoding.base import Decoder
from credit_viz.decoding.options import RunOptions, block_spans
from credit_viz.decoding.settings import knobs
from credit_viz.trace.record import Trace
from tests.support import MASK_DECODERS, PROMPT, MockModel, decoders, mocks, run, sizes

NAMES = sorted(MASK_DECODERS)
#: each property runs once per decoder, so each time on fewer examples.
FEWER = settings(max_examples=max(5, settings().max_examples // 12))


def knob_names(name: str) -> set[str]:
    return {described.name for described in knobs(DECODERS[name].settings_class)}


WARM = [name for name in NAMES if "temperature" in knob_names(name)]


def for_decoders(names: list[str]) -> Callable[[Callable[..., None]], Any]:
    """Run a property of (name, data) for each of these decoders."""
    return lambda test: pytest.mark.parametrize("name", names)(FEWER(given(data=st.data())(test)))


for_every_decoder = for_decoders(NAMES)


def assert_same_writes(one: Trace, other: Trace) -> None:
    for array in ("event_steps", "event_positions", "event_ids", "event_reasons"):
        np.testing.assert_array_equal(getattr(one, array), getattr(other, array), array)
    assert one.forward_passes == other.forward_passes


class Case(NamedTuple):
    """A model, a decoder and run options that fit each other."""

    model: MockModel
    decoder: Decoder
    options: dict[str, Any]

    def run(self, decoder: Decoder | None = None, **changes: Any) -> Trace:
        """The case to its end, perhaps with another decoder or other options."""
        return run(self.model, decoder or self.decoder, **{**self.options, **changes})


@st.composite
def cases(draw: st.DrawFn, name: str | None = None, model: MockModel | None = None, **options: Any) -> Case:
    """Any model that sees both ways or by blocks, with or without given tokens; `options` are not drawn."""
    size = draw(sizes())
    length, block_length = size["gen_length"], size["block_length"]
    chosen = model or draw(mocks)
    chosen.block_length = draw(st.sampled_from([None, None, block_length]))
    places = st.integers(0, length - 1)
    fixed = draw(st.dictionaries(places, st.sampled_from([1, 2, 3]), max_size=draw(st.sampled_from([0, 0, 3, length]))))
    drawn = {**size, "seed": draw(st.integers(0, 99)), "early_stop": draw(st.booleans()), "fixed": fixed, **options}
    blocks = len(block_spans(RunOptions(**size), len(PROMPT), chosen.block_length))
    return Case(chosen, draw(decoders(length, block_length, name, blocks)), drawn)


def replayed(trace: Trace) -> list[np.ndarray]:
    """Generated region before each step and after the last, from the given tokens and the event list alone."""
    canvas = np.full(trace.gen_length, trace.info.mask_id)
    for place, token in trace.info.fixed.items():
        canvas[place] = token
    states = [canvas.copy()]
    for step in range(1, trace.forward_passes + 1):
        for event in np.flatnonzero(trace.event_steps == step):
            canvas[trace.event_positions[event]] = trace.event_ids[event]
        states.append(canvas.copy())
    return states
