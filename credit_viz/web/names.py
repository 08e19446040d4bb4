"""What lanes are called, as in static/names.js: the decoder's title, and what sets a lane apart where two are alike."""

from __future__ import annotations

from collections.abc import Sequence

from credit_viz.decoding import DECODERS
from credit_viz.decoding.settings import knobs
from credit_viz.figures.labels import quoted
from credit_viz.trace.record import RunInfo, Trace

__all__ = ["lane_names"]

_LONGEST = 20  #: characters of a token in a name


def lane_names(traces: Sequence[Trace]) -> list[str]:
    """A name for each lane, all different."""
    titles = [_by_hand(trace) or _title(trace.info) for trace in traces]
    longer = [
        title if titles.count(title) == 1 else title + _apart(trace.info)
        for title, trace in zip(titles, traces, strict=True)
    ]
    places = [longer[:i].count(name) + 1 for i, name in enumerate(longer)]
    return [name if place == 1 else f"{name} ({place})" for name, place in zip(longer, places, strict=True)]


def _title(info: RunInfo) -> str:
    return DECODERS[info.decoder].title if info.decoder in DECODERS else info.decoder


def _by_hand(trace: Trace) -> str:
    """What was changed by hand, by its last change; "" where nothing was."""
    changes = trace.info.interventions
    if not changes:
        return ""
    last, others = changes[-1], f" (+{len(changes) - 1})" if len(changes) > 1 else ""
    if last.token is None:
        return f"what if {last.position} is taken back{others}"
    text = quoted(trace, last.token)
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"what if {short} at {last.position}{others}"


def _apart(info: RunInfo) -> str:
    """What sets a lane apart from one of the same title."""
    if info.interventions:
        return f", {_title(info)}"
    return f" {_changed(info)}".rstrip()


def _changed(info: RunInfo) -> str:
    """Settings that are not the decoder's defaults, e.g. "α 0.65, τ 0.95"."""
    if info.decoder not in DECODERS:
        return ""
    found = [
        (knob, info.settings.get(knob.name, knob.default)) for knob in knobs(DECODERS[info.decoder].settings_class)
    ]
    return ", ".join(
        f"{knob.symbol} {'auto' if value is None else value}" for knob, value in found if value != knob.default
    )
