"""Whole runs against the rules written once more in float64 numpy (tests/restated.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.settings import knobs
from tests.restated import RULES, CloseCall, restated_run
from tests.support import MockModel, knob_values, run, sizes

#: sharper models have probabilities that round to 1, where float64 no longer tells positions apart.
models = st.builds(
    MockModel,
    seed=st.integers(0, 10_000),
    vocab_size=st.integers(5, 16),
    sharpness=st.sampled_from([0.0, 0.3, 1.0, 3.0]),
    dtype=st.just(torch.float64),
)
#: knobs whose whole range says little in a short run.
NARROWED: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.just(0.0),
    "guidance": st.just(0.0),
    "order": st.sampled_from(["confidence", "entropy", "margin"]),
    "alpha": st.one_of(st.none(), st.floats(0, 2)),
    "gamma": st.floats(0, 2),
    "factor": st.floats(0, 4),
    "count": st.integers(1, 4),
    "threshold": st.floats(0.1, 1.1),
    "margin": st.floats(0, 1.1),
    "high": st.one_of(st.none(), st.floats(0, 1.1)),
    "low": st.one_of(st.none(), st.floats(0, 1.1)),
}


@st.composite
def cases(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Settings and sizes; vanilla takes steps that divide evenly over its blocks, as the authors' code asks for."""
    described = knobs(DECODERS[name].settings_class)
    settings = {k.name: draw(NARROWED[k.name] if k.name in NARROWED else knob_values(k)) for k in described}
    size = draw(sizes())
    if name == "vanilla":
        steps = draw(st.integers(1, size["block_length"]))
        settings["steps"] = steps * (size["gen_length"] // size["block_length"])
    return settings, size


def expect_same(name: str, model: MockModel, settings: dict[str, Any], size: dict[str, int]) -> None:
    blocks = size["gen_length"] // size["block_length"]
    told = {**settings, "steps of block": (settings.get("steps") or 0) // blocks}
    try:
        wanted = restated_run(model, lambda: RULES[name](told), **size, guidance=settings.get("guidance", 0.0))
    except CloseCall:
        assume(False)
    trace = run(model, make_decoder(name, settings), **size)
    np.testing.assert_array_equal(trace.token_ids, wanted.ids)
    np.testing.assert_array_equal(trace.commit_step, wanted.steps)
    assert trace.forward_passes == wanted.passes


@pytest.mark.parametrize("name", RULES)
@given(model=models, data=st.data())
def test_a_run_is_what_the_rule_says(name: str, model: MockModel, data: st.DataObject) -> None:
    settings, size = data.draw(cases(name))
    expect_same(name, model, settings, size)


@given(models, cases("vanilla"), st.floats(0.1, 4))
def test_guidance_is_the_formula(
    model: MockModel, drawn: tuple[dict[str, Any], dict[str, int]], guidance: float
) -> None:
    settings, size = drawn
    expect_same("vanilla", model, {**settings, "guidance": guidance}, size)


@pytest.mark.parametrize("name", [n for n in RULES if "alpha" in {k.name for k in knobs(DECODERS[n].settings_class)}])
@pytest.mark.parametrize("preset", ["dInfer", "tuning-free", "no history"])
@pytest.mark.parametrize("seed", range(3))
def test_presets_of_credit(name: str, preset: str, seed: int) -> None:
    settings = make_decoder(name, preset=preset).settings.to_dict()
    expect_same(name, MockModel(seed, dtype=torch.float64), settings, {"gen_length": 24, "block_length": 8})
