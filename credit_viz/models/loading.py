"""A model folder or hub id -> a `DiffusionLM`. Never remote code, never random weights, never a silent guess.

Knows where checkpoints are and how they can be broken. The families know what is in them.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from credit_viz.errors import CheckpointError, SettingsError, one_of
from credit_viz.models.base import DiffusionLM, ModelInfo
from credit_viz.models.families import family_of
from credit_viz.models.families.base import Family
from credit_viz.models.text import TextCodec

__all__ = ["DTYPES", "embedded_model_path", "load_model"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_WORTH_A_BAR = 1 << 29  #: bytes of weights from which loading is worth a progress bar
_FILES = ("*.json", "*.safetensors", "*.jinja")


def embedded_model_path() -> Path:
    """Folder of the model that ships with the project: in the package when installed, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "assets" / "tiny"
    return installed if installed.is_dir() else package.parent / "assets" / "tiny"


def load_model(
    source: str | Path | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
) -> DiffusionLM:
    """Load a published checkpoint on stock transformers classes.

    Args:
        source: a folder, a hub id such as "GSAI-ML/LLaDA-8B-Instruct", or None for the embedded model.
        device: "cpu", "cuda", "cuda:1", "mps", or "auto" (a GPU if there is one).
        dtype: "float32", "bfloat16", "float16", or "auto" (bfloat16 on a GPU, float32 on a CPU).
        revision: branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: not found, damaged, incomplete, or of an unknown kind; the message names the file or key.
        SettingsError: unknown device or dtype.
    """
    where = _device(device)
    kind = _dtype(dtype, where)
    folder, name, commit = _locate(source, revision)
    config = _read_json(folder / "config.json")
    family = family_of(config)
    translated = family.translate_config(config)
    tokenizer = _load_tokenizer(folder, family)
    text = TextCodec(tokenizer, _chat_template(tokenizer, family, name))
    mask_id = _mask_id(config, text, family, translated.vocab_size)
    eos_ids = _end_ids(config, text, family, translated.vocab_size)
    with _quiet(folder):
        network = _load_network(folder, translated, family, kind)
    try:
        nn.Module.to(network, where)
    except torch.OutOfMemoryError as error:
        raise CheckpointError(f"{name} does not fit into the memory of {where}: {_first_line(error)}") from error
    parameters = sum(p.numel() for p in network.parameters())
    return DiffusionLM(
        network,
        text,
        ModelInfo(name, family.name, commit, parameters, str(kind).removeprefix("torch.")),
        mask_id=mask_id,
        eos_ids=eos_ids,
        vocab_size=int(network.config.vocab_size),
        max_positions=int(network.config.max_position_embeddings),
        abilities=family.abilities,
        block_length=family.block_length(config),
        shifted=family.shifted,
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"device {name!r} cannot be used here ({reason}); valid: auto, cpu, cuda, mps") from error
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise SettingsError(one_of("dtype", name, ("auto", *DTYPES)))
    return DTYPES[name]


