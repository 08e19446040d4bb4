"""Runs requests on a model in this process. Knows models and the run; no page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from credit_viz.backend.base import Event, LaneFinished, Piece, RunRequest, RunStarted, StepTaken, shown_ids
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import PromptError, SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.models.memory import billions
from credit_viz.prompt import place_texts
from credit_viz.run import Race

__all__ = ["QUICK_PARAMETERS", "LocalBackend"]

QUICK_PARAMETERS = 20_000_000  #: a pass over 64 positions of a larger model takes a CPU more than about 20 ms


@dataclass(frozen=True)
class LocalBackend:
    """A loaded model as a `Backend`.

    Lanes take turns on a CPU; on a GPU they share each forward pass, which costs little more than one lane there.
    """

    model: DiffusionLM

    @property
    def model_name(self) -> str:
        """Name and size, e.g. "embedded model, 1.7 M parameters"."""
        name = "embedded model" if self.model.info.name == "embedded" else self.model.info.name
        return f"{name}, {billions(self.model.info.parameters)} parameters"

    @property
    def abilities(self) -> frozenset[str]:
        """What the model can do; see `LanguageModel.abilities`."""
        return self.model.abilities

    @property
    def quick(self) -> bool:
        """True for a model like the embedded one."""
        return self.model.info.parameters <= QUICK_PARAMETERS

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """See `Backend.pieces`."""
        return tuple(Piece(token, self.model.token_text(token)) for token in self.model.encode_text(text))

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """See `Backend.stream`."""
        if not request.lanes:
            raise SettingsError("a run without lanes; valid: 1 or more decoders")
        decoders = [make_decoder(lane.decoder, lane.settings) for lane in request.lanes]
        options = RunOptions(
            gen_length=request.gen_length,
            block_length=request.block_length,
            seed=request.seed,
            early_stop=request.early_stop,
            top_k=request.top_k,
            cache=request.cache,
            logits_to_keep=request.logits_to_keep,
        )
        batched = self.model.device.type == "cuda"
        if request.infill and request.given:
            raise PromptError("given text beside a prompt with gaps; valid: write it into the prompt, between the gaps")
        race = Race.start(
            self.model,
            decoders,
            options,
            request.prompt,
            batched=batched,
            fixed=place_texts(self.model, request.given, request.gen_length),
            infill=request.infill,
            interventions=[lane.interventions for lane in request.lanes],
        )
        return self._events(race)

    def _events(self, race: Race) -> Iterator[Event]:
        yield RunStarted(race.infos)
        known: set[int] = set()
        for lane, record in race.steps():
            new = shown_ids(record) - known
            known |= new
            yield StepTaken(lane, record, race.texts(sorted(new)))
            if race.finished(lane):
                yield LaneFinished(lane, race.trace(lane))
