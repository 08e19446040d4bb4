"""Options that several commands share: which model to load, how runs go, where they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from credit_viz.cli.words import say, say_to_person

if TYPE_CHECKING:
    from credit_viz.decoding.options import RunOptions
    from credit_viz.lab import ModelSource
    from credit_viz.models.base import DiffusionLM

__all__ = ["Adding", "ModelChoice", "RunChoice", "folder_option", "json_option", "model_options", "run_options"]

#: adds options to a command
Adding = Callable[[Callable[..., Any]], Callable[..., Any]]


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
    return _all_of(*options)(command)


class RunChoice(NamedTuple):
    """Fields of `RunOptions`, by the names of the options that `run_options` adds."""

    gen_length: int
    block_length: int
    seed: int
    early_stop: bool
    cache: str
    logits_to_keep: str

    @classmethod
    def of(cls, given: dict[str, Any]) -> RunChoice:
        """From a command's keyword arguments, which lose them."""
        return cls(**{name: given.pop(name) for name in cls._fields})

    def options(self, **recorded: Any) -> RunOptions:
        """With what is recorded of a run.

        Raises:
            SettingsError: a value is out of range.
        """
        from credit_viz.decoding.options import RunOptions  # imports torch

        return RunOptions(**self._asdict(), **recorded)


def run_options(gen_length: int, block_length: int) -> Adding:
    """Adds --gen-length and all that says how runs go, with these defaults: pass them to `RunChoice`."""
    return _all_of(
        click.option("--gen-length", type=int, default=gen_length, help="Positions to generate."),
        click.option(
            "--block-length",
            type=int,
            default=block_length,
            help="Positions per block; blocks are written left to right.",
        ),
        click.option("--seed", type=int, default=0, help="Matters at temperatures above 0."),
        click.option(
            "--early-stop", is_flag=True, help="End once an end-of-text token stands with everything before it."
        ),
        click.option(
            "--cache",
            default="none",
            help="Keys and values kept from pass to pass: none, prefix, dual, or block for a block-causal model. "
            "Prefix and dual are approximations.",
        ),
        click.option(
            "--logits-to-keep",
            default="all",
            help="The output layer runs on all generated positions, or only on those needed: the same but for "
            "rounding.",
        ),
    )


def folder_option(help: str) -> Adding:
    """Adds --out DIR, as `out`."""
    return click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help=help)


def json_option(instead_of: str = "a table") -> Adding:
    """Adds --json, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print JSON instead of {instead_of}.")


def _all_of(*options: Adding) -> Adding:
    """Several at once, in this order in the help."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add
