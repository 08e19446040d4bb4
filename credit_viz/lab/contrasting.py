"""Why two settings of a sweep differ: passes, quality and waits, paired prompt by prompt, and the controls that the
sweep has. Knows tables; runs nothing (`attribution.py` runs the controls that are missing).

    result = SweepResult.load("sweep")
    found = contrast(result, 3, 17)     # numbers as in result.frame["number"]
    print(found.sentence)

Differences are second - first. Intervals are 95 % bootstrap intervals over prompts, and not corrected for how many
settings were looked at before these two.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

import numpy as np
import pandas as pd

from credit_viz.errors import SettingsError
from credit_viz.lab.controls import Control, controls_of
from credit_viz.lab.listed import Difference, Listed, differences, listed, told_apart
from credit_viz.lab.paired import Ended, Measure, Pairs
from credit_viz.lab.plan import OPTIONS, Plan
from credit_viz.lab.report import command_of
from credit_viz.lab.result import SweepResult
from credit_viz.lab.spaces import Arm
from credit_viz.trace.reasons import REASONS

__all__ = ["Contrast", "contrast"]

_QUALITY = ("exact_match", "token_agreement")
_MEASURES = ("forward_passes", *_QUALITY, "mean_wait", "redundant_guesses")


@dataclass(frozen=True, eq=False)
class Contrast:
    """What two settings of a sweep did on the same prompts with the same seeds."""

    settings: tuple[Listed, Listed]
    names: tuple[str, str]  #: short ones that tell the two apart
    differs: tuple[Difference, ...]
    quality: str | None  #: column that says how good the texts are; None: nothing does
    prompts: int  #: on which both ended
    left_out: int  #: pairs of prompt and seed in which a run of either is missing or failed
    measures: Mapping[str, Measure]  #: by column of results, those that both have
    reasons: Mapping[str, tuple[float, float]]  #: mean tokens per prompt, see `trace.reasons`; those that occur
    by_prompt: pd.DataFrame  #: see `_by_prompt`; most different first
    controls: tuple[Control, ...]  #: of the first setting, then of the second; none without credit
    command: str | None  #: runs the controls that are missing; None where none are

    @property
    def sentence(self) -> str:
        """The answer in words; see contrast_words.py."""
        from credit_viz.lab.contrast_words import sentence  # contrast_words.py knows this module

        return sentence(self)

    @property
    def passes(self) -> Measure:
        """Forward passes."""
        return self.measures["forward_passes"]

    @property
    def same_texts(self) -> int:
        """Prompts on which both wrote the same text, with every seed."""
        return int(self.by_prompt["same_text"].sum())

    def table(self) -> pd.DataFrame:
        """A row per measure and reason: both means, the difference and its interval (nan for reasons)."""
        rows = [
            (name, *found.values, found.difference.value, found.difference.low, found.difference.high)
            for name, found in self.measures.items()
        ]
        nan = float("nan")
        rows += [(f"written_{n}", *means, means[1] - means[0], nan, nan) for n, means in self.reasons.items()]
        return pd.DataFrame(rows, columns=["measure", *self.names, "difference", "low", "high"])

    def _repr_html_(self) -> str:
        table: str = self.table().to_html(index=False, border=0, float_format="{:.2f}".format, na_rep="")
        return f"<p>{escape(self.sentence)}</p>{table}"


def contrast(result: SweepResult, first: int, second: int) -> Contrast:
    """Compare two settings of a sweep.

    Args:
        result: a whole sweep, or the prompts of it that are to count.
        first, second: numbers of settings, see `SweepResult.frame`.

    Raises:
        SettingsError: no such setting, the same one twice, or no prompt on which both have a result.
    """
    settings = listed(result.plan)
    for number in (first, second):
        if isinstance(number, bool) or number not in settings:
            raise SettingsError(f"setting {number!r} is not in this sweep; valid: 0 to {max(settings)}")
    if first == second:
        raise SettingsError(f"setting {first} twice; valid: two different settings")
    sides = settings[first], settings[second]
    names = told_apart(*sides)
    ended = Ended(result.frame)
    pairs = ended.pairs(first, second)
    if not pairs.prompts:
        raise SettingsError(
            f"no prompt has a result of both {names[0]} and {names[1]} yet; valid: settings that share one"
        )
    measures = {name: found for name in _MEASURES if (found := pairs.measure(name))}
    quality = next((name for name in _QUALITY if name in measures), None)
    controls = [
        control
        for place, number in enumerate((first, second))
        for control in controls_of(ended, settings, pairs, number, place, quality)
    ]
    return Contrast(
        settings=sides,
        names=names,
        differs=differences(*sides),
        quality=quality,
        prompts=pairs.prompts,
        left_out=ended.begun - len(pairs.codes),
        measures=MappingProxyType(measures),
        reasons=MappingProxyType(_reasons(pairs)),
        by_prompt=_by_prompt(pairs, quality),
        controls=tuple(controls),
        command=_command(result.plan, sides, controls),
    )


def _reasons(pairs: Pairs) -> dict[str, tuple[float, float]]:
    found = {reason: pairs.measure(f"written_{reason}") for reason in REASONS}
    return {reason: measure.values for reason, measure in found.items() if measure and any(measure.values)}


def _by_prompt(pairs: Pairs, quality: str | None) -> pd.DataFrame:
    """A row per prompt: prompt, passes_1, passes_2, quality_1, quality_2 (means over seeds) and same_text.

    By how far the passes differ, then the quality, then in the order of the plan.
    """
    table = pd.DataFrame({"prompt": pairs.column("prompt")[0].to_numpy()})
    for name, column in (("passes", "forward_passes"), ("quality", quality)):
        table[[f"{name}_1", f"{name}_2"]] = pairs.values(column) if column else np.nan
    first, second = pairs.column("text")
    table["same_text"] = first.to_numpy() == second.to_numpy()
    grouped = table.groupby("prompt", sort=False)
    found = grouped.mean().assign(same_text=grouped["same_text"].all()).reset_index()
    apart = pd.DataFrame({name: (found[f"{name}_2"] - found[f"{name}_1"]).abs() for name in ("passes", "quality")})
    order = apart.sort_values(["passes", "quality"], ascending=False, kind="stable", na_position="last").index
    return found.loc[order].reset_index(drop=True)


def _command(plan: Plan, sides: tuple[Listed, Listed], controls: list[Control]) -> str | None:
    """What runs the controls that are missing, a line for each of the two settings that misses some."""
    missing = dict.fromkeys(control.of for control in controls if control.number is None)
    lines = []
    for side in (sides[place] for place in missing):
        options = {name: plan.options["seed"] if name == "seed" else getattr(side.options, name) for name in OPTIONS}
        own = dataclasses.replace(plan, arms=(Arm.of(*side.setting),), options=options)
        lines.append(command_of(own, "attribute"))
    return "\n".join(lines) or None
