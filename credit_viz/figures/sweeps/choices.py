"""What can be chosen for a figure of a sweep, and what is drawn by default. Knows tables; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from credit_viz.figures.sweeps.metrics import metric
from credit_viz.figures.sweeps.tables import Swept, axes_of, busiest, one_decoder

__all__ = ["Choices", "choices_of"]

_FIRST = "forward_passes"
_NOT_QUALITY = ("tokens_per_forward", "content_tokens_per_forward")


class Choices(NamedTuple):
    """Options of one figure of one sweep."""

    options: dict[str, str]  #: what is drawn
    valid: dict[str, list[str]]  #: what else could be


def choices_of(result: Swept, options: Sequence[str], wished: Mapping[str, Any]) -> Choices:
    """A valid value for every option that has one: what is wished, or else what is drawn by default.

    Args:
        options: of the figure.
        wished: by option; what is not valid here, such as a knob that only another decoder has, counts as not wished.

    Raises:
        SettingsError: nothing has been run, or nothing says how good the texts are.
    """
    decoder = _one_of(wished.get("decoder"), _decoders(result), busiest(result))
    axes = axes_of(one_decoder(result, decoder)) if "x" in options else []
    qualities = [name for name in result.metrics if metric(name).better == "more" and name not in _NOT_QUALITY]
    every = {"x": axes, "y": axes, "metric": result.metrics, "quality": qualities, "decoder": _decoders(result)}
    chosen = {"decoder": decoder, "metric": _one_of(wished.get("metric"), result.metrics, _FIRST)}
    if "quality" in options:
        chosen["quality"] = _one_of(wished.get("quality"), qualities, result.quality)
    if len(axes) > 1:
        chosen["x"], chosen["y"] = _pair(axes, wished)
    told = [name for name in options if name in chosen]
    return Choices({name: chosen[name] for name in told}, {name: every[name] for name in told})


def _decoders(result: Swept) -> list[str]:
    return [str(name) for name in result.settings["decoder"].unique()]


def _one_of(wished: object, valid: Sequence[str], default: str) -> str:
    return wished if isinstance(wished, str) and wished in valid else default


def _pair(axes: Sequence[str], wished: Mapping[str, Any]) -> tuple[str, str]:
    y = _one_of(wished.get("y"), axes, "")
    x = _one_of(wished.get("x"), axes, next(axis for axis in axes if axis != y))
    return x, y if y and y != x else next(axis for axis in axes if axis != x)
