"""The four families on their fixtures: the original code's logits, masks, precision, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import credit_viz
from credit_viz.errors import CheckpointError, PromptError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.families import FAMILIES, family_of
from credit_viz.models.families.base import ABILITIES, Family
from credit_viz.models.loading import load_model
from tests.models.checkpoints import FAMILY_NAMES

ATTENTION = ("sdpa", "eager")
Reference = dict[str, NDArray[Any]]
#: what the original code gives where `token_logits` is called without any mask.
PLAIN = {"llada": "logits", "llada_moe": "logits", "dream": "logits_shifted", "llada2": "logits_block_causal"}
TOLERANCE = 2e-5


@pytest.fixture(params=FAMILY_NAMES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=ATTENTION)
def attention(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def load(fixtures: Path, family: str, attention: str = "sdpa", dtype: str = "float32") -> DiffusionLM:
    """The fixture; of LLaDA2 with the block length of its reference, which its config does not name."""
    model = load_model(fixtures / family, device="cpu", dtype=dtype)
    model.network.set_attn_implementation(attention)  # type: ignore[operator]
    if family == "llada2":
        model.block_length = int(reference(fixtures, family)["block_length"])
    return model


def reference(fixtures: Path, family: str) -> Reference:
    with np.load(fixtures / family / "reference.npz") as file:
        return {name: file[name] for name in file.files}


def ids_of(found: Reference) -> torch.Tensor:
    return torch.from_numpy(found["input_ids"])


def furthest(logits: torch.Tensor, expected: NDArray[Any]) -> float:
    assert logits.shape == expected.shape
    return float(np.abs(logits.float().numpy() - expected).max())


# ------------------------------------------------------------------ the original code's logits


def test_logits_of_the_original_code(fixtures: Path, family: str, attention: str) -> None:
    expected = reference(fixtures, family)
    logits = load(fixtures, family, attention).token_logits(ids_of(expected))
    assert logits.dtype == torch.float32
    assert furthest(logits, expected[PLAIN[family]]) <= TOLERANCE


@pytest.mark.parametrize("family", ["llada", "dream"])
def test_padded_batches(fixtures: Path, family: str, attention: str) -> None:
    expected = reference(fixtures, family)
    padding = torch.from_numpy(expected["attention_mask"])
    logits = load(fixtures, family, attention).token_logits(ids_of(expected), attention_mask=padding)
    padded, real = expected["logits_padded"], expected["attention_mask"].astype(bool)
    if family == "dream":  # the row of a position is about the next one; the first keeps its own
        padded = np.concatenate([padded[:, :1], padded[:, :-1]], axis=1)
        real = real & np.concatenate([real[:, :1], real[:, :-1]], axis=1)
    assert 0 < real.sum() < real.size
    assert np.abs(logits.numpy() - padded)[real].max() <= TOLERANCE


def test_padding_is_as_if_it_were_not_there(fixtures: Path, family: str, attention: str) -> None:
    model = load(fixtures, family, attention)
    ids = ids_of(reference(fixtures, family))
    padding = torch.ones_like(ids)
    padding[1, 17:] = 0
    logits = model.token_logits(ids, attention_mask=padding)
    alone = model.token_logits(ids[1:2, :17])
    torch.testing.assert_close(logits[1, :17], alone[0], rtol=1e-4, atol=1e-4)
    assert logits.isfinite().all()


def test_a_canvas_that_is_all_padding_harms_no_other(fixtures: Path, family: str, attention: str) -> None:
    model = load(fixtures, family, attention)
    ids = ids_of(reference(fixtures, family))
    padding = torch.ones_like(ids)
    padding[0] = 0
    logits = model.token_logits(ids, attention_mask=padding)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits[1:], model.token_logits(ids)[1:], rtol=1e-4, atol=1e-4)


def test_causal_attention_would_be_far_off(fixtures: Path, family: str, attention: str) -> None:
    expected = reference(fixtures, family)
    ids = ids_of(expected)
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril().expand(len(ids), -1, -1)
    logits = load(fixtures, family, attention).token_logits(ids, attention_mask=causal)
    assert furthest(logits, expected[PLAIN[family]]) > 1


@pytest.mark.parametrize("family", ["llada", "llada_moe", "dream"])
def test_the_stock_causal_flag_would_be_far_off(fixtures: Path, family: str) -> None:
    expected = reference(fixtures, family)
    model = load(fixtures, family)
    model.network.config.is_causal = True  # type: ignore[union-attr]
    for layer in model.network.model.layers:  # type: ignore[union-attr]
        layer.self_attn.is_causal = True
    assert furthest(model.token_logits(ids_of(expected)), expected[PLAIN[family]]) > 1


def test_unshifted_rows_would_be_far_off(fixtures: Path) -> None:
    expected = reference(fixtures, "dream")
    logits = load(fixtures, "dream").token_logits(ids_of(expected))
    assert furthest(logits, expected["logits"]) > 1
    assert furthest(logits, expected["logits_shifted"]) <= TOLERANCE


# ------------------------------------------------------------------ blocks


def test_blocks_of_the_original_code(fixtures: Path, attention: str) -> None:
    expected = reference(fixtures, "llada2")
    model, ids = load(fixtures, "llada2", attention), ids_of(expected)
    given = torch.from_numpy(expected["block_mask"])[0].expand(len(ids), -1, -1)
    both_ways = torch.ones_like(given)
    assert furthest(model.token_logits(ids, attention_mask=given), expected["logits_block_causal"]) <= TOLERANCE
    assert furthest(model.token_logits(ids, attention_mask=both_ways), expected["logits_bidirectional"]) <= TOLERANCE
    model.block_length = None
    assert furthest(model.token_logits(ids), expected["logits_bidirectional"]) <= TOLERANCE
    assert furthest(model.token_logits(ids), expected["logits_block_causal"]) > 1


def test_a_block_sees_none_after_it(fixtures: Path, attention: str) -> None:
    model, ids = load(fixtures, "llada2", attention), ids_of(reference(fixtures, "llada2"))
    other = ids.clone()
    other[:, 16:] = (other[:, 16:] + 5) % 200
    before, after = model.token_logits(ids), model.token_logits(other)
    torch.testing.assert_close(before[:, :16], after[:, :16], rtol=1e-5, atol=1e-5)
    assert (before[:, 16:] - after[:, 16:]).abs().max() > 1


def test_blocks_are_counted_in_places_of_the_text(fixtures: Path, attention: str) -> None:
    """Two canvases that start at other places of the same text; block borders stay where they were."""
    model, ids = load(fixtures, "llada2", attention), ids_of(reference(fixtures, "llada2"))[:, :16]
    shifted = model.token_logits(ids, position_ids=torch.arange(16) + 8)
    torch.testing.assert_close(shifted, model.token_logits(ids), rtol=1e-4, atol=1e-4)
    inside = model.token_logits(ids, position_ids=torch.arange(16) + 4)
    assert (inside - shifted).abs().max() > 1


@pytest.mark.parametrize(("named", "expected"), [({}, 32), ({"block_length": 8}, 8), ({"block_length": None}, 32)])
def test_the_block_length_is_the_configs(fixtures: Path, named: dict[str, Any], expected: int) -> None:
    config = json.loads((fixtures / "llada2" / "config.json").read_text()) | named
    assert family_of(config).block_length(config) == expected


@pytest.mark.parametrize("value", [0, -8, "8", 8.0, True])
def test_a_block_length_that_is_none_is_refused(value: object) -> None:
    (llada2,) = (f for f in FAMILIES if f.name == "llada2")
    with pytest.raises(CheckpointError, match="block_length"):
        llada2.block_length({"block_length": value})


# ------------------------------------------------------------------ rows, masks and places


def test_rows_are_rows_of_the_whole(fixtures: Path, family: str, attention: str) -> None:
    model, ids = load(fixtures, family, attention), ids_of(reference(fixtures, family))
    whole = model.token_logits(ids)
    for rows in ([0], [23], [0, 1], [7, 2, 9, 2], list(range(24))):
        some = model.token_logits(ids, torch.tensor(rows))
        torch.testing.assert_close(some, whole[:, rows], rtol=1e-5, atol=1e-5)


def test_places_may_come_in_any_order(fixtures: Path, attention: str) -> None:
    model, ids = load(fixtures, "llada", attention), ids_of(reference(fixtures, "llada"))
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    logits = model.token_logits(ids[:, order], position_ids=order)
    torch.testing.assert_close(logits, model.token_logits(ids)[:, order], rtol=1e-4, atol=1e-4)
    for_each = model.token_logits(ids[:, order], position_ids=order.expand(3, -1))
    torch.testing.assert_close(for_each, logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["llada", "llada_moe"])
def test_shadows_are_not_seen_and_see_what_they_are_shown(fixtures: Path, family: str, attention: str) -> None:
    """A masked copy of a position that sees all others but the original."""
    model, ids = load(fixtures, family, attention), ids_of(reference(fixtures, family))
    batch, length = ids.shape
    place = 5
    canvas = torch.cat([ids, torch.full((batch, 1), model.mask_id)], dim=1)
    seen = torch.zeros(batch, length + 1, length + 1, dtype=torch.bool)
    seen[:, :length, :length] = True
    seen[:, length] = True
    seen[:, length, place] = False
    places = torch.tensor([*range(length), place])
    logits = model.token_logits(canvas, attention_mask=seen, position_ids=places)
    torch.testing.assert_close(logits[:, :length], model.token_logits(ids), rtol=1e-4, atol=1e-4)
    # the others still hold what they saw with the original in place, so only a one-layer network would agree exactly
    alone = model.token_logits(canvas, torch.tensor([length]), seen, places)
    torch.testing.assert_close(alone[:, 0], logits[:, length], rtol=1e-5, atol=1e-5)
    seen[:, length, place] = True
    assert (
        model.token_logits(canvas, attention_mask=seen, position_ids=places)[:, length] - alone[:, 0]
    ).abs().max() > 0.01


def test_a_mask_of_pairs_can_be_padding(fixtures: Path, attention: str) -> None:
    model, ids = load(fixtures, "llada", attention), ids_of(reference(fixtures, "llada"))
    padding = torch.ones_like(ids)
    padding[:, 20:] = 0
    pairs = padding.bool()[:, None, :].expand(-1, 24, -1)
    expected = model.token_logits(ids, attention_mask=padding)
    assert torch.equal(model.token_logits(ids, attention_mask=pairs), expected)


@pytest.mark.parametrize("shape", [(24,), (1, 24), (3, 23), (3, 24, 23), (1, 24, 24), (3, 1, 24, 24)])
def test_a_mask_of_another_shape_is_refused(fixtures: Path, shape: tuple[int, ...]) -> None:
    model, ids = load(fixtures, "llada"), ids_of(reference(fixtures, "llada"))
    with pytest.raises(PromptError, match=r"attention_mask is .*\(3, 24\) or \(3, 24, 24\)"):
        model.token_logits(ids, attention_mask=torch.ones(shape))


@pytest.mark.parametrize("shape", [(23,), (1, 24), (3, 23), (3, 1, 24)])
def test_places_of_another_shape_are_refused(fixtures: Path, shape: tuple[int, ...]) -> None:
    model, ids = load(fixtures, "llada"), ids_of(reference(fixtures, "llada"))
    with pytest.raises(PromptError, match=r"position_ids is .*\(24,\) or \(3, 24\)"):
        model.token_logits(ids, position_ids=torch.zeros(shape, dtype=torch.int64))


def test_shadows_take_no_place_of_their_own(fixtures: Path) -> None:
    """A canvas as long as the model allows may have as many shadows again."""
    model = load(fixtures, "llada")
    ids = torch.full((1, 256), model.mask_id)
    places = torch.arange(256) % 128
    assert model.token_logits(ids, torch.tensor([200]), position_ids=places).isfinite().all()
    with pytest.raises(PromptError, match=r"position_ids span 0\.\.128; valid: 0\.\.127"):
        model.token_logits(ids, position_ids=torch.arange(256) % 129)
    with pytest.raises(PromptError, match=r"position_ids span -1\.\.254"):
        model.token_logits(ids, position_ids=torch.arange(256) - 1)


# ------------------------------------------------------------------ precision


#: most error of a position, relative to the spread of its logits, and twice what was measured. bfloat16 keeps 8 bits:
#: 0.4 % per rounding, some tens of roundings deep. float16 keeps 11 bits, eight times finer.
PRECISION = {"bfloat16": 0.12, "float16": 0.015}


@pytest.mark.parametrize("dtype", PRECISION)
def test_reduced_precision_stays_near(fixtures: Path, family: str, attention: str, dtype: str) -> None:
    """Near wherever each layer sends a token to the same experts; rounding may tip a choice between near equals."""
    expected = reference(fixtures, family)
    _, exact_choice = with_experts(load(fixtures, family, attention), ids_of(expected))
    model = load(fixtures, family, attention, dtype)
    logits, choice = with_experts(model, ids_of(expected))
    assert (str(logits.dtype), model.info.dtype) == (f"torch.{dtype}", dtype)
    assert logits.isfinite().all()
    exact = expected[PLAIN[family]]
    error = np.sqrt(((logits.float().numpy() - exact) ** 2).mean(-1)) / exact.std(-1)
    same = (choice == exact_choice).all(-1).numpy()
    assert error[same].max() < PRECISION[dtype]
    assert same.all() if family in ("llada", "dream") else same.mean() > 0.8


def with_experts(model: DiffusionLM, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and (B, L, ...) the experts that each token was sent to, over all layers; none in a dense model."""
    chosen: list[torch.Tensor] = [torch.zeros(*ids.shape, 1)]

    def keep(_module: torch.nn.Module, _inputs: object, outputs: tuple[torch.Tensor, ...]) -> None:
        chosen.append(outputs[2].sort(-1).values.view(*ids.shape, -1))

    routers = [module for name, module in model.network.named_modules() if name.endswith("mlp.gate")]
    hooks = [router.register_forward_hook(keep) for router in routers]
    logits = model.token_logits(ids)
    for hook in hooks:
        hook.remove()
    return logits, torch.cat(chosen, dim=-1)


