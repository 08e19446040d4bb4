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

from plotly.utils import PlotlyJSONEncoder

from credit_viz.errors import BackendError, CreditVizError, SettingsError
from credit_viz.figures.offline import escaped, filled, packed, packed_plotly, unpack_js
from credit_viz.figures.style import surface
from credit_viz.figures.sweeps import SWEEP_FIGURES, draw_info, sweep_info
from credit_viz.figures.sweeps.answer import answer
from credit_viz.figures.sweeps.metrics import metric as about
from credit_viz.figures.sweeps.metrics import with_interval
from credit_viz.figures.sweeps.tables import Swept, busiest, settings_table
from credit_viz.pareto import unbeaten

__all__ = ["render_report", "write_report"]

_SHOWN = ("content_tokens_per_forward", "mean_wait", "redundant_guesses")


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
    quality = _quality(result)
    drawn = dict(_figures(result, quality))
    figures = json.dumps({key: themes for key, (_, themes) in drawn.items()}, cls=PlotlyJSONEncoder, ensure_ascii=False)
    parts = {
        "title": escaped(title),
        "lead": escaped(answer(result)),
        "colors": _colors(),
        "css": _asset("report.css"),
        "facts": "\n".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in facts.items()),
        "figures": "\n".join(_card(key, name, result) for key, (name, _) in drawn.items()),
        "table": _table(result, quality),
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


def _quality(result: Swept) -> str | None:
    try:
        return result.quality
    except SettingsError:  # passes and waits are worth a report, too
        return None


def _figures(result: Swept, quality: str | None) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Key, (name, light and dark) of every figure that this sweep has enough for; the busiest decoder's pairs of knobs
    in passes and in quality.
    """
    metrics = ["forward_passes", *([quality] if quality else [])]
    wanted: list[tuple[str, str, dict[str, str]]] = [("front", "front", {})]
    wanted += [
        (f"{name}-{metric}", name, {"metric": metric})
        for name in ("heatmap", "slices", "importance")
        for metric in metrics
    ]
    wanted.append(("parallel", "parallel", {}))
    for key, name, options in wanted:
        try:
            info = sweep_info(name, result, **options)
        except CreditVizError:  # too few knobs, or Optuna is not here: the others still say much
            continue
        yield key, (name, {theme: draw_info(name, info, theme).to_plotly_json() for theme in ("light", "dark")})


def _card(key: str, name: str, result: Swept) -> str:
    figure = SWEEP_FIGURES[name]
    told = [about(key.removeprefix(f"{name}-")).title] if key != name else []
    if "decoder" in figure.options:
        told.append(busiest(result))
    suffix = f" ({', '.join(told)})" if told else ""
    return (
        f'<section class="card"><h2>{escaped(figure.question + suffix)}</h2><p class="help">{escaped(figure.help)}</p>'
        f'<div id="{html.escape(key)}" role="img" aria-label="{html.escape(figure.title + suffix)}"></div></section>'
    )


def _table(result: Swept, quality: str | None) -> str:
    """Settings that no other beats first, then by passes; a cell holds its number, for sorting."""
    shown = ["forward_passes", *([quality] if quality else []), *_SHOWN]
    metrics = [name for name in dict.fromkeys(shown) if name in result.metrics]
    table = settings_table(result, metrics)
    table["best"] = unbeaten(*table[["forward_passes", quality]].to_numpy(float).T) if quality and metrics else False
    table = table.sort_values(["best", *metrics[:1]], ascending=[False, True][: 1 + len(metrics[:1])], kind="stable")
    names = ("setting", "prompts", "failed", *(about(name).title for name in metrics))
    head = "".join(f'<th scope="col"><button type="button">{escaped(name)}</button></th>' for name in names)
    rows = "".join(_row(row, metrics) for row in table.to_dict("records"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(row: dict[Any, Any], metrics: Sequence[str]) -> str:
    counts = "".join(f'<td data-n="{row[name]}">{row[name]}</td>' for name in ("prompts", "failed"))
    cells = "".join(f'<td data-n="{row[name]:.6g}">{_told(row, name)}</td>' for name in metrics)
    return f"<tr{' class=best' if row['best'] else ''}><td>{escaped(row['name'])}</td>{counts}{cells}</tr>"


def _told(row: dict[Any, Any], name: str) -> str:
    return escaped(with_interval(name, row[name], row[f"{name}_low"], row[f"{name}_high"]))
