"""Prophet against its rule: vanilla until the gap is wide, then everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.trace.record import Reason
from tests.by_hand import ByHand, expect_events, models, rather, settled
from tests.cases import assert_same_writes
from tests.restated import CloseCall, softmax
from tests.support import MockModel, run, sizes

GAPS = st.fixed_dictionaries({name: st.floats(0, 12) for name in ("gap_early", "gap_middle", "gap_late")})
GIVEN = st.dictionaries(st.integers(0, 3), st.sampled_from([1, 2, 3]), max_size=2)


def rerun(
    model: MockModel, settings: dict[str, Any], size: dict[str, int], per_block: int, fixed: dict[int, int]
) -> ByHand:
    """Low-confidence quota with `per_block` steps in each block; before each write, the gap is looked at."""
    canvas = ByHand(model, **size, fixed=fixed)
    total = per_block * (canvas.length // canvas.block_length)
    for block in canvas.blocks():
        quotas = [len(block) // per_block + (k < len(block) % per_block) for k in range(per_block)]
        while masked := [i for i in canvas.masked if i in block]:
            logits = canvas.logits()
            top, p = logits.argmax(1), softmax(logits)
            best_two = np.sort(logits, 1)[:, ::-1][:, :2]
            gaps = np.where([canvas.writable(int(t)) for t in top], best_two[:, 0] - best_two[:, 1], 0.0)
            progress = (len(canvas.steps) + 1) / total
            name = "gap_early" if progress < 0.33 else "gap_middle" if progress < 0.67 else "gap_late"
            mean = gaps[canvas.masked].mean()
            if abs(mean - settings[name]) < 1e-9 and settings[name]:
                raise CloseCall
            quota = quotas.pop(0) if quotas else 1
            if mean >= settings[name]:
                chosen = [i for i in canvas.masked if canvas.writable(int(top[i]))]
            else:
                chosen = rather(p.max(1), [i for i in masked if canvas.writable(int(top[i]))])[:quota]
            canvas.write({i: int(top[i]) for i in chosen}, logits, block)
    return canvas


@given(models, GAPS, sizes(), GIVEN, st.data())
def test_a_run_is_what_the_rule_says(
    model: MockModel, gaps: dict[str, float], size: dict[str, int], fixed: dict[int, int], data: st.DataObject
) -> None:
    per_block = data.draw(st.integers(1, size["block_length"]))
    fixed = {place: token for place, token in fixed.items() if place < size["gen_length"]}
    steps = per_block * (size["gen_length"] // size["block_length"])
    wanted = settled(rerun, model, gaps, size, per_block, fixed)
    trace = run(model, make_decoder("prophet", {**gaps, "steps": steps}), fixed=fixed, **size)
    expect_events(trace, wanted.steps)


@given(models, sizes())
def test_a_gap_that_is_never_reached_is_vanilla(model: MockModel, size: dict[str, int]) -> None:
    never = dict.fromkeys(("gap_early", "gap_middle", "gap_late"), 100.0)
    assert_same_writes(run(model, make_decoder("prophet", never), **size), run(model, make_decoder("vanilla"), **size))


@given(models, sizes())
def test_a_gap_of_nothing_answers_at_once(model: MockModel, size: dict[str, int]) -> None:
    model._place[:, model.mask_id] = -99
    model._context[:, model.mask_id] = 0
    trace = run(model, make_decoder("prophet", {"gap_early": 0.0, "gap_middle": 0.0, "gap_late": 0.0}), **size)
    assert trace.forward_passes == 1
    assert set(trace.event_reasons.tolist()) == {Reason.ANSWERED}


@pytest.mark.parametrize(
    ("gap", "answers_in"),
    [(8.0, 1), (6.0, 4), (4.0, 9), (2.0, None)],  # of 12 steps: thirds begin at steps 1, 4 and 9
)
def test_the_bar_falls_by_thirds_of_the_steps(gap: float, answers_in: int | None) -> None:
    model = MockModel(sharpness=0.0, favour={5: gap})
    trace = run(model, make_decoder("prophet"), gen_length=12, block_length=4)
    answered = trace.event_steps[trace.event_reasons == Reason.ANSWERED]
    assert (int(answered[0]) if len(answered) else None) == answers_in
    assert trace.forward_passes == (answers_in or 12)


def test_what_is_held_against_what() -> None:
    trace = run(MockModel(sharpness=0.0, favour={5: 6.0}), make_decoder("prophet"), gen_length=12, block_length=4)
    before, jump = trace.explain(1, 0), trace.explain(4, 11)
    assert before.reason == Reason.SCHEDULED
    assert before.score == before.guess.raw_p
    assert (jump.reason, jump.bar) == (Reason.ANSWERED, 5.0)
    assert jump.score == pytest.approx(6.0)
    assert trace.channels["gap"] == pytest.approx(6.0)


def test_a_guess_of_the_mask_token_counts_as_undecided_and_waits() -> None:
    model = MockModel(sharpness=0.0, favour={5: 20.0})
    model._place[(2 + 3) * 7 % 97, model.mask_id] = 40.0  # generated position 3
    trace = run(model, make_decoder("prophet"), gen_length=8, block_length=8)
    assert trace.forward_passes == 2
    assert trace.channels["gap"][trace.positions == 3].tolist() == [0.0, 0.0]
    assert trace.reason[3] == Reason.FORCED
    assert trace.complete
