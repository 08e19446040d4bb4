"""Decoders for models without a mask token: unwritten positions hold random tokens, and nothing accepted is final."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from credit_viz.cli.explanation import sentence
from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.errors import SettingsError
from credit_viz.trace.codec import encode_traces
from credit_viz.trace.files import load_trace
from credit_viz.trace.record import Reason, Trace
from tests.cases import assert_same_writes, replayed
from tests.support import MASK_DECODERS, PROMPT, MockModel, run, run_lanes, settings_of, sizes

UNIFORM = [name for name in DECODERS if name not in MASK_DECODERS]
NOTHING = -1


class NoiseModel(MockModel):
    """A mock without a mask token, which also listens to what the step before tells it."""

    def __init__(self, seed: int = 0, sharpness: float = 3.0, **changes: Any) -> None:
        super().__init__(seed, sharpness=sharpness, **changes)
        self.mask_id = NOTHING
        self.abilities = frozenset({"uniform noise"})
        self.prefixes: list[int] = []
        self.told: list[Tensor | None] = []

    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        prefix: int | None = None,
        previous: Tensor | None = None,
    ) -> Tensor:
        """See UniformLM."""
        assert rows is not None
        assert prefix is not None
        assert rows.tolist() == [*range(prefix, canvas.shape[1])]
        self.prefixes.append(prefix)
        self.told.append(None if previous is None else previous.clone())
        logits = super().token_logits(canvas, rows)
        logits = logits if previous is None else logits + 0.4 * previous.clamp(min=-9)
        self.logits[-1] = logits
        return logits


few = settings(max_examples=max(5, settings().max_examples // 10))
noise_models = st.builds(NoiseModel, seed=st.integers(0, 10_000), sharpness=st.sampled_from([0.3, 1.0, 3.0, 10.0]))


def drawn_run(name: str, model: NoiseModel, data: st.DataObject, **options: Any) -> Trace:
    values = {**data.draw(settings_of(name)), "steps": data.draw(st.integers(1, 12))}
    size = data.draw(sizes())
    return run(model, make_decoder(name, values), **{**size, "seed": data.draw(st.integers(0, 99)), **options})


def last_steps(trace: Trace) -> list[int]:
    """The step, from 1, that ends each block."""
    ends = np.flatnonzero(np.diff(trace.block_starts)) + 1
    return [*ends.tolist(), trace.forward_passes]


def test_there_are_some() -> None:
    assert UNIFORM == ["uniform-entropy", "uniform-credit"]


# ------------------------------------------------------------------ what the model sees


@pytest.mark.parametrize("name", UNIFORM)
@few
@given(model=noise_models, data=st.data())
def test_the_model_sees_what_is_written_and_random_tokens_elsewhere(
    name: str, model: NoiseModel, data: st.DataObject
) -> None:
    trace = drawn_run(name, model, data)
    states = replayed(trace)
    for step, (start, end) in enumerate(zip(trace.block_starts, trace.block_ends, strict=True)):
        seen, state = model.canvases[step][0, len(PROMPT) :], states[step][:end]
        assert model.prefixes[step] == len(PROMPT) + start
        assert len(seen) == end
        assert ((seen == state) | (state == NOTHING)).all()
        assert (state[:start] != NOTHING).all()
        assert ((seen >= 0) & (seen < model.vocab_size)).all()


def test_noise_is_new_in_every_step() -> None:
    model = NoiseModel(vocab_size=16, sharpness=0.0)
    trace = run(model, make_decoder("uniform-entropy", {"steps": 10}), gen_length=16, block_length=16)
    canvases = np.stack([canvas[0, len(PROMPT) :] for canvas in model.canvases])
    noise = np.stack(replayed(trace)[:-1]) == NOTHING
    both = noise[1:] & noise[:-1]
    assert both.sum() > 100
    assert (canvases[1:] == canvases[:-1])[both].mean() < 0.2
    assert np.bincount(canvases[noise], minlength=16).min() > 0


@pytest.mark.parametrize("name", UNIFORM)
def test_each_step_tells_the_next_of_its_block_the_scaled_logits(name: str) -> None:
    model = NoiseModel(3)
    decoder = make_decoder(name, {"steps": 5, "t_min": 0.5, "t_max": 1.5, "confidence": 0.0})
    trace = run(model, decoder, gen_length=12, block_length=4)
    assert trace.forward_passes == 15
    for step, told in enumerate(model.told):
        if step % 5 == 0:
            assert told is None
        else:
            temperature = 0.5 + (6 - step % 5) / 5
            torch.testing.assert_close(told, model.logits[step - 1] / temperature)


# ------------------------------------------------------------------ what is written


@pytest.mark.parametrize("name", UNIFORM)
@few
@given(model=noise_models, data=st.data())
def test_a_block_ends_with_its_best_guesses(name: str, model: NoiseModel, data: st.DataObject) -> None:
    trace = drawn_run(name, model, data)
    assert trace.complete
    for step in last_steps(trace):
        cells = trace.cell_steps == step
        start, end = trace.block_starts[step - 1], trace.block_ends[step - 1]
        assert (trace.winner_ids[cells] == trace.token_ids[start:end]).all()
        if name == "uniform-entropy":
            assert (trace.candidate_ids[cells, 0] == trace.token_ids[start:end]).all()


@pytest.mark.parametrize("name", UNIFORM)
@few
@given(model=noise_models, data=st.data())
def test_what_is_within_the_bound_stands_after_the_step_and_nothing_else(
    name: str, model: NoiseModel, data: st.DataObject
) -> None:
    trace = drawn_run(name, model, data)
    states, last = replayed(trace), last_steps(trace)
    bound = np.float32(trace.info.settings["entropy_bound"])
    for step in range(1, trace.forward_passes + 1):
        cells = trace.cell_steps == step
        places, score, bar = trace.positions[cells], trace.channels["score"][cells], trace.channels["bar"][cells]
        stands = states[step][places] != NOTHING
        if step in last:
            assert np.isnan(bar).all()
            assert stands.all()
        else:
            assert (bar == -bound).all()
            np.testing.assert_array_equal(stands, score >= -bound)
            assert stands.any()


def test_tokens_are_taken_back_and_replaced() -> None:
    model = NoiseModel(1, sharpness=1.0)
    decoder = make_decoder("uniform-entropy", {"steps": 12, "entropy_bound": 1.0})
    trace = run(model, decoder, gen_length=32, block_length=16)
    assert trace.taken_back > 3
    assert trace.edited > 0
    assert (trace.commit_step > 0).all()
    assert set(trace.event_reasons) == {Reason.CONFIDENT, Reason.SCHEDULED, Reason.REMASKED, Reason.EDITED}


def test_a_steady_block_ends_early_and_says_so() -> None:
    decoder = make_decoder("uniform-entropy", {"confidence": 100.0, "stability": 2, "entropy_bound": 0.0})
    trace = run(NoiseModel(sharpness=30.0), decoder, gen_length=8, block_length=4)
    tops = trace.candidate_ids[:, 0].reshape(-1, 4)
    assert trace.forward_passes < 96
    for step in last_steps(trace):
        assert (tops[step - 3 : step] == tops[step - 1]).all()
    assert Reason.ANSWERED in trace.event_reasons
    never = run(
        NoiseModel(sharpness=30.0), make_decoder("uniform-entropy", {"confidence": 0.0}), gen_length=4, block_length=4
    )
    assert never.forward_passes == 48


@pytest.mark.parametrize("name", UNIFORM)
@few
@given(model=noise_models, data=st.data())
def test_given_tokens_are_shown_and_stay(name: str, model: NoiseModel, data: st.DataObject) -> None:
    size = data.draw(sizes())
    fixed = data.draw(st.dictionaries(st.integers(0, size["gen_length"] - 1), st.sampled_from([2, 3]), min_size=1))
    trace = drawn_run(name, model, data, **size, fixed=fixed)
    for place, token in fixed.items():
        assert trace.token_ids[place] == token
        assert all(c[0, len(PROMPT) + place] == token for c in model.canvases if c.shape[1] > len(PROMPT) + place)
    assert trace.complete


def test_ids_without_a_text_are_never_written() -> None:
    model = NoiseModel(token_limit=5, favour={9: 20.0})
    trace = run(model, make_decoder("uniform-credit"), gen_length=8, block_length=4)
    assert (trace.candidate_ids[:, 0] == 9).any()
    assert trace.event_ids.max() < 5
    assert max(int(canvas.max()) for canvas in model.canvases) < 5


def test_the_text_ends_with_a_block_that_holds_its_end() -> None:
    model = NoiseModel(favour={1: 30.0})
    trace = run(model, make_decoder("uniform-entropy"), gen_length=16, block_length=4, early_stop=True)
    assert set(trace.block_ends) == {4}
    assert trace.complete
    assert (trace.token_ids[4:] == 1).all()
    assert set(trace.event_reasons[trace.event_positions >= 4]) == {Reason.FILLED}


# ------------------------------------------------------------------ credit


@few
@given(model=noise_models, data=st.data())
def test_credit_without_strength_is_the_plain_rule(model: NoiseModel, data: st.DataObject) -> None:
    credit = drawn_run("uniform-credit", model, data)
    options = {name: getattr(credit.info, name) for name in ("gen_length", "block_length", "seed")}
    values = dict(credit.info.settings) | {"alpha": 0.0}
    shared = {name: values[name] for name in make_decoder("uniform-entropy").settings.to_dict()}
    assert_same_writes(
        run(model, make_decoder("uniform-credit", values), **options),
        run(model, make_decoder("uniform-entropy", shared), **options),
    )


def test_credit_is_that_of_a_full_matrix_at_every_position_and_step() -> None:
    """Restated densely in float64: what each candidate of each cell has earned, and what is made of it."""
    model, steps = NoiseModel(5, sharpness=1.0), 6
    alpha, beta, gamma = 0.7, 0.8, 0.2
    values = {"steps": steps, "alpha": alpha, "beta": beta, "gamma": gamma, "confidence": 0.0, "entropy_bound": 2.0}
    trace = run(model, make_decoder("uniform-credit", values), gen_length=8, block_length=8)
    matrix = np.zeros((8, model.vocab_size))
    for step in range(steps):
        logits = model.logits[step][0].double().numpy()
        p = torch.from_numpy(logits).softmax(-1).numpy()
        top = p.argmax(1)
        matrix *= beta
        matrix[np.arange(8), top] += p[np.arange(8), top] ** gamma
        temperature, boost = 0.4 + 0.4 * (steps - step) / steps, alpha * np.log1p(matrix)
        fused, seen = (torch.from_numpy(logits / t + boost).softmax(-1).numpy() for t in (1, temperature))
        cells = trace.cell_steps == step + 1
        ids = trace.candidate_ids[cells]
        np.testing.assert_allclose(trace.candidate_credit[cells], np.take_along_axis(matrix, ids, 1), rtol=1e-5)
        np.testing.assert_allclose(trace.candidate_fused[cells], np.take_along_axis(fused, ids, 1), rtol=1e-4)
        entropy = np.sort(-(seen * np.log(seen)).sum(1))
        carried = np.sort(-trace.channels["score"][cells])
        np.testing.assert_allclose(carried, entropy.cumsum() - entropy, rtol=1e-4, atol=1e-6)


def test_credit_accepts_what_the_plain_rule_would_not() -> None:
    trace = run(
        NoiseModel(5, sharpness=2.0), make_decoder("uniform-credit", {"alpha": 2.0}), gen_length=16, block_length=16
    )
    assert Reason.CREDIT in trace.event_reasons


# ------------------------------------------------------------------ the same again, in every form


@pytest.mark.parametrize("name", UNIFORM)
@few
@given(model=noise_models, data=st.data())
def test_what_is_recorded_changes_nothing(name: str, model: NoiseModel, data: st.DataObject) -> None:
    trace = drawn_run(name, model, data)
    options = {key: getattr(trace.info, key) for key in ("gen_length", "block_length", "seed")}
    decoder = make_decoder(name, trace.info.settings)
    assert trace.same_run(run(model, decoder, **options))
    for changes in ({"record": "block"}, {"record": "none"}, {"top_k": 1}, {"logits_to_keep": "needed"}):
        assert_same_writes(trace, run(model, decoder, **options, **changes))
    pair = [decoder, make_decoder("uniform-entropy", {"steps": 3})]
    assert_same_writes(trace, run_lanes(model, pair, True, **options)[0])


@pytest.mark.parametrize("name", UNIFORM)
def test_its_trace_is_saved_shown_and_explained(name: str, tmp_path: Any) -> None:
    decoder = make_decoder(name, {"steps": 6, "entropy_bound": 2.0})
    trace = run(NoiseModel(1, sharpness=1.0), decoder, gen_length=8, block_length=4)
    assert trace.taken_back
    trace.save(tmp_path / "run.safetensors")
    assert load_trace(tmp_path / "run.safetensors").same_run(trace)
    assert len(encode_traces("run", [trace], {})) == 3
    for step, position in zip(trace.cell_steps, trace.positions, strict=True):
        assert sentence(trace, trace.explain(int(step), int(position)))


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", MASK_DECODERS)
def test_a_model_without_a_mask_token_refuses_decoders_that_fill_masks(name: str) -> None:
    model = NoiseModel()
    model.abilities = model.abilities | {"guidance", "shadow"}
    with pytest.raises(SettingsError, match=rf"{name!r} fills masks, and this model has no mask token"):
        run(model, make_decoder(name), gen_length=4, block_length=4)
    assert model.calls == 0


@pytest.mark.parametrize("name", UNIFORM)
def test_a_model_with_a_mask_token_refuses_the_others(name: str) -> None:
    model = MockModel()
    with pytest.raises(SettingsError, match=rf"{name!r} needs uniform noise, which this model does not offer"):
        run(model, make_decoder(name), gen_length=4, block_length=4)
    assert model.calls == 0


@pytest.mark.parametrize("name", UNIFORM)
def test_there_is_no_cache_for_it(name: str) -> None:
    with pytest.raises(SettingsError, match="cache mode"):
        run(NoiseModel(), make_decoder(name), gen_length=4, block_length=4, cache="prefix")
