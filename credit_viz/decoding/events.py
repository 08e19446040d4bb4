"""What is written, on the host: tokens that are given, and those of a step. Knows ids and positions; no canvas."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from credit_viz.decoding.base import Decoder
from credit_viz.errors import DecoderError, PromptError
from credit_viz.trace.record import Reason

__all__ = ["Events", "check_contract", "given_tokens"]


class Events(NamedTuple):
    """Writes in order, all (E,)."""

    positions: np.ndarray  #: of the generated region
    ids: np.ndarray  #: the mask id where a token is taken back
    reasons: np.ndarray  #: uint8 values of Reason

    def then(self, later: Events) -> Events:
        """Both, in this order."""
        return Events(*(np.concatenate(pair) for pair in zip(self, later, strict=True)))


def given_tokens(fixed: Mapping[int, int], length: int, mask_id: int, token_limit: int) -> Events:
    """Token ids by generated position, as they stand before the first step; for no reason.

    Raises:
        PromptError: a position is not one of `length`, or a token has no text.
    """
    for position, token in fixed.items():
        numbers: tuple[Any, ...] = (position, token)
        if any(isinstance(number, bool) or not isinstance(number, Integral) for number in numbers):
            raise PromptError(f"fixed token {token!r} at position {position!r}; valid: whole numbers")
        if not 0 <= position < length:
            raise PromptError(f"fixed position {position} is out of range; valid: 0..{length - 1}")
        if not 0 <= token < token_limit or token == mask_id:
            raise PromptError(f"fixed token {token} at position {position} is no text; valid: ids that have a text")
    places, tokens = (np.array([*numbers], np.int64) for numbers in (fixed.keys(), fixed.values()))
    return Events(places, tokens, np.zeros(len(places), np.uint8))


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
