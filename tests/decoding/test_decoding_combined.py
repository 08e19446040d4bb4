"""Credit joined to other rules: what must hold between a rule with credit and the same rule without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.credit import CreditDecoder
from credit_viz.decoding.settings import knobs
from credit_viz.trace.record import Reason, Trace
from tests.support import MockModel, mocks, run, settings_of, sizes

#: the rule that a decoder becomes when its credit has no weight.
PLAIN = {
    "credit": "threshold",
    "credit-margin": "margin",
    "credit-factor": "factor",
    "credit-hierarchy": "hierarchy",
    "dense-credit": "threshold",
}
WITH_CREDIT = sorted(name for name, kind in DECODERS.items() if issubclass(kind, CreditDecoder))


def expect_same_writes(one: Trace, two: Trace, reasons: bool = True) -> None:
    for name in ("event_steps", "event_positions", "event_ids", *(["event_reasons"] * reasons)):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.forward_passes == two.forward_passes


def test_every_decoder_with_credit_is_covered() -> None:
    assert sorted([*PLAIN, "credit-top-n"]) == WITH_CREDIT


@pytest.mark.parametrize("name", PLAIN)
@given(model=mocks, size=sizes(), data=st.data())
def test_without_strength_a_rule_is_its_plain_one(
    name: str, model: MockModel, size: dict[str, int], data: st.DataObject
) -> None:
    settings = data.draw(settings_of(name)) | {"alpha": 0.0}
    options = {**size, "seed": data.draw(st.integers(0, 9))}
    plain = DECODERS[PLAIN[name]].settings_class
    shared = {k.name: settings[k.name] for k in knobs(plain)}
    expect_same_writes(
        run(model, make_decoder(name, settings), **options),
        run(model, make_decoder(PLAIN[name], shared), **options),
    )


@given(mocks, sizes(), st.data())
def test_without_strength_top_n_is_the_fixed_schedule(
    model: MockModel, size: dict[str, int], data: st.DataObject
) -> None:
    per_block = data.draw(st.sampled_from([n for n in range(1, 9) if size["block_length"] % n == 0]))
    steps = size["gen_length"] // per_block
    temperature = data.draw(st.sampled_from([0.0, 0.7]))
    top_n = make_decoder("credit-top-n", {"alpha": 0.0, "count": per_block, "temperature": temperature})
    schedule = run(model, make_decoder("vanilla", {"steps": steps, "temperature": temperature}), **size)
    assume(schedule.forward_passes == steps)  # no guess of the mask held the schedule up
    expect_same_writes(run(model, top_n, **size), schedule)


@given(mocks, sizes(), st.data())
def test_top_one_is_a_threshold_that_nothing_passes(
    model: MockModel, size: dict[str, int], data: st.DataObject
) -> None:
    knobs_of_credit: dict[str, Any] = data.draw(settings_of("credit"))
    del knobs_of_credit["threshold"]
    one = run(model, make_decoder("credit-top-n", {**knobs_of_credit, "count": 1}), **size)
    forced = run(model, make_decoder("credit", {**knobs_of_credit, "threshold": 2.0}), **size)
    expect_same_writes(one, forced, reasons=False)
    assert set(one.event_reasons.tolist()) <= {Reason.SCHEDULED, Reason.FORCED}
    assert set(forced.event_reasons.tolist()) == {Reason.FORCED}


@pytest.mark.parametrize("name", PLAIN)
@given(model=mocks, size=sizes(), data=st.data())
def test_credit_is_the_reason_only_where_the_raw_score_fails(
    name: str, model: MockModel, size: dict[str, int], data: st.DataObject
) -> None:
    trace = run(model, make_decoder(name, data.draw(settings_of(name))), **size, top_k=model.vocab_size)
    others = np.where(trace.candidate_ids == trace.winner_ids[:, None], 0, trace.candidate_p).max(1)
    raw = trace.winner_p - others if "margin" in trace.info.score else trace.winner_p
    cells = {(int(t), int(i)): cell for cell, (t, i) in enumerate(zip(trace.cell_steps, trace.positions, strict=True))}
    for step, place, why in zip(trace.event_steps, trace.event_positions, trace.event_reasons, strict=True):
        cell = cells[int(step), int(place)]
        if why in (Reason.CONFIDENT, Reason.CREDIT):
            assert (raw[cell] >= trace.channels["bar"][cell]) == (why == Reason.CONFIDENT)


@pytest.mark.parametrize("name", WITH_CREDIT)
def test_credit_writes_what_the_rule_alone_would_not(name: str) -> None:
    """With strength, each of them uses its credit: on some canvas it decides otherwise than without."""
    sizes_ = {"gen_length": 24, "block_length": 12}
    differ = 0
    for seed in range(12):
        model = MockModel(seed, sharpness=1.0)
        strong, none = (make_decoder(name, {"alpha": alpha, "beta": 0.9}) for alpha in (2.0, 0.0))
        differ += run(model, strong, **sizes_).commit_step.tolist() != run(model, none, **sizes_).commit_step.tolist()
    assert differ >= 6


@given(mocks, sizes(), st.data())
def test_dense_credit_of_any_token(model: MockModel, size: dict[str, int], data: st.DataObject) -> None:
    """Every candidate's credit is the decayed sum of its own p^gamma while its position was masked."""
    settings = data.draw(settings_of("dense-credit")) | {"beta": 0.5, "gamma": 0.7, "alpha": 1.0}
    trace = run(model, make_decoder("dense-credit", settings), **size, top_k=model.vocab_size)
    earned = np.zeros((size["gen_length"], model.vocab_size))
    for record in trace.steps():
        inside = (record.positions >= record.block[0]) & (record.positions < record.block[1])
        places, ids = record.positions[inside][:, None], record.candidate_ids[inside]
        earned[places, ids] = earned[places, ids] * 0.5 + record.candidate_p[inside].astype(float) ** 0.7
        np.testing.assert_allclose(record.candidate_credit[inside], earned[places, ids], rtol=1e-4, atol=1e-5)
        weights = record.candidate_p[inside] * (1 + earned[places, ids])
        np.testing.assert_allclose(
            record.candidate_fused[inside], weights / weights.sum(1, keepdims=True), rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dense_credit_earns_for_the_second_best_too(dtype: torch.dtype) -> None:
    """Where the sparse rule lifts the winner alone, here the runner-up is lifted with it."""
    model = MockModel(4, sharpness=0.3, dtype=dtype)
    sizes_ = {"gen_length": 8, "block_length": 8, "top_k": 3}
    dense, sparse = (run(model, make_decoder(n, {"threshold": 2.0}), **sizes_) for n in ("dense-credit", "credit"))
    assert (dense.candidate_credit > 0).all()
    assert (sparse.candidate_credit == 0).any()
