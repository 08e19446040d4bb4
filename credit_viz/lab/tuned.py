"""What a search came to, in numbers and in words. Knows settings and intervals; nothing of how they were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.lab.numbers import size_told, sure, told
from credit_viz.lab.plan import Setting
from credit_viz.text import rounded
from credit_viz.tiny.statistics import Interval, mean_interval, resample

__all__ = ["Found", "Score", "Tuned"]

_SEED = 0  #: of the resampling
_VANILLA = "vanilla with one token per pass"  #: what others are compared with

Floats = NDArray[np.float64]


class Score(NamedTuple):
    """One setting on some prompts: (N,) each."""

    passes: Floats
    quality: Floats

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Score:
        """From (passes, quality) per prompt."""
        return cls(*np.array(pairs, np.float64).reshape(-1, 2).T)


@dataclass(frozen=True)
class Found:
    """The best setting of one decoder; numbers are per held-out prompt, with 95 % bootstrap intervals."""

    setting: Setting
    options: RunOptions
    trials: int  #: tried
    cut_short: int  #: of them
    feasible: int  #: of them
    train_passes: float
    train_loss: float  #: quality of vanilla - quality, on the training prompts
    passes: Interval
    loss: Interval  #: quality of vanilla - quality
    score: Score = field(repr=False)

    @property
    def grants_credit(self) -> bool:
        """Whether its decoder remembers anything."""
        return {"alpha", "beta"} <= self.setting.values.keys()

    def words(self, *more: str) -> str:
        """The setting, with what it does not share with the defaults, and what else is said of it."""
        defaults = make_decoder(self.setting.decoder).settings.to_dict()
        told = [
            f"{name} {value:g}" if isinstance(value, (int, float)) else f"{name} {value}"
            for name, value in self.setting.values.items()
            if value != defaults[name] and value is not None
        ]
        blocks = ", ".join([*told, f"blocks of {self.options.block_length}"])
        return f"{self.setting.decoder} ({'; '.join([blocks, *more])})"


@dataclass(frozen=True)
class Tuned:
    """What a search came to; the first of `found` is the answer."""

    margin: float
    judged: bool  #: quality is exact match; else agreement with vanilla, token by token
    prompts: int  #: held out
    reference: RunOptions  #: of the vanilla decoding that others are compared with
    reference_passes: float
    reference_quality: float
    found: tuple[Found, ...]  #: one per decoder that has a feasible setting, fewest held-out passes first
    nothing: tuple[str, ...]  #: decoders without one

    @property
    def sentence(self) -> str:
        """The answer in words: the fewest passes, then what the other decoders need."""
        margin = f"{100 * self.margin:g} points"
        if not self.found:
            return f"No setting of {', '.join(self.nothing)} keeps {self._unit} within {margin} of {_VANILLA}."
        best = self.found[0]
        passes = f"{rounded(best.passes.value)} passes [{rounded(best.passes.low)}, {rounded(best.passes.high)}]"
        ratio = self.reference_passes / best.passes.value
        gained = Interval(-best.loss.value, -best.loss.high, -best.loss.low)
        first = (
            f"On {self.prompts} held-out prompts {best.words()} needs {passes}, {ratio:.1f} times fewer than the "
            f"{rounded(self.reference_passes)} of {_VANILLA}; {self._unit} differs by {told(gained, 100)} points, "
            f"{'within' if self._holds(best) else 'NOT within'} the margin of {margin}."
        )
        others = [self._versus(best, other) for other in self.found[1:]]
        rest = "; ".join([*others, *(f"{name} has no setting within the margin" for name in self.nothing)])
        holding = [each for each in self.found if self._holds(each)]
        if holding and not holding[0].grants_credit and any(each.grants_credit for each in self.found):
            rest += ", so credit does not help here"
        return f"{first} {rest[0].upper()}{rest[1:]}." if rest else first

    @property
    def _unit(self) -> str:
        return "exact match" if self.judged else "agreement with vanilla"

    def _holds(self, found: Found) -> bool:
        return found.loss.value <= self.margin

    def _versus(self, best: Found, other: Found) -> str:
        weights = resample(self.prompts, _SEED)
        saved = mean_interval(other.score.passes - best.score.passes, weights)
        saves = f"{size_told(saved)} passes" if sure(saved) else f"{told(saved)} passes (not told apart from none)"
        better = mean_interval(best.score.quality - other.score.quality, weights)
        needs = f"{rounded(other.passes.value)} passes{'' if self._holds(other) else ', beyond the margin'}"
        return f"against {other.words(needs)} it saves {saves} at {told(better, 100)} points"
