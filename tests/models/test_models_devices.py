"""Devices and dtypes: sensible choices, on hardware that is not here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from credit_viz.errors import CheckpointError, SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.devices import pick_device, pick_dtype
from credit_viz.models.loading import load_model

CUDA = torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_a_gpu_is_taken_if_there_is_one(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device("auto") == torch.device(expected)


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16), ((12, 0), torch.bfloat16)],
)
def test_bfloat16_where_a_gpu_has_it(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability if device == CUDA else (0, 0))
    assert pick_dtype("auto", CUDA) is expected
    assert pick_dtype("float32", CUDA) is torch.float32


def test_other_devices() -> None:
    assert pick_dtype("auto", torch.device("mps")) is torch.bfloat16
    assert pick_dtype("auto", torch.device("cpu")) is torch.float32
    assert pick_dtype("float16", torch.device("cpu")) is torch.float16


def test_unknown_names() -> None:
    with pytest.raises(SettingsError, match=r"'float8'; valid: auto, bfloat16, float16, float32"):
        pick_dtype("float8", torch.device("cpu"))
    with pytest.raises(SettingsError, match="device 'tpu' cannot be used here"):
        pick_device("tpu")


def test_a_device_that_holds_no_numbers() -> None:
    with pytest.raises(SettingsError, match="device 'meta' cannot be used here"):
        pick_device("meta")


def test_what_does_not_run_here_is_one_line(fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError("shape '[64, 2]' is invalid\nand more")

    monkeypatch.setattr(DiffusionLM, "token_logits", fails)
    with pytest.raises(CheckpointError) as raised:
        load_model(fixtures / "llada", device="cpu", dtype="float32")
    assert str(raised.value).endswith("llada does not run in float32 on cpu: shape '[64, 2]' is invalid")


@pytest.mark.parametrize(("dtype", "advised"), [("float16", True), ("bfloat16", False)])
def test_an_overflow_in_float16_comes_with_advice(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, advised: bool
) -> None:
    overflown = torch.full((1, 4, 8), float("inf"), dtype=getattr(torch, dtype))
    monkeypatch.setattr(DiffusionLM, "token_logits", lambda *_, **__: overflown)
    with pytest.raises(CheckpointError, match=f"not finite in {dtype}") as raised:
        load_model(fixtures / "llada", device="cpu", dtype=dtype)
    assert ("try --dtype bfloat16 or float32" in str(raised.value)) == advised
