"""What a sweep came to: a tidy table, means with intervals, the Pareto front. Knows tables; no torch, no processes.

Intervals are bootstrap intervals over prompts (95 %): runs on one prompt are averaged first, and all settings are
resampled together. They say what other prompts of the same kind would give, on this model.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from credit_viz.errors import SettingsError, one_of
from credit_viz.lab.columns import KINDS, Row, agreement
from credit_viz.lab.plan import OPTIONS, Plan, Run
from credit_viz.lab.store import Manifest, read_manifest, read_rows, write_table
from credit_viz.tiny.statistics import interval, resample

__all__ = ["METRICS", "SweepResult", "tidy"]

_QUALITY = ("exact_match", "token_agreement", "text_agreement", "log_likelihood")
#: columns of numbers that a table can average.
METRICS = (
    "forward_passes",
    *_QUALITY,
    *(n for n, kind in KINDS.items() if kind in ("int", "float") and n not in ("forward_passes", *_QUALITY)),
)
_SEED = 0  #: of the resampling


@dataclass(frozen=True, eq=False)
class SweepResult:
    """Results of a sweep, all of them or those that are there yet.

    `frame` has one row per run, in the order of the plan: `setting` (decoder and its telling knobs), `decoder`, one
    column per knob, the options, `prompt` and `task`; the result columns (columns.py), `token_agreement` and
    `text_agreement` with vanilla on the same prompt with the same options; and `key`. A knob that the decoder does not
    have, or that is unset, is missing.
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
        write_table(self.frame, folder / "runs.parquet")
        (folder / "manifest.json").write_text(json.dumps(self.manifest, indent=1) + "\n", encoding="utf-8")

    @cached_property
    def plan(self) -> Plan:
        """What was asked."""
        return Plan.from_json(self.manifest["plan"])

    @property
    def missing(self) -> int:
        """Runs of the plan that are not there yet."""
        return sum(1 for _ in self.plan.runs()) - len(self.frame)

    @property
    def failed(self) -> pd.DataFrame:
        """The runs that raised."""
        return self.frame[self.frame["failed"].notna()]

    @property
    def quality(self) -> str:
        """The column that says most about quality: exact match if anything was judged, else token agreement.

        Raises:
            SettingsError: neither is there.
        """
        for name in ("exact_match", "token_agreement"):
            if self.frame[name].notna().any():
                return name
        raise SettingsError("nothing says how good these texts are; run the sweep with compare: always")

    @property
    def axes(self) -> list[str]:
        """Knobs and options (but the seed) that take more than one value, for one decoder at least."""
        knobs = [name for setting in self.plan.settings for name in setting.values]
        every = [*dict.fromkeys(knobs), *(name for name in OPTIONS if name != "seed")]
        return [n for n in every if (self.frame.groupby("decoder")[n].nunique(dropna=False) > 1).any()]

    @property
    def metrics(self) -> list[str]:
        """Columns of numbers that are there."""
        return [name for name in METRICS if self.frame[name].notna().any()]

    def where(self, **values: Any) -> Self:
        """The runs whose columns have these values.

        Raises:
            SettingsError: an unknown column.
        """
        frame = self.frame
        for name, value in values.items():
            if name not in frame:
                raise SettingsError(one_of("column", name, map(str, frame.columns)))
            frame = frame[frame[name].isna() if value is None else frame[name] == value]
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
        prompts = pd.Index(self.frame["prompt"].unique())
        weights = resample(len(prompts), _SEED) if len(prompts) else np.zeros((0, 0))
        rows = []
        for group, runs in self.frame.groupby(by, sort=False, dropna=False) if by else [((), self.frame)]:
            named = dict(zip(by, group, strict=True))
            counts = {
                "prompts": runs["prompt"].nunique(),
                "runs": len(runs),
                "failed": int(runs["failed"].notna().sum()),
            }
            rows.append(named | counts | dict(_means(runs, chosen, prompts, weights)))
        return pd.DataFrame(rows)

    def front(self, quality: str | None = None, by: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of `table` that no other row beats: with fewer passes at no lower quality, or higher quality at no
        more passes; fewest passes first.

        Args:
            quality: a metric of which more is better; by default `quality`.
        """
        quality = quality or self.quality
        table = self.table(by)
        if quality not in table:
            raise SettingsError(one_of("metric of this sweep", quality, (m for m in METRICS if m in table)))
        table = table.dropna(subset=["forward_passes", quality])
        table = table.sort_values(["forward_passes", quality], ascending=[True, False], kind="stable")
        keep, best, last = [], -np.inf, (np.nan, np.nan)
        for point in zip(table["forward_passes"], table[quality], strict=True):
            if point[1] > best:
                best, last = point[1], point
            keep.append(point == last)
        return table[keep].reset_index(drop=True)

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


def _means(
    runs: pd.DataFrame, metrics: Sequence[str], prompts: pd.Index[Any], weights: NDArray[np.float64]
) -> Iterator[tuple[str, float]]:
    """Mean and interval of each metric over the prompts that have it."""
    by_prompt = runs.groupby("prompt")[list(metrics)].mean().reindex(prompts)
    for name in metrics:
        values = by_prompt[name].to_numpy(np.float64, na_value=np.nan)
        have = ~np.isnan(values)
        if not have.any():
            yield from ((column, np.nan) for column in (name, f"{name}_low", f"{name}_high"))
            continue
        own = weights[:, have]
        drawn = own.sum(1)
        # a resample that drew none of these prompts says nothing about them
        found = interval((own @ values[have])[drawn > 0] / drawn[drawn > 0])
        # rounded once, so that settings with the same numbers in another order are equal on the front
        mean = math.fsum(values[have]) / int(have.sum())
        yield from ((name, mean), (f"{name}_low", found.low), (f"{name}_high", found.high))


def tidy(plan: Plan, model: Mapping[str, Any], rows: Mapping[str, Row]) -> pd.DataFrame:
    """One row per run of the plan that is there, in the order of the plan; see `SweepResult`."""
    names = plan.names()
    found: list[dict[str, Any]] = []
    references: dict[tuple[str, Any], Row] = {}
    knobs = list(dict.fromkeys(name for setting in plan.settings for name in setting.values))
    for run in plan.runs():
        key = run.key(model, plan.batch)
        if key in rows:
            if run.setting.content == plan.reference.content:
                references[run.prompt.id, run.options] = rows[key]
            found.append({"run": run, "key": key, "setting": names[run.setting.content], **rows[key]})
    for row in found:
        run = row.pop("run")
        reference = references.get((run.prompt.id, run.options), {})
        pair = agreement(row["content_ids"], reference["content_ids"] if reference else None)
        row["token_agreement"], row["text_agreement"] = pair
        row |= _described(run, knobs)
    return _frame(found, knobs)


def _described(run: Run, knobs: Sequence[str]) -> dict[str, Any]:
    options = asdict(run.options)
    return {
        "decoder": run.setting.decoder,
        **(dict.fromkeys(knobs) | dict(run.setting.values)),
        **{name: options[name] for name in OPTIONS},
        "prompt": run.prompt.id,
        "task": run.prompt.task,
    }


def _frame(rows: Sequence[Row], knobs: Sequence[str]) -> pd.DataFrame:
    """Columns in order, each of one type: whole numbers as Int64, which can be missing."""
    numbers = [n for n, kind in KINDS.items() if kind in ("int", "float")]
    words = [n for n in KINDS if n not in numbers]
    agreements = ["token_agreement", "text_agreement"]
    order = ["setting", "decoder", *knobs, *OPTIONS, "prompt", "task", *numbers, *agreements, *words, "key"]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in order})
    for name in (*numbers, *agreements, *knobs):
        frame[name] = _typed(frame[name])
    for name in OPTIONS:
        frame[name] = frame[name].infer_objects()
    return frame


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers as numbers; words, and what is missing altogether, as they are."""
    values = column.dropna()
    if values.map(lambda value: isinstance(value, int)).all():
        return column.astype("Int64") if len(values) else column.astype("float64")
    if values.map(lambda value: isinstance(value, (int, float))).all():
        return column.astype("float64")
    return column
