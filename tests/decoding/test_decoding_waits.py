"""What a step makes the host wait for, counted on a CPU: on a GPU each such read lets the queue of work run empty.

A transfer (`Tensor.cpu`) is such a read; so is a number, a truth value or a shape that depends on data, which looks
like ordinary code. Copies to the device wait too, unless they are marked not to.
"""

from __future__ import annotations

import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.decoding.clock import Moment
from credit_viz.decoding.forward import forward
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from tests.support import MASK_DECODERS, MockModel, run

#: operations whose outcome the host must see before it can go on.
DATA_DEPENDENT = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero"}
#: what is asked of a model beside plain passes, by checkpoint.
PASSES = {
    "llada_peaky": ["none", "prefix", "dual", "guidance", "shadow"],
    "llada_moe": ["none", "prefix", "dual", "guidance", "shadow"],
    "dream": ["none", "guidance"],
    "llada2": ["none", "block"],
}


class Waits(TorchDispatchMode):
    """Counts what would wait, by the line that asks for it: transfers to the host, and everything else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.transfers: Counter[str] = Counter()
        self.hidden: Counter[str] = Counter()
        self.counts = False
        to = Tensor.to

        def from_device(tensor: Tensor) -> Tensor:
            self.transfers[_line()] += self.counts
            return tensor

        def to_device(tensor: Tensor, *args: Any, **options: Any) -> Tensor:
            target = args[0] if args else options.get("device")
            if isinstance(target, torch.device) and not options.get("non_blocking"):
                self.hidden[f"to {_line()}"] += self.counts
            return to(tensor, *args, **options)

        monkeypatch.setattr(Tensor, "cpu", from_device)
        monkeypatch.setattr(Tensor, "to", to_device)
        # code that may read on a CPU takes the way it takes on other devices
        for module in ("ledger", "recorder", "loop"):
            monkeypatch.setattr(f"credit_viz.decoding.{module}.reading_is_free", lambda _: False)

    def __enter__(self) -> Waits:
        self.counts = True
        return super().__enter__()  # type: ignore[no-any-return]

    def __exit__(self, *error: object) -> None:
        self.counts = False
        super().__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name in ("index", "index_put", "index_put_") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in DATA_DEPENDENT or by_mask:
            self.hidden[f"{name} {_line()}"] += 1
        return func(*args, **(kwargs or {}))


def _line() -> str:
    frames = [frame for frame in traceback.extract_stack() if "test_decoding" not in frame.filename]
    ours = [frame for frame in frames if "credit_viz" in frame.filename] or frames
    return f"{Path(ours[-1].filename).name}: {ours[-1].line}"


def lane_of(decoder: Decoder, model: Any, **options: Any) -> Lane:
    return Lane(model, (2, 3), decoder, RunOptions(**{"gen_length": 24, "block_length": 12, **options}))


@pytest.mark.parametrize("record", ["all", "block", "none"])
@pytest.mark.parametrize("name", MASK_DECODERS)
def test_a_step_waits_for_its_decision_alone(name: str, record: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of the record are two more transfers, which nobody waits for before the next forward pass."""
    # the mask is never the best guess: that is the next test's
    model = MockModel(sharpness=1.0, favour={12: -50.0})
    lane = lane_of(make_decoder(name), model, record=record)
    waits = Waits(monkeypatch)
    steps = 0
    while not lane.finished:
        (answer,) = forward(model, [lane.query()])
        with waits:
            lane.advance(answer)
        steps += 1
    assert steps > 2
    assert not +waits.hidden
    (decision, count), *recorded = sorted((+waits.transfers).items())
    assert decision.startswith("loop.py")
    assert count == steps
    assert sum(count for _, count in recorded) == (0 if record == "none" else 2 * steps)
    assert all(line.startswith("recorder.py") for line, _ in recorded)


def test_a_step_that_needs_help_waits_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every guess is the mask token, nothing is decided and the loop asks again."""
    model = MockModel(sharpness=1.0, favour={12: 50.0})
    lane = lane_of(make_decoder("threshold"), model)
    waits = Waits(monkeypatch)
    (answer,) = forward(model, [lane.query()])
    with waits:
        step = lane.advance(answer)
    assert len(step.record().event_positions) == 1
    assert not +waits.hidden
    assert [count for line, count in waits.transfers.items() if line.startswith("loop.py")] == [1, 1]


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in PASSES.items() for kind in kinds])
def test_a_forward_pass_waits_for_nothing(
    fixtures: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in our code nor in the library's. One check of ids is made only where they are on the host."""
    model = load_model(fixtures / name, device="cpu", dtype="float32")
    decoders = {"guidance": make_decoder("vanilla", {"guidance": 0.5}), "shadow": make_decoder("wino")}
    size = model.block_length or 12
    lane = lane_of(
        decoders.get(kind, make_decoder("credit")),
        model,
        gen_length=2 * size,
        block_length=size,
        cache="none" if kind in decoders else kind,
    )
    monkeypatch.setattr(DiffusionLM, "_check", lambda *_: None)
    waits = Waits(monkeypatch)
    while not lane.finished:
        with waits:
            (answer,) = forward(model, [lane.query()])
        lane.advance(answer)
    # a tensor that is on the device already stays there
    assert not {line: count for line, count in (+waits.hidden).items() if not line.startswith("to ")}
    assert not +waits.transfers


@pytest.mark.parametrize("name", MASK_DECODERS)
def test_the_way_without_waiting_ends_in_the_same_trace(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = make_decoder(name)
    plain = run(MockModel(sharpness=2.0), decoder, gen_length=24, block_length=24)
    Waits(monkeypatch)
    other = run(MockModel(sharpness=2.0), decoder, gen_length=24, block_length=24)
    for field in ("event_steps", "event_positions", "event_ids", "candidate_ids"):
        np.testing.assert_array_equal(getattr(plain, field), getattr(other, field))
    for field in ("fused", "candidate_credit"):
        np.testing.assert_allclose(getattr(plain, field), getattr(other, field), rtol=1e-6)


def test_a_record_is_read_while_the_next_pass_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MockModel()
    lane = lane_of(make_decoder("vanilla"), model, gen_length=4, block_length=4)
    Waits(monkeypatch)
    seen = [(record.step, model.calls) for _, record in denoise(model, [lane])]
    assert seen == [(1, 2), (2, 3), (3, 4), (4, 4)]


class FakeEvent:
    """An event of a device whose queue is worked off long after the host has filled it."""

    queued = 0

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        self.place = -1

    def record(self, stream: object) -> None:
        FakeEvent.queued += 1
        self.place = FakeEvent.queued

    def synchronize(self) -> None:
        assert self.place > 0

    def elapsed_time(self, later: FakeEvent) -> float:
        return 250.0 * (later.place - self.place)


def test_seconds_on_a_gpu_are_the_device_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.Event", FakeEvent)
    monkeypatch.setattr("torch.cuda.current_stream", lambda _: None)
    cuda = torch.device("cuda")
    first, _, third = Moment.now(cuda), Moment.now(cuda), Moment.now(cuda)
    assert third.since(first) == 0.5
    cpu = torch.device("cpu")
    assert 0 <= Moment.now(cpu).since(Moment.now(cpu)) + 1 < 1.5
