"""Editing against its rule, and when a block has settled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.trace.record import Reason
from tests.by_hand import ByHand, above, expect_events, models, rather, settled
from tests.restated import softmax
from tests.support import PROMPT, MockModel, run, sizes

SETTINGS = st.fixed_dictionaries(
    {
        "threshold": st.floats(0.05, 1.1),
        "edit_threshold": st.one_of(st.just(0.0), st.floats(0.05, 1.1)),
        "settle": st.integers(1, 20),
    }
)
GIVEN = st.dictionaries(st.integers(0, 3), st.sampled_from([1, 2, 3]), max_size=2)


def rerun(model: MockModel, settings: dict[str, Any], size: dict[str, int], fixed: dict[int, int]) -> ByHand:
    """Fill and edit from one set of predictions; a block ends with a pass without masks that edits nothing."""
    canvas = ByHand(model, **size, fixed=fixed)
    for block in canvas.blocks():
        after = 0
        while True:
            masked = [i for i in canvas.masked if i in block]
            after += not masked
            if after > settings["settle"]:
                break
            logits = canvas.logits()
            p, top = softmax(logits), logits.argmax(1)
            text = [i for i in masked if canvas.writable(int(top[i]))]
            fill = [i for i in text if above(p[i].max(), settings["threshold"])] or rather(p.max(1), text)[:1]
            edit = [
                i
                for i in block
                if i not in masked and i not in fixed and top[i] != canvas.text[i] and canvas.writable(int(top[i]))
                if above(p[i].max(), settings["edit_threshold"])
            ]
            canvas.write({i: int(top[i]) for i in [*fill, *edit]}, logits, block)
            if not masked and not edit:
                break
    return canvas


@given(models, SETTINGS, sizes(), GIVEN)
def test_a_run_is_what_the_rule_says(
    model: MockModel, settings: dict[str, Any], size: dict[str, int], fixed: dict[int, int]
) -> None:
    fixed = {place: token for place, token in fixed.items() if place < size["gen_length"]}
    wanted = settled(rerun, model, settings, size, fixed)
    expect_events(run(model, make_decoder("editing", settings), fixed=fixed, **size), wanted.steps)


@given(models, SETTINGS, sizes())
def test_every_block_ends_with_a_pass_without_masks(
    model: MockModel, settings: dict[str, Any], size: dict[str, int]
) -> None:
    trace = run(model, make_decoder("editing", settings), **size)
    for start in range(0, size["gen_length"], size["block_length"]):
        block = slice(start, start + size["block_length"])
        passes = (np.flatnonzero(trace.block_starts == start) + 1).tolist()
        clear = [step for step in passes if not (trace.canvas(step - 1)[block] == model.mask_id).any()]
        assert 1 <= len(clear) <= settings["settle"]
        assert clear == passes[-len(clear) :]
        changes = [int((trace.event_steps == step).sum()) for step in clear]
        assert all(changes[:-1])
        assert changes[-1] == 0 or len(clear) == settings["settle"]


class Restless(MockModel):
    """At generated position 1 it is always sure of another token than the one that stands there."""

    def _logits(self, ids: np.ndarray) -> torch.Tensor:
        logits = torch.zeros(*ids.shape, self.vocab_size)
        logits[..., 5] = 9.0
        place = len(PROMPT) + 1
        logits[:, place, 7] = torch.from_numpy(np.where(ids[:, place] == 7, 0.0, 20.0)).float()
        logits[:, place, 6] = torch.from_numpy(np.where(ids[:, place] == 7, 20.0, 0.0)).float()
        return logits


def test_a_block_that_never_settles_ends_after_its_last_passes() -> None:
    for settle in (1, 3, 16):
        trace = run(Restless(), make_decoder("editing", {"settle": settle}), gen_length=4, block_length=4)
        clear = [s for s in range(1, trace.forward_passes + 1) if not (trace.canvas(s - 1) == 12).any()]
        assert len(clear) == settle
        assert trace.edited == settle
        assert trace.complete


def test_an_editing_threshold_above_one_never_edits() -> None:
    for seed in range(20):
        trace = run(MockModel(seed), make_decoder("editing", {"edit_threshold": 1.5}), gen_length=12, block_length=6)
        assert trace.edited == 0
        assert trace.forward_passes == len(set(trace.event_steps.tolist())) + 2, "one look per block, for nothing"


def test_speed_replaces_whatever_another_token_beats() -> None:
    edited = [
        run(MockModel(seed), make_decoder("editing", preset=preset), gen_length=12, block_length=12).edited
        for preset in ("LLaDA2.1", "quality", "speed")
        for seed in range(10)
    ]
    plain, quality, speed = (sum(edited[start : start + 10]) for start in (0, 10, 20))
    assert plain < quality < speed


def test_what_is_held_against_what() -> None:
    trace = next(
        trace
        for seed in range(50)
        if (trace := run(MockModel(seed), make_decoder("editing"), gen_length=8, block_length=8)).edited
    )
    event = int(np.flatnonzero(trace.event_reasons == Reason.EDITED)[0])
    step, place = int(trace.event_steps[event]), int(trace.event_positions[event])
    edit = trace.explain(step, place)
    assert edit.bar == pytest.approx(0.9)
    assert edit.score == edit.guess.raw_p > 0.9
    assert edit.stood is not None
    assert edit.stood.token_id != edit.guess.token_id == trace.event_ids[event]
    fill = trace.explain(1, int(trace.event_positions[0]))
    assert fill.bar == pytest.approx(0.95)
    assert fill.stood is None
    last = trace.forward_passes
    still = [trace.explain(last, place) for place in range(8)]
    assert all(found.reason is None for found in still)
    assert all(np.isnan(found.bar) == (found.stood and found.stood.token_id == found.guess.token_id) for found in still)


def test_a_block_settles_before_the_text_may_end() -> None:
    model = MockModel(favour={1: 99.0})
    trace = run(model, make_decoder("editing"), gen_length=8, block_length=4, early_stop=True)
    assert trace.forward_passes == 2, "one pass fills the block, one finds nothing to edit"
    assert trace.reason.tolist() == [Reason.CONFIDENT] * 4 + [Reason.FILLED] * 4
    assert trace.event_steps.tolist() == [1] * 4 + [2] * 4


@pytest.mark.parametrize("habit", ["mask", "no text"])
def test_nothing_is_edited_to_what_has_no_text(habit: str) -> None:
    model = MockModel(3, token_limit=11)
    blocked = model.mask_id if habit == "mask" else 11
    trace = run(model, make_decoder("editing", preset="speed"), gen_length=8, block_length=8)
    model._context[:, blocked] += 99
    again = run(model, make_decoder("editing", preset="speed"), gen_length=8, block_length=8)
    assert trace.complete
    assert again.complete
    assert again.edited == 0
