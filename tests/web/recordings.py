"""Runs of the fake backend as exhibits of a gallery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest
from credit_viz.gallery import Exhibit, Spot, save_gallery
from credit_viz.trace.record import Trace
from tests.web.fake import FakeBackend


def exhibited(
    folder: Path, name: str = "kite", prompt: str = "kite", decoders: Sequence[str] = ("vanilla", "credit")
) -> tuple[Exhibit, list[Trace]]:
    """A run with hostile words about it, and its lanes."""
    events = FakeBackend().stream(RunRequest(prompt, tuple(map(LaneRequest, decoders))))
    finished = {event.lane: event.trace for event in events if isinstance(event, LaneFinished)}
    traces = [finished[lane] for lane in range(len(decoders))]
    exhibit = Exhibit(
        name=name,
        title=f"Title of {name} <b>",
        look=f"Look at {name}: <img src=x onerror=window.pwned=1> is below the bar.",
        model="fake (0 M)",
        prompt=prompt,
        options={"gen_length": 64, "block_length": 32, "seed": 0, "early_stop": False, "cache": "none"},
        lanes=tuple({"decoder": trace.info.decoder, "settings": dict(trace.info.settings)} for trace in traces),
        spot=Spot(5, 3, len(decoders) - 1, "fused"),
        claims={"found": [1, 2]},
        files=tuple(folder / f"{name}-{place}.safetensors" for place in range(len(decoders))),
    )
    return exhibit, traces


def saved(folder: Path, name: str, prompt: str, decoders: Sequence[str]) -> Exhibit:
    """`exhibited`, with its files written."""
    exhibit, traces = exhibited(folder, name, prompt, decoders)
    save_gallery(folder, exhibit.model, [(exhibit, traces)])
    return exhibit
