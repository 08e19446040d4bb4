"""Answers kept in a file, so that a long evaluation can be stopped and taken up again. Knows JSON Lines only.

One file holds what one manifest describes: everything that an answer depends on besides its prompt. Its name carries
a hash of that manifest, so a changed setting opens another file and never meets old answers; within it, a row is
found by a hash of its prompt. Rows are appended as they come; a last line cut off by a crash is dropped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from credit_viz.errors import BackendError

__all__ = ["Answers", "content_key", "content_text", "text_key"]


def content_key(content: Any) -> str:
    """Hash of plain JSON types, the same in every process."""
    return text_key(content_text(content))


def content_text(content: Any) -> str:
    """Plain JSON types as text, the same in every process."""
    return json.dumps(content, sort_keys=True, allow_nan=False)


def text_key(text: str) -> str:
    """Hash of a `content_text`."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


class Answers:
    """Rows by key, in memory and, with a folder, in `NAME-HASH.jsonl` beside `NAME-HASH.manifest.json`.

    Raises:
        BackendError: the folder cannot be written, or a line that is not the last one is damaged.
    """

    def __init__(self, folder: Path | None, name: str, manifest: Mapping[str, Any]) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self.path: Path | None = None
        if folder is None:
            return
        stem = f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name)}-{content_key(manifest)[:12]}"
        self.path = folder / f"{stem}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{stem}.manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            self._read()
        except OSError as error:
            raise BackendError(f"cannot keep answers in {folder}: {error}") from error

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> dict[str, Any] | None:
        """The row of that key, None if it is missing."""
        return self._rows.get(key)

    def add(self, key: str, row: Mapping[str, Any]) -> None:
        """Keep a row; it is on its way to the disk when this returns.

        Raises:
            BackendError: the file cannot be written.
        """
        self._rows[key] = dict(row)
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, **row}, allow_nan=False) + "\n")
        except OSError as error:
            raise BackendError(f"cannot keep answers in {self.path}: {error}") from error

    def _read(self) -> None:
        """Take up what is there."""
        assert self.path is not None
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                row = json.loads(line)
                self._rows[row.pop("key")] = row
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BackendError(f"{self.path}, line {number} is damaged; delete the line or the file") from error