# ------------------------------------------------------------------ what a family says of itself


def test_every_family_is_whole() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    architectures = [name for family in FAMILIES for name in family.architectures]
    assert len(set(architectures)) == len(architectures)
    for family in FAMILIES:
        assert family.abilities <= set(ABILITIES)


def test_an_unknown_ability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'telepathy'; valid: guidance"):
        Family(**{**vars(FAMILIES[0]), "abilities": frozenset({"telepathy"})})


def test_what_decoding_may_ask_of_each(fixtures: Path) -> None:
    all_four = {"guidance", "shadow", "prefix cache", "dual cache"}
    expected = {"llada": all_four, "llada_moe": all_four, "dream": {"guidance"}, "llada2": {"block cache"}}
    for family, abilities in expected.items():
        model = load_model(fixtures / family, device="cpu")
        assert model.abilities == abilities
        assert model.info.family == family
        assert model.block_length == (32 if family == "llada2" else None)


def test_special_tokens(fixtures: Path) -> None:
    expected = {
        "llada": (261, (257, 267)),
        "llada_moe": (260, (257, 263)),
        "dream": (260, (256, 258)),
        "llada2": (260, (257, 263)),
    }
    for family, (mask_id, eos_ids) in expected.items():
        model = load_model(fixtures / family, device="cpu")
        assert (model.mask_id, model.eos_ids) == (mask_id, eos_ids)
        assert model.token_limit < model.vocab_size == 288


