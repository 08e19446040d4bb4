"""What a run came to: a compact table for people, plain JSON for programs. Knows traces, no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from credit_viz.cli.words import plain_console, visible
from credit_viz.trace.record import Reason, Trace

__all__ = ["print_json", "print_runs", "run_json"]

_LEGEND = (
    "NFE: forward passes. TPF: tokens per forward pass; content: text tokens only.\n"
    "Wait: steps from settled to written. Redundant guesses: the sum of all waits."
)
_COLUMNS = ("NFE", "TPF", "content TPF", "mean wait", "redundant guesses")


def run_json(label: str, trace: Trace) -> dict[str, Any]:
    """One run as plain JSON types: what it was, what it came to, and its L tokens with their steps and reasons."""
    info = trace.info
    reasons = {int(reason): reason.name.lower() for reason in Reason}
    return {
        "run": label,
        "model": info.model,
        "decoder": info.decoder,
        "settings": dict(info.settings),
        "prompt": info.prompt,
        "gen_length": info.gen_length,
        "block_length": info.block_length,
        "seed": info.seed,
        "switches": list(info.switches),
        "complete": trace.complete,
        "forward_passes": trace.forward_passes,
        "tokens_per_forward": trace.tokens_per_forward,
        "content_tokens": trace.content_tokens,
        "content_tokens_per_forward": trace.content_tokens_per_forward,
        "mean_wait": trace.mean_wait,
        "redundant_guesses": trace.redundant_guesses,
        "seconds": float(trace.forward_seconds.sum() + trace.decoder_seconds.sum()),
        "text": trace.text,
        "token_ids": trace.token_ids.tolist(),
        "converge_step": trace.converge_step.tolist(),
        "commit_step": trace.commit_step.tolist(),
        "reason": [reasons.get(int(value)) for value in trace.reason],
    }


def print_json(runs: list[dict[str, Any]]) -> None:
    """{"runs": [...]} on stdout, pure ASCII: no token text can speak to the terminal."""
    click.echo(json.dumps({"runs": runs}, indent=None, ensure_ascii=True, allow_nan=False))


def print_runs(runs: Mapping[str, Trace]) -> None:
    """Table of all runs, then what each wrote, on stdout."""
    console = plain_console()
    console.print(_table(runs))
    for line in _switches(runs):
        console.print(Text(visible(line)))
    console.print(Text(_LEGEND, style="dim"))
    texts = {label: visible(trace.text, keep="\n").strip() for label, trace in runs.items()}
    if len(runs) > 1 and len(set(texts.values())) == 1:
        texts = {"all": next(iter(texts.values()))}
    for label, text in texts.items():
        console.print()
        console.print(Text.assemble((f"{visible(label)}: ", "bold"), text or "(no text)"))


def _switches(runs: Mapping[str, Trace]) -> list[str]:
    """What sets the runs apart from plain ones: one line where they agree, else one for each."""
    words = {label: ", ".join(trace.info.switches) for label, trace in runs.items()}
    if len(set(words.values())) == 1:
        return [f"With: {each}" for each in set(words.values()) if each]
    return [f"{label} with: {each or 'nothing else'}" for label, each in words.items()]


def _table(runs: Mapping[str, Trace]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("run")
    table.add_column("decoder")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for label, trace in runs.items():
        table.add_row(Text(visible(label)), Text(visible(trace.info.decoder)), *map(Text, _cells(trace)))
    return table


def _cells(trace: Trace) -> tuple[str, ...]:
    """Values of _COLUMNS; an unfinished run says so."""
    passes = str(trace.forward_passes) if trace.complete else f"{trace.forward_passes} (unfinished)"
    return (
        passes,
        f"{trace.tokens_per_forward:.2f}",
        f"{trace.content_tokens_per_forward:.2f}",
        f"{trace.mean_wait:.1f}",
        str(trace.redundant_guesses),
    )
