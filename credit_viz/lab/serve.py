"""A worker process: `python -m credit_viz.lab.serve`. JSON lines in, JSON lines out; its parent is local.py.

The first line in is {"plan": ..., "threads": n, "memory": bytes, "check": bool}, the first out {"ready": identity} or
{"error": ...}. Then each line in is a list of runs, and each line out {"rows": [...]}. It ends when its input does, so
it never outlives its parent by more than the run it is at.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from credit_viz.errors import CreditVizError

__all__ = ["main", "serve"]


def serve(lines: Iterable[str], out: TextIO) -> None:
    """Answer until the lines end."""
    import torch

    from credit_viz.lab.plan import Plan
    from credit_viz.lab.work import Worker, load

    reader = iter(lines)
    order = json.loads(next(reader))
    torch.set_num_threads(order["threads"])
    plan = Plan.from_json(order["plan"])
    try:
        worker = Worker(load(plan.model), plan, order["memory"])
        if order["check"]:
            worker.check()
    except CreditVizError as error:
        _say(out, {"error": type(error).__name__, "message": str(error)})
        return
    _say(out, {"ready": worker.identity()._asdict()})
    for line in reader:
        _say(out, {"rows": worker.run_json(json.loads(line))})


def _say(out: TextIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message, allow_nan=False) + "\n")
    out.flush()


def main() -> None:
    """Serve standard input. What libraries print goes to standard error; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(sys.stdin, out)
    except BrokenPipeError:  # the parent is gone
        os._exit(1)


if __name__ == "__main__":
    main()
