"""A comparison of two settings as plain JSON types, for the page and the shell.

Numbers are in the unit of their measure: a share is 0 to 1, and so is its difference. What nobody can say is null, the
interval of a single prompt included.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from credit_viz.lab.contrasting import Contrast
from credit_viz.lab.controls import Control
from credit_viz.lab.paired import Measure

__all__ = ["plain"]

_DIGITS = 6


def plain(found: Contrast) -> dict[str, Any]:
    """Everything that was found; `pairs` are prompts, most different first."""
    return {
        "rows": [side.number for side in found.settings],
        "names": list(found.names),
        "differs": [{"knob": knob, "values": list(values)} for knob, values, _ in found.differs],
        "prompts": found.prompts,
        "left_out": found.left_out,
        "same_texts": found.same_texts,
        "sentence": found.sentence,
        "measures": [_measure(each) for each in found.measures.values()],
        "reasons": [{"name": name, "values": _numbers(means)} for name, means in found.reasons.items()],
        "pairs": _pairs(found),
        "controls": [_control(each) for each in found.controls],
        "command": found.command,
    }


def _pairs(found: Contrast) -> list[dict[str, Any]]:
    table = found.by_prompt
    passes, quality = (table[[f"{name}_1", f"{name}_2"]].to_numpy(float).tolist() for name in ("passes", "quality"))
    columns = table["prompt"].tolist(), passes, quality, table["same_text"].tolist()
    return [
        {"prompt": prompt, "passes": _numbers(both), "quality": _numbers(judged), "same_text": same}
        for prompt, both, judged, same in zip(*columns, strict=True)
    ]


def _measure(found: Measure) -> dict[str, Any]:
    value, low, high = _numbers(dataclasses.astuple(found.difference))
    difference = {"value": value, "low": low, "high": high}
    return {"name": found.name, "values": _numbers(found.values), "difference": difference}


def _control(found: Control) -> dict[str, Any]:
    passes, quality = (None if each is None else _number(each.values[1]) for each in (found.passes, found.quality))
    return {
        "of": found.of,
        "role": found.role,
        "row": found.number,
        "name": found.name,
        "passes": passes,
        "quality": quality,
        "why": found.why,
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    """A few digits; what is missing is null."""
    return None if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
