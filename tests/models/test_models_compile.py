"""A compiled forward pass: compiled once, equal but for rounding, and a plain word where nothing can be compiled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from credit_viz.decoding import make_decoder
from credit_viz.errors import SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.compile import compile_forward
from credit_viz.models.loading import load_model
from tests.support import run, run_lanes

#: the compiler's own parts of torch import what torch itself calls old.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
SIZE: dict[str, Any] = {"gen_length": 24, "block_length": 8}
NAMES = ["llada_peaky", "llada_moe", "llada2", "dream"]


class Counting:
    """A backend that runs graphs as they are, and counts them."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[Any]) -> Any:
        self.graphs += 1
        return graph.forward


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What is compiled belongs to the process."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.fixture
def counting() -> Counting:
    return Counting()


def load(fixtures: Path, name: str) -> DiffusionLM:
    return load_model(fixtures / name, device="cpu", dtype="float32")


def size_of(model: DiffusionLM) -> dict[str, Any]:
    return SIZE if model.block_length is None else {"gen_length": 64, "block_length": model.block_length}


@pytest.mark.parametrize("name", NAMES)
def test_one_graph_serves_every_step(fixtures: Path, counting: Counting, name: str) -> None:
    """Whatever the prompt, the length, the block and the rows that are needed; with the model's own logits."""
    model = load(fixtures, name)
    canvas = torch.randint(0, model.token_limit, (1, 40), generator=torch.Generator().manual_seed(0))
    expected = model.token_logits(canvas, torch.arange(40))
    compile_forward(model, counting)
    with torch.inference_mode():
        found = model.token_logits(canvas.clone(), torch.arange(40))
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert counting.graphs == 1
    size = size_of(model)
    for options in (size, size | {"logits_to_keep": "needed"}, size | {"gen_length": 2 * size["gen_length"]}):
        for prompt in ((5, 6), tuple(range(5, 30))):
            trace = run(model, make_decoder("threshold"), prompt, **options)
            assert trace.complete
            assert trace.info.compiled
    assert counting.graphs == 1


def test_lanes_that_share_a_pass_compile_once_more(fixtures: Path, counting: Counting) -> None:
    model = compile_forward(load(fixtures, "llada_peaky"), counting)
    decoders = [make_decoder(name) for name in ("vanilla", "credit", "threshold")]
    for _ in range(2):
        run_lanes(model, decoders, batched=True, **SIZE)
        assert counting.graphs == 2


@pytest.mark.parametrize(
    ("name", "cache", "most"),
    [("llada_peaky", "prefix", 2), ("llada_peaky", "dual", 2), ("llada2", "block", 3)],
)
def test_a_cache_compiles_a_fixed_number_of_passes(
    fixtures: Path, counting: Counting, name: str, cache: str, most: int
) -> None:
    """Those from position 0 on, those from elsewhere, and with blocks those that need a mask: never one per step."""
    eager = load(fixtures, name)
    size = size_of(eager) | {"cache": cache}
    expected = run(eager, make_decoder("threshold"), range(5, 30), **size)
    model = compile_forward(load(fixtures, name), counting)
    for prompt in (range(5, 30), range(5, 9), range(5, 45)):
        run(model, make_decoder("threshold"), prompt, **size)
    assert counting.graphs <= 1 + most
    trace = run(model, make_decoder("threshold"), range(5, 30), **size)
    assert trace.token_ids.tolist() == expected.token_ids.tolist()
    assert trace.info.cache == cache


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_really_compiled(fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the compiler that people get, cut to one layer because it takes its time."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    one_layer = load(fixtures, "llada_peaky")
    monkeypatch.setattr(one_layer.network.config, "num_hidden_layers", 1)
    expected = run(one_layer, make_decoder("credit"), **SIZE)
    assert not expected.info.compiled
    trace = run(compile_forward(one_layer), make_decoder("credit"), **SIZE)
    assert trace.info.compiled
    assert trace.token_ids.tolist() == expected.token_ids.tolist()
    assert trace.commit_step.tolist() == expected.commit_step.tolist()


def test_without_a_compiler_one_line_says_what_is_missing(
    fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    one_layer = load(fixtures, "llada_peaky")
    monkeypatch.setattr(one_layer.network.config, "num_hidden_layers", 1)
    with pytest.raises(SettingsError, match=r"cannot be compiled on cpu.*g\+\+.*no-such-compiler") as raised:
        compile_forward(one_layer)
    assert "\n" not in str(raised.value)


def test_loading_compiles_when_asked(fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backends: list[Any] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda _, **options: backends.append(options["backend"]))
    told: list[str] = []
    loaded = load_model(fixtures / "llada_peaky", device="cpu", dtype="float32", compile=True, tell=told.append)
    assert loaded.compiled
    assert backends == ["inductor"]
    assert told == ["compiling the forward pass of llada_peaky"]
    assert not load_model(fixtures / "llada_peaky", device="cpu", dtype="float32").compiled
