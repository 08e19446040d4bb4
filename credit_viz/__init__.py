"""Credit Viz: watch a diffusion language model make up its mind.

    import credit_viz

    model = credit_viz.load_model()
    trace = credit_viz.decode(model, prompt="...", decoder="credit", settings={"alpha": 0.7})
    trace.forward_passes, trace.commit_step, trace.converge_step, trace.text

Importing this module loads neither torch nor transformers; the names below are fetched on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credit_viz.decoding import DECODERS, make_decoder
    from credit_viz.errors import CreditVizError
    from credit_viz.models.loading import load_model
    from credit_viz.run import Race, decode
    from credit_viz.trace.files import load_trace
    from credit_viz.trace.intervention import Intervention
    from credit_viz.trace.record import Trace
    from credit_viz.whatif import what_if

__all__ = [  # noqa: RUF022 (plain order)
    "CreditVizError",
    "DECODERS",
    "Intervention",
    "Race",
    "Trace",
    "decode",
    "load_model",
    "load_trace",
    "make_decoder",
    "what_if",
]

_HOMES = {
    "CreditVizError": "credit_viz.errors",
    "DECODERS": "credit_viz.decoding",
    "Intervention": "credit_viz.trace.intervention",
    "Race": "credit_viz.run",
    "Trace": "credit_viz.trace.record",
    "decode": "credit_viz.run",
    "load_model": "credit_viz.models.loading",
    "load_trace": "credit_viz.trace.files",
    "make_decoder": "credit_viz.decoding",
    "what_if": "credit_viz.whatif",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'credit_viz' has no attribute {name!r}; public: {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
