"""Changes by hand in one run: which may be made, and the writes that follow. Knows ids, positions and blocks.

A step's changes are made right after what its decoder wrote, and before the step ends its block or the text: so a token
taken back in a block's last step keeps the block alive, and an end-of-text token written by hand can end the run.
Nothing else of the run's state is touched: what a decoder remembers of a position (credit, stable passes) stays as it
was, and a decoder that can change its mind may change what was written by hand, as it may any token that is not given.

Nothing comes back to a finished block: a mask there would never be filled again. A token that stands there may be
replaced by another, unless the run keeps keys and values of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from credit_viz.decoding.events import Events
from credit_viz.errors import SettingsError
from credit_viz.trace.intervention import MAX_INTERVENTIONS, Intervention
from credit_viz.trace.record import Reason

__all__ = ["Interventions"]


class Interventions:
    """All changes by hand of one lane.

    Args:
        fixed: (L,) bool, given tokens.
        cache: see `RunOptions.cache`.

    Raises:
        SettingsError: too many, two of the same place and step, or one that no run of this model could make.
    """

    def __init__(
        self, wanted: Sequence[Intervention], fixed: np.ndarray, mask_id: int, token_limit: int, cache: str
    ) -> None:
        if len(wanted) > MAX_INTERVENTIONS:
            raise SettingsError(f"{len(wanted)} changes by hand in one lane; valid: up to {MAX_INTERVENTIONS}")
        self.count = len(wanted)
        self._mask_id = mask_id
        self._cache = cache
        self._by_step: dict[int, dict[int, Intervention]] = defaultdict(dict)
        for one in wanted:
            self._check(one, fixed, token_limit)
            if one.position in self._by_step[one.step]:
                raise SettingsError(f"{one}: there are two; valid: one for each position and step")
            self._by_step[one.step][one.position] = one

    def _check(self, one: Intervention, fixed: np.ndarray, token_limit: int) -> None:
        if one.position >= len(fixed):
            raise SettingsError(f"{one}: it is out of range; valid: positions 0..{len(fixed) - 1}")
        if fixed[one.position]:
            raise SettingsError(f"{one}: the token there is given; valid: positions that are not")
        if one.token is not None and (one.token >= token_limit or one.token == self._mask_id):
            raise SettingsError(f"{one}: token {one.token} is no text; valid: ids of 0..{token_limit - 1} with a text")

    def after(self, step: int, ids: np.ndarray, block: tuple[int, int]) -> Events:
        """The writes of a step; a token that stands there already needs none.

        Args:
            ids: (L,) the generated region after what the decoder wrote; block: the active one, [start, end).

        Raises:
            SettingsError: one of them cannot be made there, or no more.
        """
        made = [one for one in self._by_step.pop(step, {}).values() if self._changes(one, ids, block)]
        return Events(
            np.array([one.position for one in made], np.int64),
            np.array([self._mask_id if one.token is None else one.token for one in made], np.int64),
            np.full(len(made), Reason.INTERVENED, np.uint8),
        )

    def _changes(self, one: Intervention, ids: np.ndarray, block: tuple[int, int]) -> bool:
        stands = int(ids[one.position])
        (start, end), last = block, len(ids) - 1
        if one.position < start and (one.token is None or self._cache != "none"):
            why = "" if one.token is None else f", and the {self._cache} cache keeps what was computed there"
            raise SettingsError(f"{one}: its block is finished{why}; valid then: positions {start}..{last}")
        if one.position >= end and self._cache == "dual":
            raise SettingsError(
                f"{one}: the dual cache computes the active block only; valid then: positions {start}..{end - 1}"
            )
        if one.token is None and stands == self._mask_id:
            raise SettingsError(f"{one}: there is nothing to take back; valid: positions that hold a token then")
        return stands != one.token

    @property
    def made(self) -> bool:
        """Have all of them been made?"""
        return not self._by_step

    def check_reached(self, steps: int) -> None:
        """Were all of them made by a run that was finished after so many steps?

        Raises:
            SettingsError: one was meant for a later step.
        """
        for left in self._by_step.values():
            for one in left.values():
                raise SettingsError(f"{one}: the run was finished after {steps} steps; valid: steps 1..{steps}")
