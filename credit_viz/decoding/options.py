"""What the lanes of a run share, and whether options, decoder and model fit each other. Knows settings only."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from credit_viz.decoding.base import Decoder
from credit_viz.decoding.forward import LanguageModel
from credit_viz.errors import SettingsError, one_of
from credit_viz.trace.record import MAX_LENGTH

__all__ = ["CACHE_MODES", "KEEP_MODES", "RECORD_MODES", "RunOptions", "block_spans", "check_fit", "offered_caches"]

RECORD_MODES = ("all", "block", "none")
CACHE_MODES = ("none", "prefix", "dual", "block")
KEEP_MODES = ("all", "needed")


@dataclass(frozen=True)
class RunOptions:
    """What all lanes of a run share.

    Raises:
        SettingsError: a value is out of range; the message names it and says what is valid.
    """

    gen_length: int = 64  #: L
    block_length: int = 32
    seed: int = 0
    early_stop: bool = False  #: end once an end-of-text token is written with everything before it
    record: str = "all"  #: cells of "all" open positions that were computed, of the active "block" only, or "none"
    top_k: int = 5  #: candidates per cell
    cache: str = "none"  #: keys and values kept from pass to pass: "none", "prefix", "dual" or "block"
    logits_to_keep: str = "all"  #: the output layer runs on "all" generated positions, or only on those "needed"

    def __post_init__(self) -> None:
        for name in ("gen_length", "block_length", "top_k"):
            object.__setattr__(self, name, _whole(name, getattr(self, name), 1, MAX_LENGTH))
        object.__setattr__(self, "seed", _whole("seed", self.seed, 0, 2**63 - 1))
        # NumPy's truth values too; a text such as "no" would count as true
        if not isinstance(self.early_stop, bool | np.bool_):
            raise SettingsError(f"early_stop={reprlib.repr(self.early_stop)} is not valid; valid: True or False")
        object.__setattr__(self, "early_stop", bool(self.early_stop))
        if self.gen_length % self.block_length:
            divisors = [n for n in range(1, self.gen_length + 1) if self.gen_length % n == 0]
            raise SettingsError(
                f"gen_length={self.gen_length} is not divisible by block_length={self.block_length}; "
                f"valid block lengths: {', '.join(map(str, divisors))}"
            )
        for name, kind, valid in (
            ("record", "record mode", RECORD_MODES),
            ("cache", "cache mode", CACHE_MODES),
            ("logits_to_keep", "logits_to_keep", KEEP_MODES),
        ):
            if getattr(self, name) not in valid:
                raise SettingsError(one_of(kind, getattr(self, name), valid))


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise SettingsError(f"{name}={reprlib.repr(value)} is out of range; valid: whole numbers {low}..{high}")
    return int(value)


def block_spans(options: RunOptions, prompt_length: int, native_length: int | None) -> tuple[tuple[int, int], ...]:
    """Blocks of the generated region as [start, end), left to right.

    A block-causal model was trained with blocks counted from the canvas's first position (`native_length`): there the
    first block ends where the prompt's last block ends, and may be short; so may the last.
    """
    offset = 0 if native_length is None else prompt_length % options.block_length
    edges = [*range(-offset, options.gen_length, options.block_length), options.gen_length]
    return tuple((max(0, start), end) for start, end in pairwise(edges) if end > 0)


def offered_caches(abilities: frozenset[str]) -> tuple[str, ...]:
    """Cache modes of a model with these abilities, "none" among them."""
    return tuple(mode for mode in CACHE_MODES if mode == "none" or f"{mode} cache" in abilities)


def check_fit(model: LanguageModel, decoder: Decoder, options: RunOptions) -> None:
    """Refuse what would fail or mean something else later.

    Raises:
        SettingsError: the model cannot do what the decoder or an option asks for, or two of them exclude each other.
    """
    if options.top_k > model.token_limit:
        raise SettingsError(f"top_k={options.top_k} exceeds the vocabulary; valid: 1..{model.token_limit}")
    if model.block_length is not None and options.block_length != model.block_length:
        raise SettingsError(
            f"block_length={options.block_length} does not fit this model's own; valid: {model.block_length}"
        )
    if lacking := sorted(decoder.needs.abilities - model.abilities):
        raise SettingsError(f"decoder {decoder.name!r} needs {lacking[0]}, which this model does not offer")
    if not decoder.needs.served_by(model.abilities):
        raise SettingsError(
            f"decoder {decoder.name!r} fills masks, and this model has no mask token but random tokens as noise; "
            "valid: a decoder whose rule is for random tokens, see credit-viz decoders"
        )
    if options.cache == "none":
        return
    if options.cache not in (offered := offered_caches(model.abilities)):
        raise SettingsError(one_of("cache mode for this model", options.cache, offered))
    needs = decoder.needs
    if needs.abilities or needs.whole:
        why = " and ".join(sorted(needs.abilities)) or "the whole generated region"
        raise SettingsError(
            f"cache={options.cache!r} cannot serve decoder {decoder.name!r}, which needs {why}; valid: none"
        )
