"""Caches: which numbers are fresh, which are stale, and in what sense a run may differ from one without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from credit_viz.decoding import make_decoder
from credit_viz.errors import SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from credit_viz.trace.record import Trace
from tests.support import MASK_DECODERS, run

PROMPT, LENGTH, BLOCK = 7, 16, 4
END = PROMPT + LENGTH
BLOCKS = [(start, start + BLOCK) for start in range(PROMPT, END, BLOCK)]
APPROXIMATE = ["prefix", "dual"]
#: a cache computes no shadows, and not the whole text.
CACHEABLE = [name for name, kind in MASK_DECODERS.items() if not kind().needs.abilities and not kind().needs.whole]


@pytest.fixture(scope="session")
def mixture(fixtures: Path) -> DiffusionLM:
    return load_model(fixtures / "llada_moe", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def causal(fixtures: Path) -> DiffusionLM:
    """Block-causal, blocks of 32."""
    return load_model(fixtures / "llada2", device="cpu", dtype="float32")


@pytest.fixture(params=["dense", "mixture"])
def model(request: pytest.FixtureRequest, peaky: DiffusionLM, mixture: DiffusionLM) -> DiffusionLM:
    return peaky if request.param == "dense" else mixture


def canvas_of(model: DiffusionLM, seed: int = 0) -> Tensor:
    ids = torch.full((END,), model.mask_id)
    return torch.cat([tokens(model, PROMPT, seed), ids[PROMPT:]])


def tokens(model: DiffusionLM, count: int, seed: int) -> Tensor:
    return torch.randint(0, model.token_limit, (count,), generator=torch.Generator().manual_seed(seed))


def written(model: DiffusionLM, canvas: Tensor, start: int, end: int) -> Tensor:
    """A copy of the canvas with text at [start, end)."""
    after = canvas.clone()
    after[start:end] = tokens(model, end - start, seed=start + end)
    return after


def close(found: Tensor, expected: Tensor) -> None:
    """Equal but for the rounding of float32, whose size goes with the largest logit; a stale key makes far more."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def window(mode: str, block: tuple[int, int]) -> tuple[int, int]:
    return block[0], (block[1] if mode == "dual" else END)


def plain(model: DiffusionLM, canvas: Tensor, rows: tuple[int, int]) -> Tensor:
    return model.token_logits(canvas[None], torch.arange(*rows))[0]


# ------------------------------------------------------------------ prefix and dual cache


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_the_first_pass_of_every_block_is_a_plain_one(model: DiffusionLM, mode: str) -> None:
    cache, canvas = model.open_cache(mode), canvas_of(model)
    for start, end in BLOCKS:
        logits, rows = cache.logits(canvas, (PROMPT, END), (start, end), refresh=True)
        assert rows == (PROMPT, END)
        close(logits, plain(model, canvas, rows))
        for place in range(start, end):  # passes in between leave stale keys that the next block must not see
            canvas = written(model, canvas, place, place + 1)
            cache.logits(canvas, (PROMPT, END), (start, end), refresh=False)


@pytest.mark.parametrize("mode", APPROXIMATE)
@pytest.mark.parametrize("block", BLOCKS)
def test_while_nothing_is_written_a_later_pass_is_a_plain_one_too(
    model: DiffusionLM, mode: str, block: tuple[int, int]
) -> None:
    cache, canvas = model.open_cache(mode), written(model, canvas_of(model), PROMPT, block[0])
    cache.logits(canvas, (PROMPT, END), block, refresh=True)
    for _ in range(2):
        logits, rows = cache.logits(canvas, (PROMPT, END), block, refresh=False)
        assert rows == window(mode, block)
        close(logits, plain(model, canvas, rows))


