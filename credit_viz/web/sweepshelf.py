"""Sweeps that are there before anybody starts one, and what a page notes beside those that it starts. Knows files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from credit_viz.errors import BackendError
from credit_viz.lab.found import study_path, summarize, sweep_folders

__all__ = ["MAX_TITLE", "About", "Shown", "read_about", "shipped_study", "shown_sweeps", "write_about"]

MAX_TITLE = 120  #: characters
_ABOUT = "page.json"


class Shown(NamedTuple):
    """A sweep that is there for everybody."""

    id: str
    title: str
    folder: Path


class About(NamedTuple):
    """What a page wrote beside a sweep."""

    title: str
    visitor: bool  #: of a public page
    made: str


def read_about(folder: Path) -> About | None:
    """None: it was not started on a page."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        return About(str(about["title"])[:MAX_TITLE], bool(about["visitor"]), str(about["made"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_about(folder: Path, about: About) -> None:
    """Note it beside the sweep, in a folder that is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _ABOUT).write_text(json.dumps(about._asdict()), encoding="utf-8")


def shipped_study() -> tuple[Shown, ...]:
    """The study of the embedded model that ships with the project, if it is there."""
    folder = study_path()
    return () if folder is None else (Shown("study", "Recorded study of the embedded model", folder),)


def shown_sweeps(folders: Iterable[Path]) -> tuple[Shown, ...]:
    """Sweeps to show: folders that hold one, or several right below them.

    Raises:
        BackendError: a folder holds none, or cannot be read. SettingsError, PromptError: the one it holds is damaged.
    """
    found: dict[str, Shown] = {}
    for folder in folders:
        sweeps = sweep_folders(folder)
        if not sweeps:
            raise BackendError(f"{folder} holds no sweep; valid: a folder that credit-viz sweep --out made, or of such")
        if sweeps == [folder]:
            summarize(folder)
        for path in sweeps:
            name = path.resolve().name or "sweep"
            name = name if name not in found else f"{name}-{len(found) + 1}"
            about = read_about(path)
            found[name] = Shown(name, about.title if about else name, path)
    return tuple(found.values())
