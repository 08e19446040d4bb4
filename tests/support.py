"""Shared by the tests of several rooms: a tiny deterministic model, drawn settings, hand-written traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.base import Block, Decoder
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RunOptions
from credit_viz.decoding.settings import Knob, knobs
from credit_viz.errors import SettingsError
from credit_viz.models.base import ModelInfo
from credit_viz.run import Race
from credit_viz.trace.intervention import Intervention
from credit_viz.trace.record import CELL_FIELDS, Reason, RunInfo, StepRecord, Trace

CPU = torch.device("cpu")
PROMPT = (2, 3)
#: registered decoders for models that have a mask token, by name.
MASK_DECODERS = {name: kind for name, kind in DECODERS.items() if not kind().needs.uniform}


class MockModel:
    """Logits are a fixed random function of each canvas alone: no batch effects, no weights, microseconds.

    The guess at a position changes slowly while its neighbourhood is written, so winners repeat and change.
    """

    def __init__(
        self,
        seed: int = 0,
        vocab_size: int = 13,
        sharpness: float = 3.0,
        mask_id: int | None = None,
        token_limit: int | None = None,
        eos_ids: tuple[int, ...] = (1,),
        favour: Mapping[int, float] | None = None,
        max_positions: int = 64,
        dtype: torch.dtype = torch.float32,
        texts: Callable[[int], str] = lambda i: f"t{i} ",
        block_length: int | None = None,
    ) -> None:
        self.vocab_size = vocab_size
        self.mask_id = vocab_size - 1 if mask_id is None else mask_id
        self.token_limit = vocab_size if token_limit is None else token_limit
        self.eos_ids = eos_ids
        self.max_positions = max_positions
        self.abilities = frozenset({"guidance", "shadow"})
        self.block_length = block_length
        self.compiled = False
        self.device = CPU
        self.info = ModelInfo("mock", "mock", None, 0, "float32")
        self.canvases: list[np.ndarray] = []  #: one (B, P + L) per call
        self.logits: list[Tensor] = []  #: what each call returned
        self._dtype = dtype
        self._texts = texts
        rng = np.random.default_rng(seed)
        self._place = rng.normal(0, sharpness, (97, vocab_size))
        self._context = rng.normal(0, sharpness / 2, (101, vocab_size))
        for token, extra in (favour or {}).items():
            self._place[:, token] += extra

    @property
    def calls(self) -> int:
        """Forward passes so far."""
        return len(self.canvases)

    def token_logits(
        self,
        canvas: Tensor,
        rows: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """See LanguageModel. Positions that stand beside others are read as if they stood in their place, alone."""
        ids = canvas.numpy()
        self.canvases.append(ids.copy())
        logits = self._logits(ids) if position_ids is None else self._beside(ids, position_ids[0].numpy())
        logits = logits if rows is None else logits[:, rows]
        self.logits.append(logits)
        return logits

    def _logits(self, ids: np.ndarray) -> Tensor:
        padded = np.pad(ids, ((0, 0), (2, 2)), constant_values=0)
        width = ids.shape[1]
        context = sum(padded[:, i : i + width] * factor for i, factor in enumerate((3, 17, 29, 5, 41)))
        places = np.arange(width)[None] * 7 % 97
        return torch.from_numpy(self._place[places] + self._context[context % 101]).to(self._dtype)

    def _beside(self, ids: np.ndarray, places: np.ndarray) -> Tensor:
        """Logits of one canvas (1, T + S) whose last S positions stand beside others."""
        length = int(places.max()) + 1
        beside = places[length:]
        alone = np.repeat(ids[:, :length], len(beside), 0)
        alone[np.arange(len(beside)), beside] = ids[0, length:]
        of_each = self._logits(alone)[torch.arange(len(beside)), torch.from_numpy(beside)]
        return torch.cat([self._logits(ids[:, :length]), of_each[None]], 1)

    def encode(self, prompt: str, raw: bool = False, history: Sequence[tuple[str, str]] = ()) -> list[int]:
        """One id per character of the prompt."""
        return self.encode_text(prompt)

    def encode_text(self, text: str) -> list[int]:
        """One id per character."""
        return [ord(character) % self.token_limit for character in text]

    def decode_ids(self, ids: Sequence[int]) -> str:
        """Texts in a row."""
        return "".join(self._texts(i) for i in ids)

    def token_text(self, token_id: int) -> str:
        """Text of one id."""
        return self._texts(token_id)


def run(
    model: Any,
    decoder: Decoder,
    prompt_ids: Sequence[int] = PROMPT,
    fixed: Mapping[int, int] | None = None,
    interventions: Sequence[Intervention] = (),
    **options: Any,
) -> Trace:
    """One decoder on one prompt, to the end."""
    asked = {"prompt_ids": prompt_ids, "fixed": fixed, "interventions": [interventions]}
    race = Race.start(model, [decoder], RunOptions(**options), **asked)
    for _ in race.steps():
        pass
    return race.trace(0)


def run_lanes(model: Any, decoders: Sequence[Decoder], batched: bool, **options: Any) -> tuple[Trace, ...]:
    """Several decoders on one clock, to the end."""
    race = Race.start(model, decoders, RunOptions(**options), prompt_ids=PROMPT, batched=batched)
    for _ in race.steps():
        pass
    return race.traces()


def lane_records(model: Any, decoder: Decoder, **options: Any) -> list[StepRecord]:
    """Bare records of one run, without a Race."""
    lane = Lane(model, PROMPT, decoder, RunOptions(**options))
    return [record for _, record in denoise(model, [lane])]


# ------------------------------------------------------------------ drawn runs


def knob_values(described: Knob) -> st.SearchStrategy[Any]:
    """Valid values of a knob: its whole range, with its corners and the part worth dragging more often."""
    if described.choices:
        return st.sampled_from(described.choices)
    low, high = described.slider
    if described.integer:
        values: st.SearchStrategy[Any] = st.integers(int(described.minimum), int(min(described.maximum, 24)))
    else:
        corners = {described.minimum, described.maximum, low, high, described.default}
        values = st.one_of(
            st.sampled_from(sorted(corner for corner in corners if corner is not None)),
            st.floats(low, high),
            st.floats(described.minimum, described.maximum),
        )
    return st.one_of(st.none(), values) if described.unset else values


def settings_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Valid settings of a registered decoder."""
    return st.fixed_dictionaries({k.name: knob_values(k) for k in knobs(DECODERS[name].settings_class)})


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, int]:
    """gen_length up to 24 with a block length that divides it."""
    block = draw(st.integers(1, 8))
    return {"gen_length": block * draw(st.integers(1, 24 // block)), "block_length": block}


@st.composite
def decoders(
    draw: st.DrawFn, length: int, block_length: int, name: str | None = None, blocks: int | None = None
) -> Decoder:
    """A registered decoder whose settings fit the canvas."""
    chosen = name or draw(st.sampled_from(sorted(MASK_DECODERS)))
    decoder = make_decoder(chosen, draw(settings_of(chosen)))
    try:
        decoder.start(Block(0, blocks or length // block_length, 0, block_length, length, CPU))
    except SettingsError:
        assume(False)
    return decoder


mocks = st.builds(
    MockModel,
    seed=st.integers(0, 10_000),
    vocab_size=st.integers(5, 16),
    sharpness=st.sampled_from([0.0, 0.3, 1.0, 3.0, 10.0]),
)


# ------------------------------------------------------------------ hand-written traces


def run_info(**changes: Any) -> RunInfo:
    """A plain RunInfo; ids below 10 are text, 8 ends the text, 9 is the mask."""
    values: dict[str, Any] = {
        "model": "mock",
        "family": "mock",
        "decoder": "credit",
        "settings": {"alpha": 0.7},
        "prompt": "hi",
        "prompt_ids": (1, 2),
        "gen_length": 4,
        "block_length": 2,
        "seed": 0,
        "early_stop": False,
        "record": "all",
        "top_k": 2,
        "mask_id": 9,
        "eos_ids": (8,),
        "vocab_size": 10,
        "token_text": {i: f"t{i}" for i in range(10)},
        "text": "t1t2",
    }
    return RunInfo(**{**values, **changes})


def trace_of(
    tops: Sequence[Mapping[int, int]],
    events: Sequence[tuple[int, int, int] | tuple[int, int, int, int]],
    block: tuple[int, int] = (0, 4),
    channels: Sequence[str] = ("boost", "credit"),
    **info: Any,
) -> Trace:
    """A trace from what matters: per step the raw top-1 by position, and the writes (step, position, id[, reason])."""
    described = run_info(**info)
    positions = np.array([place for step in tops for place in sorted(step)], np.int32)
    top = np.array([step[place] for step in tops for place in sorted(step)], np.int32)
    cells, wide = len(positions), (len(positions), described.top_k)
    values = {name: np.zeros((cells, described.top_k)[:dims], kind) for name, (dims, kind) in CELL_FIELDS.items()}
    ids = (top[:, None] + np.arange(described.top_k)).astype(np.int32) % described.vocab_size
    p = np.linspace(0.1, 0.9, max(1, cells), dtype=np.float32)[:cells]
    ranks = np.arange(1, described.top_k + 1, dtype=np.float32)
    values |= {
        "positions": positions,
        "candidate_ids": ids,
        "candidate_p": (p[:, None] / ranks).astype(np.float32).reshape(wide),
        "winner_ids": top,
        "winner_p": p,
        "fused": (p + np.float32(0.05)).astype(np.float32),
    }
    columns = np.array([(*event, int(Reason.CONFIDENT))[:4] for event in events], np.int64).reshape(-1, 4)
    steps = len(tops)
    return Trace(
        info=described,
        cell_counts=np.array([len(step) for step in tops], np.int32),
        block_starts=np.full(steps, block[0], np.int32),
        block_ends=np.full(steps, block[1], np.int32),
        forward_seconds=np.full(steps, 0.5),
        decoder_seconds=np.full(steps, 0.25),
        **values,
        channels={name: np.linspace(0, 1, cells, dtype=np.float32) for name in channels},
        event_steps=columns[:, 0].astype(np.int32),
        event_positions=columns[:, 1].astype(np.int32),
        event_ids=columns[:, 2].astype(np.int32),
        event_reasons=columns[:, 3].astype(np.uint8),
    )
