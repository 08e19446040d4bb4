"""What one decoder step costs, without a model: random logits at the vocabulary size of LLaDA."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from credit_viz.bench.rivals import CreditMatrix, float64_threshold
from credit_viz.bench.table import Row, Section
from credit_viz.bench.timing import medians
from credit_viz.decoding.base import Block, Decoder, View
from credit_viz.decoding.credit import Credit
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.threshold import Threshold

__all__ = ["section", "state_bytes", "state_section"]


def section(length: int, vocabulary: int, rounds: int) -> Section:
    """Time a step of each decoder in turn on a stream of three different logit tensors.

    Credit runs on with its ledger, as in a real block, so the cost includes slots that have grown.
    """
    streams = [_logits(length, vocabulary, seed) for seed in range(3)]
    masked = torch.ones(length, dtype=torch.bool)
    dense = CreditMatrix()
    turn = [0]

    def logits() -> Tensor:
        turn[0] += 1
        return streams[turn[0] % len(streams)]

    taken = medians(
        {
            "threshold": _stepper(Threshold(), logits, masked),
            "credit": _stepper(Credit(), logits, masked),
            "credit matrix": lambda: dense.step(logits(), masked),
            "float64 threshold": lambda: float64_threshold(logits(), masked),
        },
        rounds,
    )
    credit = taken["credit"]
    return Section(
        f"one decoder step, L={length}, V={vocabulary:,}",
        [
            *(Row(name, value, "ms") for name, value in taken.items()),
            Row("credit / our threshold", credit / taken["threshold"], aim="<= 1.15"),
            Row("credit / credit matrix (dInfer style)", credit / taken["credit matrix"], aim="<= 0.20"),
            Row("credit / float64 threshold (Fast-dLLM style)", credit / taken["float64 threshold"], aim="<= 0.25"),
        ],
    )


def _logits(length: int, vocabulary: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(length, vocabulary, generator=generator)
    # one token stands out per position, as a trained model's top-1 does
    winners = torch.randint(vocabulary, (length, 1), generator=generator)
    return logits.scatter_(1, winners, 11.0)


def _stepper(decoder: Decoder, logits: Callable[[], Tensor], masked: Tensor) -> Callable[[], object]:
    length = len(masked)
    state = [decoder.start(Block.alone(length, masked.device))]
    rng = torch.Generator()

    def step() -> None:
        current = logits()
        predictions = Predictions(current, mask_id=0, token_limit=current.shape[1])
        state[0] = decoder.step(View.of_block(predictions, masked), state[0], rng).state

    return step


def state_bytes(length: int, vocabulary: int, steps: int) -> tuple[int, int]:
    """Bytes of credit state after `steps`, dense and sparse, while each position keeps changing its mind.

    Winners are drawn from 4 tokens per position: more rivals than a trained model shows at one position.
    """
    generator = torch.Generator().manual_seed(0)
    masked = torch.ones(length, dtype=torch.bool)
    decoder = Credit()
    state = decoder.start(Block.alone(length, masked.device))
    base = torch.randn(length, 4096, generator=generator)
    rivals = torch.randint(4096, (length, 4), generator=generator)
    for _ in range(steps):
        winner = rivals.gather(1, torch.randint(4, (length, 1), generator=generator))
        predictions = Predictions(base.scatter(1, winner, 9.0), mask_id=0, token_limit=4096)
        state = decoder.step(View.of_block(predictions, masked), state, torch.Generator()).state
    assert state.ledger is not None
    return length * vocabulary * torch.float32.itemsize, state.ledger.nbytes


def state_section(length: int, vocabulary: int, steps: int) -> Section:
    """Memory of the credit state, dense against sparse."""
    dense, sparse = state_bytes(length, vocabulary, steps)
    return Section(
        f"credit state, L={length}, V={vocabulary:,}, after {steps} steps",
        [Row("dense", dense, "B"), Row("sparse", sparse, "B"), Row("dense / sparse", dense / sparse, aim=">= 1000")],
    )