def restated(
    model: DiffusionLM, canvas: Tensor, span: tuple[int, int], stale: list[tuple[Tensor, Tensor]] | None
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """LLaDA in plain torch: logits of the positions in span, which read `stale` keys and values everywhere else."""
    weights: dict[str, Tensor] = dict(model.network.state_dict())
    config: Any = model.network.config
    heads, eps, theta = config.num_attention_heads, config.rms_norm_eps, config.rope_parameters["rope_theta"]

    def norm(x: Tensor, name: str) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weights[f"{name}.weight"]

    def by_head(x: Tensor) -> Tensor:
        return x.view(len(x), heads, -1).transpose(0, 1)

    def rotated(x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        angles = torch.arange(*span)[:, None] / theta ** (torch.arange(half) / half)
        one, two = x[..., :half], x[..., half:]
        return torch.cat([one * angles.cos() - two * angles.sin(), two * angles.cos() + one * angles.sin()], -1)

    x, kept = weights["model.embed_tokens.weight"][canvas[slice(*span)]], []
    for layer in range(config.num_hidden_layers):
        name = f"model.layers.{layer}"
        inside = norm(x, f"{name}.input_layernorm")
        q, k, v = (by_head(inside @ weights[f"{name}.self_attn.{part}_proj.weight"].T) for part in "qkv")
        q, k = rotated(q), rotated(k)
        if stale is not None:
            before_k, before_v = stale[layer]
            k = torch.cat([before_k[:, : span[0]], k, before_k[:, span[1] :]], 1)
            v = torch.cat([before_v[:, : span[0]], v, before_v[:, span[1] :]], 1)
        kept.append((k, v))
        attention = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + attention.transpose(0, 1).flatten(1) @ weights[f"{name}.self_attn.o_proj.weight"].T
        inside = norm(x, f"{name}.post_attention_layernorm")
        gate = torch.nn.functional.silu(inside @ weights[f"{name}.mlp.gate_proj.weight"].T)
        up = inside @ weights[f"{name}.mlp.up_proj.weight"].T
        x = x + (gate * up) @ weights[f"{name}.mlp.down_proj.weight"].T
    return norm(x, "model.norm") @ weights["lm_head.weight"].T, kept


@pytest.mark.parametrize("mode", APPROXIMATE)
@pytest.mark.parametrize("block", BLOCKS)
def test_keys_outside_the_window_are_those_of_the_first_pass(
    peaky: DiffusionLM, mode: str, block: tuple[int, int]
) -> None:
    cache, canvas = peaky.open_cache(mode), written(peaky, canvas_of(peaky), PROMPT, block[0])
    first, _ = cache.logits(canvas, (PROMPT, END), block, refresh=True)
    expected, stale = restated(peaky, canvas, (0, END), None)
    close(first, expected[PROMPT:])
    for place in (block[0] + 1, block[0], block[0] + 3):
        canvas = written(peaky, canvas, place, place + 1)
        logits, rows = cache.logits(canvas, (PROMPT, END), block, refresh=False)
        expected, _ = restated(peaky, canvas, window(mode, block), stale)
        close(logits, expected)
        assert rows == window(mode, block)


def stock(model: DiffusionLM, before: Tensor, after: Tensor, span: tuple[int, int]) -> Tensor:
    """The same by the library's own growing cache: attention does not ask in which order keys are kept."""
    full, kept = DynamicCache(), DynamicCache()
    places = torch.arange(END)[None]
    model.run(before[None], places, None, 0, full)
    outside = [i for i in range(END) if not span[0] <= i < span[1]]
    for layer, slots in enumerate(full.layers):
        kept.update(slots.keys[..., outside, :], slots.values[..., outside, :], layer)
    return model.run(after[None, slice(*span)], places[:, slice(*span)], None, 0, kept)[0]


@pytest.mark.parametrize("mode", APPROXIMATE)
@pytest.mark.parametrize("block", BLOCKS)
def test_the_same_by_the_library_s_own_cache(model: DiffusionLM, mode: str, block: tuple[int, int]) -> None:
    cache, before = model.open_cache(mode), written(model, canvas_of(model), PROMPT, block[0])
    after = written(model, before, block[0], block[0] + 2)
    cache.logits(before, (PROMPT, END), block, refresh=True)
    logits, rows = cache.logits(after, (PROMPT, END), block, refresh=False)
    close(logits, stock(model, before, after, rows))


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_after_a_write_a_pass_is_an_approximation(peaky: DiffusionLM, mode: str) -> None:
    """Also where the block is all there is: the prompt saw it, so the prompt's keys are stale."""
    block = (PROMPT, END)
    cache, before = peaky.open_cache(mode), canvas_of(peaky)
    after = written(peaky, before, PROMPT, PROMPT + 4)
    cache.logits(before, block, block, refresh=True)
    logits, rows = cache.logits(after, block, block, refresh=False)
    assert rows == block
    assert (logits - plain(peaky, after, block)).abs().max() > 1e-2


def test_one_block_makes_prefix_and_dual_the_same(model: DiffusionLM) -> None:
    block, before = (PROMPT, END), canvas_of(model)
    after = written(model, before, PROMPT, PROMPT + 4)
    answers = []
    for mode in APPROXIMATE:
        cache = model.open_cache(mode)
        cache.logits(before, block, block, refresh=True)
        answers.append(cache.logits(after, block, block, refresh=False)[0])
    assert torch.equal(*answers)


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_a_network_of_one_layer_has_nothing_stale(
    peaky: DiffusionLM, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first layer's keys come from their own token alone: what is approximated begins at the second."""
    monkeypatch.setattr(peaky.network.config, "num_hidden_layers", 1)
    block = BLOCKS[1]
    cache, before = peaky.open_cache(mode), written(peaky, canvas_of(peaky), *BLOCKS[0])
    after = written(peaky, before, block[0], block[0] + 2)
    cache.logits(before, (PROMPT, END), block, refresh=True)
    logits, rows = cache.logits(after, (PROMPT, END), block, refresh=False)
    close(logits, plain(peaky, after, rows))


@pytest.mark.parametrize("mode", APPROXIMATE)
def test_only_wanted_rows_get_logits(peaky: DiffusionLM, mode: str) -> None:
    block, canvas = BLOCKS[1], canvas_of(peaky)
    cache = peaky.open_cache(mode)
    for refresh in (True, False):
        logits, rows = cache.logits(canvas, block, block, refresh)
        assert rows == block
        assert logits.shape == (BLOCK, peaky.vocab_size)
        close(logits, plain(peaky, canvas, block))


# ------------------------------------------------------------------ block cache


@pytest.mark.parametrize("prompt", [1, 20, 32, 40])
def test_block_cache_passes_are_plain_ones(causal: DiffusionLM, prompt: int) -> None:
    length = 96
    canvas = torch.cat([tokens(causal, prompt, seed=3), torch.full((length - prompt,), causal.mask_id)])
    cache = causal.open_cache("block")
    for start in range(prompt - prompt % 32, length, 32):
        block = max(prompt, start), start + 32
        for refresh, count in ((True, 3), (False, 7), (False, 32)):
            logits, rows = cache.logits(canvas, (prompt, length), block, refresh)
            assert rows[1] == block[1]
            assert rows[0] <= block[0]
            close(logits, plain(causal, canvas, rows))
            canvas = written(causal, canvas, block[0], min(block[0] + count, block[1]))


@pytest.mark.parametrize("name", CACHEABLE)
@pytest.mark.parametrize("prompt", [20, 32])
def test_a_run_with_a_block_cache_is_the_plain_run(causal: DiffusionLM, name: str, prompt: int) -> None:
    decoder = make_decoder(name)
    ids = tokens(causal, prompt, seed=5).tolist()
    options: dict[str, Any] = {"prompt_ids": ids, "gen_length": 64, "block_length": 32, "record": "block"}
    without, cached = run(causal, decoder, **options), run(causal, decoder, **options, cache="block")
    assert cached.info.cache == "block"
    same_run(without, cached)


def same_run(one: Trace, other: Trace) -> None:
    """Same events, same cells, numbers within rounding."""
    assert one.token_ids.tolist() == other.token_ids.tolist()
    assert one.event_steps.tolist() == other.event_steps.tolist()
    assert one.event_positions.tolist() == other.event_positions.tolist()
    assert one.positions.tolist() == other.positions.tolist()
    for name in ("candidate_p", "winner_p", "fused", "entropy"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-5, atol=1e-5)


# ------------------------------------------------------------------ what a run records, needs and refuses


def cells_by_step(trace: Trace) -> list[list[int]]:
    ends = trace.cell_counts.cumsum().tolist()
    return [trace.positions[end - count : end].tolist() for end, count in zip(ends, trace.cell_counts, strict=True)]


@pytest.mark.parametrize("mode", ["none", *APPROXIMATE])
def test_a_trace_has_the_positions_that_were_computed(peaky: DiffusionLM, mode: str) -> None:
    trace = run(peaky, make_decoder("vanilla"), prompt_ids=(5, 6), gen_length=12, block_length=4, cache=mode)
    commit = trace.commit_step
    starts = set()
    for step, cells in enumerate(cells_by_step(trace), 1):
        start, end = int(trace.block_starts[step - 1]), int(trace.block_ends[step - 1])
        until = end if mode == "dual" and start in starts else 12
        assert cells == [i for i in range(start, until) if commit[i] >= step]
        starts.add(start)
    assert len(starts) == 3


@pytest.mark.parametrize("mode", APPROXIMATE)
@pytest.mark.parametrize("name", ["vanilla", "threshold", "credit"])
def test_runs_do_not_touch_each_other(peaky: DiffusionLM, mode: str, name: str) -> None:
    options: dict[str, Any] = {"gen_length": 16, "block_length": 8, "cache": mode}
    alone = run(peaky, make_decoder(name), (5, 6, 7), **options)
    run(peaky, make_decoder(name), (9, 8, 7, 6, 5), **options)
    again = run(peaky, make_decoder(name), (5, 6, 7), **options)
    assert alone.complete
    assert alone.token_ids.tolist() == again.token_ids.tolist()
    assert alone.fused.tolist() == again.fused.tolist()


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("bfloat16", 2)])
def test_memory_is_what_the_module_says(fixtures: Path, dtype: str, size: int) -> None:
    model = load_model(fixtures / "llada_peaky", device="cpu", dtype=dtype)
    cache = model.open_cache("dual")
    cache.logits(canvas_of(model), (PROMPT, END), BLOCKS[0], refresh=True)
    config: Any = model.network.config
    per_position_and_layer = 2 * config.num_key_value_heads * config.head_dim * size
    assert cache.nbytes == END * config.num_hidden_layers * per_position_and_layer


@pytest.mark.parametrize(
    ("mode", "model"), [("block", "dense"), ("none", "dense"), ("Dual", "mixture")], indirect=["model"]
)
def test_a_mode_that_the_model_lacks_is_refused(model: DiffusionLM, mode: str) -> None:
    with pytest.raises(SettingsError, match=f"'{mode}'.*dual, prefix"):
        model.open_cache(mode)


def test_a_model_without_any_cache_says_so(fixtures: Path) -> None:
    dream = load_model(fixtures / "dream", device="cpu", dtype="float32")
    with pytest.raises(SettingsError, match=r"'dual'.*none"):
        run(dream, make_decoder("threshold"), gen_length=8, block_length=8, cache="dual")
