"""A run as packets, with what a decoder must read from them: the JavaScript tests are held to it.

python -m tests.trace.codec_fixture writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest, StepTaken
from credit_viz.trace.codec import PLANES, Encoder, encode_position
from credit_viz.trace.record import Trace
from tests.web.fake import TEXTS, FakeBackend

FIXTURE = Path(__file__).parents[1] / "js" / "run.json"
POSITION = 5


def fixture() -> dict[str, Any]:
    """Packets of a run of two lanes, seven steps to a packet, and the truth about it."""
    request = RunRequest("fixture", (LaneRequest("vanilla"), LaneRequest("credit")), gen_length=24, block_length=12)
    events = list(FakeBackend().stream(request))
    traces = [event.trace for event in events if isinstance(event, LaneFinished)]
    traces.sort(key=lambda trace: trace.info.decoder, reverse=True)
    encoder = Encoder("fixture", [trace.info for trace in traces])
    packets = [encoder.start({"prompt": "fixture"})]
    for index, event in enumerate(event for event in events if isinstance(event, StepTaken)):
        encoder.add(event.lane, event.record, event.tokens)
        if index % 7 == 6 and (packet := encoder.flush()):
            packets.append(packet)
    packets += [packet for packet in (encoder.flush(), encoder.end("done")) if packet]
    position = encode_position("fixture", POSITION, [list(trace.steps()) for trace in traces], TEXTS)
    return {"packets": packets, "position": position, "expected": [_expected(trace) for trace in traces]}


def _expected(trace: Trace) -> dict[str, Any]:
    top = [[[], []] for _ in range(trace.forward_passes)]
    for step, position, token in zip(trace.cell_steps, trace.positions, trace.candidate_ids[:, 0], strict=True):
        top[step - 1][0].append(int(position))
        top[step - 1][1].append(int(token))
    mine = trace.positions == POSITION
    return {
        "decoder": trace.info.decoder,
        "forward_passes": trace.forward_passes,
        "token_ids": trace.token_ids.tolist(),
        "commit_step": trace.commit_step.tolist(),
        "converge_step": trace.converge_step.tolist(),
        "reason": trace.reason.tolist(),
        "mean_wait": trace.mean_wait,
        "content_tokens": trace.content_tokens,
        "top": top,
        "confidence": PLANES["confidence"].to_bytes(trace.confidence).tolist(),
        "credit": PLANES["credit"].to_bytes(trace.cells("credit")).tolist(),
        "position": {
            "steps": trace.cell_steps[mine].tolist(),
            "winner_fused": [round(float(x), 6) for x in trace.fused[mine]],
            "boost": [round(float(x), 6) for x in trace.cells("boost")[mine]],
        },
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(fixture()) + "\n", "utf-8")
