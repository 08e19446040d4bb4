"""One run from prompt to Trace: ties a model, a decoder and the loop together. Knows no page and no shell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Decoder
from credit_viz.decoding.forward import Ask, forward
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import PromptError
from credit_viz.models.base import DiffusionLM
from credit_viz.prompt import Infill, lay_out
from credit_viz.trace.build import build_trace
from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import RunInfo, StepRecord, Trace
from credit_viz.versions import versions

__all__ = ["Race", "decode"]

_VERSIONED = ("credit-viz", "torch", "transformers", "numpy")


def decode(
    model: DiffusionLM,
    prompt: str | None = None,
    *,
    prompt_ids: Sequence[int] | None = None,
    decoder: str = "credit",
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    gen_length: int = 64,
    block_length: int = 32,
    seed: int = 0,
    early_stop: bool = False,
    record: str = "all",
    top_k: int = 5,
    cache: str = "none",
    logits_to_keep: str = "all",
    fixed: Mapping[int, int] | None = None,
    raw: bool = False,
    history: Sequence[tuple[str, str]] = (),
    infill: bool = False,
    interventions: Sequence[Intervention] = (),
) -> Trace:
    """Decode one prompt and return everything that happened.

    Args:
        prompt: text, sent through the model's chat template; or give `prompt_ids`, used as they are.
        decoder: a name in `DECODERS`; settings: its knobs, laid over `preset` or the defaults.
        gen_length, block_length, seed, early_stop, record, top_k, cache, logits_to_keep: see `RunOptions`.
        fixed: token ids by generated position that are given and never change.
        raw: send the prompt as it is, without the chat template.
        history: (role, content) turns before the prompt, the oldest first.
        infill: the prompt has gaps, "[MASK]" or "[MASK:5]", which are filled; gen_length and block_length follow from
            it. See `credit_viz.prompt`.
        interventions: changes by hand, each right after what its step wrote; until then the run is as without them.

    Raises:
        PromptError, SettingsError: the message names the bad value and what is valid. A change by hand that its step
            does not allow ends the run.
    """
    options = RunOptions(gen_length, block_length, seed, early_stop, record, top_k, cache, logits_to_keep)
    race = Race.start(
        model,
        [make_decoder(decoder, settings, preset)],
        options,
        prompt,
        prompt_ids,
        fixed=fixed,
        raw=raw,
        history=history,
        infill=infill,
        interventions=[interventions],
    )
    for _ in race.steps():
        pass
    return race.traces()[0]


@dataclass
class Race:
    """One prompt decoded by several decoders on one clock; ask for `traces` at any time."""

    model: DiffusionLM
    infos: tuple[RunInfo, ...]
    batched: bool
    _lanes: list[Lane]
    _records: list[list[StepRecord]] = field(default_factory=list)
    _ask: Ask = forward

    @classmethod
    def start(
        cls,
        model: DiffusionLM,
        decoders: Sequence[Decoder],
        options: RunOptions,
        prompt: str | None = None,
        prompt_ids: Sequence[int] | None = None,
        batched: bool = False,
        fixed: Mapping[int, int] | None = None,
        raw: bool = False,
        history: Sequence[tuple[str, str]] = (),
        infill: bool = False,
        interventions: Sequence[Sequence[Intervention]] = (),
        ask: Ask = forward,
    ) -> Race:
        """Check everything and lay out the canvases; no forward pass yet.

        Args:
            prompt, prompt_ids, fixed, raw, history, infill: see `decode`.
            interventions: of each lane, in order; lanes beyond the last have none.
            ask: what does a forward pass.

        Raises:
            PromptError, SettingsError: as `decode`.
        """
        shared = len(decoders) if batched else 1
        given = dict(fixed or {})
        if infill:
            gaps = _gaps(model, prompt, prompt_ids, raw or bool(history))
            options = dataclasses.replace(options, gen_length=gaps.gen_length, block_length=gaps.block_length)
            ids, given = gaps.prompt_ids, gaps.fixed | given
        else:
            ids = _prompt_ids(model, prompt, prompt_ids, raw, history)
        changes = [*map(tuple, interventions), *[()] * (len(decoders) - len(interventions))]
        pairs = tuple(zip(decoders, changes, strict=True))
        lanes = [Lane(model, ids, decoder, options, given, own) for decoder, own in pairs]
        infos = tuple(_describe(model, d, options, prompt, ids, shared, given, own) for d, own in pairs)
        return cls(model, infos, batched, lanes, [[] for _ in lanes], ask)

    def steps(self) -> Iterator[tuple[int, StepRecord]]:
        """Run to the end, yielding (lane index, record); close the generator to cancel."""
        for index, record in denoise(self.model, self._lanes, self.batched, self._ask):
            self._records[index].append(record)
            yield index, record

    def finished(self, lane: int) -> bool:
        """Lane has no mask left, and every change by hand was made."""
        return self._lanes[lane].finished and self._lanes[lane].as_asked

    def trace(self, lane: int) -> Trace:
        """What lane has done so far; incomplete until it is finished."""
        bare = build_trace(self.infos[lane], self._records[lane])
        written = [int(i) for i in bare.token_ids[: bare.text_end] if i != self.model.mask_id]
        info = dataclasses.replace(
            bare.info, token_text=self.texts(_shown_ids(bare)), text=self.model.decode_ids(written)
        )
        return dataclasses.replace(bare, info=info)

    def traces(self) -> tuple[Trace, ...]:
        """`trace` of every lane."""
        return tuple(self.trace(lane) for lane in range(len(self._lanes)))

    def texts(self, ids: Iterable[int]) -> dict[int, str]:
        """Text of each id."""
        return {int(i): self.model.token_text(int(i)) for i in ids}


def _gaps(model: DiffusionLM, prompt: str | None, prompt_ids: Sequence[int] | None, told_how: bool) -> Infill:
    if prompt is None or prompt_ids is not None:
        raise PromptError("infill fills the gaps of a prompt's text; give prompt, and no prompt_ids")
    if told_how:
        raise PromptError("infill sends the prompt as it is; leave out raw and history")
    return lay_out(model, prompt)


def _prompt_ids(
    model: DiffusionLM,
    prompt: str | None,
    prompt_ids: Sequence[int] | None,
    raw: bool,
    history: Sequence[tuple[str, str]],
) -> tuple[int, ...]:
    if (prompt is None) == (prompt_ids is None):
        given = "both" if prompt is not None else "neither"
        raise PromptError(f"got {given} of prompt and prompt_ids; valid: exactly one")
    if prompt is not None:
        if not isinstance(prompt, str):
            raise PromptError(f"the prompt is a {type(prompt).__name__}; valid: text")
        return tuple(model.encode(prompt, raw, history))
    if raw or history:
        raise PromptError("raw and history are for a prompt's text; prompt_ids are used as they are")
    given_ids: Sequence[Any] = () if prompt_ids is None else tuple(prompt_ids)
    for token in given_ids:
        if isinstance(token, bool) or not isinstance(token, Integral):
            raise PromptError(f"prompt id {token!r} is no token id; valid: whole numbers")
    return tuple(int(i) for i in given_ids)


def _describe(
    model: DiffusionLM,
    decoder: Decoder,
    options: RunOptions,
    prompt: str | None,
    ids: tuple[int, ...],
    lanes: int,
    fixed: Mapping[int, int],
    interventions: tuple[Intervention, ...],
) -> RunInfo:
    told = [*fixed.values(), *(one.token for one in interventions if one.token is not None)]
    return RunInfo(
        model=model.info.name,
        family=model.info.family,
        revision=model.info.revision,
        dtype=model.info.dtype,
        device=str(model.device),
        decoder=decoder.name,
        settings=decoder.settings.to_dict(),
        score=decoder.score,
        prompt=prompt,
        prompt_ids=ids,
        **dataclasses.asdict(options),
        mask_id=model.mask_id,
        eos_ids=model.eos_ids,
        vocab_size=model.vocab_size,
        token_limit=model.token_limit,
        lanes=lanes,
        fixed=fixed,
        interventions=interventions,
        token_text={i: model.token_text(i) for i in told},
        compiled=model.compiled,
        versions=versions(_VERSIONED),
    )


def _shown_ids(trace: Trace) -> list[int]:
    """Every id that a reader of this trace may want the text of."""
    info = trace.info
    shown = {*info.prompt_ids, *info.fixed.values(), info.mask_id, *info.eos_ids}
    for array in (trace.candidate_ids, trace.winner_ids, trace.event_ids):
        shown |= set(array.ravel().tolist())
    return sorted(shown)
