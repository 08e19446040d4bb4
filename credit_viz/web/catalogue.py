"""What the page must know before anything runs: decoders with their knobs, examples, model, style. Plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Protocol

from credit_viz.decoding.base import Decoder
from credit_viz.decoding.options import offered_caches
from credit_viz.decoding.settings import Settings, knobs
from credit_viz.figures import Figure, all_figures
from credit_viz.trace.intervention import MAX_INTERVENTIONS
from credit_viz.web.request import MAX_BYTES, MAX_GIVEN, MAX_LANES, MAX_LENGTH, Choice

__all__ = ["CAN_ALL", "Example", "boot", "style"]

#: of a page with a model behind it: start runs, and ask the server about them
CAN_ALL: Mapping[str, bool] = MappingProxyType({"run": True, "ask": True})


class Example(Protocol):
    """An example prompt."""

    @property
    def task(self) -> str:
        """Kind of prompt, for people."""

    @property
    def prompt(self) -> str:
        """The prompt itself."""


def style() -> dict[str, Any]:
    """Colours, scales and marks shared with the Python figures."""
    text = files("credit_viz.figures").joinpath("style.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def boot(
    model: str,
    decoders: Mapping[str, type[Decoder]],
    examples: Sequence[Example],
    choice: Choice,
    abilities: frozenset[str] | None = frozenset(),
    models: Mapping[str, Any] | None = None,
    settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    quick: bool = False,
    can: Mapping[str, bool] = CAN_ALL,
    gallery: Sequence[Mapping[str, Any]] = (),
    welcome: str = "",
) -> dict[str, Any]:
    """Everything the page loads once.

    Args:
        abilities: of the model; decoders, presets and caches that need others are left out. None where no model is
            served: all are described.
        models: what the model menu lists, see `credit_viz.backend.menu`; None for no menu.
        settings: knobs by decoder that suit the model, instead of the decoders' own defaults.
        quick: the model is so small that a run may follow a knob while it is dragged.
        can: what the page can do; parts that need more are left out.
        gallery: runs recorded earlier, see `credit_viz.web.shelf`.
        welcome: name of the one that a first visit shows; "" where it shows a run of the model's own.
    """
    return {
        "can": dict(can),
        "model": model,
        "quick": quick,
        "settings": {name: dict(knobs) for name, knobs in settings.items()},
        "models": models,
        "decoders": {
            name: _decoder(decoder, abilities)
            for name, decoder in decoders.items()
            if _fits(decoder, decoder.settings_class(), abilities)
        },
        "gallery": [dict(entry) for entry in gallery],
        "welcome": welcome,
        "examples": [{"task": example.task, "prompt": example.prompt} for example in examples],
        "choice": {key: value for key, value in asdict(choice).items() if key != "ticket"},
        "caches": list(offered_caches(abilities or frozenset())),
        "limits": {
            "lanes": MAX_LANES,
            "length": MAX_LENGTH,
            "bytes": MAX_BYTES,
            "given": MAX_GIVEN,
            "interventions": MAX_INTERVENTIONS,
        },
        "style": style(),
        "figures": {name: _figure(figure) for name, figure in all_figures().items()},
    }


def _decoder(decoder: type[Decoder], abilities: frozenset[str] | None) -> dict[str, Any]:
    described = [asdict(knob) | {"range": knob.range_text} for knob in knobs(decoder.settings_class)]
    return {
        "title": decoder.title,
        "rule": decoder.rule,
        "paper": decoder.paper,
        "group": decoder.group,
        "knobs": described,
        "presets": {
            name: settings.to_dict()
            for name, settings in decoder.presets.items()
            if _fits(decoder, settings, abilities)
        },
    }


def _figure(figure: Figure) -> dict[str, Any]:
    words = {"title": figure.title, "question": figure.question, "help": figure.help}
    return words | {"per_run": figure.per_run}


def _fits(decoder: type[Decoder], settings: Settings, abilities: frozenset[str] | None) -> bool:
    """Can a model with these abilities serve the decoder?"""
    return abilities is None or decoder(settings).needs.served_by(abilities)
