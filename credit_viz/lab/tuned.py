"""What a search came to, in numbers and in words. Knows settings and intervals; nothing of how they were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.lab.plan import Setting
from credit_viz.tiny.statistics import Interval, mean_interval, resample

__all__ = ["Found", "Score", "Tuned"]

_SEED = 0  #: of the resampling

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

    @property
    def words(self) -> str:
        """The setting, with what it does not share with the defaults."""
        defaults = make_decoder(self.setting.decoder).settings.to_dict()
        told = [
            f"{name} {value:g}" if isinstance(value, (int, float)) else f"{name} {value}"
            for name, value in self.setting.values.items()
            if value != defaults[name] and value is not None
        ]
        return ", ".join([f"{self.setting.decoder} in blocks of {self.options.block_length}", *told])


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
        """The answer in words."""
        unit = "exact match" if self.judged else "agreement with vanilla"
        if not self.found:
            return (
                f"No setting of {', '.join(self.nothing)} keeps {unit} within {100 * self.margin:g} points of vanilla."
            )
        best = self.found[0]
        ratio = self.reference_passes / best.passes.value
        held = "holds" if best.loss.value <= self.margin else "does NOT hold"
        parts = [
            f"{best.words}: {best.passes.value:.1f} passes {_between(best.passes)} instead of "
            f"{self.reference_passes:.1f} ({ratio:.1f}x fewer), {unit} {_points(-best.loss.value)} points "
            f"{_between(Interval(0, -100 * best.loss.high, -100 * best.loss.low), signed=True)} against vanilla on "
            f"{self.prompts} held-out prompts: the margin of {100 * self.margin:g} points {held} there."
        ]
        parts += [self._versus(best, other) for other in self.found[1:]]
        holding = [each for each in self.found if each.loss.value <= self.margin]
        if holding and not holding[0].grants_credit and any(each.grants_credit for each in self.found):
            parts.append("So credit does not help here.")
        parts += [f"{name} has no setting within the margin." for name in self.nothing]
        return " ".join(parts)

    def _versus(self, best: Found, other: Found) -> str:
        weights = resample(self.prompts, _SEED)
        saved = mean_interval(other.score.passes - best.score.passes, weights)
        sure = "" if saved.low > 0 else ", which these prompts cannot tell from none"
        better = mean_interval(100 * (best.score.quality - other.score.quality), weights)
        held = "" if other.loss.value <= self.margin else ", beyond the margin"
        return (
            f"Against {other.words} ({other.passes.value:.1f} passes{held}) that saves {saved.value:.1f} "
            f"{_between(saved, signed=True)}{sure}, at {_points(better.value / 100)} points "
            f"{_between(better, signed=True)}."
        )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _between(found: Interval, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"[{found.low:{sign}.1f}, {found.high:{sign}.1f}]".replace("-", "−")
