"""DiffusionGemma, experimental: a tiny random one of the library's own class, and its own step loop on our calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion
from transformers.models.diffusion_gemma.generation_diffusion_gemma import (
    DiffusionGemmaGenerationConfig,
    EntropyBoundSamplerConfig,
)

import credit_viz
from credit_viz.cli import main
from credit_viz.decoding import DECODERS
from credit_viz.errors import CheckpointError, PromptError, SettingsError
from credit_viz.models.families import family_of
from credit_viz.models.loading import load_model
from credit_viz.models.uniform import NO_MASK, UniformLM
from credit_viz.trace.record import Trace
from credit_viz.web.catalogue import boot
from credit_viz.web.request import Choice

VOCAB, BLOCK = 300, 16
TEXT: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "global_head_dim": 16,
    "num_global_key_value_heads": 1,
    "max_position_embeddings": 256,
    "sliding_window": 24,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    "num_experts": 4,
    "top_k_experts": 2,
    "moe_intermediate_size": 24,
    "initializer_range": 0.2,
}
VISION: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "position_embedding_size": 64,
}


@pytest.fixture(scope="module")
def network() -> DiffusionGemmaForBlockDiffusion:
    config = DiffusionGemmaConfig(text_config=TEXT, vision_config=VISION, canvas_length=BLOCK, image_token_id=299)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = DiffusionGemmaForBlockDiffusion(config).eval().requires_grad_(False)
        for name, parameter in made.named_parameters():
            if "norm" in name or name.endswith("scale"):
                parameter.copy_(torch.rand_like(parameter) + 0.5)
        made.lm_head.weight.mul_(4)
    return made


@pytest.fixture(scope="module")
def folder(network: DiffusionGemmaForBlockDiffusion, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the library writes it; the tokenizer is a stand-in."""
    path = tmp_path_factory.mktemp("gemma") / "checkpoint"
    network.save_pretrained(path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(fixtures / "llada" / name, path / name)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> UniformLM:
    loaded = load_model(folder, device="cpu", dtype="float32")
    assert isinstance(loaded, UniformLM)
    return loaded


def random_ids(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 290, shape, generator=torch.Generator().manual_seed(seed))


def test_what_it_says_of_itself(model: UniformLM) -> None:
    assert model.info.family == "diffusion_gemma"
    assert (model.mask_id, model.block_length) == (NO_MASK, BLOCK)
    assert (model.vocab_size, model.max_positions) == (VOCAB, 256)
    assert model.abilities == {"uniform noise"}
    with pytest.raises(SettingsError, match="valid: none"):
        model.open_cache("prefix")


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("length", [1, 7, 40])
def test_logits_are_the_networks_own(
    network: DiffusionGemmaForBlockDiffusion, folder: Path, attention: str, length: int
) -> None:
    model = load_model(folder, device="cpu", dtype="float32")
    model.network.set_attn_implementation(attention)  # type: ignore[operator]
    network.set_attn_implementation(attention)
    prompt, block = random_ids(2, length), random_ids(2, BLOCK, seed=1)
    expected = network(input_ids=prompt, decoder_input_ids=block).logits
    logits = model.token_logits(torch.cat([prompt, block], dim=1))
    assert logits.shape == (2, length + BLOCK, VOCAB)
    torch.testing.assert_close(logits[:, length:], expected, rtol=1e-5, atol=1e-5)
    assert not logits[:, :length].any()
    assert expected.std() > 0.3


def test_rows_are_rows_of_the_whole(model: UniformLM) -> None:
    canvas = random_ids(2, 5 + BLOCK)
    whole = model.token_logits(canvas)
    for rows in ([5], [5, 6, 20], [9, 7]):
        assert torch.equal(model.token_logits(canvas, torch.tensor(rows)), whole[:, rows])
    with pytest.raises(PromptError, match=r"row 4 is finished text; valid: 5\.\.20"):
        model.token_logits(canvas, torch.tensor([6, 4]))


def test_a_block_may_be_shorter(model: UniformLM, network: DiffusionGemmaForBlockDiffusion) -> None:
    network.set_attn_implementation("sdpa")
    canvas = random_ids(1, 12)
    expected = network(input_ids=canvas[:, :8], decoder_input_ids=canvas[:, 8:]).logits
    torch.testing.assert_close(model.token_logits(canvas, prefix=8)[:, 8:], expected, rtol=1e-5, atol=1e-5)
    for prefix in (0, -1, 12, 13):
        with pytest.raises(PromptError, match=rf"prefix={prefix} .*1\.\.11"):
            model.token_logits(canvas, prefix=prefix)


def test_finished_text_is_read_causally_and_the_block_both_ways(model: UniformLM) -> None:
    canvas = random_ids(1, 10 + BLOCK)
    before = model.token_logits(canvas)
    last = canvas.clone()
    last[0, -1] = 3
    assert (model.token_logits(last)[0, 10] - before[0, 10]).abs().max() > 1e-3


def test_padding_is_as_if_it_were_not_there(model: UniformLM) -> None:
    canvas = random_ids(2, 9 + BLOCK)
    padding = torch.ones_like(canvas)
    padding[0, :4] = 0
    places = torch.arange(9 + BLOCK).expand(2, -1).clone()
    places[0] -= 4
    padded = model.token_logits(canvas, attention_mask=padding, position_ids=places.clamp(min=0))
    torch.testing.assert_close(padded[0, 9:], model.token_logits(canvas[:1, 4:])[0, 5:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(padded[1], model.token_logits(canvas[1:])[0], rtol=1e-4, atol=1e-4)


def test_masks_are_refused(model: UniformLM) -> None:
    canvas = random_ids(1, 5 + BLOCK)
    with pytest.raises(PromptError, match="read causally"):
        model.token_logits(canvas, attention_mask=torch.ones(1, 5 + BLOCK, 5 + BLOCK))
    canvas[0, 8] = model.mask_id
    with pytest.raises(PromptError, match="no mask token"):
        model.token_logits(canvas)


# ------------------------------------------------------------------ its own step loop


SETTINGS: dict[str, Any] = {"entropy_bound": 0.1, "t_min": 0.4, "t_max": 0.8, "steps": 12, "confidence": 10.0}


def own_step_loop(model: UniformLM, prompt: Tensor, blocks: int, length: int, seed: int) -> tuple[list[int], int]:
    """The published loop, on `token_logits` alone, blocks of `length`: (generated ids, forward passes)."""
    rng = torch.Generator().manual_seed(seed)
    text, passes = prompt, 0
    for _ in range(blocks):
        noise = torch.randint(0, VOCAB, (1, length), generator=rng)
        guess, previous = torch.full((1, length), -1), None
        rows = torch.arange(text.shape[1], text.shape[1] + length)
        for left in range(SETTINGS["steps"], 0, -1):
            canvas = torch.cat([text, noise], dim=1)
            logits = model.token_logits(canvas, rows, prefix=text.shape[1], previous=previous)
            passes += 1
            share = left / SETTINGS["steps"]
            previous = logits / (SETTINGS["t_min"] + (SETTINGS["t_max"] - SETTINGS["t_min"]) * share)
            p = previous.softmax(-1)
            drawn = torch.multinomial(p[0], 1, generator=rng).T
            entropy = -(p * p.clamp(min=1e-45).log()).sum(-1)
            ordered, order = entropy.sort(-1)
            accepted = torch.zeros_like(entropy, dtype=torch.bool)
            accepted.scatter_(-1, order, ordered.cumsum(-1) - ordered <= SETTINGS["entropy_bound"])
            noise = torch.where(accepted, drawn, torch.randint(0, VOCAB, (1, length), generator=rng))
            stable = torch.equal(guess, previous.argmax(-1))
            guess = previous.argmax(-1)
            if stable and entropy.mean() < SETTINGS["confidence"]:
                break
        text = torch.cat([text, guess], dim=1)
    return text[0, prompt.shape[1] :].tolist(), passes


def decoded(model: UniformLM, decoder: str, length: int, seed: int = 0, **changes: Any) -> Trace:
    """Four blocks of `length` through the project's loop, with the settings above."""
    model.block_length, model.token_limit = length, VOCAB
    options = {"gen_length": 4 * length, "block_length": length, **changes.pop("options", {})}
    prompt = random_ids(1, 6, seed=seed)[0].tolist()
    settings = {**SETTINGS, **changes}
    return credit_viz.decode(model, prompt_ids=prompt, decoder=decoder, settings=settings, seed=seed, **options)


# torch imports its compiler on the way, which uses what it has deprecated itself
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")
@pytest.mark.parametrize(("sharpness", "length"), [(1, BLOCK), (20, 2)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_its_own_step_loop_token_for_token(folder: Path, sharpness: int, length: int, seed: int) -> None:
    """All that generate() needs of the network, these calls give; sharp guesses of few positions also stop early."""
    model = load_model(folder, device="cpu", dtype="float32")
    assert isinstance(model, UniformLM)
    model.network.lm_head.weight.mul_(sharpness)  # type: ignore[union-attr, operator]
    model.network.config.canvas_length = length  # type: ignore[union-attr]
    prompt = random_ids(1, 6, seed=seed)
    options = DiffusionGemmaGenerationConfig(
        max_new_tokens=4 * length,
        max_denoising_steps=SETTINGS["steps"],
        sampler_config=EntropyBoundSamplerConfig(entropy_bound=SETTINGS["entropy_bound"]),
        t_min=SETTINGS["t_min"],
        t_max=SETTINGS["t_max"],
        stability_threshold=1,
        confidence_threshold=SETTINGS["confidence"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        output = model.network.generate(prompt, generation_config=options)  # type: ignore[operator]
    ids, passes = own_step_loop(model, prompt, blocks=4, length=length, seed=seed)
    assert output.sequences[0, 6:].tolist() == ids
    assert passes == round(4 * length / float(output.tokens_per_forward[0]))
    trace = decoded(model, "uniform-entropy", length, seed)
    assert (trace.token_ids.tolist(), trace.forward_passes) == (ids, passes)
    assert (passes < 4 * SETTINGS["steps"]) is (sharpness > 1)


@pytest.mark.parametrize("decoder", ["uniform-entropy", "uniform-credit"])
def test_credit_without_strength_is_its_own_loop(model: UniformLM, decoder: str) -> None:
    settings = {"alpha": 0.0} if decoder == "uniform-credit" else {}
    trace = decoded(model, decoder, BLOCK, **settings, options={"early_stop": True, "record": "block"})
    ids, _ = own_step_loop(model, random_ids(1, 6), blocks=4, length=BLOCK, seed=0)
    end = trace.block_ends[-1]
    assert trace.token_ids[:end].tolist() == ids[:end]


def test_credit_changes_what_is_drawn(model: UniformLM) -> None:
    plain, lifted = (decoded(model, name, BLOCK) for name in ("uniform-entropy", "uniform-credit"))
    assert (lifted.channels["credit"] > 0).any()
    assert not plain.candidate_credit.any()
    assert plain.token_ids.tolist() != lifted.token_ids.tolist()


def test_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--gen-length", "32", "--block-length", "16", "--device", "cpu"]
    chosen = ["trace", "hello", "--model", str(folder), *sizes, "--set", "uniform-entropy.steps=3"]
    assert main([*chosen, "--decoder", "uniform-entropy", "--out", str(tmp_path / "run.safetensors")]) == 0
    trace = credit_viz.load_trace(tmp_path / "run.safetensors")
    assert (trace.forward_passes, trace.complete, trace.info.token_text[NO_MASK]) == (6, True, "[noise]")
    capsys.readouterr()
    assert main(["show", str(tmp_path / "run.safetensors"), "--explain", "1:0"]) == 0
    assert "−summed entropy" in capsys.readouterr().out
    assert main(["trace", "hello", "--model", str(folder), *sizes]) == 2
    assert "'vanilla' fills masks, and this model has no mask token" in capsys.readouterr().err
    assert main(["trace", "hello", "--model", str(folder), "--decoder", "uniform-entropy"]) == 2
    assert "valid: 16" in capsys.readouterr().err


def test_the_page_offers_what_it_can_run(model: UniformLM) -> None:
    offered = boot("tiny", DECODERS, (), Choice(()), model.abilities)
    assert list(offered["decoders"]) == ["uniform-entropy", "uniform-credit"]
    assert offered["caches"] == ["none"]


# ------------------------------------------------------------------ files


def damaged(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "damaged"))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_damaged_files_are_named(folder: Path, tmp_path: Path, name: str, keep: int) -> None:
    copy = damaged(folder, tmp_path)
    (copy / name).write_bytes((copy / name).read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=name):
        load_model(copy, device="cpu")


@pytest.mark.parametrize(
    "name",
    [
        "model.decoder.layers.0.experts.gate_up_proj",
        "model.decoder.self_conditioning.up_proj.weight",
        "model.encoder.language_model.layers.1.layer_scalar",
    ],
)
def test_a_missing_weight_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    copy = damaged(folder, tmp_path)
    weights = load_file(copy / "model.safetensors")
    del weights[name]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=rf"model.safetensors lacks .*{name}"):
        load_model(copy, device="cpu")


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ("text_config", "use_bidirectional_attention", "all"),
        ("text_config", "attention_bias", True),
        ("text_config", "num_key_value_heads", 3),
        ("text_config", "vocab_size", "300"),
        ("text_config", "num_experts", None),
        ("text_config", "layer_types", "all of them"),
        ("text_config", "hidden_activation", 5),
        ("text_config", "tie_word_embeddings", False),
        (None, "text_config", None),
        (None, "text_config", []),
        (None, "vision_config", 5),
        (None, "tie_word_embeddings", False),
        (None, "canvas_length", 0),
        (None, "canvas_length", None),
    ],
)
def test_a_config_that_was_never_tried(folder: Path, where: str | None, name: str, value: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (config if where is None else config[where])[name] = value
    with pytest.raises(CheckpointError) as raised:
        family_of(config).translate_config(config)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)
