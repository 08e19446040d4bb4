"""Options that several commands share: which model to load, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from credit_viz.models.base import DiffusionLM

__all__ = ["ModelChoice", "model_options"]


class ModelChoice(NamedTuple):
    """Arguments of `load_model`."""

    source: str | None
    revision: str | None
    device: str
    dtype: str

    @property
    def name(self) -> str:
        """For people."""
        return self.source or "the embedded model"

    def load(self) -> DiffusionLM:
        """Load it.

        Raises:
            CheckpointError, SettingsError: as `load_model`.
        """
        from credit_viz.models.loading import load_model  # imports torch
        from credit_viz.models.threads import fit_threads

        return fit_threads(load_model(self.source, device=self.device, dtype=self.dtype, revision=self.revision))


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --model, --revision, --device and --dtype: pass them to `ModelChoice`."""
    options = (
        click.option(
            "--model",
            "source",
            metavar="PATH|ID",
            show_default="the embedded model",
            help="Checkpoint folder, or a hub id such as GSAI-ML/LLaDA-8B-Instruct.",
        ),
        click.option("--revision", help="Branch, tag or commit of a hub repository."),
        click.option("--device", default="auto", help="cpu, cuda, cuda:1, mps, or auto: a GPU if there is one."),
        click.option(
            "--dtype", default="auto", help="float32, bfloat16, float16, or auto: bfloat16 on a GPU, float32 on a CPU."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
