"""What a comparison came to: one table per task in the form of the paper, or plain JSON. Knows rows, no harness."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from credit_viz.cli.words import plain_console, visible
from credit_viz.evaluation.benchmarks import LOCAL, PAPER, shown_scores
from credit_viz.versions import versions

if TYPE_CHECKING:
    from credit_viz.evaluation.compare import Prompting, Row
    from credit_viz.evaluation.generation import Generator

__all__ = ["eval_json", "print_benchmarks", "print_rows"]

_COLUMNS = ("NFE", "TPF", "content TPF", "tokens/s", "passes", "time")
_LEGEND = (
    "Scores: the harness's, ± its standard error. NFE: forward passes per prompt. TPF: tokens per forward pass; "
    "content: text tokens only.\npasses, time: speed-up against {first}. tokens/s, time: wall clock on {device}, one "
    "prompt at a time.\nPrompts are the harness's, not the paper's: compare decoders with each other, not scores with "
    "the paper's."
)


def eval_json(rows: Sequence[Row], lanes: Mapping[str, Generator], prompting: Prompting) -> dict[str, Any]:
    """Everything as plain JSON types: what was run, and one entry per task and decoder."""
    shared = dict(next(iter(lanes.values())).about)
    deciding = ("decoder", "settings")
    return {
        **{name: value for name, value in shared.items() if name not in deciding},
        "versions": {**shared["versions"], **versions(("lm_eval", "datasets"))},
        "prompting": dataclasses.asdict(prompting),
        "lanes": {label: {name: lane.about[name] for name in deciding} for label, lane in lanes.items()},
        "rows": [_row_json(row, next(r for r in rows if r.task == row.task)) for row in rows],
    }


def _row_json(row: Row, first: Row) -> dict[str, Any]:
    """first: the same task by the decoder that speed-ups are against."""
    cost = row.cost
    return {
        "task": row.task,
        "version": row.version,
        "shots": row.shots,
        "lane": row.lane,
        "scores": {s.metric: {"value": s.value, "stderr": s.stderr} for s in row.scores},
        **dataclasses.asdict(cost),
        "nfe": cost.passes_per_prompt,
        "tokens_per_forward": cost.tokens_per_forward,
        "content_per_forward": cost.content_per_forward,
        "tokens_per_second": cost.tokens_per_second,
        "speedup_passes": first.cost.passes / cost.passes,
        "speedup_seconds": first.cost.seconds / cost.seconds,
    }


def print_rows(report: Mapping[str, Any]) -> None:
    """A table per task on stdout, then what was run. report: from `eval_json`."""
    console = plain_console()
    for task in dict.fromkeys(row["task"] for row in report["rows"]):
        console.print(_table(task, [row for row in report["rows"] if row["task"] == task]))
        console.print()
    first = next(iter(report["lanes"]))
    console.print(Text(_LEGEND.format(first=first, device=report["device"]), style="dim"))
    for line in _facts(report):
        console.print(Text(visible(line), style="dim"))


def _table(task: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    metrics = [m for m in rows[0]["scores"] if m in shown_scores(task)] or list(rows[0]["scores"])
    shots = f", {rows[0]['shots']} examples each" if rows[0]["shots"] else ""
    count = rows[0]["prompts"]
    title = Text(f"{task}: {count} prompt{'s' * (count > 1)}{shots}", style="bold")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("decoder")
    for name in (*(m.removesuffix(",none") for m in metrics), *_COLUMNS):
        table.add_column(Text(name), justify="right")
    for row in rows:
        scores = (_score(row["scores"][metric]) for metric in metrics)
        table.add_row(Text(visible(row["lane"])), *scores, *_cells(row))
    return table


def _score(score: Mapping[str, float | None]) -> str:
    error = score["stderr"]
    return f"{score['value']:.4f}" + ("" if error is None else f" ± {error:.4f}")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Values of _COLUMNS."""
    return (
        f"{row['nfe']:.2f}",
        f"{row['tokens_per_forward']:.2f}",
        f"{row['content_per_forward']:.2f}",
        f"{row['tokens_per_second']:.1f}",
        f"{row['speedup_passes']:.2f}x",
        f"{row['speedup_seconds']:.2f}x",
    )


def _facts(report: Mapping[str, Any]) -> list[str]:
    """What it takes to repeat this."""
    model, asked = report["model"], report["prompting"]
    revision = f", revision {model['revision']}" if model["revision"] else ""
    compiled = ", compiled" if model["compiled"] else ""
    own = "; its numbers are its own, not the paper's" if model["name"] == "embedded" else ""
    lanes = (
        f"{label}: {lane['decoder']}, "
        + " ".join(f"{knob}={'unset' if value is None else value}" for knob, value in lane["settings"].items())
        for label, lane in report["lanes"].items()
    )
    return [
        f"Model: {model['name']}{revision}, {model['dtype']}{compiled}, weights {model['weights'][:12]}{own}.",
        f"Canvas: {report['gen_length']} positions in blocks of {report['block_length']}, seed {report['seed']}, "
        f"{'early stop' if report['early_stop'] else 'no early stop'}, {_cache(report['cache'])}"
        f"{'needed rows, ' if report['logits_to_keep'] == 'needed' else ''}"
        f"{'chat template where the model has one' if asked['chat'] else 'no chat template'}.",
        *lanes,
        "Versions: " + ", ".join(f"{name} {found}" for name, found in report["versions"].items()) + ".",
    ]


def _cache(mode: str) -> str:
    return "" if mode == "none" else f"{mode} cache{'' if mode == 'block' else ' (approximate)'}, "


def print_benchmarks() -> None:
    """The paper's benchmarks on stdout: what to give to --tasks, and what to know."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("benchmark", "--tasks", "note"):
        table.add_column(name, overflow="fold")
    for benchmark in (*PAPER, LOCAL):
        table.add_row(benchmark.name, benchmark.task or "none", benchmark.note)
    console = plain_console()
    console.print(table)
    console.print(
        Text("Any other task of lm-evaluation-harness that generates text can be named too: lm_eval ls tasks", "dim")
    )
