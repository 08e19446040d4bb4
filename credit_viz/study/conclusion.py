"""What a sweep over decoders says, without fooling itself: settings are chosen on some prompts and told by others.

The sweep is a grid of vanilla, other decoders, credit and credit's no-history control in blocks of several lengths. Its
prompts are few, so what looks best on them is partly luck. `verification` has the plans that run the best setting of
each family and its neighbours on more prompts; of these the first half joins in the choice, and `conclude` reads what
the chosen ones do on the second half alone, and from the whole grid only what needs no choice. Intervals are 95 %
bootstrap intervals over prompts, all settings resampled together. Knows plans and results; runs nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credit_viz.decoding import make_decoder
from credit_viz.errors import SettingsError
from credit_viz.lab.plan import Plan, Setting
from credit_viz.lab.result import SweepResult
from credit_viz.lab.spaces import Arm
from credit_viz.study.scores import NO_HISTORY, Point, Scores
from credit_viz.tiny.statistics import Interval, mean_interval, resample

__all__ = ["MARGIN", "Choice", "Study", "Verified", "choose", "conclude", "verification"]

MARGIN = 0.02  #: of exact match that a chosen setting may lose against vanilla
_NEAR = 0.1  #: loss up to which neighbours of what is best in the sweep are run on more prompts
_SEED = 0  #: of the resampling
_ROUNDING = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What was chosen on some prompts."""

    reference: (
        Point  #: vanilla, one token per pass, in the blocks, of equals the longest, in which it is right most often
    )
    points: tuple[Point, ...]  #: one per family that has a setting within the margin


@dataclass(frozen=True)
class Verified:
    """A chosen point on the prompts that had no part in the choice."""

    point: Point
    passes: Interval
    right: Interval  #: share of right answers
    gained: Interval  #: own - that of the reference


@dataclass(frozen=True)
class Study:
    """What a sweep and its verification come to. By family: of the credit setting against the family's."""

    settings: int  #: of decoders and knobs
    lengths: int  #: of blocks, and
    points: int  #: both together
    runs: int
    swept_on: int  #: prompts
    chosen_on: int  #: prompts, those of the sweep among them
    verified_on: int  #: other prompts
    reference: Verified
    verified: tuple[Verified, ...]  #: fewest passes first
    saved: Mapping[str, Interval]  #: passes of the family's setting - of credit's
    gained: Mapping[str, Interval]  #: exact match of credit's setting - of the family's
    at_equal_passes: Mapping[str, Interval]  #: exact match of the credit setting's curve - of the family's curve
    in_the_sweep: Mapping[str, Interval]  #: the same over all credit settings of the sweep, on its prompts
    history_saves: (
        Interval  #: passes of the control - of credit with the same alpha and threshold, on the sweep's prompts
    )
    history_gains: Interval  #: exact match of credit - of the control, likewise
    blocks: tuple[int, int]  #: shortest and longest
    longer_passes: Interval  #: longest blocks - shortest: of all settings but vanilla's, on the sweep's prompts
    longer_right: Interval  #: exact match, likewise

    def of(self, family: str) -> Verified:
        """The chosen point of a family.

        Raises:
            SettingsError: nothing of this family was chosen.
        """
        for found in self.verified:
            if found.point.family == family:
                return found
        raise SettingsError(
            f"no setting of {family} was chosen; valid: {', '.join(v.point.family for v in self.verified)}"
        )


def choose(scores: Scores, margin: float = MARGIN) -> Choice:
    """From each family the point with fewest passes within the margin; of equals the one that is right most often.

    Raises:
        SettingsError: the sweep has no vanilla decoding of one token per pass.
    """
    passes, right = scores.passes.mean(1), scores.right.mean(1)
    plain = [place for place in scores.of_family("vanilla") if scores.points[place].setting.values["steps"] is None]
    if not plain:
        raise SettingsError("this sweep has no vanilla decoding of one token per pass to be held against")
    reference = max(plain, key=lambda place: (right[place], scores.points[place].block_length))
    found = []
    for family in dict.fromkeys(point.family for point in scores.points):
        near = [place for place in scores.of_family(family) if right[place] >= right[reference] - margin - _ROUNDING]
        if near:
            found.append(scores.points[min(near, key=lambda place: (passes[place], -right[place]))])
    return Choice(scores.points[reference], tuple(found))


def verification(plan: Plan, scores: Scores, count: int, margin: float = MARGIN) -> tuple[Plan, ...]:
    """The best points of a sweep and what is near them on their curves, on `count` prompts more than the plan has: one
    plan per block length. The first prompts are the plan's own.

    Beside credit's curve run those of its control and of the threshold in blocks of the same length: they are compared
    at equal passes.

    Raises:
        SettingsError: the plan's prompts are not drawn from tasks, so there are no others.
    """
    if plan.tasks is None or plan.prompts:
        raise SettingsError("own prompts have no others to verify on; valid: a sweep of tasks alone")
    tasks = dataclasses.replace(plan.tasks, count=plan.tasks.count + count)
    chosen = list(_verified_points(scores, choose(scores, margin)))
    return tuple(
        dataclasses.replace(
            plan,
            arms=tuple(Arm(p.setting.decoder, dict(p.setting.values)) for p in chosen if p.block_length == length),
            tasks=tasks,
            options={**plan.options, "block_length": length},
        )
        for length in sorted({point.block_length for point in chosen})
    )


