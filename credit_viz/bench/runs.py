"""What tracing and racing cost on a real model: whole runs on the embedded one."""

from __future__ import annotations

from credit_viz.bench.table import Row, Section
from credit_viz.bench.timing import medians
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race

__all__ = ["section"]


def section(model: DiffusionLM, prompt: str, rounds: int) -> Section:
    """Runs of 64 positions in blocks of 32, model calls included: vanilla traced, vanilla and credit racing."""

    def run(decoders: tuple[str, ...], record: str, batched: bool = False) -> None:
        options = RunOptions(gen_length=64, block_length=32, record=record)
        race = Race.start(model, [make_decoder(name) for name in decoders], options, prompt, batched=batched)
        for _ in race.steps():
            pass

    taken = medians(
        {
            "untraced": lambda: run(("vanilla",), "none"),
            "traced": lambda: run(("vanilla",), "all"),
            "block": lambda: run(("vanilla",), "block"),
            "in turn": lambda: run(("vanilla", "credit"), "all"),
            "batched": lambda: run(("vanilla", "credit"), "all", True),
        },
        rounds,
    )
    return Section(
        f"embedded model, whole runs of 64 positions in blocks of 32, {len(model.encode(prompt))} prompt tokens",
        [
            Row("untraced run", taken["untraced"], "ms"),
            Row("traced / untraced run", taken["traced"] / taken["untraced"], aim="<= 1.10"),
            Row("traced, active block only / untraced run", taken["block"] / taken["untraced"]),
            Row("two decoders in turn / the slower alone", taken["in turn"] / taken["traced"], aim="<= 1.5"),
            Row("two decoders batched / the slower alone", taken["batched"] / taken["traced"]),
        ],
    )