def test_loading_is_silent(fixtures: Path, family: str, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(fixtures / family, device="cpu")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("decoder", ["vanilla", "threshold", "credit"])
def test_every_family_decodes(fixtures: Path, family: str, decoder: str) -> None:
    model = load(fixtures, family)
    block_length = model.block_length or 8
    prompt_ids = [5 + i % 200 for i in range(block_length)]
    trace = credit_viz.decode(
        model, prompt_ids=prompt_ids, decoder=decoder, gen_length=2 * block_length, block_length=block_length
    )
    assert trace.complete
    assert model.mask_id not in trace.token_ids
    assert trace.token_ids.max() < model.token_limit
    assert trace.info.family == family


# ------------------------------------------------------------------ configs


def config_of(fixtures: Path, family: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((fixtures / family / "config.json").read_text())
    return config


UNPROVEN = [
    ("llada_moe", "hidden_act", "gelu"),
    ("llada_moe", "attention_bias", True),
    ("llada_moe", "qk_layernorm", False),
    ("llada_moe", "clip_qkv", 8.0),
    ("llada_moe", "rope_scaling", {"type": "linear", "factor": 2}),
    ("llada_moe", "partial_rotary_factor", 0.5),
    ("llada_moe", "norm_topk_prob", True),
    ("llada_moe", "routed_scaling_factor", 2.5),
    ("llada_moe", "moe_router_score_function", "sigmoid"),
    ("llada_moe", "moe_router_enable_expert_bias", True),
    ("llada_moe", "router_num_group", 4),
    ("llada_moe", "router_topk_group", 2),
    ("llada_moe", "shared_expert_intermediate_size", 48),
    ("llada_moe", "moe_layer_freq", [0, 1, 1]),
    ("llada_moe", "moe_layer_freq", 2),
    ("dream", "hidden_act", "gelu"),
    ("dream", "rope_scaling", {"type": "yarn"}),
    ("dream", "use_sliding_window", True),
    ("dream", "use_mrope", True),
    ("llada2", "hidden_act", "gelu"),
    ("llada2", "use_bias", True),
    ("llada2", "use_qkv_bias", True),
    ("llada2", "use_qk_norm", False),
    ("llada2", "use_rmsnorm", False),
    ("llada2", "norm_head", True),
    ("llada2", "rope_scaling", {"type": "linear"}),
    ("llada2", "use_sliding_window", True),
    ("llada2", "norm_topk_prob", False),
    ("llada2", "score_function", "softmax"),
    ("llada2", "router_dtype", "bf16"),
    ("llada2", "moe_router_enable_expert_bias", False),
]


@pytest.mark.parametrize(("family", "name", "value"), UNPROVEN)
def test_an_unproven_value_is_refused_by_name(fixtures: Path, family: str, name: str, value: object) -> None:
    config = {**config_of(fixtures, family), name: value}
    with pytest.raises(CheckpointError) as raised:
        family_of(config).translate_config(config)
    assert f"{name}={value!r}" in str(raised.value)
    assert "\n" not in str(raised.value)


SENSELESS: list[tuple[str, object]] = [
    ("num_key_value_heads", 3),
    ("num_hidden_layers", 0),
    ("vocab_size", "288"),
    ("max_position_embeddings", None),
    ("rope_theta", -1),
    ("rope_theta", float("nan")),
    ("rope_theta", float("inf")),
    ("rms_norm_eps", "small"),
    ("rms_norm_eps", True),
    ("tie_word_embeddings", "no"),
]
#: where the size of a head is the width shared out among the heads.
UNEVEN = [
    (family, name, value)
    for family in ("llada_moe", "dream")
    for name, value in (("hidden_size", 65), ("num_attention_heads", 3))
]


@pytest.mark.parametrize(
    ("family", "name", "value"),
    [*UNEVEN, *((family, *case) for family in ("llada_moe", "dream", "llada2") for case in SENSELESS)],
)
def test_a_value_that_makes_no_sense_is_refused(fixtures: Path, family: str, name: str, value: object) -> None:
    config = {**config_of(fixtures, family), name: value}
    with pytest.raises(CheckpointError) as raised:
        family_of(config).translate_config(config)
    assert "\n" not in str(raised.value)


EXPERTS = [
    ("llada_moe", "num_experts_per_tok", 9),
    ("llada_moe", "head_dim", 32),
    ("dream", "head_dim", 32),
    ("llada2", "n_group", 3),
    ("llada2", "n_group", 16),
    ("llada2", "topk_group", 5),
    ("llada2", "num_experts_per_tok", 9),
    ("llada2", "rotary_dim", 16),
    ("llada2", "partial_rotary_factor", 0.3),
    ("llada2", "partial_rotary_factor", 2),
    ("llada2", "num_shared_experts", None),
]


@pytest.mark.parametrize(("family", "name", "value"), EXPERTS)
def test_sizes_that_do_not_fit_each_other(fixtures: Path, family: str, name: str, value: object) -> None:
    config = {**config_of(fixtures, family), name: value}
    with pytest.raises(CheckpointError, match=name):
        family_of(config).translate_config(config)


#: without these the published code takes a default that is no published checkpoint's.
@pytest.mark.parametrize(
    ("family", "name"),
    [
        *(("llada", name) for name in ("rope_theta", "rms_norm_eps", "d_model", "max_sequence_length")),
        *((f, name) for f in ("llada_moe", "dream", "llada2") for name in ("rope_theta", "rms_norm_eps", "vocab_size")),
        ("llada_moe", "expert_intermediate_size"),
        ("llada_moe", "moe_router_score_function"),
        ("llada_moe", "qk_layernorm"),
        ("dream", "intermediate_size"),
        ("llada2", "head_dim"),
        ("llada2", "score_function"),
        ("llada2", "partial_rotary_factor"),
        ("llada2", "routed_scaling_factor"),
        ("llada2", "first_k_dense_replace"),
    ],
)
def test_a_field_that_must_be_there(fixtures: Path, family: str, name: str) -> None:
    config = config_of(fixtures, family)
    del config[name]
    with pytest.raises(CheckpointError, match=f"lacks {name}"):
        family_of(config).translate_config(config)
