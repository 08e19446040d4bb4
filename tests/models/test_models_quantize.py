"""Quantization: refusals that say why, and (where bitsandbytes is installed) the real thing on a small checkpoint."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from credit_viz.errors import SettingsError
from credit_viz.models import quantize
from credit_viz.models.families import family_of
from credit_viz.models.memory import Size, measure
from credit_viz.models.quantize import check_quantize, precision_text, quantizable_to, quantization_config

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)
LLADA = Size(8_015_581_184, 6_979_321_856, 126_464)
LLADA_MOE = Size(7_356_880_896, 268_435_456, 157_184)


def refusal(mode: str, family: str, size: Size, device: torch.device) -> str:
    with pytest.raises(SettingsError) as raised:
        check_quantize(mode, family, size, device, "bfloat16")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_none_is_always_fine() -> None:
    check_quantize(None, "llada2", LLADA_MOE, torch.device("mps"), "float32")


def test_an_unknown_mode_lists_the_valid_ones() -> None:
    assert refusal("fp8", "llada", LLADA, CUDA) == "unknown quantization 'fp8'; valid: int8, nf4"


def test_where_it_does_not_run() -> None:
    assert "bitsandbytes does not run on mps; valid: cuda, cpu" in refusal("nf4", "llada", LLADA, torch.device("mps"))


@pytest.mark.parametrize("family", ["llada2", "diffusion_gemma"])
def test_families_with_which_it_was_never_tried(family: str) -> None:
    assert f"{family} models are not quantized" in refusal("int8", family, LLADA, CUDA)


def test_what_experts_would_save_is_said() -> None:
    message = refusal("int8", "llada_moe", LLADA_MOE, CUDA)
    assert "saves only 0.3 GB of 14.7 GB" in message
    assert "fused experts" in message
    assert "saves only 0.4 GB of 14.7 GB" in refusal("nf4", "llada_moe", LLADA_MOE, CUDA)


def test_a_small_model_is_not_worth_it() -> None:
    assert "only 4.7 MB of weights" in refusal("nf4", "llada", Size(2_369_088, 2_211_840, 808), CPU)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "find_spec", lambda name: None if name == "bitsandbytes" else object())
    message = refusal("nf4", "llada", LLADA, CPU)
    assert message == "--quantize nf4 needs bitsandbytes: pip install -e '.[quantize]'"
    monkeypatch.setattr(quantize, "find_spec", lambda _: object())
    check_quantize("nf4", "llada", LLADA, CPU, "bfloat16")


def test_modes_by_family_and_device() -> None:
    assert quantizable_to("llada", LLADA, CUDA) == ("int8", "nf4")
    assert quantizable_to("llada", LLADA, torch.device("mps")) == ()
    assert quantizable_to("llada_moe", LLADA_MOE, CUDA) == ()


def test_what_a_trace_says() -> None:
    assert precision_text("bfloat16", "nf4") == "nf4 (bfloat16)"
    assert precision_text("float32", None) == "float32"


# ------------------------------------------------------------------ the real thing

needs_bitsandbytes = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("bitsandbytes", "accelerate")), reason="bitsandbytes is not installed"
)


@needs_bitsandbytes
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("mode", "alike"), [("int8", 0.98), ("nf4", 0.75)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_quantized_checkpoint_decodes(
    fixtures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    mode: str,
    alike: float,
    dtype: str,
) -> None:
    """On random weights 4 bits lose much: asked for is only that the logits are clearly the same model's."""
    import credit_viz

    monkeypatch.setattr(quantize, "_SMALL", 0)
    whole = credit_viz.load_model(fixtures / "llada", device="cpu", dtype="float32")
    model = credit_viz.load_model(fixtures / "llada", device="cpu", dtype=dtype, quantize=mode)
    assert model.info.dtype == f"{mode} ({dtype})"
    assert model.info.parameters == whole.info.parameters
    canvas = torch.arange(24)[None] * 7 % 250
    config = json.loads((fixtures / "llada" / "config.json").read_text())
    family = family_of(config)
    size = measure(family.network_class, family.translate_config(config))
    stored = sum(p.numel() * p.element_size() for p in model.network.parameters())
    # bitsandbytes' scales, which are no parameters, are the rest: for nf4 an eighth of the quantized weights
    assert 0.9 * size.weights(dtype, mode) <= stored <= 1.01 * size.weights(dtype, mode)
    logits = torch.stack([m.token_logits(canvas).float().flatten() for m in (whole, model)])
    assert torch.corrcoef(logits)[0, 1] > alike
    trace = credit_viz.decode(model, prompt_ids=[1, 2, 3], gen_length=8, block_length=8)
    assert trace.complete
    assert trace.info.dtype == f"{mode} ({dtype})"
    assert capfd.readouterr().out == ""


@needs_bitsandbytes
def test_configs_keep_the_dtype_for_the_rest() -> None:
    assert quantization_config("int8", torch.bfloat16).load_in_8bit
    nf4 = quantization_config("nf4", torch.bfloat16)
    assert (nf4.bnb_4bit_quant_type, nf4.bnb_4bit_compute_dtype) == ("nf4", torch.bfloat16)
