"""What one step of a real model's size is made of: forward pass, decision, record. Knows models, lanes and clocks.

The forward pass grows with the layers, the rest does not. On a CPU one and two layers of the published shape are timed
and the line through them is followed to the published number; on a GPU all layers are there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import torch

from credit_viz.bench.shapes import LLADA_8B, random_model
from credit_viz.bench.table import Row, Section
from credit_viz.bench.timing import medians
from credit_viz.decoding import make_decoder
from credit_viz.decoding.forward import Answer, forward
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM

__all__ = ["Parts", "measure_parts", "section"]

_PROMPT = tuple(range(1, 33))


class Parts(NamedTuple):
    """Median milliseconds of one step."""

    forward: float
    threshold: float  #: reading the block and deciding
    credit: float
    credit_recorded: float  #: the same with every masked position read and recorded, and the record on the host

    @property
    def record(self) -> float:
        """What recording adds to a credit step."""
        return self.credit_recorded - self.credit


def measure_parts(model: DiffusionLM, gen_length: int, block_length: int, rounds: int) -> Parts:
    """Time the parts of a first step; every call starts a lane of its own, so all see the same canvas."""

    def lane(decoder: str, record: str) -> Lane:
        return Lane(model, _PROMPT, make_decoder(decoder), RunOptions(gen_length, block_length, record=record))

    answer = forward(model, [lane("credit", "all").query()])[0]
    taken = medians(
        {
            "forward": lambda: forward(model, [lane("credit", "all").query()]),
            "threshold": _step(lambda: lane("threshold", "none"), answer),
            "credit": _step(lambda: lane("credit", "none"), answer),
            "recorded": _step(lambda: lane("credit", "all"), answer),
        },
        rounds,
    )
    return Parts(taken["forward"], taken["threshold"], taken["credit"], taken["recorded"])


def _step(start: Callable[[], Lane], answer: Answer) -> Callable[[], object]:
    return lambda: start().advance(answer).record()


def section(rounds: int, device: torch.device) -> Section:
    """The parts at the size of LLaDA-8B, and what they say about tracing a whole run."""
    return _on_gpu(rounds, device) if device.type == "cuda" else _on_cpu(rounds, device)


def _on_cpu(rounds: int, device: torch.device) -> Section:
    two = random_model(LLADA_8B | {"n_layers": 2}, device, torch.float32)
    both = measure_parts(two, 64, 64, rounds)
    del two.network.model.layers[1:]  # type: ignore[union-attr, operator]
    one = measure_parts(two, 64, 64, rounds)
    layers = int(LLADA_8B["n_layers"])
    whole = one.forward + (layers - 1) * max(0.0, both.forward - one.forward)
    return Section(
        "one step at the shape of LLaDA-8B (random weights, float32, L=64 in one block, V=126,464)",
        [
            Row("forward, 1 layer and the output layer", one.forward, "ms"),
            Row("forward, 2 layers and the output layer", both.forward, "ms"),
            Row(f"forward, {layers} layers, on the line through both", whole, "ms"),
            *_rows(one, whole, "<= 1.03"),
        ],
    )


def _rows(parts: Parts, whole: float, aim: str) -> list[Row]:
    return [
        Row("threshold step", parts.threshold, "ms"),
        Row("credit step", parts.credit, "ms"),
        Row("record, on the host", parts.record, "ms"),
        Row("credit step / threshold step", parts.credit / parts.threshold, aim="<= 1.15"),
        Row("credit step and record / forward", parts.credit_recorded / whole, aim="<= 0.03"),
        Row("traced / untraced step", (whole + parts.credit_recorded) / (whole + parts.credit), aim=aim),
    ]


def _on_gpu(rounds: int, device: torch.device) -> Section:
    model = random_model(LLADA_8B, device, torch.bfloat16)
    parts = measure_parts(model, 256, 64, rounds)

    def run(record: str) -> None:
        options = RunOptions(256, 64, record=record)
        steps = denoise(model, [Lane(model, _PROMPT, make_decoder("credit"), options)])
        for _ in islice(steps, 24):
            pass

    runs = medians({"untraced": lambda: run("none"), "traced": lambda: run("all")}, max(3, rounds // 3))
    return Section(
        "one step at the shape of LLaDA-8B (random weights, bfloat16, L=256 in blocks of 64, V=126,464)",
        [
            Row("forward", parts.forward, "ms"),
            *_rows(parts, parts.forward, "<= 1.03"),
            Row("24 steps, untraced", runs["untraced"], "ms"),
            Row("24 steps, traced", runs["traced"], "ms"),
            Row("traced / untraced run", runs["traced"] / runs["untraced"], aim="<= 1.03"),
            Row("most memory used", torch.cuda.max_memory_allocated(device), "B"),
        ],
        note=torch.cuda.get_device_name(device),
    )