def _locate(source: str | Path | None, revision: str | None) -> tuple[Path, str, str | None]:
    """Folder with the files, name for people, and commit if it came from the hub."""
    if source is None:
        return _existing(embedded_model_path()), "embedded", None
    if Path(source).is_dir():
        return Path(source), Path(source).resolve().name, None
    if isinstance(source, Path) or Path(source).exists() or str(source).count("/") != 1 or str(source)[0] in "./~":
        raise CheckpointError(f"no model folder at {str(source)!r}; valid: a folder with config.json, or a hub id")
    try:
        folder = Path(snapshot_download(str(source), revision=revision, allow_patterns=list(_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        why = _first_line(error)
        raise CheckpointError(f"{str(source)!r} is no folder and cannot be had from the hub: {why}") from error
    return folder, str(source), folder.name


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise CheckpointError(f"the embedded model is missing: no folder {folder}; `make train` makes it")
    return folder


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path.parent} has no {path.name}; a checkpoint folder needs it")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} holds a {type(data).__name__}; expected a JSON object")
    return data


def _load_tokenizer(folder: Path, family: Family) -> PreTrainedTokenizerBase:
    """The tokenizer from its own files; the class is the family's, so no code in the folder is ever looked for."""
    for name in family.tokenizer_files:
        if name.endswith(".json"):
            _read_json(folder / name)
    try:
        tokenizer: PreTrainedTokenizerBase = family.tokenizer_class.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # the tokenizer library raises bare Exceptions for files it cannot read: nothing narrower would catch them
    except Exception as error:
        raise CheckpointError(f"{folder / family.tokenizer_files[0]} cannot be read: {_first_line(error)}") from error
    return tokenizer


def _chat_template(tokenizer: PreTrainedTokenizerBase, family: Family, name: str) -> str | None:
    """The tokenizer's own template; else the family's, unless the checkpoint is a base model by its name."""
    own = tokenizer.chat_template
    if own is not None:
        return str(own["default"] if isinstance(own, dict) else own)
    base = "base" in re.split(r"[^a-z]+", name.lower())
    return None if base else family.chat_template


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _mask_id(config: dict[str, Any], text: TextCodec, family: Family, vocab_size: int) -> int:
    """Id of the mask token; where config and tokenizer both know it, they must agree."""
    by_text = next((i for i in map(text.find, family.mask_tokens) if i is not None), None)
    by_config = config.get("mask_token_id")
    if by_config is None and by_text is None:
        wanted = " or ".join(family.mask_tokens)
        raise CheckpointError(f"no mask token: config.json lacks mask_token_id and the tokenizer lacks {wanted}")
    mask_id = _token_id("mask_token_id", by_text if by_config is None else by_config, vocab_size)
    if by_text is not None and by_text != mask_id:
        raise CheckpointError(f"config.json has mask_token_id={mask_id}, but the tokenizer's mask is {by_text}")
    return mask_id


def _end_ids(config: dict[str, Any], text: TextCodec, family: Family, vocab_size: int) -> tuple[int, ...]:
    """Ids that end the text: those the config (else the tokenizer) names, then the family's own."""
    named = config.get("eos_token_id")
    if named is None:
        named = text.eos_id
    if named is None or named == []:
        raise CheckpointError("no end-of-text token: neither config.json (eos_token_id) nor the tokenizer names one")
    listed = named if isinstance(named, list) else [named]
    ends = [_token_id("eos_token_id", token, vocab_size) for token in listed]
    ends += [i for i in map(text.find, family.end_tokens) if i is not None]
    return tuple(dict.fromkeys(ends))


def _token_id(name: str, value: object, vocab_size: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < vocab_size:
        raise CheckpointError(f"config.json has {name}={value!r}; valid: a token id 0..{vocab_size - 1}")
    return value


@contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """No report (it is raised instead), and no progress bar where loading takes no time."""
    verbosity = transformers_logging.get_verbosity()
    small = sum(file.stat().st_size for file in folder.glob("*.safetensors")) < _WORTH_A_BAR
    had_bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    if small:
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if small and had_bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _load_network(folder: Path, config: PreTrainedConfig, family: Family, dtype: torch.dtype) -> PreTrainedModel:
    """Weights into the family's stock class; every key must match, in both directions.

    Raises:
        CheckpointError: a file is missing or truncated, or keys are missing, unexpected or of the wrong shape.
    """
    _check_weight_files(folder)
    try:
        network, loading = cast(Any, family.network_class).from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            key_mapping=dict(family.key_mapping),
            attn_implementation="sdpa",
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # reported in `loading`, and refused below by name
            output_loading_info=True,
        )
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(f"the weights in {folder} cannot be read: {_first_line(error)}") from error
    _refuse_mismatch(folder, loading)
    family.prepare(network)
    return network.eval().requires_grad_(False)  # type: ignore[no-any-return]


def _check_weight_files(folder: Path) -> None:
    """There are safetensors, and an index, if there is one, names files that exist."""
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} has no .safetensors weights; other formats are not loaded")
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    shards = _read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not shards or not all(isinstance(name, str) for name in shards.values()):
        raise CheckpointError(f"{index} has no weight_map from weights to files")
    if lost := sorted(name for name in set(shards.values()) if not (folder / name).is_file()):
        raise CheckpointError(f"{index} names {lost[0]}, which is not in {folder}")


def _refuse_mismatch(folder: Path, loading: dict[str, Any]) -> None:
    problems = {
        "lacks": loading["missing_keys"],
        "has unknown": loading["unexpected_keys"],
        "has wrongly shaped": loading["mismatched_keys"],
    }
    for verb, keys in problems.items():
        if keys:
            names = sorted(str(key[0] if isinstance(key, tuple) else key) for key in keys)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise CheckpointError(f"the checkpoint in {folder} {verb} weights: {', '.join(names[:3])}{more}")
