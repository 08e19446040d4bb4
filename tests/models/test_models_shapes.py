"""Checkpoints of other shapes in the published layouts: what the stock network computes comes back from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from credit_viz.errors import CheckpointError
from credit_viz.models.families import FAMILIES, family_of
from credit_viz.models.loading import load_model
from credit_viz.models.network import published_shapes
from tests.models.checkpoints import FAMILY_NAMES, Shape, network, published_config, published_weights, write

SHAPES = [
    *(Shape(family, seed=1) for family in FAMILY_NAMES),
    *(Shape(family, seed=2, tied=True, layers=3) for family in FAMILY_NAMES),
    *(Shape(family, seed=3, heads=4, kv_heads=1, vocab=300, theta=1e6, epsilon=1e-6) for family in FAMILY_NAMES),
    *(Shape(family, seed=4, heads=2, kv_heads=2, width=24, inner=88, positions=40) for family in FAMILY_NAMES),
    Shape("llada_moe", seed=5, experts=3, chosen=3, layers=1),
    Shape("llada_moe", seed=6, experts=12, chosen=1),
    Shape("llada2", seed=7, experts=12, chosen=4, layers=4),
]


def name(shape: Shape) -> str:
    return f"{shape.family}-{shape.seed}"


def stock_logits(shape: Shape, ids: Tensor) -> Tensor:
    """What the stock network gives, with blocks of 4 and shifted rows where the family has them."""
    made = network(shape)
    mask = None
    if shape.family == "llada2":
        block = torch.arange(ids.shape[1]) // 4
        mask = (block[None, :] <= block[:, None])[None, None].expand(len(ids), 1, -1, -1)
    logits: Tensor = made(input_ids=ids, attention_mask=mask).logits
    return torch.cat([logits[:, :1], logits[:, :-1]], dim=1) if shape.family == "dream" else logits


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_there_and_back(shape: Shape, shards: int, fixtures: Path, tmp_path: Path) -> None:
    weights = published_weights(shape, network(shape))
    config = published_config(shape, fixtures)
    model = load_model(write(tmp_path / "c", config, weights, shards, fixtures / shape.family), device="cpu")
    ids = torch.randint(0, shape.vocab, (2, 19), generator=torch.Generator().manual_seed(shape.seed))
    expected = stock_logits(shape, ids)
    assert expected.std() > 0.1
    torch.testing.assert_close(model.token_logits(ids), expected, rtol=1e-4, atol=1e-4)
    assert (model.vocab_size, model.max_positions) == (shape.vocab, shape.positions)
    assert model.info.parameters == sum(p.numel() for p in network(shape).parameters())


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_may_be_stored_in_any_float(family: str, stored: torch.dtype, fixtures: Path, tmp_path: Path) -> None:
    shape = Shape(family, seed=8)
    made = network(shape)
    weights = {key: tensor.to(stored) for key, tensor in published_weights(shape, made).items()}
    config = published_config(shape, fixtures)
    model = load_model(write(tmp_path / "c", config, weights, 2, fixtures / family), device="cpu", dtype="float32")
    for parameter, tensor in made.state_dict().items():
        loaded = model.network.state_dict()[parameter]
        assert loaded.dtype == torch.float32
        assert torch.equal(loaded, tensor.to(stored).float()), parameter


@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_published_shapes_are_those_on_disk(shape: Shape, fixtures: Path) -> None:
    config = published_config(shape, fixtures)
    family = family_of(config)
    expected, copies = published_shapes(family, family.translate_config(config))
    weights = published_weights(shape, network(shape))
    assert {key: tuple(tensor.shape) for key, tensor in weights.items()} == {
        key: size for key, size in expected.items() if key not in copies
    }
    assert len(copies) == shape.tied
    assert set(copies.values()) <= weights.keys()


def test_a_tied_head_may_be_stored_too_if_it_is_the_same(fixtures: Path, tmp_path: Path) -> None:
    for family, head, embedding in (
        ("llada", "model.transformer.ff_out.weight", "model.transformer.wte.weight"),
        ("dream", "lm_head.weight", "model.embed_tokens.weight"),
    ):
        shape = Shape(family, tied=True)
        weights = published_weights(shape, network(shape))
        config = published_config(shape, fixtures)
        weights[head] = weights[embedding].clone()
        load_model(write(tmp_path / f"{family}-same", config, weights, 1, fixtures / family), device="cpu")
        weights[head] = weights[embedding] + 1
        with pytest.raises(CheckpointError, match=rf"model.safetensors has a {head} of its own"):
            load_model(write(tmp_path / f"{family}-other", config, weights, 1, fixtures / family), device="cpu")


def test_every_family_of_the_registry_is_tried() -> None:
    tried = {shape.family for shape in SHAPES}
    assert tried == {family.name for family in FAMILIES if family.name != "diffusion_gemma"}
