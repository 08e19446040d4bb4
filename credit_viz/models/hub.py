"""Where a checkpoint's files are: the embedded model, a folder, or the Hugging Face hub. Knows paths, no contents.

From the hub come the small files first, so that a model that cannot be served is refused before its gigabytes are
fetched. An interrupted download leaves only what the hub's own cache resumes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from huggingface_hub import is_offline_mode, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from credit_viz.errors import CheckpointError

__all__ = ["Origin", "embedded_model_path", "fetch_weights", "find_checkpoint"]

#: never code, never other formats of weights.
_PATTERNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"configuration and tokenizer": ("*.json", "*.jinja", "merges.txt"), "weights": ("*.safetensors",)}
)


@dataclass(frozen=True)
class Origin:
    """A checkpoint's folder and what to call it."""

    folder: Path
    name: str  #: for people: "embedded", the folder's name, or the hub id
    commit: str | None = None  #: of a hub repository, None for a local folder


def embedded_model_path() -> Path:
    """Folder of the model that ships with the project: in the package when installed, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "assets" / "tiny"
    return installed if installed.is_dir() else package.parent / "assets" / "tiny"


def find_checkpoint(source: str | Path | None, revision: str | None = None, offline: bool = False) -> Origin:
    """Folder of a checkpoint; of a hub id, only the small files are fetched.

    Args:
        source: a folder, a hub id such as "GSAI-ML/LLaDA-8B-Instruct", or None for the embedded model.
        revision: branch, tag or commit of a hub repository.
        offline: use only what the hub's cache has.

    Raises:
        CheckpointError: there is no such folder, or it cannot be had from the hub.
    """
    if revision is not None and (source is None or Path(source).is_dir()):
        which = "the embedded model" if source is None else f"the folder {source}"
        raise CheckpointError(f"{which} has no revision {revision!r}; only models on the hub have some")
    if source is None:
        folder = embedded_model_path()
        if not folder.is_dir():
            raise CheckpointError(f"the embedded model is missing: no folder {folder}; `make train` makes it")
        return Origin(folder, "embedded")
    if Path(source).is_dir():
        return Origin(Path(source), Path(source).resolve().name)
    if isinstance(source, Path) or Path(source).exists() or str(source).count("/") != 1 or str(source)[0] in "./~":
        raise CheckpointError(f"no model folder at {str(source)!r}; valid: a folder with config.json, or a hub id")
    folder = _snapshot(source, revision, "configuration and tokenizer", offline)
    return Origin(folder, source, folder.name)


def fetch_weights(origin: Origin, offline: bool = False) -> None:
    """Make sure that the weights of a hub repository are in its folder; a local folder is left alone.

    Raises:
        CheckpointError: they cannot be had.
    """
    if origin.commit is None:
        return
    _snapshot(origin.name, origin.commit, "weights", offline)
    if any(origin.folder.glob("*.safetensors")):
        return
    if _is_offline(offline):
        raise CheckpointError(_not_cached(origin.name, "weights"))
    raise CheckpointError(f"{origin.name!r} on the hub has no .safetensors weights; other formats are not loaded")


def _snapshot(name: str, revision: str | None, what: str, offline: bool) -> Path:
    patterns = list(_PATTERNS[what])
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns, local_files_only=offline))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        if isinstance(error, LocalEntryNotFoundError) and _is_offline(offline):
            raise CheckpointError(_not_cached(name, what)) from error
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise CheckpointError(f"{name!r} is no folder and cannot be had from the hub: {lines[0]}") from error


def _is_offline(offline: bool) -> bool:
    return offline or is_offline_mode()


def _not_cached(name: str, what: str) -> str:
    return (
        f"the {what} of {name!r} cannot be had: not in the hub's cache, and offline mode (--offline, or "
        "HF_HUB_OFFLINE=1) fetches none; load it once while online, or give a folder"
    )
