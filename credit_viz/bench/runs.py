"""What tracing and racing cost on a real model: whole runs on the embedded one."""

from __future__ import annotations

from dataclasses import dataclass

from credit_viz.bench.timing import medians
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race

__all__ = ["RunCost", "measure"]


@dataclass(frozen=True)
class RunCost:
    """Median milliseconds of whole runs (model calls included); `traced` is also the slower racer alone."""

    prompt_tokens: int
    untraced: float
    traced: float
    traced_block: float
    race_in_turn: float
    race_batched: float

    @property
    def ratios(self) -> dict[str, float]:
        """Tracing and racing over the plain run."""
        return {
            "traced / untraced run": self.traced / self.untraced,
            "traced, active block only / untraced": self.traced_block / self.untraced,
            "two decoders in turn / the slower alone": self.race_in_turn / self.traced,
            "two decoders batched / the slower alone": self.race_batched / self.traced,
        }


def measure(model: DiffusionLM, prompt: str, rounds: int) -> RunCost:
    """Time runs of 64 positions in blocks of 32, vanilla for tracing, vanilla and credit for racing."""

    def run(decoders: tuple[str, ...], record: str, batched: bool = False) -> None:
        options = RunOptions(gen_length=64, block_length=32, record=record)
        race = Race.start(model, [make_decoder(name) for name in decoders], options, prompt, batched=batched)
        for _ in race.steps():
            pass

    taken = medians(
        {
            "untraced": lambda: run(("vanilla",), "none"),
            "traced": lambda: run(("vanilla",), "all"),
            "traced block": lambda: run(("vanilla",), "block"),
            "in turn": lambda: run(("vanilla", "credit"), "all"),
            "batched": lambda: run(("vanilla", "credit"), "all", True),
        },
        rounds,
    )
    return RunCost(
        len(model.encode(prompt)),
        taken["untraced"],
        taken["traced"],
        taken["traced block"],
        taken["in turn"],
        taken["batched"],
    )
