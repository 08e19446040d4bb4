"""What would another decoder, or other knobs, have written? From a trace alone, up to the first step that differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.decoding.events import Events
from credit_viz.errors import SettingsError
from credit_viz.trace.record import Reason, Trace
from credit_viz.whatif.recorded import NotRecorded
from credit_viz.whatif.replay import Replay, Verdict, recorded_events, refusal

__all__ = ["PredictedStep", "Prediction", "Write", "predict", "what_if"]

SAME, DIFFERS, NOT_RECORDED = "same", "differs", "not recorded"


class Write(NamedTuple):
    """One token that is written, replaced or taken back."""

    position: int  #: from 0
    token_id: int  #: the mask id where a token is taken back
    reason: Reason
    fused: float  #: probability of the token after credit; nan where the decoder did not judge it
    bar: float  #: what had to be reached; nan where nothing was


class PredictedStep(NamedTuple):
    """What one step writes."""

    step: int  #: from 1
    writes: tuple[Write, ...]


class Prediction(NamedTuple):
    """The run that other settings would have made, as far as the record tells.

    It is exact: a real run with these settings writes the same up to and including the last step here. In step
    `diverges_at` it writes something else than was recorded, and needs a re-run from there.
    """

    decoder: str
    settings: Mapping[str, Any]
    options: Mapping[str, Any]  #: block_length and early_stop
    steps: tuple[PredictedStep, ...]
    ended: str  #: "same" to the end, "differs", or "not recorded": nothing can be said of the next step
    diverges_at: int | None  #: first step whose writes differ; None: none that can be told
    why: str = ""  #: where it is not recorded, in words
    position: int | None = None  #: and of which position, where it is one


def what_if(
    trace: Trace,
    decoder: str | None = None,
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    *,
    block_length: int | None = None,
    early_stop: bool | None = None,
) -> Prediction:
    """Replay a trace with other knobs or another decoder, without a model.

    Args:
        decoder: a name in `DECODERS`; None: the recorded one.
        settings: knobs, laid over the preset; without one over the recorded settings, for another decoder over its
            defaults.
        preset: named settings of the decoder.
        block_length, early_stop: other than recorded.

    Raises:
        SettingsError: an unknown name or a value that is not valid.
    """
    recorded = trace.info.decoder
    if decoder in (None, recorded) and preset is None:
        settings = {**trace.info.settings, **(settings or {})}
    return predict(trace, make_decoder(decoder or recorded, settings, preset), block_length, early_stop)


def predict(
    trace: Trace, decoder: Decoder, block_length: int | None = None, early_stop: bool | None = None
) -> Prediction:
    """As `what_if`, of a decoder with its settings."""
    info = trace.info
    steps: list[PredictedStep] = []
    options = {
        "block_length": info.block_length if block_length is None else block_length,
        "early_stop": info.early_stop if early_stop is None else early_stop,
    }

    def ended(how: str, diverges_at: int | None = None, why: str = "", position: int | None = None) -> Prediction:
        values = decoder.settings.to_dict()
        return Prediction(decoder.name, values, options, tuple(steps), how, diverges_at, why, position)

    if why := refusal(trace, decoder):
        return ended(NOT_RECORDED, why=why)
    replay = Replay(trace, decoder, block_length, early_stop)
    try:
        for step, same in _replayed(replay):
            steps.append(step)
            if not same:
                return ended(DIFFERS, step.step)
    except NotRecorded as missing:
        return ended(NOT_RECORDED, why=str(missing), position=missing.position)
    over = replay.steps == trace.forward_passes
    return ended(SAME) if over else ended(DIFFERS, replay.steps + 1)


def _replayed(replay: Replay) -> Iterator[tuple[PredictedStep, bool]]:
    """Each step, and whether it writes what was recorded, until one does not or the decoder has finished."""
    while not replay.lane.finished and not (replay.trace.complete and replay.steps == replay.trace.forward_passes):
        verdict = replay.judge(replay.see())
        try:
            events = replay.take(verdict)
        except SettingsError as error:
            raise NotRecorded(f"a change by hand could not be made: {error}") from error
        recorded = recorded_events(replay.trace, replay.steps)
        yield PredictedStep(replay.steps, _writes(events, verdict)), _as_set(events) == _as_set(recorded)


def _as_set(events: Events) -> set[tuple[int, int]]:
    return set(zip(events.positions.tolist(), events.ids.tolist(), strict=True))


def _writes(events: Events, verdict: Verdict) -> tuple[Write, ...]:
    bars = verdict.decision.channels.get("bar")
    found = []
    for position, token, reason in zip(*(part.tolist() for part in events), strict=True):
        place = position - verdict.start
        judged = 0 <= place < len(verdict.fused) and int(verdict.decision.winner_ids[place]) == token
        fused = float(verdict.fused[place]) if judged else float("nan")
        bar = float(bars[place]) if judged and bars is not None else float("nan")
        found.append(Write(position, token, Reason(reason), fused, bar))
    return tuple(found)
