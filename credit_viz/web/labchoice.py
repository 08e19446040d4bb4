"""What to run on the page to see runs of a sweep: one setting beside vanilla decoding, or two of them. No gradio."""

from __future__ import annotations

import reprlib
from typing import Any

import pandas as pd

from credit_viz.errors import SettingsError
from credit_viz.figures.sweeps.tables import settings_table
from credit_viz.lab.listed import Listed, differences, listed, told_apart
from credit_viz.lab.plan import OPTIONS, Setting
from credit_viz.lab.result import SweepResult

__all__ = ["choice_of"]


def choice_of(whole: SweepResult, row: int, prompt: str, seed: int | None, beside: int | None) -> dict[str, Any]:
    """The lanes of a race with the options of the sweep; `passes` are theirs there, null where it has none.

    Args:
        row, beside: numbers of settings; None: vanilla decoding stands beside.
        prompt: its id. seed: None: the first one.

    Raises:
        SettingsError: the sweep has no such run, or the two cannot share a race.
    """
    settings = listed(whole.plan)
    chosen, runs = settings[row], whole.where(prompt=prompt).frame
    own = runs[runs["number"] == row]
    if seed is not None:
        own = own[own["seed"] == seed]
    if not len(own):
        raise SettingsError(f"setting {row} has no run on prompt {reprlib.repr(prompt)} yet")
    run = own.iloc[0]
    if beside is None:
        name, lanes = _name(whole, row), _with_vanilla(whole.plan.reference, chosen, list(settings.values()))
    else:
        other = _beside(settings[beside], chosen)
        name, lanes = " and ".join(told_apart(other, chosen)), {beside: other.setting, row: chosen.setting}
    same = runs[runs["seed"] == run["seed"]].set_index("number")
    return {
        "name": name,
        "prompt": next(each.text for each in whole.plan.all_prompts if each.id == prompt),
        "choice": {
            "lanes": [{"decoder": lane.decoder, "settings": dict(lane.values)} for lane in lanes.values()],
            **{option: getattr(chosen.options, option) for option in OPTIONS if option != "logits_to_keep"},
            "seed": int(run["seed"]),
        },
        "passes": [_passes(same, number) for number in lanes],
        "note": _note(whole, same.loc[[number for number in (beside, row) if number in same.index]]),
    }


def _with_vanilla(reference: Setting, chosen: Listed, settings: list[Listed]) -> dict[int | None, Setting]:
    """By number; None: the sweep does not have it."""
    if chosen.setting.content == reference.content:
        return {chosen.number: chosen.setting}
    alike = (each for each in settings if each.options == chosen.options)
    number = next((each.number for each in alike if each.setting.content == reference.content), None)
    return {number: reference, chosen.number: chosen.setting}


def _beside(other: Listed, chosen: Listed) -> Listed:
    """The other one, if a race can have both: it has one of each option."""
    if other.number == chosen.number:
        raise SettingsError(f"setting {chosen.number} beside itself; valid: another one")
    apart = [(d.knob.replace("_", " "), *d.values) for d in differences(other, chosen) if d.knob in OPTIONS]
    if apart:
        told = ", ".join(f"{name} {one} and {another}" for name, one, another in apart)
        raise SettingsError(f"these two cannot share a race, which has one of each option: {told}")
    return other


def _name(whole: SweepResult, number: int) -> str:
    """A setting's name, with the options that vary."""
    table = settings_table(whole, [])
    return str(table.loc[table["number"] == number, "name"].iloc[0])


def _passes(runs: pd.DataFrame, number: int | None) -> int | None:
    found = runs.loc[runs.index == number, "forward_passes"].dropna()
    return int(found.iloc[0]) if len(found) else None


def _note(whole: SweepResult, runs: pd.DataFrame) -> str:
    """Why runs of this choice may come out differently than in the sweep."""
    failed = runs[runs["failed"].notna()]
    if len(failed):
        which = "this run" if len(runs) == 1 else f"the run of {failed['setting'].iloc[0]}"
        return f"In the sweep {which} failed: {failed['failed'].iloc[0]}"
    if whole.plan.batch > 1:
        return f"The sweep decoded up to {whole.plan.batch} settings in one forward pass, which changes last digits."
    return ""
