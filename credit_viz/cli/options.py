"""Options that several commands share: which model to load, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from credit_viz.cli.words import say, say_to_person

if TYPE_CHECKING:
    from credit_viz.lab import ModelSource
    from credit_viz.models.base import DiffusionLM

__all__ = ["ModelChoice", "model_options"]


class ModelChoice(NamedTuple):
    """Arguments of `load_model`, by the names of the options that `model_options` adds."""

    source: str | None = None
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    quantize: str | None = None
    offline: bool = False
    skip_memory_check: bool = False
    compile: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return self.source or "the embedded model"

    def plan_source(self) -> ModelSource:
        """What a plan names, for workers to load the same."""
        from credit_viz.lab import ModelSource

        words = self._asdict()
        return ModelSource(check_memory=not words.pop("skip_memory_check"), **words)

    def load(self) -> DiffusionLM:
        """Load it, saying on stderr what takes long.

        Raises:
            CheckpointError, SettingsError: as `load_model`.
        """
        with self._waiting():
            from credit_viz.models.compile import compile_forward  # imports torch
            from credit_viz.models.loading import load_model
            from credit_viz.models.threads import fit_threads

            model = load_model(
                self.source,
                device=self.device,
                dtype=self.dtype,
                quantize=self.quantize,
                revision=self.revision,
                offline=self.offline,
                check_memory=not self.skip_memory_check,
                tell=say,
            )
            # after the threads are set: compiled code is made for a number of them
            return compile_forward(fit_threads(model), tell=say) if self.compile else fit_threads(model)

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """A spinner for the embedded model; for others a line, because the bars of downloads follow."""
        if self.source is None:
            from credit_viz.cli.progress import waiting_for

            with waiting_for(f"loading {self.name}"):
                yield
        else:
            say_to_person(f"loading {self.name}")
            yield


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --model and all that goes with it: pass them to `ModelChoice`."""
    options = (
        click.option(
            "--model",
            "source",
            metavar="PATH|ID",
            show_default="the embedded model",
            help="Checkpoint folder, or a hub id such as GSAI-ML/LLaDA-8B-Instruct; see credit-viz models.",
        ),
        click.option("--revision", help="Branch, tag or commit of a hub repository."),
        click.option("--device", default="auto", help="cpu, cuda, cuda:1, mps, or auto: a GPU if there is one."),
        click.option(
            "--dtype",
            default="auto",
            help="float32, bfloat16, float16, or auto: bfloat16 on a GPU that has it, else float16; float32 on a CPU.",
        ),
        click.option("--quantize", metavar="int8|nf4", help="Linear layers in 8 or 4 bits, through bitsandbytes."),
        click.option("--offline", is_flag=True, help="Fetch nothing from the hub (as with HF_HUB_OFFLINE=1)."),
        click.option("--skip-memory-check", is_flag=True, help="Try to load a model that looks too large."),
        click.option("--compile", is_flag=True, help="Compile the forward pass first, which takes a minute or so."),
    )
    for option in reversed(options):
        command = option(command)
    return command