def _verified_points(scores: Scores, choice: Choice) -> Iterator[Point]:
    """Each once."""
    right = scores.right.mean(1)
    floor = right[scores.place(choice.reference)] - _NEAR - _ROUNDING
    curves = {curve for point in choice.points for curve in _curves(point)}
    kept = {scores.place(point) for point in (choice.reference, *choice.points)}
    for place, point in enumerate(scores.points):
        if place in kept or (right[place] >= floor and point.curve in curves):
            yield point


def _curves(point: Point) -> Iterator[tuple[Any, ...]]:
    """The curve of a point; of a credit point also those that it is held against."""
    yield point.curve
    if point.family == "credit":
        yield Point(Setting("credit", {**point.setting.values, "beta": 0.0}), point.block_length).curve
        yield Point(Setting("threshold", make_decoder("threshold").settings.to_dict()), point.block_length).curve


def conclude(sweep: SweepResult, verified: Sequence[SweepResult], margin: float = MARGIN) -> Study:
    """What a sweep and its verification, one result per block length, say together.

    Raises:
        SettingsError: runs are missing or failed, or the two do not belong together.
    """
    scores = Scores.of(sweep)
    more = Scores.joined([Scores.of(part) for part in verified])
    swept = len(scores.prompts)
    if more.prompts[:swept] != scores.prompts or len(more.prompts) < swept + 2:
        raise SettingsError("a verification on other prompts; valid: one that begins with the sweep's and has more")
    half = (len(more.prompts) + swept) // 2
    fresh, choice = more.on(slice(half, None)), choose(more.on(slice(half)), margin)
    weights, own_weights = resample(len(fresh.prompts), _SEED), resample(len(scores.prompts), _SEED)
    place = {point.family: fresh.place(point) for point in choice.points}
    credit = place["credit"]
    rivals = {family: row for family, row in place.items() if family != "credit"}
    lengths = sorted({point.block_length for point in scores.points})
    return Study(
        settings=len(sweep.plan.settings),
        lengths=len(lengths),
        points=len(scores.points),
        runs=len(sweep.frame),
        swept_on=swept,
        chosen_on=half,
        verified_on=len(fresh.prompts),
        reference=_verified(choice.reference, choice, fresh, weights),
        verified=tuple(
            sorted(
                (_verified(point, choice, fresh, weights) for point in choice.points),
                key=lambda found: found.passes.value,
            )
        ),
        saved={f: mean_interval(fresh.passes[row] - fresh.passes[credit], weights) for f, row in rivals.items()},
        gained={f: mean_interval(fresh.right[credit] - fresh.right[row], weights) for f, row in rivals.items()},
        at_equal_passes=dict(_at_equal_passes(fresh, fresh.points[credit], weights)),
        in_the_sweep=dict(_at_equal_passes(scores, None, own_weights)),
        history_saves=_history(scores, -scores.passes, own_weights),
        history_gains=_history(scores, scores.right, own_weights),
        blocks=(lengths[0], lengths[-1]),
        longer_passes=_longer(scores, scores.passes, lengths, own_weights),
        longer_right=_longer(scores, scores.right, lengths, own_weights),
    )


def _verified(point: Point, choice: Choice, fresh: Scores, weights: Floats) -> Verified:
    own, against = fresh.place(point), fresh.place(choice.reference)
    return Verified(
        point=point,
        passes=mean_interval(fresh.passes[own], weights),
        right=mean_interval(fresh.right[own], weights),
        gained=mean_interval(fresh.right[own] - fresh.right[against], weights),
    )


def _at_equal_passes(scores: Scores, point: Point | None, weights: Floats) -> Iterator[tuple[str, Interval]]:
    """Credit, on the curve of one point or everywhere, against other families; the control with the same alpha."""
    credit = [p for p in scores.of_family("credit") if point is None or scores.points[p].curve == point.curve]
    families = dict.fromkeys(own.family for own in scores.points if own.family not in ("credit", "vanilla"))
    for family in families:
        found = scores.gain(credit, scores.of_family(family), weights, "alpha" if family == NO_HISTORY else "")
        if found is not None:
            yield family, found


def _history(scores: Scores, values: Floats, weights: Floats) -> Interval:
    """Mean over credit settings of what they have more than the control with the same alpha, threshold and blocks."""
    pairs: dict[tuple[Any, ...], dict[str, int]] = {}
    for place, point in enumerate(scores.points):
        if point.setting.decoder == "credit":
            same = tuple(value for name, value in point.setting.values.items() if name != "beta")
            pairs.setdefault((*same, point.block_length), {})[point.family] = place
    both = [(pair["credit"], pair[NO_HISTORY]) for pair in pairs.values() if len(pair) == 2]
    own, control = map(list, zip(*both, strict=True))
    return mean_interval(values[own].mean(0) - values[control].mean(0), weights)


def _longer(scores: Scores, values: Floats, lengths: list[int], weights: Floats) -> Interval:
    """Mean over settings of what the longest blocks have more than the shortest."""
    by_length: dict[int, dict[str, int]] = {}
    for place, point in enumerate(scores.points):
        if point.family != "vanilla":
            by_length.setdefault(point.block_length, {})[point.setting.content] = place
    short, long = by_length[lengths[0]], by_length[lengths[-1]]
    return mean_interval(values[[long[c] for c in short]].mean(0) - values[list(short.values())].mean(0), weights)
