"""Switches that decoders combine with: in what sense a run may differ from the plain one, and what its trace says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from credit_viz.decoding import make_decoder
from credit_viz.errors import SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from credit_viz.trace.record import Reason, Trace
from tests.support import MockModel, run, run_lanes

PROMPT = (5, 6, 7, 8)
SIZE: dict[str, Any] = {"gen_length": 24, "block_length": 8}
NAMES = ["vanilla", "threshold", "credit", "factor", "hierarchy"]
CACHES = ["none", "prefix", "dual"]


@contextmanager
def output_rows(model: DiffusionLM) -> Iterator[list[int]]:
    """Rows that the output layer ran on, per call."""
    rows: list[int] = []
    head = model.network.get_submodule("lm_head")
    hook = head.register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0].shape[:-1].numel()))
    try:
        yield rows
    finally:
        hook.remove()


def same_run(one: Trace, other: Trace) -> None:
    """Same writes at the same steps for the same reasons, and equal numbers but for rounding."""
    for name in ("event_steps", "event_positions", "event_ids", "event_reasons", "positions", "candidate_ids"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name in ("candidate_p", "candidate_credit", "winner_p", "fused", "entropy"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-5, err_msg=name)


# ------------------------------------------------------------------ needed rows


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("record", ["all", "block"])
def test_needed_rows_change_nothing(peaky: DiffusionLM, name: str, cache: str, record: str) -> None:
    options = SIZE | {"cache": cache, "record": record}
    with output_rows(peaky) as all_rows:
        plain = run(peaky, make_decoder(name), PROMPT, **options)
    with output_rows(peaky) as needed_rows:
        needed = run(peaky, make_decoder(name), PROMPT, **options, logits_to_keep="needed")
    same_run(plain, needed)
    assert (plain.info.logits_to_keep, needed.info.logits_to_keep) == ("all", "needed")
    # all that are generated (or computed); needed are those from the block on, or the block's
    starts, ends = plain.block_starts, plain.block_ends
    first = np.r_[True, starts[1:] != starts[:-1]]
    until = np.where(first | (cache != "dual"), 24, ends)
    assert all_rows == (until - np.where(first | (cache == "none"), 0, starts)).tolist()
    assert needed_rows == (np.where(record == "all", until, ends) - starts).tolist()
    assert sum(needed_rows) < sum(all_rows)


def test_needed_rows_of_lanes_that_share_a_pass(peaky: DiffusionLM) -> None:
    decoders = [make_decoder("vanilla"), make_decoder("credit")]
    for batched in (False, True):
        together = run_lanes(peaky, decoders, batched, **SIZE, logits_to_keep="needed")
        for trace, decoder in zip(together, decoders, strict=True):
            same_run(trace, run(peaky, decoder, (2, 3), **SIZE))


# ------------------------------------------------------------------ early stop


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("keep", ["all", "needed"])
def test_early_stop_ends_a_run_with_a_cache(peaky: DiffusionLM, cache: str, keep: str) -> None:
    options = SIZE | {"cache": cache, "logits_to_keep": keep}
    whole = run(peaky, make_decoder("credit"), PROMPT, **options)
    # the token that stands at position 9 ends the text from now on
    peaky.eos_ids, before = (int(whole.token_ids[9]),), peaky.eos_ids
    try:
        stopped = run(peaky, make_decoder("credit"), PROMPT, **options, early_stop=True)
    finally:
        peaky.eos_ids = before
    assert stopped.complete
    steps = stopped.forward_passes
    assert steps < whole.forward_passes
    kept = stopped.reason != int(Reason.FILLED)
    assert 0 < kept.sum() < 24
    # until then it is the same run
    np.testing.assert_array_equal(stopped.token_ids[kept], whole.token_ids[kept])
    np.testing.assert_array_equal(stopped.commit_step[kept], whole.commit_step[kept])


# ------------------------------------------------------------------ half precision


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_runs_to_the_end(halves: dict[str, DiffusionLM], dtype: str, cache: str, name: str) -> None:
    trace = run(halves[dtype], make_decoder(name), PROMPT, **SIZE, cache=cache)
    assert trace.complete
    assert (trace.info.dtype, trace.info.cache) == (dtype, cache)
    for field in (trace.candidate_p, trace.fused, trace.entropy):
        assert np.isfinite(field).all()
        assert field.dtype == np.float32


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_differs_by_its_rounding(peaky: DiffusionLM, halves: dict[str, DiffusionLM], dtype: str) -> None:
    """Logits to within some steps of the smaller number format; tokens may therefore differ where two guesses tie."""
    canvas = torch.tensor([[*PROMPT, *[peaky.mask_id] * 24]])
    exact, rounded = peaky.token_logits(canvas), halves[dtype].token_logits(canvas)
    assert rounded.dtype == getattr(torch, dtype)
    error = (rounded.float() - exact).abs().max() / exact.abs().max()
    assert 0 < error < 8 * torch.finfo(rounded.dtype).eps


@pytest.fixture(scope="module")
def halves(fixtures: Path) -> dict[str, DiffusionLM]:
    return {dtype: load_model(fixtures / "llada_peaky", device="cpu", dtype=dtype) for dtype in ("bfloat16", "float16")}


# ------------------------------------------------------------------ together


@pytest.mark.parametrize("cache", ["prefix", "dual"])
def test_lanes_with_a_cache_have_passes_of_their_own(peaky: DiffusionLM, cache: str) -> None:
    decoders = [make_decoder(name) for name in NAMES]
    together = run_lanes(peaky, decoders, batched=True, **SIZE, cache=cache)
    for trace, decoder in zip(together, decoders, strict=True):
        same_run(trace, run(peaky, decoder, (2, 3), **SIZE, cache=cache))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cache", ["prefix", "dual"])
def test_a_run_begins_as_the_plain_run(peaky: DiffusionLM, name: str, cache: str) -> None:
    """The first pass is a plain one, so is what it writes; later passes may differ."""
    plain, cached = (run(peaky, make_decoder(name), PROMPT, **SIZE, cache=mode) for mode in ("none", cache))
    assert cached.complete
    cells = plain.cell_counts[0]
    assert cached.cell_counts[0] == cells
    np.testing.assert_allclose(plain.candidate_p[:cells], cached.candidate_p[:cells], rtol=1e-4, atol=1e-5)
    for field in ("event_positions", "event_ids"):
        one, other = (getattr(trace, field)[trace.event_steps == 1] for trace in (plain, cached))
        np.testing.assert_array_equal(one, other)


def test_what_excludes_each_other_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"cache mode for this model.*'dual'.*none"):
        run(MockModel(), make_decoder("threshold"), **SIZE, cache="dual")
    model = MockModel()
    model.abilities |= {"dual cache"}
    with pytest.raises(SettingsError, match="'dual' cannot serve decoder 'wino', which needs shadow"):
        run(model, make_decoder("wino"), **SIZE, cache="dual")
    with pytest.raises(SettingsError, match=r"logits_to_keep.*'some'.*all, needed"):
        run(model, make_decoder("wino"), **SIZE, logits_to_keep="some")
