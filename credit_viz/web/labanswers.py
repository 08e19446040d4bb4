"""What the Lab's page asks about a sweep: its table, its figures, the runs behind a mark. Knows tables; no gradio.

Each question takes one JSON object and answers with JSON. A setting is known by its number everywhere: column `number`
of the table, `customdata` of every figure's marks, `row` and `rows` of a question. Numbers are those of the whole
sweep, from 0 in the order of its plan; filters and runs that are still missing never change them.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

import pandas as pd

from credit_viz.errors import SettingsError, one_of
from credit_viz.figures.sweeps import SWEEP_FIGURES, draw_info, sweep_info
from credit_viz.figures.sweeps.answer import answer
from credit_viz.figures.sweeps.choices import choices_of
from credit_viz.figures.sweeps.metrics import metric
from credit_viz.figures.sweeps.tables import settings_table
from credit_viz.lab.report import command_of, facts_of
from credit_viz.lab.result import SweepResult
from credit_viz.pareto import unbeaten
from credit_viz.web.asked import Asked, object_of, text_of, whole_of
from credit_viz.web.kept import Kept
from credit_viz.web.labchoice import choice_of

__all__ = ["LabAnswers", "Results"]

#: metrics of the table, in this order, where they are there.
_SHOWN = (
    "forward_passes",
    "exact_match",
    "token_agreement",
    "text_agreement",
    "log_likelihood",
    "tokens_per_forward",
    "content_tokens_per_forward",
    "mean_wait",
    "redundant_guesses",
    "seconds",
)
_THEMES = ("light", "dark")
_MOST_RUNS = 2_000  #: that are listed at once
_DIGITS = 6  #: of the table's numbers
_KEPT_TABLES = 32
_KEPT_FIGURES = 96
_KEPT_FILTERED = 6  #: filtered sweeps


class Results(Protocol):
    """Where sweeps are; see `credit_viz.web.laboratory.Laboratory`."""

    def result(self, sweep: str) -> SweepResult:
        """The runs of a sweep that are there."""


class LabAnswers:
    """Questions about sweeps, see `credit_viz.web.questions`; safe to ask from several threads.

    Answers are kept until runs are added or others have taken their place.
    """

    def __init__(self, laboratory: Results) -> None:
        self._laboratory = laboratory
        self._tables: Kept[dict[str, Any]] = Kept(_KEPT_TABLES)
        self._figures: Kept[dict[str, Any]] = Kept(_KEPT_FIGURES)
        self._infos: Kept[Any] = Kept(_KEPT_FIGURES)
        self._filtered: Kept[SweepResult] = Kept(_KEPT_FILTERED)

    def functions(self) -> list[Callable[[Asked], Any]]:
        """All questions."""
        return [self.lab_table, self.lab_figure, self.lab_runs, self.lab_choice]

    def lab_table(self, asked: Asked) -> dict[str, Any]:
        """The settings that the filters keep, with everything that is said about the sweep in words."""
        whole, key = self._whole(asked)
        return self._tables.of(key, lambda: _table(whole, self._kept(whole, key)))

    def lab_figure(self, asked: Asked) -> dict[str, Any]:
        """A figure of the settings that the filters keep, as Plotly takes it, and what else it could show.

        Raises:
            SettingsError: unknown figure or theme, or the sweep has too little for it. BackendError: it needs Optuna.
        """
        name, theme = text_of(asked, "figure"), text_of(asked, "theme", "light")
        for kind, value, valid in (("figure", name, SWEEP_FIGURES), ("theme", theme, _THEMES)):
            if value not in valid:
                raise SettingsError(one_of(kind, value, valid))
        whole, key = self._whole(asked)
        kept = self._kept(whole, key)
        choices = choices_of(kept, list(SWEEP_FIGURES[name].options), object_of(asked, "options"))

        about = (*key, name, *choices.options.items())

        def draw() -> dict[str, Any]:
            info = self._infos.of(about, lambda: sweep_info(name, kept, **choices.options))
            drawn: dict[str, Any] = json.loads(draw_info(name, info, theme).to_json())
            return {"data": drawn["data"], "layout": drawn["layout"]}

        figure = self._figures.of((theme, *about), draw)
        return figure | {"options": choices.options, "choices": choices.valid}

    def lab_runs(self, asked: Asked) -> dict[str, Any]:
        """The runs behind some settings, those first that one wants to look at: the worst, then those with most passes.

        Failed ones come last; `left_off` says how many more there are.
        """
        whole, key = self._whole(asked)
        kept = self._kept(whole, key)
        frame = kept.where(number=_rows(whole, asked.get("rows"))).frame
        judged = frame["exact_match"].astype("Float64")  # whole numbers would not take an agreement
        frame = frame.assign(broken=frame["failed"].notna(), quality=judged.fillna(frame["token_agreement"]))
        order = ["broken", "quality", "forward_passes"]
        frame = frame.sort_values(order, ascending=[True, True, False], kind="stable", na_position="last")
        texts = {prompt.id: prompt.text for prompt in whole.plan.all_prompts}
        columns = {
            "row": "number",
            "prompt": "prompt",
            "task": "task",
            "seed": "seed",
            "passes": "forward_passes",
            "exact_match": "exact_match",
            "token_agreement": "token_agreement",
            "failed": "failed",
        }
        shown = frame.iloc[:_MOST_RUNS]
        values = {name: _plain(shown[column]) for name, column in columns.items()}
        values["text"] = [texts[prompt] for prompt in values["prompt"]]
        runs = [dict(zip(values, run, strict=True)) for run in zip(*values.values(), strict=True)]
        return {"runs": runs, "left_off": len(frame) - len(shown)}

    def lab_choice(self, asked: Asked) -> dict[str, Any]:
        """What to run to see one run of the sweep: the setting beside vanilla decoding, or beside another setting.

        `passes` are those of the lanes in the sweep, null where it has none. The first seed counts, or `seed`.
        """
        whole, _ = self._whole({"sweep": asked.get("sweep")})
        (row,) = _rows(whole, [asked.get("row")])
        beside = None if asked.get("beside") is None else _rows(whole, [asked["beside"]])[0]
        seed = None if asked.get("seed") is None else whole_of(asked, "seed")
        return choice_of(whole, row, text_of(asked, "prompt"), seed, beside)

    def _whole(self, asked: Asked) -> tuple[SweepResult, tuple[Hashable, ...]]:
        """The sweep, and what answers about it depend on."""
        result = self._laboratory.result(text_of(asked, "sweep"))
        filters = json.dumps(object_of(asked, "filters"), sort_keys=True)
        return result, (result.mark, filters)

    def _kept(self, whole: SweepResult, key: tuple[Hashable, ...]) -> SweepResult:
        """The runs that the filters keep."""
        return self._filtered.of(key, lambda: _filtered(whole, json.loads(str(key[-1]))))


def _filtered(whole: SweepResult, filters: Mapping[str, Any]) -> SweepResult:
    columns, rows = object_of(filters, "columns"), filters.get("rows")
    valid = _filterable(whole)
    for name, values in columns.items():
        if name not in valid:
            raise SettingsError(one_of("column to filter by", name, valid))
        if not isinstance(values, list):
            raise SettingsError(f"{name} is kept at {reprlib.repr(values)}; valid: a list of values")
    kept = whole.where(**columns)
    if rows is not None:
        kept = kept.where(number=_rows(whole, rows))
    if len(whole.frame) and not len(kept.frame):
        raise SettingsError("no run is left; valid: filters that keep one or more")
    return kept


def _filterable(whole: SweepResult) -> dict[str, list[Any]]:
    """Columns that set runs apart, with their very values: what a filter sends back is looked for."""
    columns = ("decoder", "task", *whole.axes)
    values = {name: _values(whole.frame[name].drop_duplicates()) for name in columns}
    return {name: sorted(found, key=_order) for name, found in values.items() if len(found) > 1}


def _order(value: object) -> tuple[int, float, str]:
    """Missing first, then numbers, then words."""
    if isinstance(value, (int, float)):
        return 1, float(value), ""
    return (0 if value is None else 2), 0.0, str(value)


def _table(whole: SweepResult, kept: SweepResult) -> dict[str, Any]:
    shown = [name for name in _SHOWN if name in kept.metrics]
    table = settings_table(kept, shown)
    quality = kept.quality if {"exact_match", "token_agreement"} & set(shown) else None
    best = unbeaten(*table[["forward_passes", quality]].to_numpy(float).T) if quality else [False] * len(table)
    return {
        "rows": len(table),
        "columns": {str(name): _plain(table[name]) for name in table},
        "knobs": whole.axes,
        "metrics": [{"name": name, **metric(name)._asdict()} for name in shown],
        "quality": quality,
        "unbeaten": list(map(bool, best)),
        "lead": answer(kept),
        "facts": facts_of(whole),
        "command": command_of(whole.plan),
        "version": len(whole.frame),
        "filterable": _filterable(whole),
    }


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Plain JSON types: what is missing is None, numbers have a few digits."""
    return [float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value for value in _values(column)]


def _values(column: pd.Series[Any]) -> list[Any]:
    """Plain JSON types: what is missing is None."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def _rows(whole: SweepResult, rows: object) -> list[int]:
    known = set(whole.frame["number"].tolist())
    if not isinstance(rows, list) or not all(type(row) is int and row in known for row in rows):
        raise SettingsError(f"settings {reprlib.repr(rows)}; valid: a list of numbers of this sweep's settings")
    return rows
