"""The study in words: a paragraph, a table, and how long it took. Every number in them is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from credit_viz.study.conclusion import MARGIN, Study, Verified
from credit_viz.study.scores import NO_HISTORY
from credit_viz.text import rounded, signed
from credit_viz.tiny.statistics import Interval

__all__ = ["paragraph", "table", "time_told"]

#: families as people call them in a sentence.
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        NO_HISTORY: "credit without history (β = 0)",
        "threshold": "the threshold alone",
        "vanilla": "vanilla with fewer passes",
    }
)
_VANILLA = "vanilla with one token per pass"  #: what others are compared with
_HEAD = (
    "| family | its setting with fewest passes within the margin | passes | exact match, % | points against vanilla |",
    "|---|---|---|---|---|",
)


def paragraph(study: Study) -> str:
    """The conclusion, whatever it is: the answer first."""
    return " ".join([_answer(study), _setup(study), *_chosen(study), *_memory(study), _blocks(study), _limits()])


def table(study: Study) -> str:
    """The chosen settings, then what they are held against, as Markdown."""
    rows = [
        f"| {found.point.family} | {found.point.words} | {_number(found.passes)} | {_number(found.right, 100)} | "
        f"{_points(found.gained)} |"
        for found in study.verified
    ]
    reference = study.reference
    words = f"one token per pass, blocks of {reference.point.block_length}"
    last = f"| vanilla | {words} | {reference.passes.value:.1f} | {_number(reference.right, 100)} | |"
    return "\n".join([*_HEAD, *rows, last])


def time_told(made: Mapping[str, Any]) -> str:
    """How long the sweeps took, on what."""
    told = "; ".join(f"{name}: {_timed(made[name])}" for name in ("sweep", "verification"))
    return (
        f"{told[0].upper()}{told[1:]}. {made['workers']} workers of one thread on {made['cores']} cores "
        f"({made['processor']}), loading the model included."
    )


def _timed(part: Mapping[str, Any]) -> str:
    runs, seconds = part["runs"], part["seconds"]
    if seconds is None:
        return f"{runs:,} runs, in several sessions"
    minutes, rest = divmod(round(seconds), 60)
    return f"{runs:,} runs in {minutes} min {rest} s, {runs / seconds:.0f} per second"


def _answer(study: Study) -> str:
    """In bold."""
    holding = [found for found in study.verified if found.gained.value >= -MARGIN]
    fewest = f"No chosen setting stays within the margin of {_VANILLA}"
    if holding:
        counts = f"{holding[0].passes.value:.1f} instead of {study.reference.passes.value:.0f}"
        fewest = f"The fewest passes within {100 * MARGIN:g} points of {_VANILLA}: {_name(holding[0])}, {counts}"
    equal = study.at_equal_passes
    told = [f"{_than(equal[f])} {_NAMES[f]}" for f in ("threshold", NO_HISTORY) if f in equal]
    return f"**{fewest}; at equal passes credit is {_listed(told)}.**" if told else f"**{fewest}.**"


def _than(found: Interval) -> str:
    if found.low > 0:
        return "better than"
    return "worse than" if found.high < 0 else "not told apart from"


def _setup(study: Study) -> str:
    vanilla = study.reference
    return (
        f"{study.settings} settings of decoders and knobs, each in {study.lengths} block lengths, decoded "
        f"{study.swept_on} held-out prompts: {study.points} × {study.swept_on} = {study.runs:,} runs. The best of each "
        f"family and their neighbours went on to {study.chosen_on - study.swept_on} more; of each family the one with "
        f"the fewest forward passes was chosen among those that lost at most {100 * MARGIN:g} points of exact match on "
        f"these {study.chosen_on}. What follows is of {study.verified_on} other held-out prompts, which had no part in "
        f"any choice. Vanilla with one token per pass ({vanilla.passes.value:.0f} passes) is right on "
        f"{_number(vanilla.right, 100)} % of them, and what others are compared with."
    )


def _chosen(study: Study) -> Iterator[str]:
    told = [
        f"{_name(found)} {_number(found.passes)} passes, {_points(found.gained)} points ({found.point.words})"
        for found in study.verified
        if found.point.family != "vanilla"
    ]
    yield f"Passes and points against it: {'; '.join(told)}."
    if worse := [_name(found) for found in study.verified if found.gained.high < 0]:
        yield f"Measurably below vanilla: {_listed(worse)}."
    missed = [_name(found) for found in study.verified if found.gained.value < -MARGIN and found.gained.high >= 0]
    if missed:
        yield f"More than the margin below it, but not measurably below: {_listed(missed)}."
    if not worse and not missed:
        yield "All of them hold the margin there."


def _memory(study: Study) -> Iterator[str]:
    for family in (NO_HISTORY, "threshold"):
        if family in study.saved and family in study.at_equal_passes:
            yield _against(study, family)
    yield (
        f"Over the whole sweep, on its {study.swept_on} prompts: with the same α and τ, history "
        f"{_saves(study.history_saves)} at {_points(study.history_gains)} points; at equal passes credit is worth "
        f"{_everywhere(study)}."
    )


def _everywhere(study: Study) -> str:
    told = [
        f"{_points(found)} points against {_NAMES.get(family, family)} ({_verdict(found)})"
        for family, found in study.in_the_sweep.items()
    ]
    return _listed(told)


def _saves(found: Interval) -> str:
    """Passes saved, or needed more."""
    if found.value >= 0:
        return f"saves {_number(found)} passes"
    return f"needs {_number(Interval(-found.value, -found.high, -found.low))} more passes"


def _against(study: Study, family: str) -> str:
    """Credit's chosen setting against another family's, and their curves."""
    equal = study.at_equal_passes[family]
    return (
        f"Against {_NAMES[family]} credit {_saves(study.saved[family])} at {_points(study.gained[family])} points; at "
        f"equal passes it is worth {_points(equal)} points ({_verdict(equal)})."
    )


def _blocks(study: Study) -> str:
    short, long = study.blocks
    saved = Interval(-study.longer_passes.value, -study.longer_passes.high, -study.longer_passes.low)
    return (
        f"There, what is decoded in blocks of {long} instead of {short} {_saves(saved)} at "
        f"{_points(study.longer_right)} points (vanilla left out)."
    )


def _limits() -> str:
    return (
        "Brackets are 95 % bootstrap intervals over prompts, paired where they are differences, and not corrected for "
        "how many there are. This is one small model on four families of short texts; it says nothing of other models."
    )


def _verdict(found: Interval) -> str:
    if found.low > 0:
        return "a gain"
    return "a loss" if found.high < 0 else "not told apart from none"


def _name(found: Verified) -> str:
    return _NAMES.get(found.point.family, found.point.family)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _number(found: Interval, factor: float = 1.0) -> str:
    value, low, high = (rounded(factor * each) for each in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"


def _points(found: Interval) -> str:
    value, low, high = (signed(100 * each) for each in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"
