"""A worker: told by lines of JSON what to do. As a process: `python -m credit_viz.lab.serve`, its parent is crew.py.

The first line in is {"plan": ..., "threads": n, "memory": bytes, "check": bool}, the first out {"ready": identity} or
{"error": ...}. Then each line in is a list of runs, and each line out {"rows": [...]}. The process ends when its input
does, so it never outlives its parent by more than the run it is at.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from credit_viz.errors import CreditVizError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from credit_viz.lab.work import Worker

__all__ = ["Server", "main", "serve", "take_stdout"]


class Server:
    """A worker without a way to it: answers a line with a line. Nothing heavy is imported before the first."""

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def answer(self, line: str) -> str:
        """The first line is the order, all others are units; an order that fails may be followed by another."""
        message = json.loads(line)
        told = {"rows": self._worker.run_json(message)} if self._worker else self._begin(message)
        return json.dumps(told, allow_nan=False)

    def _begin(self, order: dict[str, Any]) -> dict[str, Any]:
        import torch

        from credit_viz.lab.plan import Plan
        from credit_viz.lab.work import Worker, load

        torch.set_num_threads(order["threads"])
        try:
            plan = Plan.from_json(order["plan"])
            worker = Worker(load(plan.model), plan, order["memory"])
            if order["check"]:
                worker.check()
        except CreditVizError as error:
            return {"error": type(error).__name__, "message": str(error)}
        self._worker = worker
        return {"ready": worker.identity()._asdict()}


def serve(lines: Iterable[str], out: TextIO) -> None:
    """Answer until the lines end."""
    server = Server()
    for line in lines:
        out.write(server.answer(line) + "\n")
        out.flush()


def take_stdout() -> TextIO:
    """Standard output for this process's lines alone: what libraries print goes to standard error from now on.

    Ctrl-C is the parent's to handle.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def main() -> None:
    """Serve standard input."""
    try:
        serve(sys.stdin, take_stdout())
    except BrokenPipeError:  # the parent is gone
        os._exit(1)


if __name__ == "__main__":
    main()
