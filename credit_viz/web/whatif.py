"""What the page may ask about runs that were not made: other knobs, other decoders. Answers from kept runs alone.

Knows the store and the what-if room; no gradio, no model.
"""

from __future__ import annotations

import reprlib
import threading
from collections import OrderedDict
from typing import Any

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.errors import SettingsError
from credit_viz.trace.record import Trace
from credit_viz.web.asked import Asked, object_of, text_of, whole_of
from credit_viz.web.runs import RunStore
from credit_viz.whatif import SameState, what_if
from credit_viz.whatif.plain import counterfactual_json, prediction_json

__all__ = ["WhatIfs"]

#: lanes of which the decoders' histories are kept, for the next question about the same one.
_KEPT = 8


class WhatIfs:
    """Two questions, see `credit_viz.web.questions`; safe to ask from several threads."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._states: OrderedDict[tuple[str, int, int], tuple[Trace, SameState]] = OrderedDict()
        self._lock = threading.Lock()

    def whatif(self, asked: Asked) -> dict[str, Any]:
        """What a lane would have written with other settings, up to the first step that differs.

        asked: run, lane, decoder, settings; block_length and early_stop if they change.
        """
        lane, settings = whole_of(asked, "lane"), object_of(asked, "settings")
        block_length, early_stop = asked.get("block_length"), asked.get("early_stop")
        if early_stop is not None and not isinstance(early_stop, bool):
            raise SettingsError(f"early_stop={reprlib.repr(early_stop)} is not valid; valid: true or false")
        trace = self._store.get(text_of(asked, "run")).trace(lane)
        decoder = make_decoder(text_of(asked, "decoder"), settings)
        found = what_if(
            trace, decoder.name, decoder.settings.to_dict(), block_length=block_length, early_stop=early_stop
        )
        return prediction_json(trace, found)

    def counterfactual(self, asked: Asked) -> list[dict[str, Any]]:
        """What each decoder would do in the state before a step, and all it makes of one position.

        asked: run, lane, step, position. Decoders of the run's lanes have their settings there, others their defaults.
        """
        run, lane = text_of(asked, "run"), whole_of(asked, "lane")
        step, position = whole_of(asked, "step"), whole_of(asked, "position")
        with self._lock:  # the histories grow with each question
            trace, state = self._same_state(run, lane)
            return [counterfactual_json(trace, found, position) for found in state.at(step)]

    def _same_state(self, run: str, lane: int) -> tuple[Trace, SameState]:
        kept = self._store.get(run)
        key = (run, lane, len(kept.records[lane]) if 0 <= lane < len(kept.records) else 0)
        if key not in self._states:
            trace = kept.trace(lane)
            own = make_decoder(trace.info.decoder, trace.info.settings)
            lanes = [own, *(make_decoder(other.decoder, other.settings) for other in kept.request.lanes)]
            self._states[key] = trace, SameState(trace, _asked_about(lanes))
            while len(self._states) > _KEPT:
                self._states.popitem(last=False)
        self._states.move_to_end(key)
        return self._states[key]


def _asked_about(lanes: list[Decoder]) -> list[Decoder]:
    """The decoders of the lanes, each once, and all others with their defaults."""
    chosen = list(dict.fromkeys(lanes))
    names = {decoder.name for decoder in chosen}
    return [*chosen, *(make_decoder(name) for name in DECODERS if name not in names)]
