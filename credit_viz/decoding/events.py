"""What is written in one step, on the host, and what a decoder may write. Knows ids and positions; no canvas."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from credit_viz.decoding.base import Decoder
from credit_viz.errors import DecoderError
from credit_viz.trace.record import Reason

__all__ = ["Events", "check_contract"]


class Events(NamedTuple):
    """Writes in order, all (E,)."""

    positions: np.ndarray  #: of the generated region
    ids: np.ndarray  #: the mask id where a token is taken back
    reasons: np.ndarray  #: uint8 values of Reason

    def then(self, later: Events) -> Events:
        """Both, in this order."""
        return Events(*(np.concatenate(pair) for pair in zip(self, later, strict=True)))


def check_contract(
    decoder: Decoder, events: Events, ids: np.ndarray, fixed: np.ndarray, mask_id: int, token_limit: int
) -> None:
    """Hold a decoder to its contract: a breach would leave a trace that nobody can replay.

    Args:
        ids: (L,) what stands before the events; fixed: (L,) bool, given tokens.

    Raises:
        DecoderError: it wrote what or where it may not.
    """
    rewrites, masked = decoder.needs.rewrites, ids == mask_id
    takes_back = events.ids == mask_id
    breaches = (
        (fixed[events.positions], "which is given", "positions that are not fixed"),
        (~masked[events.positions] & (not rewrites), "which is not masked", "masked positions"),
        (events.ids == ids[events.positions], "with what stands there already", "changes"),
        (takes_back & (not rewrites), "with the mask token", "tokens that have a text"),
        (
            ((events.ids < 0) | (events.ids >= token_limit)) & ~takes_back,
            "with an id without a text",
            f"ids 0..{token_limit - 1}",
        ),
        (takes_back != (events.reasons == Reason.REMASKED), "for a wrong reason", "REMASKED for the mask token only"),
        (events.reasons == Reason.INTERVENED, "as if by hand", "reasons of its own"),
        ((events.reasons < 1) | (events.reasons > max(Reason)), "for no reason", f"1..{max(Reason):d}"),
    )
    for bad, what, valid in breaches:
        if bad.any():
            place, token = events.positions[bad][0], events.ids[bad][0]
            raise DecoderError(
                f"decoder {decoder.name!r} wrote token {token} at position {place}, {what}; valid: {valid}"
            )
