"""A model folder or hub id -> a `DiffusionLM`. Never remote code, never random weights, never a silent guess.

Knows where checkpoints are and how they can be broken. The families know what is in them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from credit_viz.errors import CheckpointError, SettingsError, one_of
from credit_viz.models.base import DiffusionLM, ModelInfo
from credit_viz.models.families import family_of
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
    family_name, family = family_of(config)
    text = TextCodec(_load_tokenizer(folder))
    mask_id, eos_ids = _special_ids(config, text, family)
    with _quiet(folder):
        network = _load_network(folder, config, family, kind)
    nn.Module.to(network, where)
    parameters = sum(p.numel() for p in network.parameters())
    return DiffusionLM(
        network,
        text,
        ModelInfo(name, family_name, commit, parameters, str(kind).removeprefix("torch.")),
        mask_id=mask_id,
        eos_ids=eos_ids,
        vocab_size=int(network.config.vocab_size),
        max_positions=int(network.config.max_position_embeddings),
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
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{str(source)!r} is no folder and cannot be had from the hub: {reason}") from error
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


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer from its own files; the generic class never looks for code in the folder."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        _read_json(folder / name)
    try:
        tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{folder / 'tokenizer.json'} cannot be read: {reason}") from error
    return tokenizer


def _special_ids(config: dict[str, Any], text: TextCodec, family: ModuleType) -> tuple[int, tuple[int, ...]]:
    """Mask id and end-of-text ids; where config and tokenizer both know the mask, they must agree."""
    by_text = next((i for i in map(text.find, family.MASK_TOKENS) if i is not None), None)
    mask_id = config.get("mask_token_id", by_text)
    if mask_id is None:
        wanted = " or ".join(family.MASK_TOKENS)
        raise CheckpointError(f"no mask token: config.json lacks mask_token_id and the tokenizer lacks {wanted}")
    if by_text is not None and by_text != mask_id:
        raise CheckpointError(f"config.json has mask_token_id={mask_id}, but the tokenizer's mask is {by_text}")
    eos = config.get("eos_token_id", text.eos_id)
    if eos is None:
        raise CheckpointError("no end-of-text token: neither config.json nor the tokenizer names one")
    ends = [eos] if isinstance(eos, int) else list(eos)
    ends += [i for i in map(text.find, family.END_TOKENS) if i is not None and i not in ends]
    return int(mask_id), tuple(int(i) for i in ends)


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


def _load_network(folder: Path, config: dict[str, Any], family: ModuleType, dtype: torch.dtype) -> PreTrainedModel:
    """Weights into the family's stock class; every key must match, in both directions.

    Raises:
        CheckpointError: a file is missing or truncated, or keys are missing, unexpected or of the wrong shape.
    """
    translated = family.translate_config(config)
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} has no .safetensors weights; other formats are not loaded")
    try:
        network, loading = family.model_class(config).from_pretrained(
            folder,
            config=translated,
            dtype=dtype,
            key_mapping=family.KEY_MAPPING,
            attn_implementation="sdpa",
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"the weights in {folder} cannot be read: {reason}") from error
    _refuse_mismatch(folder, loading)
    return family.set_bidirectional(network).eval().requires_grad_(False)  # type: ignore[no-any-return]


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
