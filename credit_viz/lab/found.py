"""Sweeps that lie in folders, told in a line each without making their tables. Knows files and plans; runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from credit_viz.errors import BackendError
from credit_viz.lab.plan import Plan
from credit_viz.lab.store import MANIFEST, ROWS, TABLE, read_manifest, read_rows

__all__ = ["Signature", "Summary", "holds_sweep", "signature", "study_path", "summarize", "sweep_folders"]

Signature = tuple[tuple[int, int], ...]


class Summary(NamedTuple):
    """What a folder holds."""

    plan: Plan
    model: str  #: its name
    dtype: str
    weights: str  #: fingerprint, in this precision
    made: str  #: when work on it began, ISO 8601
    total: int  #: runs of the plan
    runs: int  #: of them, there
    failed: int  #: of those, stopped by an error


def summarize(folder: Path) -> Summary:
    """What a folder holds.

    Raises:
        BackendError, SettingsError, PromptError: no sweep, or a damaged one.
    """
    manifest = read_manifest(folder)
    plan = Plan.from_json(manifest["plan"])
    plan.check_size()
    try:
        model, made = manifest["model"], str(manifest["sessions"][0]["started"])
        named = str(model["name"]), str(model["dtype"]), str(model["weights"])
    except (KeyError, IndexError, TypeError) as error:
        raise BackendError(f"{folder / MANIFEST} is damaged: {error!r}") from error
    runs, failed = _counted(folder)
    return Summary(plan, *named, made, sum(1 for _ in plan.runs()), runs, failed)


def _counted(folder: Path) -> tuple[int, int]:
    """Runs that are there, and those of them that failed."""
    if (folder / ROWS).exists() or not (folder / TABLE).exists():
        rows = read_rows(folder).values()
        return len(rows), sum(row["failed"] is not None for row in rows)
    try:
        failed = pq.read_table(folder / TABLE, columns=["failed"]).column("failed")
    except (OSError, pa.ArrowException, KeyError) as error:
        raise BackendError(f"{folder / TABLE} is damaged: {error}") from error
    return len(failed), len(failed) - failed.null_count


def sweep_folders(folder: Path) -> list[Path]:
    """The folder itself if it holds a sweep, else those right below it that do, in order of their names.

    Raises:
        BackendError: the folder cannot be read.
    """
    try:
        candidates = [folder] if holds_sweep(folder) else sorted(folder.iterdir())
    except OSError as error:
        raise BackendError(f"cannot read the folder {folder}: {error}") from error
    return [path for path in candidates if holds_sweep(path)]


def holds_sweep(folder: Path) -> bool:
    """Is there anything of a sweep in it?"""
    return any((folder / name).exists() for name in (MANIFEST, ROWS, TABLE))


def signature(folder: Path) -> Signature:
    """Changes whenever a sweep's folder does."""
    found = []
    for name in (MANIFEST, ROWS, TABLE):
        try:
            stat = (folder / name).stat()
            found.append((stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((0, 0))
    return tuple(found)


def study_path() -> Path | None:
    """Folder of the study that ships with the project; None where there is none."""
    package = Path(__file__).resolve().parents[1]
    folders = (package / "assets" / "study", package.parent / "assets" / "study")
    return next((folder for folder in folders if (folder / MANIFEST).exists()), None)
