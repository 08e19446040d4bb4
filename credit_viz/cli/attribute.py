"""`credit-viz attribute`: where the passes that credit saves come from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from credit_viz.cli.options import folder_option, json_option
from credit_viz.cli.plans import PlanChoice, plan_options
from credit_viz.cli.sweep_report import progress

if TYPE_CHECKING:
    from credit_viz.lab import Attribution

__all__ = ["command"]


@click.command("attribute", short_help="Say what credit's saved passes come from: memory, or a lower bar.")
@click.option(
    "--arm", default="credit", metavar="ARM", help="One setting of a decoder with credit, in the notation of sweep."
)
@plan_options
@folder_option("Keep every run here and go on from there.")
@json_option("a table and a sentence")
def command(arm: str, out: Path | None, as_json: bool, **given: Any) -> None:
    """Run the controls that tell memory from a lower bar, and the rule alone at as few passes.

    \b
    credit-viz attribute --tasks all --prompts 50 --block-length 64
    credit-viz attribute --arm "credit: alpha=1, threshold=0.95" --prompts-file mine.jsonl --out why

    Four settings are compared on the same prompts: the rule without credit (alpha 0), credit that forgets after every
    step (beta 0), the setting itself, and the rule alone with its own knob turned until it needs about as few passes.
    """  # noqa: D301 (a raw docstring would not hold the \b that keeps click from filling these lines)
    from credit_viz.lab import attribute, parse_arm

    choice = PlanChoice.of(given)
    plan = choice.plan([parse_arm(arm)])
    with progress(choice.model.name) as tell:
        found = attribute(plan, out, choice.crew(), tell=tell)
    if as_json:
        click.echo(json.dumps(_report(found)))
        return
    from credit_viz.trace.reasons import REASONS

    told = [f"written_{reason}" for reason in REASONS if found.table[f"written_{reason}"].any()]
    table = found.table[["row", "forward_passes", found.quality, *told]]
    names = {"row": "", "forward_passes": "passes", found.quality: found.quality.replace("_", " ")}
    names |= {name: name.removeprefix("written_") for name in told}
    click.echo(table.rename(columns=names).to_string(index=False, float_format="{:.2f}".format))
    click.echo(
        "\nMeans per prompt; the last columns are tokens by the reason they were written for.\n" + found.sentence
    )


def _report(found: Attribution) -> dict[str, Any]:
    gain = found.quality_gain
    return {
        "decoder": found.decoder,
        "settings": dict(found.settings),
        "prompts": found.prompts,
        "quality": found.quality,
        "rows": json.loads(found.table.to_json(orient="records")),
        **{name: dataclasses.asdict(getattr(found, name)) for name in ("saved", "lower_bar", "memory")},
        "rival": None if found.rival is None else found.rival._asdict(),
        "quality_gain": None if gain is None else dataclasses.asdict(gain),
        "sentence": found.sentence,
    }
