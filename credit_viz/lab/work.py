"""What one worker does: it holds a model and a plan, and turns runs into rows. Knows no processes and no files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from credit_viz.decoding.memory import PassMemory
from credit_viz.errors import CreditVizError, PromptError, SettingsError
from credit_viz.evaluation.manifest import describe_device, describe_model
from credit_viz.lab.columns import Row, failed_row, measured
from credit_viz.lab.likelihood import log_likelihood
from credit_viz.lab.plan import ModelSource, Plan, Run, Setting
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model
from credit_viz.run import Race
from credit_viz.trace.record import Trace
from credit_viz.versions import versions

__all__ = ["Identity", "Worker", "load"]

_VERSIONED = ("credit-viz", "torch", "transformers", "tokenizers")


class Identity(NamedTuple):
    """What results depend on besides the plan, in plain JSON types."""

    model: Mapping[str, Any]  #: the model by its weights; part of every content key
    versions: Mapping[str, str]  #: of the libraries that decide results
    machine: str  #: where seconds are measured


def load(source: ModelSource) -> DiffusionLM:
    """The model of a plan."""
    return load_model(
        source.source,
        device=source.device,
        dtype=source.dtype,
        quantize=source.quantize,
        revision=source.revision,
        offline=source.offline,
        check_memory=source.check_memory,
        compile=source.compile,
    )


class Worker:
    """One model and one plan. memory: bytes of forward passes to remember."""

    def __init__(self, model: DiffusionLM, plan: Plan, memory: int = PassMemory.max_bytes) -> None:
        self._model = model
        self._plan = plan
        self._prompts = {prompt.id: prompt for prompt in plan.all_prompts}
        self.memory = PassMemory(memory)

    def identity(self) -> Identity:
        """Of this worker's model and libraries."""
        model = describe_model(self._model)
        model |= {"device": self._model.device.type, "compiled": self._model.compiled}
        return Identity(model, versions(_VERSIONED), describe_device(self._model))

    def check(self) -> None:
        """Lay out every setting with every combination of options, without a forward pass.

        Raises:
            SettingsError, PromptError: what does not fit this model; the message names the prompt or the setting.
        """
        for ids in self._telling_prompts().values():
            for options in self._plan.run_options:
                for setting in self._plan.settings:
                    try:
                        Race.start(self._model, [setting.make()], options, prompt_ids=ids)
                    except CreditVizError as error:
                        shape = f"gen_length={options.gen_length}, block_length={options.block_length}"
                        raise SettingsError(f"{self._name(setting)} with {shape}: {error}") from error

    def _telling_prompts(self) -> dict[int, list[int]]:
        """The longest prompt; for a model whose blocks depend on a prompt's length, of each way to be cut."""
        lengths: dict[int, list[int]] = {}
        for prompt in self._plan.all_prompts:
            try:
                ids = self._model.encode(prompt.text)
            except PromptError as error:
                raise PromptError(f"prompt {prompt.id!r}: {error}") from error
            longest = max(options.gen_length for options in self._plan.run_options)
            if len(ids) + longest > self._model.max_positions:
                raise PromptError(
                    f"prompt {prompt.id!r} has {len(ids)} tokens, which with gen_length={longest} exceeds the model's "
                    f"{self._model.max_positions} positions"
                )
            cut = len(ids) % self._model.block_length if self._model.block_length else 0
            lengths[cut] = max(lengths.get(cut, []), ids, key=len)
        return lengths

    def _name(self, setting: Setting) -> str:
        return self._plan.names()[setting.content]

    def run(self, runs: Sequence[Run]) -> list[Row]:
        """Rows of runs that share prompt and options; what stops one of them is in its row and stops no other."""
        try:
            return [self._finish(run, trace) for run, trace in zip(runs, self._decode(runs), strict=True)]
        except Exception as error:  # noqa: BLE001 (a checker or a decoder may fail in any way; its run says how)
            self.memory.forget()  # a decoder that writes where it may only read has spoilt what is remembered
            if len(runs) == 1:
                return [failed_row(_message(error))]
            return [row for run in runs for row in self.run([run])]

    def run_json(self, runs: Iterable[Mapping[str, Any]]) -> list[Row]:
        """As `run`, from `Run.to_json`."""
        return self.run([Run.from_json(run, self._prompts) for run in runs])

    def _decode(self, runs: Sequence[Run]) -> tuple[Trace, ...]:
        decoders = [run.setting.make() for run in runs]
        together = len(runs) > 1
        race = Race.start(
            self._model, decoders, runs[0].options, runs[0].prompt.text, batched=together, ask=self.memory
        )
        self.memory.spared_seconds()  # of a run that failed
        for _ in race.steps():
            pass
        return race.traces()

    def _finish(self, run: Run, trace: Trace) -> Row:
        row = measured(trace)
        row["seconds"] += self.memory.spared_seconds()
        right = run.prompt.accepts(trace.text)
        row["exact_match"] = None if right is None else int(right)
        if run.likelihood:
            row["log_likelihood"] = log_likelihood(self._model, trace.info.prompt_ids, row["content_ids"])
        return row


def _message(error: Exception) -> str:
    """One line for people; an error that is not the project's own is named."""
    text = " ".join(str(error).split())
    return text if isinstance(error, CreditVizError) else f"{type(error).__name__}: {text}"
