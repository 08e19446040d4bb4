"""Counterfactuals against decoders that really look at the same canvases, through the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from credit_viz.decoding import make_decoder
from credit_viz.decoding.events import Events
from credit_viz.decoding.forward import forward
from credit_viz.decoding.loop import Lane
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import TraceError
from credit_viz.trace.record import Trace
from credit_viz.whatif import SameState, counterfactuals
from tests.support import PROMPT, MockModel, run

SIZE = {"gen_length": 16, "block_length": 8}
TOLD = (
    *("vanilla", "prophet", "threshold", "margin", "factor", "hierarchy", "entropy-bound"),
    *("credit", "credit-margin", "credit-top-n", "credit-factor", "credit-hierarchy"),
)


def real_decisions(model: MockModel, trace: Trace, name: str) -> list[dict[int, int]]:
    """What a decoder decides in each state of a recorded run, when the model is asked: token by position."""
    lane = Lane(model, PROMPT, make_decoder(name), RunOptions(**SIZE, record="none"))
    found = []
    for record in trace.steps():
        (answer,) = forward(model, [lane.query()])
        start, end = (0, trace.gen_length) if lane.decoder.needs.whole else lane.block
        predictions = lane._predictions(answer.logits[start:end], with_entropy=True)
        decision = lane.decoder.step(lane.view(predictions), lane.state, lane.rng)
        places = torch.nonzero(decision.commit)[:, 0].tolist()
        found.append({start + place: int(decision.winner_ids[place]) for place in places})
        starts = trace.block_starts
        done = record.step < len(starts) and starts[record.step] != starts[record.step - 1]
        ids = record.event_ids.astype(np.int64)
        lane.follow(Events(record.event_positions.astype(np.int64), ids, record.event_reasons), done, decision.state)
    return found


@pytest.mark.parametrize("recorded", ["vanilla", "credit", "wino", "editing"])
@pytest.mark.parametrize("name", TOLD)
def test_each_decides_as_it_would_on_the_same_canvases(recorded: str, name: str) -> None:
    model = MockModel(11, vocab_size=30, sharpness=2.0)
    trace = run(model, make_decoder(recorded), **SIZE, top_k=20)
    wanted = real_decisions(model, trace, name)
    state = SameState(trace, [make_decoder(name)])
    # in any order: scrubbing goes back and forth
    steps = list(range(1, trace.forward_passes + 1))
    for step in [*steps[::3], *reversed(steps), *steps]:
        (found,) = state.at(step)
        assert not found.why
        assert {w.position: w.token_id for w in found.writes} == wanted[step - 1]


def test_random_order_is_drawn_as_in_a_run() -> None:
    model = MockModel(12, vocab_size=30)
    trace = run(model, make_decoder("vanilla", {"order": "random"}), **SIZE, seed=5)
    state = SameState(trace, [make_decoder("vanilla", {"order": "random"})])
    for step in (9, 3, 12):
        (found,) = state.at(step)
        assert [w.position for w in found.writes] == trace.event_positions[trace.event_steps == step].tolist()


def test_the_recorded_decoder_says_what_was_recorded() -> None:
    trace = run(MockModel(13, vocab_size=30), make_decoder("credit"), **SIZE, top_k=20)
    for step in range(1, trace.forward_passes + 1):
        own = next(found for found in counterfactuals(trace, step) if found.decoder == "credit")
        for judgement in own.judgements:
            known = trace.explain(step, judgement.position)
            assert (judgement.token_id, judgement.writes) == (known.guess.token_id, known.reason is not None)
            assert judgement.reason == (known.reason or 0)
            assert judgement.bar == pytest.approx(known.bar)
            assert judgement.score == pytest.approx(known.score, abs=2e-6)
            assert judgement.raw_p == pytest.approx(known.guess.raw_p, abs=2e-6)


def test_steps_that_are_not_there_are_refused() -> None:
    trace = run(MockModel(13), make_decoder("credit"), **SIZE)
    for step in (0, trace.forward_passes + 1):
        with pytest.raises(TraceError, match=f"step {step} is out of range; valid: 1..{trace.forward_passes}"):
            counterfactuals(trace, step)


def test_a_position_is_found_or_is_not_open() -> None:
    trace = run(MockModel(13), make_decoder("threshold"), **SIZE)
    (found,) = counterfactuals(trace, 1, [make_decoder("factor")])
    open_ = found.at(0)
    assert open_ is not None
    assert open_.active
    assert found.at(15) is None  # of the other block
    assert found.title == "Factor"
