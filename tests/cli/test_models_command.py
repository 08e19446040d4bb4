"""`credit-viz models`: every known model, what it needs, and what fits."""

from __future__ import annotations

import json

import pytest

from credit_viz.models import known, memory
from credit_viz.models.known import KNOWN_MODELS
from tests.cli.conftest import Call, assert_refused


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """Bytes free on every device: change the one number."""
    told: list[int | None] = [12 * 10**9]
    for module in (known, memory):
        monkeypatch.setattr(module, "free_memory", lambda _: told[0])
    return told


def rows(text: str) -> dict[str, str]:
    """Last word of each model's first line: how it fits."""
    return {line.split()[0]: line.split()[-1] for line in text.splitlines() if line.split(" ")[0] in IDS}


IDS = {model.id for model in KNOWN_MODELS}


@pytest.mark.usefixtures("free")
def test_the_table_names_every_model_and_what_fits(call: Call) -> None:
    code, out, err = call("models", "--device", "cpu")
    assert (code, err) == (0, "")
    fits = rows(out)
    assert set(fits) == IDS
    assert fits["embedded"] == "yes"
    assert fits["GSAI-ML/LLaDA-8B-Instruct"] == "int8"
    assert fits["inclusionAI/LLaDA2.0-mini"] == "no"
    assert "12.0 GB are free" in " ".join(out.split())
    for text in ("16.0    9.1    6.0", "1.4 B active", "llada family, licence: MIT"):
        assert text in out
    assert ("about 51.6" in out) == ("experimental:" in out) == any(model.experimental for model in KNOWN_MODELS)


def test_less_and_unknown_memory(call: Call, free: list[int | None]) -> None:
    free[0] = 9 * 10**9
    assert rows(call("models", "--device", "cpu").out)["GSAI-ML/LLaDA-8B-Instruct"] == "nf4"
    free[0] = 40 * 10**9
    assert rows(call("models", "--device", "cpu").out)["GSAI-ML/LLaDA-8B-Instruct"] == "yes"
    free[0] = None
    out = call("models", "--device", "cpu").out
    assert set(rows(out).values()) == {"?"}
    assert "an unknown amount" in out


@pytest.mark.usefixtures("free")
def test_a_narrow_terminal_keeps_the_numbers(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = call("models", "--device", "cpu").out
    assert max(map(len, out.splitlines())) <= 80
    assert rows(out)["GSAI-ML/LLaDA-8B-Instruct"] == "int8"


def test_json_has_the_numbers(call: Call, free: list[int | None]) -> None:
    data = json.loads(call("models", "--device", "cpu", "--json").out)
    assert (data["device"], data["dtype"], data["free"]) == ("cpu", "float32", 12 * 10**9)
    models = {model["id"]: model for model in data["models"]}
    assert set(models) == IDS
    llada = models["GSAI-ML/LLaDA-8B-Instruct"]
    assert llada["memory"] == {"bfloat16": 16_031_162_368, "int8": 9_051_840_512, "nf4": 5_998_387_200}
    assert (llada["fits"], llada["fits_with"]) == (False, ["--quantize int8", "--quantize nf4"])
    assert llada["recommended"]["preset"] == "paper"
    assert llada["command"] == "credit-viz serve --model GSAI-ML/LLaDA-8B-Instruct"
    assert models["embedded"]["fits"] is True
    assert {name for name, model in models.items() if model["memory_is_estimate"]} == {
        model.id for model in KNOWN_MODELS if model.estimate
    }
    free[0] = None
    unknown = json.loads(call("models", "--device", "cpu", "--json").out)["models"]
    assert {model["fits"] for model in unknown} == {None}


def test_an_unknown_device_is_refused(call: Call) -> None:
    assert_refused(call("models", "--device", "tpu"), "device 'tpu' cannot be used here", "valid: auto, cpu, cuda, mps")
