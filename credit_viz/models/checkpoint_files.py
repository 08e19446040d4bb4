"""The files of a checkpoint folder: read without loading any weight, and every fault named with its file.

Knows JSON, safetensors headers and shard indexes. Does not know families, tokenizers or networks.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Collection, Iterable, Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from credit_viz.errors import CheckpointError

__all__ = ["StoredTensor", "check_small_files", "check_tensors", "read_json", "stored_tensors"]

#: safetensors' names of the dtypes that weights may have -> bytes per number.
_FLOATS: Mapping[str, int] = MappingProxyType({"F64": 8, "F32": 4, "F16": 2, "BF16": 2})
_LENGTH = 8  #: bytes in front of a safetensors header that say how long it is
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
#: small files that loading may read where they are there, besides those that it needs.
_OPTIONAL = ("generation_config.json", "special_tokens_map.json", "added_tokens.json")


class StoredTensor(NamedTuple):
    """Where a published weight is and what its file's header says of it."""

    file: Path
    shape: tuple[int, ...]


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        CheckpointError: it is absent, damaged, or holds something else.
    """
    if not path.is_file():
        raise CheckpointError(f"{path.parent} has no {path.name}; a checkpoint folder needs it")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} holds a {type(data).__name__}; expected a JSON object")
    return data


def check_small_files(folder: Path, needed: Iterable[str]) -> None:
    """The needed files are there, and those and the optional ones are JSON objects where their name says JSON.

    Raises:
        CheckpointError: names the first that is not.
    """
    wanted = list(needed)
    for name in (*wanted, *(name for name in _OPTIONAL if (folder / name).is_file())):
        if name.endswith(".json"):
            read_json(folder / name)
        elif not (folder / name).is_file():
            raise CheckpointError(f"{folder} has no {name}; this family's tokenizer needs it")


def stored_tensors(folder: Path) -> dict[str, StoredTensor]:
    """Every weight of a checkpoint, from one file or from the shards of an index; only headers are read.

    Raises:
        CheckpointError: a file is missing, damaged or truncated, holds other numbers than floats, or does not agree
            with the index; the message names it.
    """
    if (folder / "adapter_config.json").exists():
        raise CheckpointError(f"{folder} has an adapter_config.json: an adapter alone cannot be served; merge it first")
    whole, index = folder / _WHOLE, folder / _INDEX
    if whole.is_file() and index.is_file():
        raise CheckpointError(
            f"{folder} has both {_WHOLE} and {_INDEX}; only one of them can be right: remove the other"
        )
    if whole.is_file():
        return _read_header(whole)
    if index.is_file():
        return _read_shards(folder, index)
    if any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} has .safetensors shards but no {_INDEX}; it says which weight is where")
    raise CheckpointError(f"{folder} has no .safetensors weights; other formats are not loaded")


def _read_shards(folder: Path, index: Path) -> dict[str, StoredTensor]:
    listing = read_json(index)
    if not isinstance(listing.get("metadata"), dict):
        raise CheckpointError(f"{index} is damaged: it has no object of metadata")
    promised = listing.get("weight_map")
    if not isinstance(promised, dict) or not promised:
        raise CheckpointError(f"{index} has no weight_map from weights to files")
    for file in promised.values():
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(".safetensors"):
            raise CheckpointError(f"{index} names {file!r}; valid: the name of a .safetensors file beside it")
        if not os.path.isfile(folder / file):  # noqa: PTH113 (false, and no error, for a name too long to be one)
            raise CheckpointError(f"{index} names {file[:200]!r}, which is not in {folder}")
    tensors: dict[str, StoredTensor] = {}
    for shard in sorted(set(promised.values())):
        header = _read_header(folder / shard)
        here = {name for name, file in promised.items() if file == shard}
        if lost := here - header.keys():
            raise CheckpointError(f"{folder / shard} lacks weights that {_INDEX} places there: {_some(lost)}")
        if extra := header.keys() - here:
            raise CheckpointError(f"{folder / shard} has unknown weights, not placed there by {_INDEX}: {_some(extra)}")
        tensors |= header
    return tensors


def _read_header(path: Path) -> dict[str, StoredTensor]:
    """Weights of one safetensors file, whose size must be what its header says.

    The format: 8 bytes length of the header, the header (JSON: name -> dtype, shape, offsets), the numbers.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LENGTH)
        length = struct.unpack("<Q", start)[0] if len(start) == _LENGTH else size
        if length > size - _LENGTH:
            raise CheckpointError(f"{path} is damaged or truncated: its {size} bytes end within its header")
        text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} has a damaged header: {error}") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path} has a damaged header: a {type(header).__name__}, not a JSON object")
    metadata = header.pop("__metadata__", {})
    texts = isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    if not texts or metadata.get("format", "pt") != "pt":
        raise CheckpointError(f"{path} has a damaged header: its metadata are not those of a PyTorch checkpoint")
    spans = [_span(path, name, entry) for name, entry in header.items()]
    end = 0
    for first, last in sorted(spans):
        if first != end:
            raise CheckpointError(
                f"{path} has a damaged header: weights overlap or leave gaps at byte {min(first, end)}"
            )
        end = last
    if size != _LENGTH + length + end:
        what = "truncated" if size < _LENGTH + length + end else "damaged"
        raise CheckpointError(f"{path} is {what}: it has {size} bytes, its header says {_LENGTH + length + end}")
    return {name: StoredTensor(path, tuple(entry["shape"])) for name, entry in header.items()}


def _span(path: Path, name: str, entry: Any) -> tuple[int, int]:
    """First and last offset of a weight, having checked its entry in the header."""
    fields: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    kind, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not isinstance(kind, str) or not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        raise CheckpointError(f"{path} has a damaged header: no dtype, shape and offsets of {name}")
    if not all(type(size) is int and size >= 0 for size in (*shape, *offsets)):
        raise CheckpointError(f"{path} has a damaged header: {name} has shape {shape} and offsets {offsets}")
    if kind not in _FLOATS:
        raise CheckpointError(f"{path} has {name} as {kind}; valid weights: {', '.join(_FLOATS)}")
    if offsets[1] - offsets[0] != prod(shape) * _FLOATS[kind]:
        raise CheckpointError(
            f"{path} has a damaged header: {name} is {kind} {shape}, which is not its {offsets} bytes"
        )
    return offsets[0], offsets[1]


def check_tensors(
    folder: Path, stored: Mapping[str, StoredTensor], expected: Mapping[str, tuple[int, ...]], spare: Collection[str]
) -> None:
    """The checkpoint has exactly the weights that its config asks for.

    Args:
        expected: published name -> shape.
        spare: expected names that may be left out, being copies of others.

    Raises:
        CheckpointError: weights are missing, unknown or of another shape; names the file and some of them.
    """
    if lost := expected.keys() - stored.keys() - set(spare):
        where = _WHOLE if (folder / _WHOLE).is_file() else _INDEX
        raise CheckpointError(f"{folder / where} lacks weights that config.json asks for: {_some(lost)}")
    if extra := stored.keys() - expected.keys():
        file = stored[min(extra)].file
        raise CheckpointError(f"{file} has unknown weights, which config.json does not ask for: {_some(extra)}")
    for name, (file, shape) in stored.items():
        if shape != expected[name]:
            raise CheckpointError(
                f"{file} has wrongly shaped weights: {name} is {shape}, config.json asks for {expected[name]}"
            )


def _some(names: Collection[str]) -> str:
    """The first three names and how many more."""
    first = ", ".join(name.encode("unicode_escape").decode() for name in sorted(names)[:3])
    return f"{first} and {len(names) - 3} more" if len(names) > 3 else first
