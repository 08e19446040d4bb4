"""The study's folder: sweeps, the answers of two commands, and documents whose numbers are filled in.

    manifest.json, runs.parquet     the sweep, as `SweepResult.load` reads it
    verification/blocks-N/          the chosen settings in blocks of N on more prompts, likewise
    tune.json, attribute.json       what the two commands printed
    made.json                       how long the sweeps took, on what
    front.png                       the picture
    README.md                       what, how, and the words

Where it is made, the sweep lies in a folder of its own beside the others. Knows files and the names of blocks in
documents; what they say is the words' business.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab.found import study_path, sweep_folders
from credit_viz.lab.result import SweepResult
from credit_viz.lab.store import TABLE

__all__ = ["ANSWERS", "SWEEP", "VERIFICATION", "Shipped", "fill", "load_study", "ship"]

SWEEP, VERIFICATION = "sweep", "verification"
ANSWERS = ("tune", "attribute")
_MADE = "made.json"
_DIGITS = 4  #: of seconds: more are noise, and take room


class Shipped(NamedTuple):
    """What the study's folder holds."""

    sweep: SweepResult
    verification: tuple[SweepResult, ...]  #: one per block length
    made: Mapping[str, Any]
    answers: Mapping[str, Any]  #: by name of the command


def load_study(folder: Path | None = None) -> Shipped:
    """The study that ships, or one in another folder.

    Raises:
        BackendError: it is not there, or damaged.
    """
    folder = folder or study_path()
    if folder is None:
        raise BackendError("no study ships with this installation; valid: a folder made by make study")
    return Shipped(
        SweepResult.load(folder),
        tuple(SweepResult.load(part) for part in sweep_folders(folder / VERIFICATION)),
        _read(folder / _MADE),
        {name: _read(folder / f"{name}.json") for name in ANSWERS},
    )


def ship(source: Path, target: Path, machine: Mapping[str, Any]) -> None:
    """Copy what was made, packed, and note how long it took.

    Raises:
        BackendError: something is not there. SettingsError: runs are missing or failed.
    """
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / VERIFICATION, ignore_errors=True)
    parts = sweep_folders(source / VERIFICATION)
    made = dict(machine)
    made[SWEEP] = _told([source / SWEEP], [_packed(source / SWEEP, target)])
    made[VERIFICATION] = _told(parts, [_packed(part, target / VERIFICATION / part.name) for part in parts])
    (target / _MADE).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    for name in ANSWERS:
        answer = _read(source / f"{name}.json")
        (target / f"{name}.json").write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackendError(f"cannot read {path}: {error}") from error


def _packed(source: Path, target: Path) -> SweepResult:
    result = SweepResult.load(source)
    if missing := result.missing + len(result.failed):
        raise SettingsError(f"{source}: {missing} runs are missing or failed; valid: a whole sweep")
    seconds = [float(f"{value:.{_DIGITS}g}") for value in result.frame["seconds"]]
    SweepResult(result.manifest, result.frame.assign(seconds=seconds)).save(target)
    return result


def _told(folders: list[Path], results: list[SweepResult]) -> dict[str, Any]:
    """Runs, and seconds from the start of each sweep to its table; None where one was taken up again."""
    seconds = 0.0
    for folder, result in zip(folders, results, strict=True):
        started = [datetime.fromisoformat(session["started"]) for session in result.manifest["sessions"]]
        ended = (folder / TABLE).stat().st_mtime
        seconds += ended - started[0].timestamp() if len(started) == 1 else float("nan")
    return {
        "runs": sum(len(result.frame) for result in results),
        "seconds": None if seconds != seconds else round(seconds),
    }


def fill(path: Path, blocks: Mapping[str, str]) -> str:
    """A document with the text between `<!-- NAME -->` and `<!-- /NAME -->` replaced.

    Raises:
        SettingsError: a block is not there.
    """
    text = path.read_text(encoding="utf-8")
    for name, words in blocks.items():
        before, opened, rest = text.partition(f"<!-- {name} -->\n")
        _, closed, after = rest.partition(f"<!-- /{name} -->")
        if not closed:
            raise SettingsError(f"{path} has no block {name!r}; valid: <!-- {name} --> ... <!-- /{name} -->")
        text = f"{before}{opened}{words}\n{closed}{after}"
    return text
