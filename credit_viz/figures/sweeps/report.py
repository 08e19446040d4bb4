"""A sweep as one self-contained HTML file: figures, table, best settings, and the command that does it again.

Nothing is fetched; text of a sweep (prompt names, settings, tasks) is never markup.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from plotly.utils import PlotlyJSONEncoder

from credit_viz.errors import BackendError, CreditVizError
from credit_viz.figures.offline import escaped, filled, packed, packed_plotly, unpack_js
from credit_viz.figures.style import surface
from credit_viz.figures.sweeps import SWEEP_FIGURES, draw_sweep
from credit_viz.figures.sweeps.answer import answer
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.tables import Swept
from credit_viz.pareto import unbeaten

__all__ = ["render_report", "write_report"]

_SHOWN = ("forward_passes", "content_tokens_per_forward", "mean_wait", "redundant_guesses")


def write_report(result: Swept, path: str | Path, title: str, facts: Mapping[str, str], command: str) -> None:
    """`render_report` into a file.

    Raises:
        BackendError: the file cannot be written.
    """
    page = render_report(result, title, facts, command)
    try:
        Path(path).write_text(page, encoding="utf-8")
    except OSError as error:
        raise BackendError(f"cannot write {path}: {error}") from error


def render_report(result: Swept, title: str, facts: Mapping[str, str], command: str) -> str:
    """The page as text.

    Args:
        title, facts, command: for people: what the sweep is called, name and value of what it ran on, and what to type
            to run it again.
    """
    quality = result.quality
    table = result.table(metrics=[name for name in (*_SHOWN[:1], quality, *_SHOWN[1:]) if name in result.metrics])
    best = unbeaten(*table[["forward_passes", quality]].to_numpy(float).T).tolist()
    drawn = dict(_figures(result))
    figures = json.dumps({key: themes for key, (_, themes) in drawn.items()}, cls=PlotlyJSONEncoder, ensure_ascii=False)
    parts = {
        "title": escaped(title),
        "lead": escaped(answer(result)),
        "colors": _colors(),
        "css": _asset("report.css"),
        "facts": "\n".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in facts.items()),
        "figures": "\n".join(_card(key, name) for key, (name, _) in drawn.items()),
        "table": _table(table, best),
        "command": escaped(command),
        "footer": "Counted on the model and prompts named above; nothing is claimed beyond them.",
        "packed": packed(figures),
        "plotly": packed_plotly(),
        "unpack": unpack_js(),
        "js": _asset("report.js"),
    }
    return filled(_asset("report.html"), parts)


def _asset(name: str) -> str:
    return files("credit_viz.figures.sweeps").joinpath(name).read_text(encoding="utf-8")


def _colors() -> str:
    light, dark = (
        ":root {" + " ".join(f"--{name}: {color};" for name, color in surface(theme).items()) + "}"
        for theme in ("light", "dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"


def _figures(result: Swept) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Key, (name, light and dark) of every figure that this sweep has enough for; the busiest decoder's pairs of knobs
    in passes and in quality.
    """
    wanted: list[tuple[str, str, dict[str, str]]] = [("front", "front", {})]
    wanted += [
        (f"{name}-{metric}", name, {"metric": metric})
        for name in ("heatmap", "slices", "importance")
        for metric in ("forward_passes", result.quality)
    ]
    wanted.append(("parallel", "parallel", {}))
    for key, name, options in wanted:
        try:
            themes = {theme: draw_sweep(name, result, theme, **options).to_plotly_json() for theme in ("light", "dark")}
        except CreditVizError:  # too few knobs, or Optuna is not here: the others still say much
            continue
        yield key, (name, themes)


def _card(key: str, name: str) -> str:
    figure = SWEEP_FIGURES[name]
    metric = key.removeprefix(f"{name}-") if key != name else ""
    suffix = f" ({about(metric).title})" if metric else ""
    return (
        f'<section class="card"><h2>{escaped(figure.question + suffix)}</h2><p class="help">{escaped(figure.help)}</p>'
        f'<div id="{html.escape(key)}" role="img" aria-label="{html.escape(figure.title + suffix)}"></div></section>'
    )


def _with(row: Any, metric: str, digits: int) -> str:
    return f"{row[metric]:.{digits}f} [{row[f'{metric}_low']:.{digits}f}, {row[f'{metric}_high']:.{digits}f}]"


def _table(table: pd.DataFrame, best: Sequence[bool]) -> str:
    columns = [str(name) for name in table]
    metrics = [name for name in columns if f"{name}_low" in columns]
    words = [name for name in columns if name not in metrics and not name.endswith(("_low", "_high"))]
    names = (about(name).title for name in (*words, *metrics))
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    rows = []
    for row, on_front in zip(table.to_dict("records"), best, strict=True):
        cells = [escaped(str(row[name])) for name in words] + [escaped(_with(row, name, 2)) for name in metrics]
        drawn = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f"<tr{' class=best' if on_front else ''}>{drawn}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
