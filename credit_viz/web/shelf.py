"""The gallery as the page serves it: each run is read and encoded when somebody first asks for it, then kept for all.

Knows exhibits and kept runs; no gradio, no model.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from credit_viz.gallery import Exhibit
from credit_viz.web.runs import KeptRun

__all__ = ["Shelf"]

_FOLDER, _SUFFIX = "gallery/", ".json"


class Shelf:
    """The runs of a gallery. Thread-safe.

    Args:
        exhibits: in the order in which they are offered.
    """

    def __init__(self, exhibits: Sequence[Exhibit] = ()) -> None:
        self._exhibits = {_run_id(exhibit): exhibit for exhibit in exhibits}
        self._kept: dict[str, KeptRun] = {}
        self._lock = threading.Lock()

    def boot(self) -> list[dict[str, Any]]:
        """What the page must know of each run before it is opened."""
        return [
            {
                "run": run,
                "name": exhibit.name,
                "title": exhibit.title,
                "look": exhibit.look,
                "model": exhibit.model,
                "prompt": exhibit.prompt,
                "choice": {**exhibit.options, "lanes": [dict(lane) for lane in exhibit.lanes]},
                "spot": asdict(exhibit.spot),
            }
            for run, exhibit in self._exhibits.items()
        ]

    def get(self, run: str) -> KeptRun | None:
        """The kept run of this id; None where the gallery has none.

        Raises:
            TraceError: its files are missing or damaged.
        """
        if run not in self._exhibits:
            return None
        with self._lock:
            if run not in self._kept:
                exhibit = self._exhibits[run]
                self._kept[run] = KeptRun.of_traces(run, exhibit.traces(), {"gallery": exhibit.name})
            return self._kept[run]

    def file(self, path: str) -> str | None:
        """Text of a file below the page's folder: all packets of a run, as JSON, at gallery/<run>.json."""
        kept = self.get(path.removeprefix(_FOLDER).removesuffix(_SUFFIX)) if path.startswith(_FOLDER) else None
        return None if kept is None else json.dumps(kept.packets)


def _run_id(exhibit: Exhibit) -> str:
    """A name that changes with the recording, since browsers keep what they fetched."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in exhibit.files)).hexdigest()
    return f"{exhibit.name}-{digest[:8]}"
