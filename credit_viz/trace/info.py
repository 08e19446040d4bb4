"""What names, reproduces and explains a run: the JSON header of a trace. Knows plain Python values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from credit_viz.errors import TraceError

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
    record: str  #: "all" masked positions, active "block" only, or "none"
    top_k: int
    mask_id: int
    eos_ids: tuple[int, ...]
    vocab_size: int
    device: str = "cpu"
    dtype: str = "float32"
    cache: str = "none"
    lanes: int = 1  #: runs that shared each forward pass
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    token_text: Mapping[int, str] = field(default_factory=dict)  #: text of every token id in the trace
    text: str = ""  #: the generated text without special tokens

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
        values = dict(data)
        try:
            values["prompt_ids"] = tuple(int(i) for i in values["prompt_ids"])
            values["eos_ids"] = tuple(int(i) for i in values["eos_ids"])
            values["token_text"] = {int(i): str(text) for i, text in values["token_text"].items()}
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TraceError(f"trace header is damaged: {error}") from error
