"""A sweep's folder: what was asked, and every result as it came. Knows files; runs nothing.

    manifest.json   the plan, the model's identity, versions, and when and where it was worked on
    runs.jsonl      one row per line under its content key, appended as runs end
    runs.parquet    the whole table, once all runs are there; runs.jsonl is then gone
    lock            held while a sweep works on the folder; running.json says who holds it

One process writes, the one that holds the lock; workers send it their rows. So a worker that outlives a killed sweep
cannot write into the next one. A line is whole or it is not there: what a crash cut off or damaged is computed again.
The manifest and the table are replaced as a whole. Rows are handed to the operating system at once, which keeps them
when the program dies; what a power failure takes is computed again.

A folder is taken up again by a plan that has at least all of its runs; any other plan is refused.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab.columns import KINDS, Row
from credit_viz.lab.plan import Plan, Run
from credit_viz.lab.work import Identity

__all__ = ["MANIFEST", "ROWS", "TABLE", "Manifest", "Store", "read_manifest", "read_rows", "worked_on"]

_FORMAT = 1
MANIFEST, ROWS, TABLE, _LOCK, _HOLDER = "manifest.json", "runs.jsonl", "runs.parquet", "lock", "running.json"
_ASKING = 0.05  #: seconds, many times as long as `worked_on` holds the lock
Manifest = dict[str, Any]


class Store:
    """A folder that this process alone writes, for as long as it is entered.

    Raises:
        BackendError: the folder cannot be written, or another sweep works on it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.rows: dict[str, Row] = {}  #: by content key
        self._lock = FileLock(self.folder / _LOCK)

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=4 * _ASKING)
            _replace(self.folder / _HOLDER, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        except Timeout:
            raise BackendError(
                f"another sweep works on {self.folder}{self._holder()}; wait for it or stop it"
            ) from None
        except OSError as error:
            self._lock.release()
            raise BackendError(f"cannot write into {self.folder}: {error}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        (self.folder / _HOLDER).unlink(missing_ok=True)
        self._lock.release()

    def _holder(self) -> str:
        try:
            told = json.loads((self.folder / _HOLDER).read_text(encoding="utf-8"))
            return f" (process {told['pid']} on {told['host']})"
        except (OSError, ValueError, KeyError, TypeError):  # it is just starting or ending
            return ""

    def there(self, resume: bool = True) -> Manifest | None:
        """What the folder holds; None for a new one. Arguments and errors as `begin`, which asks again."""
        if (self.folder / MANIFEST).exists():
            manifest = read_manifest(self.folder)
            if not resume:
                raise SettingsError(f"{self.folder} holds a sweep already; name another folder, or resume it")
            return manifest
        if any((self.folder / name).exists() for name in (ROWS, TABLE)):
            raise BackendError(f"{self.folder} holds results without {MANIFEST}; name another folder")
        return None

    def begin(self, plan: Plan, identity: Identity, resume: bool = True) -> None:
        """Take the folder up with this plan, and read what is there.

        Args:
            resume: False refuses a folder that holds results already.

        Raises:
            SettingsError: it holds another plan, another model or results of other versions; the message says which.
            BackendError: its manifest or its table is damaged, or it cannot be written.
        """
        session = {"started": datetime.now(UTC).isoformat(timespec="seconds"), "machine": identity.machine}
        sessions = [session]
        if (before := self.there(resume)) is not None:
            self._check(before, plan, identity)
            sessions = [*before["sessions"], session]
        manifest = {
            "format": _FORMAT,
            "plan": plan.to_json(),
            "model": dict(identity.model),
            "versions": dict(identity.versions),
            "sessions": sessions,
        }
        self.rows = read_rows(self.folder)
        try:
            _replace(self.folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
            _drop_torn_line(self.folder / ROWS)
        except OSError as error:
            raise BackendError(f"cannot write into {self.folder}: {error}") from error

    def _check(self, manifest: Manifest, plan: Plan, identity: Identity) -> None:
        if manifest["model"] != dict(identity.model):
            names = manifest["model"].get("name"), identity.model.get("name")
            raise SettingsError(
                f"{self.folder} holds a sweep of another model or device: {names[0]!r}, not {names[1]!r}"
            )
        if manifest["versions"] != dict(identity.versions):
            raise SettingsError(
                f"{self.folder} was computed with {_listed(manifest['versions'])}, here are "
                f"{_listed(identity.versions)}; name another folder"
            )
        before = Plan.from_json(manifest["plan"])
        if before == plan:
            return
        ours = {run.key(identity.model, plan.batch) for run in plan.runs()}
        lacking = [run for run in before.runs() if run.key(identity.model, before.batch) not in ours]
        if lacking:
            raise SettingsError(
                f"{self.folder} holds another sweep: {len(lacking)} of its runs are not in this one, the first is "
                f"{_told(before, lacking[0])}; name another folder, or ask for all of its runs and more"
            )

    def add(self, rows: Mapping[str, Row]) -> None:
        """Keep rows by content key; they are on their way to the disk when this returns.

        Raises:
            BackendError: the folder cannot be written.
        """
        self.rows.update(rows)
        lines = "".join(json.dumps({"key": key, **row}, allow_nan=False) + "\n" for key, row in rows.items())
        try:
            with (self.folder / ROWS).open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise BackendError(f"cannot keep results in {self.folder}: {error}") from error

    def compact(self, table: pd.DataFrame) -> None:
        """Replace the rows by the whole table, which holds every one of them.

        Raises:
            BackendError: the folder cannot be written.
        """
        try:
            write_table(table, self.folder / TABLE)
            (self.folder / ROWS).unlink(missing_ok=True)
        except OSError as error:
            raise BackendError(f"cannot keep results in {self.folder}: {error}") from error


def worked_on(folder: Path) -> bool:
    """Does a living process hold the folder? What a killed one left behind does not count; nor can one be seen in a
    folder that this process may not write to.
    """
    if not (folder / _HOLDER).exists():
        return False
    try:
        with FileLock(folder / _LOCK, timeout=_ASKING, poll_interval=_ASKING / 5):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Parquet with checksums, replaced as a whole."""
    data = pa.Table.from_pandas(table, preserve_index=False)
    with _replacing(path) as file:
        pq.write_table(data, file, compression="zstd", write_page_checksum=True)


def read_manifest(folder: Path) -> Manifest:
    """What a folder holds.

    Raises:
        BackendError: it holds no sweep, or one that is damaged or of another version of this program.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BackendError(f"{folder} holds no sweep: there is no {MANIFEST}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BackendError(f"{path} is damaged: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise BackendError(f"{path} is not of format {_FORMAT}, or of another version of this program")
    kinds = {"plan": dict, "model": dict, "versions": dict, "sessions": list}
    if lacking := [name for name, kind in kinds.items() if not isinstance(manifest.get(name), kind)]:
        raise BackendError(f"{path} is damaged: it lacks {', '.join(lacking)}")
    return manifest


def read_rows(folder: Path) -> dict[str, Row]:
    """Every row of a folder by content key, also while a sweep works on it; the last row of a key counts.

    Raises:
        BackendError: the table is damaged.
    """
    found: dict[str, Row] = {}
    if (folder / TABLE).exists():
        try:
            columns = ["key", *KINDS]
            table = pq.read_table(folder / TABLE, columns=columns, page_checksum_verification=True).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise BackendError(f"{folder / TABLE} is damaged: {error}; without it, its runs are done again") from error
        found.update((row.pop("key"), row) for row in table)
    if (folder / ROWS).exists():
        try:
            lines = (folder / ROWS).read_bytes().split(b"\n")[:-1]
        except OSError as error:
            raise BackendError(f"cannot read {folder / ROWS}: {error}") from error
        found.update(_lines(lines))
    return found


def _lines(lines: Iterable[bytes]) -> Iterable[tuple[str, Row]]:
    """Whole rows; a damaged line counts as not computed."""
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("key"), str) and row.keys() >= KINDS.keys():
            yield row.pop("key"), row


def _drop_torn_line(path: Path) -> None:
    """What a crash left of a last line would swallow the next one."""
    if path.exists():
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of another once it is whole and on the disk."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):  # what went wrong is told already
            partial.unlink(missing_ok=True)
        raise


def _replace(path: Path, text: str) -> None:
    with _replacing(path) as file:
        file.write(text.encode())


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _told(plan: Plan, run: Run) -> str:
    o = run.options
    return (
        f"{plan.names()[run.setting.content]} on prompt {run.prompt.id!r}, block_length={o.block_length}, seed={o.seed}"
    )
