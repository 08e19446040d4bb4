"""The numbers of `trace.explain` are those that decided: bar, score, runner-up, effective threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Block, View
from credit_viz.decoding.predictions import Predictions
from credit_viz.trace.explain import effective_threshold
from credit_viz.trace.record import Reason, Trace
from tests.support import MASK_DECODERS, MockModel, decoders, mocks, run, sizes

#: decoders that judge masked positions of one block against one bar each.
JUDGING = [name for name, kind in MASK_DECODERS.items() if not kind().needs.whole and not kind().needs.rewrites]
BY_PROBABILITY = ["threshold", "factor", "hierarchy", "credit", "credit-factor", "credit-hierarchy", "dense-credit"]


def judged_cells(trace: Trace) -> np.ndarray:
    """(N,) cells of the active block whose guess may be written."""
    inside = trace.positions >= trace.block_starts[trace.cell_steps - 1]
    inside &= trace.positions < trace.block_ends[trace.cell_steps - 1]
    return np.asarray(inside & (trace.winner_ids != trace.info.mask_id))


def traced(name: str, model: MockModel, data: st.DataObject, **options: Any) -> Trace:
    size = data.draw(sizes())
    decoder = data.draw(decoders(size["gen_length"], size["block_length"], name))
    return run(model, decoder, **size, seed=data.draw(st.integers(0, 9)), **options)


@pytest.mark.parametrize("name", JUDGING)
@given(model=mocks, data=st.data())
def test_exactly_what_reached_its_bar_was_written(name: str, model: MockModel, data: st.DataObject) -> None:
    trace = traced(name, model, data)
    for cell in np.flatnonzero(judged_cells(trace)):
        explained = trace.explain(int(trace.cell_steps[cell]), int(trace.positions[cell]))
        passed = explained.reason not in (None, Reason.FORCED)
        assert (explained.score >= explained.bar) == passed, explained
        assert explained.written is None


@pytest.mark.parametrize("name", JUDGING)
@given(model=mocks, data=st.data())
def test_a_forced_token_is_the_best_of_those_that_failed(name: str, model: MockModel, data: st.DataObject) -> None:
    trace = traced(name, model, data)
    judged = judged_cells(trace)
    scores, bars = (trace.channels.get(channel, trace.fused) for channel in ("score", "bar"))
    for step in np.unique(trace.event_steps[trace.event_reasons == Reason.FORCED]):
        here = judged & (trace.cell_steps == step)
        assert (scores[here] < bars[here]).all()
        if here.any():
            (place,) = trace.event_positions[trace.event_steps == step]
            assert trace.explain(int(step), int(place)).score == scores[here].max()


@pytest.mark.parametrize("name", JUDGING)
@given(model=mocks, data=st.data())
def test_the_runner_up_is_the_best_other_token(name: str, model: MockModel, data: st.DataObject) -> None:
    trace = traced(name, model, data, top_k=model.vocab_size)
    for cell in np.flatnonzero(judged_cells(trace))[:40]:
        explained = trace.explain(int(trace.cell_steps[cell]), int(trace.positions[cell]))
        others = trace.candidate_ids[cell] != explained.guess.token_id
        assert explained.runner_up is not None
        assert explained.runner_up.token_id != explained.guess.token_id
        assert explained.runner_up.fused_p == trace.candidate_fused[cell][others].max()
        if "margin" in trace.info.score:
            lead = explained.guess.fused_p - explained.runner_up.fused_p
            assert explained.score == pytest.approx(lead, abs=1e-6)


@pytest.mark.parametrize("name", BY_PROBABILITY)
@given(model=mocks, data=st.data())
def test_the_effective_threshold_decides_where_no_rival_has_credit(
    name: str, model: MockModel, data: st.DataObject
) -> None:
    trace = traced(name, model, data, top_k=model.vocab_size)
    rivals = np.where(trace.candidate_ids == trace.winner_ids[:, None], 0, trace.candidate_credit).max(1)
    for cell in np.flatnonzero(judged_cells(trace) & (rivals == 0)):
        explained = trace.explain(int(trace.cell_steps[cell]), int(trace.positions[cell]))
        enough, p = explained.effective_threshold, explained.guess.raw_p
        if abs(enough - p) > 1e-5:
            assert (p >= enough) == (explained.score >= explained.bar), explained


@given(st.floats(0.05, 0.99), st.floats(0.0, 3.0), st.floats(0.0, 2.0), st.integers(2, 9))
def test_at_the_effective_threshold_a_token_fuses_to_the_threshold(
    tau: float, alpha: float, gamma: float, others: int
) -> None:
    """One step of one position, where only the top-1 has credit: its boost is just what the threshold asks for."""
    p = tau
    for _ in range(200):  # the boost depends on p, so the point where both agree is approached
        p = effective_threshold(tau, alpha * np.log1p(p**gamma))
    logits = torch.full((1, others + 2), -torch.inf, dtype=torch.float64)
    logits[0, 0] = np.log(p)
    logits[0, 1 : others + 1] = np.log((1 - p) / others)
    if logits[0].argmax() != 0:
        return
    view = View.of_block(Predictions(logits, others + 1, others + 2), torch.ones(1, dtype=torch.bool))
    decoder = make_decoder("credit", {"alpha": alpha, "beta": 0.5, "gamma": gamma, "threshold": tau})
    decision = decoder.step(view, decoder.start(Block.alone(1)), torch.Generator())
    assert float(decision.fused[0]) == pytest.approx(tau, abs=1e-9)


@pytest.mark.parametrize("name", [n for n in JUDGING if n not in BY_PROBABILITY])
def test_a_score_that_is_no_probability_has_no_effective_threshold(name: str) -> None:
    values = {"order": "random"} if name == "vanilla" else {}
    trace = run(MockModel(3), make_decoder(name, values), gen_length=8, block_length=8)
    explained = trace.explain(1, 0)
    is_probability = "score" not in trace.channels
    assert np.isnan(explained.effective_threshold) != is_probability
    assert trace.info.score == make_decoder(name, values).score


@pytest.mark.parametrize("name", JUDGING)
def test_outside_the_view_nothing_is_judged(name: str) -> None:
    trace = run(MockModel(3), make_decoder(name), gen_length=12, block_length=4)
    explained = trace.explain(1, 11)
    assert np.isnan(explained.bar)
    assert explained.reason is None


def test_most_decoders_judge_one_block() -> None:
    assert set(MASK_DECODERS) - set(JUDGING) == {"klass", "prophet", "wino", "editing"}
