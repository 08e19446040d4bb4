"""Good runs, recorded earlier: saved traces with a title, what to look at and where. Knows traces and files; no model.

A gallery is a folder with `index.json` and trace files:

    {"schema": 1, "model": "embedded", "runs": [{"name", "title", "look", "files": [one per lane], "prompt", "options",
      "lanes": [{"decoder", "settings"}], "spot": {"step", "position", "lane", "map"}, "claims": {...}}]}

`claims` are what the words rest on: per lane `passes`, `right` (by the task's own checker) and `taken_back` and
`edited` tokens; `same_text`; and `found`, how many of how many prompts that were tried came out like this one.
The gallery of the embedded model is made by `python -m credit_viz.tiny.gallery`, which says how it chooses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from credit_viz.errors import TraceError
from credit_viz.trace.files import load_trace, save_trace
from credit_viz.trace.record import Trace

__all__ = ["SCHEMA", "Exhibit", "Spot", "gallery_path", "load_gallery", "save_gallery"]

SCHEMA = 1
_INDEX = "index.json"


@dataclass(frozen=True)
class Spot:
    """Where to look: after which step, at which position, in which lane (from 0), on which map."""

    step: int
    position: int
    lane: int
    map: str


@dataclass(frozen=True)
class Exhibit:
    """One run of a gallery; see the module docstring."""

    name: str
    title: str
    look: str
    model: str
    prompt: str
    options: Mapping[str, Any]  #: gen_length, block_length, seed, early_stop, cache
    lanes: tuple[Mapping[str, Any], ...]
    spot: Spot
    claims: Mapping[str, Any]
    files: tuple[Path, ...]

    def traces(self) -> tuple[Trace, ...]:
        """The recorded lanes.

        Raises:
            TraceError: a file is missing or damaged.
        """
        return tuple(load_trace(file) for file in self.files)


def gallery_path() -> Path:
    """Folder of the gallery that ships with the project: in the package when installed, else in the checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "assets" / "gallery"
    return installed if installed.is_dir() else package.parent / "assets" / "gallery"


def load_gallery(folder: Path | None = None) -> tuple[Exhibit, ...]:
    """The runs of a gallery, in their order; traces are read when they are asked for.

    Args:
        folder: the one that ships with the project if None.

    Raises:
        TraceError: the folder holds no gallery, or a damaged one.
    """
    home = folder or gallery_path()
    try:
        index = json.loads((home / _INDEX).read_text(encoding="utf-8"))
        schema = index["schema"]
        exhibits = tuple(_exhibit(home, index["model"], entry) for entry in index["runs"]) if schema == SCHEMA else ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TraceError(f"{home} holds no gallery: {error!r}; `make gallery` makes it") from error
    if schema != SCHEMA:
        raise TraceError(f"{home} has schema {schema!r}; this version reads {SCHEMA}")
    return exhibits


def _exhibit(home: Path, model: str, entry: Mapping[str, Any]) -> Exhibit:
    values = dict(entry)
    return Exhibit(
        model=model,
        lanes=tuple(values.pop("lanes")),
        spot=Spot(**values.pop("spot")),
        files=tuple(home / name for name in values.pop("files")),
        **values,
    )


def save_gallery(folder: Path, model: str, runs: Iterable[tuple[Exhibit, Iterable[Trace]]]) -> None:
    """Write a gallery; `files` of each exhibit names its files, their folder is ignored.

    Raises:
        TraceError: the folder cannot be written to.
    """
    entries = []
    for exhibit, traces in runs:
        for file, trace in zip(exhibit.files, traces, strict=True):
            save_trace(trace, folder / file.name)
        entry = asdict(exhibit) | {"files": [file.name for file in exhibit.files]}
        del entry["model"]
        entries.append(entry)
    text = json.dumps({"schema": SCHEMA, "model": model, "runs": entries}, indent=1, ensure_ascii=False)
    (folder / _INDEX).write_text(text + "\n", encoding="utf-8")
