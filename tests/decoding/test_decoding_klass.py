"""KLASS against its rule, and what it remembers over blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Block
from credit_viz.decoding.klass import Klass, KlassState
from credit_viz.decoding.options import RunOptions
from credit_viz.decoding.predictions import Predictions
from credit_viz.errors import SettingsError
from credit_viz.trace.record import Reason
from tests.by_hand import ByHand, above, expect_events, models, rather, settled
from tests.restated import softmax
from tests.support import MockModel, run, sizes

SETTINGS = st.fixed_dictionaries(
    {
        "threshold": st.one_of(st.floats(0.05, 1.1), st.just(0.05)),
        "divergence": st.sampled_from([0.001, 0.01, 0.1, 0.5, 2.0, 8.0]),
        "passes": st.integers(1, 4),
    }
)
GIVEN = st.dictionaries(st.integers(0, 3), st.sampled_from([1, 2, 3]), max_size=2)


def rerun(model: MockModel, settings: dict[str, Any], size: dict[str, int], fixed: dict[int, int]) -> ByHand:
    """KLASS as its authors' code for LLaDA states it, with one token where nothing is ready."""
    canvas, wanted = ByHand(model, **size, fixed=fixed), settings["passes"]
    before = np.zeros((canvas.length, model.vocab_size))
    history = np.zeros((wanted, canvas.length))
    for block in canvas.blocks():
        index = 0
        while masked := [i for i in canvas.masked if i in block]:
            logits = canvas.logits()
            p = softmax(logits)
            moved = (p * (np.log(p + 1e-12) - np.log(before + 1e-12))).sum(1)
            history = np.concatenate([history[1:], moved[None]])
            text = [i for i in masked if canvas.writable(int(p[i].argmax()))]
            ready = [
                i
                for i in text
                if index >= wanted - 1
                and not any(above(move, settings["divergence"], 1e-3 * move + 1e-9) for move in history[:, i])
                and above(p[i].max(), settings["threshold"])
            ]
            chosen = ready or rather(p.max(1), text)[:1]
            canvas.write({i: int(p[i].argmax()) for i in chosen}, logits, block)
            before, index = p, index + 1
    return canvas


@given(models, SETTINGS, sizes(), GIVEN)
def test_a_run_is_what_the_rule_says(
    model: MockModel, settings: dict[str, Any], size: dict[str, int], fixed: dict[int, int]
) -> None:
    fixed = {place: token for place, token in fixed.items() if place < size["gen_length"]}
    wanted = settled(rerun, model, settings, size, fixed)
    expect_events(run(model, make_decoder("klass", settings), fixed=fixed, **size), wanted.steps)


def test_the_first_token_by_the_rule_comes_when_it_has_been_stable_n_times() -> None:
    """A model that never changes its mind: the first pass has nothing to compare with."""
    for passes in (1, 2, 3):
        model = MockModel(favour={5: 99.0})
        model._context[:] = 0
        trace = run(model, make_decoder("klass", {"passes": passes}), gen_length=8, block_length=8)
        first = trace.event_steps[trace.event_reasons == Reason.CONFIDENT].min()
        assert first == passes + 1


@pytest.mark.parametrize(("passes", "first"), [(1, 1), (2, 2), (3, 3)])
def test_a_later_block_knows_what_was_seen_before_it_began(passes: int, first: int) -> None:
    model = MockModel(favour={5: 99.0})
    model._context[:] = 0
    trace = run(model, make_decoder("klass", {"passes": passes}), gen_length=16, block_length=8)
    began = int(trace.cell_steps[trace.block_starts[trace.cell_steps - 1] == 8].min())
    later = (trace.event_reasons == Reason.CONFIDENT) & (trace.event_steps >= began)
    assert trace.event_steps[later].min() == began + first - 1


def test_what_is_recorded_of_the_change() -> None:
    trace = run(MockModel(2), make_decoder("klass", {"divergence": 0.5}), gen_length=12, block_length=6)
    first = trace.cell_steps == 1
    assert np.isnan(trace.channels["divergence"][first]).all()
    assert (trace.channels["divergence"][~first] >= -1e-6).all()
    inside = (trace.positions >= trace.block_starts[trace.cell_steps - 1]) & (
        trace.positions < trace.block_ends[trace.cell_steps - 1]
    )
    assert np.isnan(trace.channels["bar"][~inside]).all()
    assert set(trace.channels["bar"][inside].tolist()) <= {np.inf, float(np.nextafter(np.float32(0.9), np.float32(1)))}
    stable = trace.grid("stable")
    moved = trace.grid("divergence")
    for place in range(12):
        for step in range(1, trace.forward_passes):
            if not np.isnan(stable[place, step]):
                grown = stable[place, step - 1] + 1 if moved[place, step] < 0.5 else 0
                assert stable[place, step] == grown


def test_the_change_is_that_from_the_last_distribution_to_this_one() -> None:
    """KL is not symmetric: the current distribution comes first."""
    model = MockModel(5)
    trace = run(model, make_decoder("klass"), gen_length=12, block_length=6)
    logits = [torch.log_softmax(called[0].double(), -1).numpy() for called in model.logits]
    told_apart = 0
    for step, place, moved in zip(trace.cell_steps, trace.positions, trace.channels["divergence"], strict=True):
        if step > 1:
            now, before = logits[step - 1][place], logits[step - 2][place]
            assert moved == pytest.approx((np.exp(now) * (now - before)).sum(), rel=1e-3, abs=1e-5)
            told_apart += abs(moved - (np.exp(before) * (before - now)).sum()) > 0.01
    assert told_apart > 10


def test_it_keeps_one_distribution_and_copies_none() -> None:
    logits = torch.randn(12, 50)
    state = Klass().start(Block(0, 3, 0, 4, 12, torch.device("cpu")))
    state = state.seen(Predictions(logits, 49, 50), 0.01)
    later = Klass().start(Block(2, 3, 8, 4, 12, torch.device("cpu"), before=state))
    assert isinstance(later, KlassState)
    assert later.last is not None
    assert later.last.logits.data_ptr() == logits[8:].data_ptr()
    assert later.last.logits.shape == (4, 50)


@pytest.mark.parametrize("shape", [(3, 11), (40, 16 * 512)])
def test_divergence_is_the_formula(shape: tuple[int, int]) -> None:
    now, then = (torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3 for seed in (1, 2))
    found = Predictions(now, 0, shape[1]).divergence(Predictions(then, 0, shape[1]))
    p, q = (torch.softmax(logits.double(), -1) for logits in (now, then))
    wanted = (p * ((p + 1e-12).log() - (q + 1e-12).log())).sum(-1)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-5)


def test_a_token_that_became_impossible_has_a_finite_price() -> None:
    now, then = torch.zeros(1, 4), torch.zeros(1, 4)
    then[0, 1] = -torch.inf
    found = Predictions(now, 3, 4).divergence(Predictions(then, 3, 4))
    assert 5 < found.item() < 10
    assert Predictions(then, 3, 4).divergence(Predictions(now, 3, 4)).item() < 1


def test_it_cannot_use_a_cache_that_computes_only_a_window() -> None:
    model = MockModel()
    model.abilities |= {"prefix cache"}
    with pytest.raises(SettingsError, match=r"'prefix' cannot serve .*'klass', which needs the whole generated region"):
        run(model, make_decoder("klass"), gen_length=8, block_length=4, cache="prefix")
    assert RunOptions(cache="prefix")
