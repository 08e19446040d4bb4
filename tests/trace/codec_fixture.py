"""Runs as packets, with what a decoder must read from them: the JavaScript tests are held to it.

python -m tests.trace.codec_fixture writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest, StepTaken
from credit_viz.decoding import make_decoder
from credit_viz.trace.codec import PLANES, Encoder, encode_position
from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import StepRecord, Trace
from tests.rewriting import Fickle
from tests.support import MockModel, run
from tests.web.fake import TEXTS, FakeBackend

FIXTURE = Path(__file__).parents[1] / "js" / "run.json"
POSITION = 5
SECONDS = 12.5  #: what the first lane took


def fixture() -> dict[str, Any]:
    """Packets of four runs, seven steps to a packet, and the truth about each."""
    return {"live": _live(), "rewriting": _rewriting(), "given": _given(), "by hand": _by_hand()}


def _live() -> dict[str, Any]:
    """Two lanes as a page receives them."""
    request = RunRequest("fixture", (LaneRequest("vanilla"), LaneRequest("credit")), gen_length=24, block_length=12)
    events = list(FakeBackend().stream(request))
    traces = [event.trace for event in events if isinstance(event, LaneFinished)]
    traces.sort(key=lambda trace: trace.info.decoder, reverse=True)
    steps = [(event.lane, event.record, event.tokens) for event in events if isinstance(event, StepTaken)]
    return _packed(traces, steps, TEXTS)


def _rewriting() -> dict[str, Any]:
    """Tokens that are taken back and edited; the second lane stops early, behind tokens that stand."""
    model = MockModel(seed=3, sharpness=3.0)
    ends = MockModel(seed=8, sharpness=3.0, favour={1: 4.0})
    traces = [
        run(model, Fickle(), gen_length=16, block_length=8),
        run(ends, Fickle(), gen_length=16, block_length=16, early_stop=True),
    ]
    return _saved(traces)


def _given() -> dict[str, Any]:
    """Tokens that stand from the beginning: text, and one that ends the text."""
    model = MockModel(seed=5)
    fixed = {0: 3, 5: 4, 6: 4, 15: 1}
    decoders = (make_decoder("credit"), Fickle())
    return _saved([run(model, decoder, fixed=fixed, gen_length=16, block_length=8) for decoder in decoders])


def _by_hand() -> dict[str, Any]:
    """A token that is written by hand, and one that is taken back; also where the decoder changes its mind."""
    traces = []
    for decoder in (make_decoder("credit"), Fickle()):
        plain = run(MockModel(seed=6), decoder, gen_length=16, block_length=16)
        empty, written = (np.flatnonzero(plain.canvas(step) == plain.info.mask_id) for step in (3, 1))
        back = next(place for place in range(16) if place not in written)
        changes = [Intervention(1, back, None), Intervention(3, int(empty[-1]), 3)]
        traces.append(run(MockModel(seed=6), decoder, interventions=changes, gen_length=16, block_length=16))
    return _saved(traces)


def _saved(traces: Sequence[Trace]) -> dict[str, Any]:
    traces = [_timeless(trace) for trace in traces]
    texts = traces[0].info.token_text | traces[1].info.token_text
    steps = [(lane, record, texts) for lane, trace in enumerate(traces) for record in trace.steps()]
    return _packed(traces, steps, texts)


def _timeless(trace: Trace) -> Trace:
    """The same on every machine."""
    seconds = np.arange(1, trace.forward_passes + 1) / 64
    info = replace(trace.info, versions={})
    return replace(trace, info=info, forward_seconds=seconds, decoder_seconds=seconds / 4)


def _packed(
    traces: Sequence[Trace], steps: Sequence[tuple[int, StepRecord, Mapping[int, str]]], texts: Mapping[int, str]
) -> dict[str, Any]:
    encoder = Encoder("fixture", [trace.info for trace in traces])
    packets = [encoder.start({"prompt": "fixture"})]
    for index, (lane, record, tokens) in enumerate(steps):
        encoder.add(lane, record, tokens)
        if index % 7 == 6 and (packet := encoder.flush()):
            packets.append(packet)
    encoder.finish(0, SECONDS)
    packets += [packet for packet in (encoder.flush(), encoder.end("done")) if packet]
    position = encode_position("fixture", POSITION, [list(trace.steps()) for trace in traces], texts)
    return {"packets": packets, "position": position, "expected": [_expected(trace) for trace in traces]}


def _expected(trace: Trace) -> dict[str, Any]:
    top = [[[], []] for _ in range(trace.forward_passes)]
    for step, position, token in zip(trace.cell_steps, trace.positions, trace.candidate_ids[:, 0], strict=True):
        top[step - 1][0].append(int(position))
        top[step - 1][1].append(int(token))
    mine = trace.positions == POSITION
    bar = trace.channels["bar"][mine]
    return {
        "decoder": trace.info.decoder,
        "forward_passes": trace.forward_passes,
        "canvases": [trace.canvas(step).tolist() for step in range(trace.forward_passes + 1)],
        "given": sorted(trace.info.fixed),
        "commit_step": trace.commit_step.tolist(),
        "converge_step": trace.converge_step.tolist(),
        "reason": trace.reason.tolist(),
        "taken_back": trace.taken_back,
        "edited": trace.edited,
        "complete": trace.complete,
        "mean_wait": trace.mean_wait,
        "redundant_guesses": trace.redundant_guesses,
        "tokens_per_forward": trace.tokens_per_forward,
        "content_tokens_per_forward": trace.content_tokens_per_forward,
        "seconds": [float(trace.forward_seconds.sum()), float(trace.decoder_seconds.sum())],
        "content": trace.content_mask.tolist(),
        "top": top,
        "planes": {name: plane.to_bytes(trace.cells(name)).tolist() for name, plane in PLANES.items()}
        | {"flips": trace.cells("flips").astype(int).tolist()},
        "flips": trace.flips.tolist(),
        "position": {
            "steps": trace.cell_steps[mine].tolist(),
            "winner_fused": [round(float(x), 6) for x in trace.fused[mine]],
            "boost": [round(float(x), 6) for x in trace.cells("boost")[mine]],
            "bar": [None if x != x else round(float(x), 6) for x in bar],
        },
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(fixture()) + "\n", "utf-8")
