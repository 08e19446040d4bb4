"""What a page says about models: the one that is served, and how to serve the others. Plain JSON types.

Knows loaded models and the list of known ones; no page.
"""

from __future__ import annotations

from typing import Any

import torch

from credit_viz.models.base import DiffusionLM
from credit_viz.models.known import EMBEDDED, KNOWN_MODELS, KnownModel, known_model
from credit_viz.models.memory import billions, gigabytes
from credit_viz.models.quantize import quantizable_to

__all__ = ["model_menu"]

_GPU = torch.device("cuda")  #: what the advice is for; it need not be here


def model_menu(model: DiffusionLM) -> dict[str, Any]:
    """The served model's particulars, and every other known model with its memory and the command that serves it."""
    info = model.info
    entry = known_model(info.name)
    facts = [f"{billions(info.parameters)} parameters", f"{info.family} family", f"{info.dtype} on {model.device}"]
    if info.revision:
        facts.append(f"commit {info.revision[:12]}")
    return {
        "served": {
            "name": "embedded model" if info.name == EMBEDDED else info.name,
            "facts": facts,
            "note": entry.note if entry else "",
            "licence": entry.licence if entry else "",
        },
        "known": [_advice(other) for other in KNOWN_MODELS if other is not entry],
    }


def _advice(model: KnownModel) -> dict[str, Any]:
    size = model.size
    modes = quantizable_to(model.family, size, _GPU)
    memory = f"{'about ' if model.estimate else ''}{gigabytes(size.weights('bfloat16'))}"
    smaller = [f"{mode} {gigabytes(size.weights('bfloat16', mode))}" for mode in modes]
    active = model.active_parameters
    parameters = billions(size.parameters)
    return {
        "name": "embedded model" if model.id == EMBEDDED else model.id,
        "facts": [
            f"{parameters} parameters" if active == size.parameters else f"{parameters}, {billions(active)} active",
            f"{memory} ({', '.join(smaller)})" if smaller else memory,
        ],
        "note": f"experimental: {model.note}" if model.experimental else model.note,
        "licence": model.licence,
        "command": model.command,
    }
