"""Decoders in words, from what they say of themselves: nothing about any one decoder is written here."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from credit_viz.decoding.settings import Knob, Settings, knobs

if TYPE_CHECKING:
    from credit_viz.decoding.base import Decoder

__all__ = ["describe", "knob_range", "preset_notes", "settings_text"]


def knob_range(knob: Knob) -> str:
    """Valid values and default, e.g. "0..1, default 0.8"."""
    kind = "whole number " if knob.integer else ""
    return f"{kind}{knob.range_text}, default {knob.default_text}"


def settings_text(settings: Settings) -> str:
    """The knobs that differ from their defaults, e.g. "beta=0"."""
    values = settings.to_dict()
    changed = [f"{k.name}={_word(values[k.name])}" for k in knobs(settings) if values[k.name] != k.default]
    return " ".join(changed) or "the defaults"


def _word(value: float | int | str | None) -> str:
    """As the command line takes it."""
    if value is None:
        return "unset"
    return value if isinstance(value, str) else f"{value:g}"


def preset_notes(decoder: type[Decoder]) -> str:
    """Where the presets come from: the paragraph of the decoder's documentation that says so."""
    paragraphs = (inspect.getdoc(decoder) or "").split("\n\n")
    return next((" ".join(p.split()).removeprefix("Presets: ") for p in paragraphs if p.startswith("Presets: ")), "")


def describe(decoder: type[Decoder]) -> dict[str, Any]:
    """Everything about a decoder as plain JSON types."""
    fields = (
        "name",
        "default",
        "default_text",
        "minimum",
        "maximum",
        "step",
        "integer",
        "unset",
        "choices",
        "role",
        "symbol",
        "help",
    )
    return {
        "name": decoder.name,
        "title": decoder.title,
        "rule": decoder.rule,
        "paper": decoder.paper,
        "knobs": [{f: getattr(knob, f) for f in fields} for knob in knobs(decoder.settings_class)],
        "presets": {name: preset.to_dict() for name, preset in decoder.presets.items()},
        "preset_notes": preset_notes(decoder),
    }
