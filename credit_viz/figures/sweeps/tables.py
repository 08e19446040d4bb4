"""What the figures of a sweep ask of its result, and the tables they share. Knows pandas; no plotly, no lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import pandas as pd

from credit_viz.errors import SettingsError, one_of
from credit_viz.figures.labels import counted

__all__ = [
    "UNSET",
    "Swept",
    "axes_of",
    "behind",
    "busiest",
    "check_axis",
    "check_metric",
    "labels_in_order",
    "one_decoder",
    "pair_of_axes",
    "settings_table",
    "value_label",
]

UNSET = "auto"  #: how a knob's value reads that is not set
#: columns that a setting's name does not say.
_OPTIONS = ("gen_length", "block_length", "early_stop", "cache", "logits_to_keep")


class Swept(Protocol):
    """Results of a sweep; see `credit_viz.lab.SweepResult`."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per run."""

    @property
    def settings(self) -> pd.DataFrame:
        """One run of each setting, in the order of their numbers."""

    @property
    def axes(self) -> list[str]:
        """Knobs and options that vary."""

    @property
    def metrics(self) -> list[str]:
        """Columns of results that are there."""

    @property
    def quality(self) -> str:
        """The column that says most about quality."""

    @property
    def model(self) -> str:
        """What decoded, for people."""

    def table(self, by: Sequence[str] | None = None, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Means with intervals."""

    def against(self, number: int, metric: str) -> pd.DataFrame:
        """Differences of all settings to one of them, with intervals."""

    def where(self, **values: Any) -> Self:
        """The runs that have these values."""


def busiest(result: Swept) -> str:
    """The decoder with most settings."""
    counts = result.settings.groupby("decoder", sort=False)["setting"].nunique()
    if not len(counts):
        raise SettingsError("this sweep has no runs yet; valid: one that has begun")
    return str(counts.idxmax())


def one_decoder(result: Swept, decoder: str | None) -> Swept:
    """The runs of one decoder.

    Raises:
        SettingsError: it is not in this sweep.
    """
    decoder = busiest(result) if decoder is None else decoder
    known = list(result.settings["decoder"].unique())
    if decoder not in known:
        raise SettingsError(one_of("decoder of this sweep", decoder, known))
    return result.where(decoder=decoder)


def axes_of(result: Swept) -> list[str]:
    """Axes that vary among these runs, which may be fewer than those of the whole sweep."""
    return [name for name in result.axes if result.settings[name].nunique(dropna=False) > 1]


def check_axis(result: Swept, *names: str) -> None:
    """Refuse what is no axis.

    Raises:
        SettingsError: names those that vary.
    """
    valid = axes_of(result)
    for name in names:
        if name not in valid:
            raise SettingsError(one_of("knob or option that varies", name, valid))


def pair_of_axes(result: Swept, x: str | None, y: str | None) -> tuple[str, str]:
    """Two different axes; where one is None, the first other one that varies.

    Raises:
        SettingsError: no such axis, the same one twice, or fewer than two vary.
    """
    axes = axes_of(result)
    if len(axes) < 2:
        raise SettingsError(
            f"{counted(len(axes), 'knob varies', 'knobs vary')} for this decoder; valid: a sweep of two or more"
        )
    x = next(axis for axis in axes if axis != y) if x is None else x
    y = next(axis for axis in axes if axis != x) if y is None else y
    check_axis(result, x, y)
    if x == y:
        raise SettingsError(f"{x!r} against itself; valid: two different knobs")
    return x, y


def check_metric(result: Swept, name: str) -> None:
    """Refuse what is no column of results.

    Raises:
        SettingsError: names those that are there.
    """
    if name not in result.metrics:
        raise SettingsError(one_of("metric of this sweep", name, result.metrics))


def settings_table(result: Swept, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per setting and options, in the order of their numbers: number, decoder, setting, the axes' values, how
    many prompts, runs and failed runs, the metrics with their intervals, and `name`: the setting with what else sets
    its row apart.
    """
    table = result.table(["number", "decoder", "setting", *result.axes], list(metrics))
    table = table.sort_values("number", ignore_index=True)
    names = table["setting"].astype(str)
    for option in (name for name in result.axes if name in _OPTIONS and table[name].nunique(dropna=False) > 1):
        names += f", {option.replace('_', ' ')} " + table[option].map(value_label)
    return table.assign(name=names)


def value_label(value: object) -> str:
    """A knob's value for people."""
    if value is None or value is pd.NA or value != value:
        return UNSET
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def labels_in_order(column: pd.Series[Any]) -> list[str]:
    """Different values for people, the missing one first, then as they are sorted."""
    return [value_label(value) for value in column.drop_duplicates().sort_values(na_position="first")]


def behind(result: Swept, by: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    """Numbers of the settings that have the same values (as labels) in these columns, ascending."""
    found: dict[tuple[str, ...], list[int]] = {}
    for number, *values in result.settings[["number", *by]].itertuples(index=False):
        found.setdefault(tuple(map(value_label, values)), []).append(int(number))
    return found
