"""What a sweep came to: a tidy table, means with intervals, the Pareto front. Knows tables; no torch, no processes.

Intervals are bootstrap intervals over prompts (95 %): runs on one prompt are averaged first, and all settings are
resampled together. They say what other prompts of the same kind would give, on this model.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_viz.errors import SettingsError, one_of
from credit_viz.lab.columns import KINDS, Row, agreements
from credit_viz.lab.means import Groups, grouped, intervals, prompt_means
from credit_viz.lab.plan import OPTIONS, Plan, Setting, content_keys
from credit_viz.lab.store import MANIFEST, TABLE, Manifest, read_manifest, read_rows, write_table
from credit_viz.pareto import unbeaten
from credit_viz.tiny.statistics import resample

__all__ = ["METRICS", "SweepResult", "tidy"]

_QUALITY = ("exact_match", "token_agreement", "text_agreement", "log_likelihood")
#: columns of numbers that a table can average.
METRICS = (
    "forward_passes",
    *_QUALITY,
    *(n for n, kind in KINDS.items() if kind in ("int", "float") and n not in ("forward_passes", *_QUALITY)),
)
_AGREEMENTS = ("token_agreement", "text_agreement")
_SEED = 0  #: of the resampling


@dataclass(frozen=True, eq=False)
class SweepResult:
    """Results of a sweep, all of them or those that are there yet.

    `frame` has one row per run, in the order of the plan: `setting` (decoder and its telling knobs), `decoder`, one
    column per knob, the options, `prompt` and `task`; the result columns (columns.py), `token_agreement` and
    `text_agreement` with vanilla on the same prompt with the same options; `number`: of the run's setting and options
    but the seed, counted from 0 in the order of the plan, whatever has been run or is left out; and `key`. A knob that
    the decoder does not have, or that is unset, is missing.
    """

    manifest: Manifest
    frame: pd.DataFrame

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a sweep's folder, also while it is being worked on.

        Raises:
            BackendError, SettingsError: there is no sweep, or it is damaged.
        """
        manifest = read_manifest(Path(folder))
        return cls(manifest, tidy(Plan.from_json(manifest["plan"]), manifest["model"], read_rows(Path(folder))))

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` reads, and that a sweep takes up again."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_table(self.frame, folder / TABLE)
        (folder / MANIFEST).write_text(json.dumps(self.manifest, indent=1) + "\n", encoding="utf-8")

    @cached_property
    def mark(self) -> object:
        """Equal to that of no other result: what is known of this one can be kept under it."""
        return object()

    @cached_property
    def plan(self) -> Plan:
        """What was asked."""
        return Plan.from_json(self.manifest["plan"])

    @property
    def model(self) -> str:
        """What decoded, for people."""
        name = str(self.manifest["model"].get("name", ""))
        return "the embedded model" if name == "embedded" else name

    @cached_property
    def missing(self) -> int:
        """Runs of the plan that are not there yet."""
        return sum(1 for _ in self.plan.runs()) - len(self.frame)

    @property
    def failed(self) -> pd.DataFrame:
        """The runs that raised."""
        return self.frame[self.frame["failed"].notna()]

    @cached_property
    def quality(self) -> str:
        """The column that says most about quality: exact match if anything was judged, else token agreement.

        Raises:
            SettingsError: neither is there.
        """
        for name in ("exact_match", "token_agreement"):
            if self.frame[name].notna().any():
                return name
        raise SettingsError("nothing says how good these texts are; run the sweep with compare: always")

    @cached_property
    def settings(self) -> pd.DataFrame:
        """One run of each setting with its options, in the order of their numbers: it has all of its knobs."""
        return self.frame.drop_duplicates("number").sort_values("number")

    @cached_property
    def axes(self) -> list[str]:
        """Knobs and options (but the seed) that take more than one value, for one decoder at least."""
        columns = [str(name) for name in self.frame.columns]
        knobs = columns[columns.index("decoder") + 1 : columns.index(OPTIONS[0])]
        settings = self.settings
        every = [*knobs, *(name for name in OPTIONS if name != "seed")]
        varying = [name for name in every if settings[name].nunique(dropna=False) > 1]
        return [n for n in varying if (settings.groupby("decoder")[n].nunique(dropna=False) > 1).any()]

    @cached_property
    def metrics(self) -> list[str]:
        """Columns of numbers that are there."""
        return [name for name in METRICS if self.frame[name].notna().any()]

    def where(self, **values: Any) -> Self:
        """The runs whose columns have these values. A list or tuple: any of them; None: what is missing.

        Raises:
            SettingsError: an unknown column.
        """
        frame = self.frame
        for name, value in values.items():
            if name not in frame:
                raise SettingsError(one_of("column", name, map(str, frame.columns)))
            given = value if isinstance(value, (list, tuple)) else (value,)
            keep = frame[name].isin([one for one in given if one is not None])
            frame = frame[keep | frame[name].isna() if None in given else keep]
        return dataclasses.replace(self, frame=frame)

    def table(self, by: Sequence[str] | None = None, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Means over prompts and seeds with their intervals; one row per group, in the order of the plan.

        Args:
            by: columns that make the groups; by default the setting, and every option but the seed that varies.
            metrics: of `METRICS`; by default all that are there. Each gives NAME, NAME_low and NAME_high.

        Returns:
            The columns of `by`, prompts, runs, failed, and three per metric.

        Raises:
            SettingsError: an unknown column.
        """
        by = self._groups() if by is None else list(by)
        chosen = self.metrics if metrics is None else list(metrics)
        for name in by:
            if name not in self.frame:
                raise SettingsError(one_of("column", name, map(str, self.frame.columns)))
        for name in chosen:
            if name not in METRICS:
                raise SettingsError(one_of("metric", name, METRICS))
        groups = self._grouped(by)
        runs = groups.per_prompt()
        columns: dict[str, Any] = {name: self.frame[name].iloc[groups.first].reset_index(drop=True) for name in by}
        columns["prompts"] = (runs > 0).sum(1)
        columns["runs"] = runs.sum(1).astype(np.int64)
        columns["failed"] = groups.per_prompt(self.frame["failed"].notna().to_numpy(np.float64)).sum(1).astype(np.int64)
        for name in chosen:
            columns |= _three(name, self._intervals(by, name))
        return pd.DataFrame(columns)

    def against(self, number: int, metric: str) -> pd.DataFrame:
        """How far every setting is from one of them, on the prompts that both have: the mean difference of a metric
        with its interval.

        Args:
            number: of the setting that the others are held against, see `frame`.

        Returns:
            number, METRIC, METRIC_low and METRIC_high, one row per setting in the order of the plan.

        Raises:
            SettingsError: no run has this number, or an unknown metric.
        """
        if metric not in METRICS:
            raise SettingsError(one_of("metric", metric, METRICS))
        groups = grouped(self.frame, ["number"])
        numbers = self.frame["number"].to_numpy()[groups.first[: len(self.frame)]]
        if number not in numbers:
            raise SettingsError(f"no runs of setting number {number!r}; valid: a number of its {len(numbers)} settings")
        means = self._means(groups, metric)
        difference = means - means[numbers == number]
        return pd.DataFrame({"number": numbers} | _three(metric, intervals(difference, self._weights)))

    def front(self, quality: str | None = None, by: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of `table` that no other row beats (see `pareto.unbeaten`), fewest passes first.

        Args:
            quality: a metric of which more is better; by default `quality`.
        """
        quality = quality or self.quality
        table = self.table(by)
        if quality not in table:
            raise SettingsError(one_of("metric of this sweep", quality, (m for m in METRICS if m in table)))
        best = table[unbeaten(*table[["forward_passes", quality]].to_numpy(np.float64).T)]
        return best.sort_values("forward_passes", kind="stable").reset_index(drop=True)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        prompts = self.frame["prompt"].nunique()
        return resample(prompts, _SEED) if prompts else np.zeros((1, 0))

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], tuple[Groups, dict[str, NDArray[np.float64]]]]:
        """Groups and intervals by the columns that were grouped by: tables and figures ask for the same ones."""
        return {}

    def _grouped(self, by: Sequence[str]) -> Groups:
        key = tuple(by)
        if key not in self._kept:
            self._kept[key] = grouped(self.frame, by), {}
        return self._kept[key][0]

    def _intervals(self, by: Sequence[str], metric: str) -> NDArray[np.float64]:
        groups, found = self._grouped(by), self._kept[tuple(by)][1]
        if metric not in found:
            found[metric] = intervals(self._means(groups, metric), self._weights)
        return found[metric]

    def _means(self, groups: Groups, metric: str) -> NDArray[np.float64]:
        return prompt_means(groups, self.frame[metric].to_numpy(np.float64, na_value=np.nan))

    def _groups(self) -> list[str]:
        varying = [n for n in OPTIONS if n != "seed" and self.frame[n].nunique() > 1]
        return ["setting", *varying]

    def __repr__(self) -> str:
        settings, prompts = (self.frame[name].nunique() for name in ("setting", "prompt"))
        missing = f", {self.missing} missing" if self.missing else ""
        return f"SweepResult({len(self.frame)} runs: {settings} settings on {prompts} prompts{missing})"

    def _repr_html_(self) -> str:
        table = self.table()
        name = self.quality if self.frame[["exact_match", "token_agreement"]].notna().any(axis=None) else None
        shown = [c for c in table if c in (*self._groups(), "prompts", "failed")]
        for metric in filter(None, ("forward_passes", name, "content_tokens_per_forward", "mean_wait")):
            if metric in table:
                table[f"{metric}, 95 %"] = [
                    f"{value:.3g} [{low:.3g}, {high:.3g}]"
                    for value, low, high in table[[metric, f"{metric}_low", f"{metric}_high"]].itertuples(index=False)
                ]
                shown.append(f"{metric}, 95 %")
        body: str = table[shown].to_html(index=False, border=0)
        return f"<p>{self!r}</p>{body}"


def _three(name: str, found: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), found.T, strict=True))


def tidy(plan: Plan, model: Mapping[str, Any], rows: Mapping[str, Row]) -> pd.DataFrame:
    """One row per run of the plan that is there, in the order of the plan; see `SweepResult`."""
    names = plan.names()
    knobs = list(dict.fromkeys(name for setting in plan.settings for name in setting.values))
    described = {setting.content: _described(setting, names, knobs) for setting in (plan.reference, *plan.settings)}
    contents = {id(setting): setting.content for setting in (plan.reference, *plan.settings)}
    chosen = {options: {name: getattr(options, name) for name in OPTIONS} for options in plan.run_options}
    numbers = plan.numbers()
    found: list[dict[str, Any]] = []
    runs = list(plan.runs())
    keyed = zip(content_keys(runs, model, plan.batch), runs, strict=True)
    for (prompt, options), together in groupby(keyed, key=lambda pair: (pair[1].prompt, pair[1].options)):
        keys = {key: contents[id(run.setting)] for key, run in together}
        there = [key for key in keys if key in rows]
        reference = next((rows[key]["content_ids"] for key in there if keys[key] == plan.reference.content), None)
        shared = chosen[options] | {"prompt": prompt.id, "task": prompt.task}
        pairs = agreements([rows[key]["content_ids"] for key in there], reference)
        for key, pair in zip(there, pairs, strict=True):
            own = dict(zip(_AGREEMENTS, pair, strict=True)) | {"number": numbers[keys[key], options], "key": key}
            found.append(rows[key] | described[keys[key]] | shared | own)
    return _frame(found, knobs)


def _described(setting: Setting, names: Mapping[str, str], knobs: Sequence[str]) -> dict[str, Any]:
    return {
        "setting": names[setting.content],
        "decoder": setting.decoder,
        **(dict.fromkeys(knobs) | dict(setting.values)),
    }


def _frame(rows: Sequence[Row], knobs: Sequence[str]) -> pd.DataFrame:
    """Columns in order, each of one type: whole numbers as Int64, which can be missing."""
    numbers = [n for n, kind in KINDS.items() if kind in ("int", "float")]
    words = [n for n in KINDS if n not in numbers]
    order = ["setting", "decoder", *knobs, *OPTIONS, "prompt", "task", *numbers, *_AGREEMENTS, *words, "number", "key"]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in order})
    for name in (*numbers, *_AGREEMENTS, *knobs):
        frame[name] = _typed(frame[name])
    for name in (*OPTIONS, "number"):
        frame[name] = frame[name].infer_objects()
    return frame


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers as numbers; words, and what is missing altogether, as they are."""
    kinds = set(map(type, column.dropna()))
    if kinds <= {int}:
        return column.astype("Int64") if kinds else column.astype("float64")
    return column.astype("float64") if kinds <= {int, float} else column
