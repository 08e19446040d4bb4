"""What names, reproduces and explains a run: the JSON header of a trace. Knows plain Python values only."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from credit_viz.errors import SettingsError, TraceError
from credit_viz.text import clean_text
from credit_viz.trace.intervention import Intervention

__all__ = ["RunInfo"]


@dataclass(frozen=True)
class RunInfo:
    """Everything that is needed to name, reproduce and read a run; goes into the file header as JSON."""

    model: str
    family: str
    decoder: str
    settings: Mapping[str, Any]
    prompt: str | None
    prompt_ids: tuple[int, ...]
    gen_length: int
    block_length: int
    seed: int
    early_stop: bool
    record: str  #: "all" open positions, those of the active "block" only, or "none"
    top_k: int
    mask_id: int
    eos_ids: tuple[int, ...]
    vocab_size: int
    device: str = "cpu"
    dtype: str = "float32"
    cache: str = "none"  #: keys and values kept from pass to pass: "none", "prefix", "dual" or "block"
    logits_to_keep: str = "all"  #: the output layer ran on "all" generated positions, or only on those "needed"
    compiled: bool = False  #: the forward pass was compiled
    lanes: int = 1  #: runs that shared each forward pass
    score: str = "probability"  #: what was held against the bar, in words
    revision: str | None = None
    fixed: Mapping[int, int] = field(default_factory=dict)  #: given token id by generated position
    interventions: tuple[Intervention, ...] = ()  #: changes by hand
    token_limit: int | None = None  #: ids from here on have no text; None: not known
    versions: Mapping[str, str] = field(default_factory=dict)
    token_text: Mapping[int, str] = field(default_factory=dict)  #: text of every token id in the trace
    text: str = ""  #: the generated text without special tokens

    def __post_init__(self) -> None:
        """Texts are made fit for every file format."""
        object.__setattr__(self, "token_text", {int(i): clean_text(t) for i, t in self.token_text.items()})
        object.__setattr__(self, "text", clean_text(self.text))
        object.__setattr__(self, "fixed", {int(i): int(token) for i, token in self.fixed.items()})
        if self.prompt is not None:
            object.__setattr__(self, "prompt", clean_text(self.prompt))

    @property
    def switches(self) -> tuple[str, ...]:
        """What sets the run apart from a plain one whatever its decoder, in words; to be shown beside its numbers."""
        words = {
            "changed by hand": bool(self.interventions),
            "early stop": self.early_stop,
            f"{self.cache} cache": self.cache == "block",
            # a model that sees both ways reads stale keys and values there
            f"{self.cache} cache (approximate)": self.cache in ("prefix", "dual"),
            "needed rows": self.logits_to_keep == "needed",
            "compiled": self.compiled,
            self.dtype: self.dtype != "float32",
        }
        return tuple(word for word, on in words.items() if on)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` reads them back equal."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunInfo:
        """Rebuild from `to_json`.

        Raises:
            TraceError: a field is missing, unknown, or of the wrong type.
        """
        names = {f.name for f in fields(cls)}
        if unknown := sorted(set(data) - names):
            raise TraceError(f"trace header has unknown field {unknown[0]!r}; valid: {', '.join(sorted(names))}")
        values = {**_LATER, **data}
        for kind, kind_names in _KINDS.items():
            for name in kind_names:
                _check_kind(name, values, kind)
        for name in ("prompt_ids", "eos_ids"):
            values[name] = _ids(name, values[name])
        for name in ("settings", "versions"):
            _check_flat(name, values[name])
        try:
            values["token_text"] = {int(i): str(text) for i, text in values["token_text"].items()}
            values["fixed"] = {int(i): int(token) for i, token in values["fixed"].items()}
        except (ValueError, TypeError) as error:
            raise TraceError(f"trace header has a damaged token_text or fixed: {error}") from error
        try:
            values["interventions"] = tuple(map(Intervention.from_json, values["interventions"]))
        except SettingsError as error:
            raise TraceError(f"trace header: {error}") from error
        return cls(**values)


#: fields that files written before them lack, with what was true then.
_LATER: Mapping[str, Any] = MappingProxyType(
    {
        "logits_to_keep": "all",
        "compiled": False,
        "fixed": {},
        "interventions": (),
        "score": "probability",
        "token_limit": None,
    }
)
#: what each field of the header must be, by its JSON type; an optional text may also be null.
_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text": ("model", "family", "decoder", "record", "device", "dtype", "cache", "logits_to_keep", "score", "text"),
        "optional text": ("prompt", "revision"),
        "whole number": ("gen_length", "block_length", "seed", "top_k", "mask_id", "vocab_size", "lanes"),
        "optional whole number": ("token_limit",),
        "true or false": ("early_stop", "compiled"),
        "object": ("settings", "versions", "token_text", "fixed"),
        "list": ("prompt_ids", "eos_ids", "interventions"),
    }
)
_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "text": (str,),
        "optional text": (str, type(None)),
        "whole number": (int,),
        "optional whole number": (int, type(None)),
        "true or false": (bool,),
        "object": (Mapping,),
        "list": (list, tuple),
    }
)


def _check_kind(name: str, data: Mapping[str, Any], kind: str) -> None:
    """Raise a TraceError where a field is missing or of another kind."""
    if name not in data:
        raise TraceError(f"trace header lacks the field {name!r}")
    value = data[name]
    if not isinstance(value, _TYPES[kind]) or ("whole number" in kind and isinstance(value, bool)):
        raise TraceError(f"trace header has {name}={reprlib.repr(value)}; expected: {kind}")


def _check_flat(name: str, data: Mapping[str, Any]) -> None:
    for value in data.values():
        if not isinstance(value, str | int | float | None):
            raise TraceError(f"trace header has {reprlib.repr(value)} in {name}; expected: a number or a word")


def _ids(name: str, values: Sequence[Any]) -> tuple[int, ...]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TraceError(f"trace header has {reprlib.repr(value)} in {name}; expected: whole numbers")
    return tuple(values)
