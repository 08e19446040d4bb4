"""Where a credit decoder's saved passes come from: memory, or only a lower bar? Knows sweeps; no page, no shell.

Four settings are run on the same prompts. Three of them differ by one thing each, and the fourth is the fair rival:

    without credit    alpha = 0: the acceptance rule on the model's own probabilities
    no history        beta = 0: credit is forgotten after every step, so a guess only lifts itself: a lower bar
    as set            the setting itself; what it saves beyond "no history" is memory of earlier steps
    as few passes     no credit, and the rule's own knob turned until about as few passes are needed

A decoder that saves passes by memory beats the fourth in quality, or needs fewer passes at equal quality.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.settings import Knob, knobs
from credit_viz.errors import SettingsError
from credit_viz.lab.crew import Crew
from credit_viz.lab.numbers import between, told
from credit_viz.lab.plan import Plan
from credit_viz.lab.result import SweepResult
from credit_viz.lab.running import Progress, sweep
from credit_viz.lab.spaces import Arm, Value
from credit_viz.lab.store import MANIFEST
from credit_viz.text import rounded, signed
from credit_viz.tiny.statistics import Interval, interval, resample
from credit_viz.trace.reasons import REASONS

__all__ = ["ROWS", "Attribution", "attribute"]

#: rows of `Attribution.table`, in order.
ROWS = ("without credit", "no history", "as set", "as few passes")
_SEARCHED = 9  #: values per round of the search for as few passes
_ROUNDS = 2
_SEED = 0  #: of the resampling

Floats = NDArray[np.float64]


class Rival(NamedTuple):
    """The acceptance rule alone, with its own knob turned."""

    knob: str
    value: Value
    set_to: Value  #: in the setting itself


@dataclass(frozen=True, eq=False)
class Attribution:
    """Why the passes differ, in forward passes per prompt; intervals are 95 % bootstrap intervals over prompts."""

    decoder: str
    settings: Mapping[str, Value]
    quality: str  #: column of the sweep that says how good the texts are
    prompts: int
    table: pd.DataFrame  #: one row per setting of `ROWS`: forward_passes, the quality, tokens by reason (per prompt)
    saved: Interval  #: without credit - as set
    lower_bar: Interval  #: of these: without credit - no history
    memory: Interval  #: and: no history - as set
    rival: Rival | None  #: None: no value of the knob needs as few passes
    quality_gain: Interval | None  #: quality as set - quality of the rival, at about equal passes
    passes_gap: float  #: forward passes of the rival - as set: how equal they are; nan without a rival

    @property
    def sentence(self) -> str:
        """The answer in words."""
        more = "fewer" if self.saved.value >= 0 else "more"
        parts = [
            f"On {self.prompts} prompts {self.decoder} needs {rounded(abs(self.saved.value))} {more} passes per prompt "
            f"than the same rule without credit (saved: {between(self.saved)}). Of these, {told(self.lower_bar)} come "
            f"from a guess lifting itself, which is a lower bar, and {told(self.memory)} from memory of earlier steps."
        ]
        if self.rival is None or self.quality_gain is None:
            return f"{parts[0]} No setting of the rule alone needs as few passes."
        gain, unit = self.quality_gain, "points" if self.quality == "exact_match" else "points of agreement"
        known = "better" if gain.low > 0 else "worse" if gain.high < 0 else "no different within the interval"
        parts.append(
            f"The rule alone needs about as few ({signed(self.passes_gap)}) at {self.rival.knob} "
            f"{self.rival.value:g} instead of {self.rival.set_to:g}; at that price credit is {known}: "
            f"{signed(100 * gain.value)} {unit} {between(gain, 100)}."
        )
        return " ".join(parts)


def attribute(
    plan: Plan,
    folder: str | Path | None = None,
    workers: int | Crew = 1,
    *,
    tell: Callable[[Progress], None] | None = None,
) -> Attribution:
    """Run the controls of the plan's one setting, and compare.

    Args:
        plan: one arm with one setting of a decoder that has Trace Credit (knobs alpha and beta).
        folder, workers, tell: as `sweep`; results are kept, so that asking again costs nothing.

    Raises:
        SettingsError: the plan has another number of settings, or its decoder grants no credit, or it has alpha 0.
    """
    if folder is None:
        with TemporaryDirectory(prefix="credit-viz-attribution-") as temporary:
            return attribute(plan, temporary, workers, tell=tell)
    decoder, values = _one_setting(plan)
    run = _Runner(plan, Path(folder), workers, tell)
    controls = [values | {"alpha": 0.0}, values | {"beta": 0.0}, values]
    result = run([Arm(decoder, control) for control in controls])
    names = [_name(result, decoder, control) for control in controls]
    goal = _column(result, names[2], "forward_passes").mean()
    rival = _search(run, decoder, values, goal)
    if rival is not None:
        controls.append(values | {"alpha": 0.0, rival.knob: rival.value})
    result = run([Arm(decoder, control) for control in controls])
    return _compared(result, decoder, values, controls, rival)


class _Runner:
    """Sweeps that share a folder: each asks for all settings so far, and only new ones are computed."""

    def __init__(self, plan: Plan, folder: Path, workers: int | Crew, tell: Callable[[Progress], None] | None) -> None:
        self._plan, self._folder, self._workers, self._tell = plan, folder, workers, tell
        there = (folder / MANIFEST).exists()
        self._arms: tuple[Arm, ...] = SweepResult.load(folder).plan.arms if there else ()

    def __call__(self, arms: list[Arm]) -> SweepResult:
        self._arms += tuple(arm for arm in arms if arm not in self._arms)
        return sweep(dataclasses.replace(self._plan, arms=self._arms), self._folder, self._workers, tell=self._tell)


def _one_setting(plan: Plan) -> tuple[str, dict[str, Value]]:
    if (size := sum(arm.size for arm in plan.arms)) != 1:
        raise SettingsError(f"{size:,} settings to attribute; valid: one decoder with one value per knob")
    decoder, values = plan.settings[0]
    if not {"alpha", "beta"} <= set(values):
        granting = [n for n, d in DECODERS.items() if {"alpha", "beta"} <= {k.name for k in knobs(d.settings_class)}]
        raise SettingsError(f"decoder {decoder!r} grants no credit; valid: {', '.join(granting)}")
    if values["alpha"] == 0:
        raise SettingsError("alpha=0 gives credit no weight, so there is nothing to attribute; valid: alpha above 0")
    return decoder, dict(values)


def _search(run: _Runner, decoder: str, values: Mapping[str, Value], goal: float) -> Rival | None:
    """The value of the rule's own knob whose mean passes are nearest to the goal; None where none is as low."""
    name = DECODERS[decoder].sweep[0]
    knob = next(knob for knob in knobs(DECODERS[decoder].settings_class) if knob.name == name)
    set_to = values[name]
    if not isinstance(set_to, (int, float)) or isinstance(set_to, bool):
        return None
    low, high = float(set_to), _fast_end(decoder, knob)
    found: dict[float, float] = {}
    for _ in range(_ROUNDS):
        tried = [value for value in _between(low, high, knob) if value not in found]
        arms = [Arm(decoder, dict(values) | {"alpha": 0.0, name: value}) for value in tried]
        if arms:
            result = run(arms)
            for value in tried:
                control = dict(values) | {"alpha": 0.0, name: value}
                found[value] = _column(result, _name(result, decoder, control), "forward_passes").mean()
        slower = [value for value in found if found[value] > goal]
        faster = [value for value in found if found[value] <= goal]
        if not faster:
            return None
        low = min(slower, key=found.__getitem__, default=low)
        high = max(faster, key=found.__getitem__)
    best = min(found, key=lambda value: abs(found[value] - goal))
    return Rival(name, knob.check(int(best) if knob.integer else best), set_to)


