"""Passes and exact match of a sweep's settings as arrays, prompt by prompt, and what differs between them at equal
passes. Knows results of sweeps on judged prompts; chooses nothing.

A setting in blocks of one length is a point. Points of one family that differ only in the knob that trades passes for
quality make a curve: the threshold rule in blocks of 32, say, or credit with alpha 0.7 in blocks of 32.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.decoding import DECODERS
from credit_viz.errors import SettingsError
from credit_viz.lab.plan import Setting
from credit_viz.lab.result import SweepResult
from credit_viz.lab.spaces import Value
from credit_viz.tiny.statistics import Interval, interval

__all__ = ["NO_HISTORY", "Point", "Scores", "family_of"]

NO_HISTORY = "no history"  #: the family of credit with beta 0, the control that remembers nothing

Floats = NDArray[np.float64]


def family_of(decoder: str, values: Mapping[str, Value]) -> str:
    """The decoder, but credit that forgets after every step is a family of its own."""
    return NO_HISTORY if decoder == "credit" and values["beta"] == 0 else decoder


class Point(NamedTuple):
    """One setting in blocks of one length."""

    setting: Setting
    block_length: int

    @property
    def family(self) -> str:
        """See `family_of`."""
        return family_of(*self.setting)

    @property
    def knob(self) -> str:
        """The knob that trades passes for quality."""
        return DECODERS[self.setting.decoder].sweep[0]

    @property
    def curve(self) -> tuple[Any, ...]:
        """The same for points of one curve."""
        fixed = {name: value for name, value in self.setting.values.items() if name != self.knob}
        return (self.setting.decoder, *fixed.items(), self.block_length)

    @property
    def words(self) -> str:
        """The point for people."""
        told = [self.knob] if self.setting.decoder != "credit" else ["alpha", "beta", self.knob]
        values = [f"{name} {_text(self.setting.values[name])}" for name in told]
        return f"{', '.join(values)}, blocks of {self.block_length}"


def _text(value: Value) -> str:
    return "unset" if value is None else f"{value:g}" if isinstance(value, (int, float)) else value


@dataclass(frozen=True)
class Scores:
    """P points on N prompts: forward passes, and whether the answer was right. (P, N) each."""

    points: tuple[Point, ...]
    prompts: tuple[str, ...]  #: their texts
    passes: Floats
    right: Floats

    @classmethod
    def of(cls, result: SweepResult) -> Scores:
        """From a whole sweep with one seed.

        Raises:
            SettingsError: runs are missing, failed, or of prompts that nobody can judge.
        """
        settings = {result.plan.names()[setting.content]: setting for setting in result.plan.settings}
        prompts = {prompt.id: prompt.text for prompt in result.plan.all_prompts}
        grids = []
        for metric in ("forward_passes", "exact_match"):
            grid = result.frame.pivot(index=["setting", "block_length"], columns="prompt", values=metric)
            grids.append(grid.reindex(columns=list(prompts)))
        passes, right = (grid.to_numpy(np.float64, na_value=np.nan) for grid in grids)
        if np.isnan(passes).any() or np.isnan(right).any():
            raise SettingsError("this sweep has runs that are missing, failed or not judged; valid: a whole one")
        points = tuple(Point(settings[name], int(length)) for name, length in grids[0].index)
        return cls(points, tuple(prompts.values()), passes, right)

    @classmethod
    def joined(cls, parts: Sequence[Scores]) -> Scores:
        """Points of several sweeps on the same prompts.

        Raises:
            SettingsError: they are not.
        """
        if len({part.prompts for part in parts}) != 1:
            raise SettingsError(f"{len(parts)} sweeps on different prompts; valid: one or more on the same ones")
        return cls(
            tuple(point for part in parts for point in part.points),
            parts[0].prompts,
            np.concatenate([part.passes for part in parts]),
            np.concatenate([part.right for part in parts]),
        )

    def on(self, some: slice) -> Scores:
        """The same points on some of the prompts."""
        return replace(self, prompts=self.prompts[some], passes=self.passes[:, some], right=self.right[:, some])

    def place(self, point: Point) -> int:
        """Row of a point.

        Raises:
            SettingsError: it is not in this sweep.
        """
        for place, own in enumerate(self.points):
            if (own.setting.content, own.block_length) == (point.setting.content, point.block_length):
                return place
        raise SettingsError(f"{point.family} with {point.words} is not in this sweep")

    def of_family(self, family: str) -> list[int]:
        """Rows of a family's points."""
        return [place for place, point in enumerate(self.points) if point.family == family]

    def gain(self, own: Collection[int], rivals: Collection[int], weights: Floats, same: str = "") -> Interval | None:
        """How much more often the points `own` are right than rivals AT EQUAL mean passes, averaged over those of
        them whose passes lie inside the rivals' curve. None where there are none.

        Each is held against the curve of the rivals in blocks of the same length, which is linear between its points.

        Args:
            weights: (R + 1, N) from `tiny.statistics.resample`.
            same: a knob that also has to be equal.
        """
        passes, right = weights @ self.passes.T, weights @ self.right.T
        gains = []
        for group, curve in self._matched(own, rivals, same):
            x, y = passes[:, curve], right[:, curve]
            inside = [place for place in group if x[0].min() <= passes[0, place] <= x[0].max()]
            gains += [right[:, place] - _read_off(x, y, passes[:, place]) for place in inside]
        return interval(np.mean(gains, axis=0)) if gains else None

    def _matched(self, own: Collection[int], rivals: Collection[int], same: str) -> list[tuple[list[int], list[int]]]:
        """Points and the curve that they are held against."""

        def shape(place: int) -> tuple[Any, ...]:
            point = self.points[place]
            return (point.block_length, point.setting.values[same] if same else None)

        shapes = dict.fromkeys(shape(place) for place in own)
        split = [([p for p in own if shape(p) == s], [p for p in rivals if shape(p) == s]) for s in shapes]
        return [(group, curve) for group, curve in split if len(curve) > 1]


def _read_off(x: Floats, y: Floats, at: Floats) -> Floats:
    """(R,) heights at `at` of R curves (x, y), (R, C) each: linear between their points, constant beyond them."""
    order = np.argsort(x, axis=1)
    x, y = np.take_along_axis(x, order, 1), np.take_along_axis(y, order, 1)
    row, right = np.arange(len(x)), np.clip((x < at[:, None]).sum(1), 1, x.shape[1] - 1)
    start, end = x[row, right - 1], x[row, right]
    width = np.where(end > start, end - start, 1.0)
    share = np.clip((at - start) / width, 0.0, 1.0)
    return np.asarray(y[row, right - 1] + share * (y[row, right] - y[row, right - 1]))
