"""What a sweep says, the answer first, with its interval and how far it can be trusted. Knows tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from credit_viz.errors import SettingsError
from credit_viz.figures.labels import counted
from credit_viz.figures.sweeps.metrics import metric, number_text, with_interval
from credit_viz.figures.sweeps.tables import Swept, settings_table
from credit_viz.text import rounded

__all__ = ["answer"]

_PASSES = "forward_passes"
_PLAIN = "threshold"
_CREDIT = "credit"  #: in the name of every decoder that uses it
_NOTHING = "No run has a result yet."


def answer(result: Swept) -> str:
    """In a few sentences: the setting with the fewest passes that lost nothing here, and what it was measured on.

    Settings are held against vanilla with one token per pass, where it is best; in a sweep without it against any
    vanilla decoding at its best, or the setting of the highest quality.
    """
    try:
        quality = result.quality
    except SettingsError:
        return _without_quality(result)
    table = settings_table(result, [_PASSES, quality]).dropna(subset=[_PASSES, quality])
    if not len(table):
        return _NOTHING
    best = table.sort_values([quality, _PASSES], ascending=[False, True], kind="stable")
    reference = _reference(best, result, quality)
    fewer = best[best[_PASSES] < reference[_PASSES]]
    lossless = fewer[fewer[quality] >= reference[quality]].sort_values(_PASSES, kind="stable")
    said = []
    if len(lossless):
        fewest = lossless.iloc[0]
        said.append(_saved("Fewest forward passes without a loss", fewest, reference, result))
        if _CREDIT in fewest["decoder"] and (best["decoder"] == _PLAIN).any():
            said.append(_alone(fewest, lossless[lossless["decoder"] == _PLAIN], result))
    else:
        named = f"{_named(reference)} ({_told(reference, _PASSES)} per prompt, {_told(reference, quality)})"
        said.append(f"No setting needs fewer forward passes than {named} without a loss of {metric(quality).title}.")
        if len(fewer):
            said.append(_saved("Closest with fewer", fewer.iloc[0], reference, result))
    return " ".join([*said, _measured_on(result, len(table))])


def _reference(best: pd.DataFrame, result: Swept, quality: str) -> pd.Series[Any]:
    """What settings are held against, of those sorted by how good they are; of equals in the longest blocks."""
    vanilla = best[best["decoder"] == "vanilla"]
    settings = result.settings
    steps = settings.set_index("number")["steps"] if "steps" in settings else pd.Series(dtype=object)
    whole = vanilla[vanilla["number"].map(steps).isna()]
    if "block_length" in whole:
        whole = whole.sort_values([quality, "block_length"], ascending=False, kind="stable")
    return next(rows for rows in (whole, vanilla, best) if len(rows)).iloc[0]


def _named(setting: pd.Series[Any]) -> str:
    """The reference; vanilla decoding with what it is known by."""
    name, unset = str(setting["name"]), " steps=unset"
    if setting["decoder"] != "vanilla" or ("steps=" in name and unset not in name):
        return name
    own = str(setting["setting"]).replace(unset, "")
    return f"{own} with one token per pass{name.removeprefix(setting['setting'])}"


def _saved(lead: str, setting: pd.Series[Any], reference: pd.Series[Any], result: Swept) -> str:
    """One setting against the reference."""
    quality = result.quality
    differences = result.against(int(reference["number"]), quality).set_index("number")
    passes, title = _told(setting, _PASSES), metric(quality).title
    ratio, most = reference[_PASSES] / setting[_PASSES], rounded(reference[_PASSES]).removesuffix(".0")
    return (
        f"{lead}: {setting['name']} with {passes} per prompt, {ratio:.1f} times fewer than the {most} of "
        f"{_named(reference)}; {title} {_told(setting, quality)}, "
        f"{_difference(differences.loc[setting['number']], quality)} against it."
    )


def _alone(fewest: pd.Series[Any], plain: pd.DataFrame, result: Swept) -> str:
    """What the threshold does by itself: a lower threshold is easily taken for the use of credit."""
    if not len(plain):
        return "No setting of the plain threshold does so."
    other = plain.iloc[0]
    more = result.against(int(fewest["number"]), _PASSES).set_index("number").loc[other["number"]]
    return f"Without credit, {other['name']} does so with {_told(other, _PASSES)}, {_difference(more, _PASSES)} passes."


def _difference(loss: pd.Series[Any], quality: str) -> str:
    mean, low, high = (_signed(quality, float(loss[f"{quality}{end}"])) for end in ("", "_low", "_high"))
    return f"{mean}{' points' if metric(quality).is_share else ''} [{low}, {high}]"


def _signed(name: str, value: float) -> str:
    size = abs(value)  # of a difference, which may be nothing but rounding: it is said as nothing
    text = f"{100 * size:.{int(size < 0.01)}f}" if metric(name).is_share else number_text(name, size)
    return text.removesuffix(".0") if float(text) == 0 else f"{'−' if value < 0 else '+'}{text}"


def _measured_on(result: Swept, settings: int) -> str:
    prompts = counted(int(result.frame["prompt"].nunique()), "prompt")
    on = f"Measured on {prompts} with {result.model}" if result.model else f"Measured on {prompts}"
    if settings == 1:
        return f"{on}."
    return f"{on}, and chosen among {settings} settings on these same prompts: measure it again on others."


def _without_quality(result: Swept) -> str:
    table = settings_table(result, [_PASSES]).dropna(subset=[_PASSES])
    if not len(table):
        return _NOTHING
    fewest = table.sort_values(_PASSES, kind="stable").iloc[0]
    return (
        f"Fewest forward passes: {fewest['name']} with {_told(fewest, _PASSES)} per prompt. Nothing says how good its "
        f"texts are. {_measured_on(result, len(table))}"
    )


def _told(row: pd.Series[Any], name: str) -> str:
    return with_interval(name, *(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")))