def _fast_end(decoder: str, knob: Knob) -> float:
    """The end of the knob's range at which fewest passes are needed."""
    slowest, *_, fastest = DECODERS[decoder].sweep[1]
    low, high = knob.slider
    return float(max(fastest, high) if fastest > slowest else min(fastest, low))


def _between(low: float, high: float, knob: Knob) -> Iterator[float]:
    seen: set[float] = set()
    for value in np.linspace(low, high, _SEARCHED):
        rounded = float(round(value)) if knob.integer else float(f"{value:.4g}")
        inside = min(max(rounded, knob.minimum), knob.maximum)
        if inside not in seen and _allowed(knob, inside):
            seen.add(inside)
            yield inside


def _allowed(knob: Knob, value: float) -> bool:
    try:
        knob.check(int(value) if knob.integer else value)
    except SettingsError:  # an open end of the range
        return False
    return True


def _name(result: SweepResult, decoder: str, values: Mapping[str, Value]) -> str:
    content = make_decoder(decoder, values).settings.to_dict()
    for setting in result.plan.settings:
        if setting.decoder == decoder and dict(setting.values) == content:
            return result.plan.names()[setting.content]
    raise SettingsError(f"{decoder} {content} is not in this sweep")


def _column(result: SweepResult, name: str, metric: str) -> pd.Series[float]:
    """Mean of each prompt."""
    rows = result.frame[result.frame["setting"] == name]
    return rows.groupby("prompt", sort=True)[metric].mean().astype("float64")


def _compared(
    result: SweepResult,
    decoder: str,
    values: Mapping[str, Value],
    controls: list[dict[str, Value]],
    rival: Rival | None,
) -> Attribution:
    names = dict(zip(ROWS, (_name(result, decoder, control) for control in controls), strict=False))
    metrics = ("forward_passes", result.quality, *(f"written_{reason}" for reason in REASONS))
    columns = {row: {metric: _column(result, name, metric) for metric in metrics} for row, name in names.items()}
    table = pd.DataFrame(
        [{"row": row, "setting": names[row]} | {m: v.mean() for m, v in columns[row].items()} for row in names]
    )
    passes = {row: columns[row]["forward_passes"] for row in names}
    count = len(passes["as set"])
    weights = resample(count, _SEED)
    gain = gap = None
    if rival is not None:
        gain = _difference(columns["as set"][result.quality], columns["as few passes"][result.quality], weights)
        gap = float(passes["as few passes"].mean() - passes["as set"].mean())
    return Attribution(
        decoder=decoder,
        settings=dict(values),
        quality=result.quality,
        prompts=count,
        table=table,
        saved=_difference(passes["without credit"], passes["as set"], weights),
        lower_bar=_difference(passes["without credit"], passes["no history"], weights),
        memory=_difference(passes["no history"], passes["as set"], weights),
        rival=rival,
        quality_gain=gain,
        passes_gap=float("nan") if gap is None else gap,
    )


def _difference(a: pd.Series[Any], b: pd.Series[Any], weights: Floats) -> Interval:
    """Of paired prompts."""
    return interval(weights @ (a - b).to_numpy(np.float64))
