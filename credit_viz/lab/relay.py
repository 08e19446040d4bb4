"""The way to a Ray cluster: `python -m credit_viz.lab.relay`; its parent is cluster.py. Alone knows Ray.

A process of its own, because Ray is not at home in a process of others: it writes on stderr, waits for minutes where
nobody answers, and takes its process down with the cluster. Ray places the actors; each is a `serve.Server`.

    lines in    {"address": ...}, then {"start": n, "cpus": ..., "gpus": ...}   {"to": n, "line": ...}   {"end": n}
    lines out   {"nodes": [resources by name, of each node]} or {"error": ...},
                then {"placed": n}   {"from": n, "line": ...}   {"gone": n, "why": ...}

It ends when its input does. Its actors end with it, by Ray's own cleanup if it is killed; the cluster stays.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, TextIO

from credit_viz.lab.serve import Server, take_stdout

__all__ = ["relay"]

_LONGEST = 200  #: characters of why an actor ended

Say = Callable[[dict[str, Any]], None]


def relay(lines: Iterable[str], out: TextIO) -> None:
    """Connect, and carry messages until the lines end."""
    turn = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with turn:
            out.write(json.dumps(message) + "\n")
            out.flush()

    reader = iter(lines)
    address = json.loads(next(reader))["address"]
    ray: Any = import_module("ray")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError, SystemExit) as error:
        say({"error": _short(str(error))})
        return
    say({"nodes": [node["Resources"] for node in ray.nodes() if node["Alive"]]})
    actors: dict[int, _Actor] = {}
    for line in reader:
        message = json.loads(line)
        if "start" in message:
            actors[message["start"]] = _Actor(ray, message, say)
        elif "to" in message:
            actors[message["to"]].send(message["line"])
        else:
            actors.pop(message["end"]).end()
    ray.shutdown()


class _Actor:
    """An actor, and a thread that waits for its answers in their order."""

    def __init__(self, ray: Any, start: dict[str, Any], say: Say) -> None:
        self._ray, self._say, self._number = ray, say, start["start"]
        kind = ray.remote(num_cpus=start["cpus"], num_gpus=start["gpus"], max_restarts=0)(Server)
        self._actor = kind.remote()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, line: str) -> None:
        self._answers.put(self._actor.answer.remote(line))

    def end(self) -> None:
        self._ray.kill(self._actor)

    def _listen(self) -> None:
        try:
            self._ray.get(self._actor.__ray_ready__.remote())
            self._say({"placed": self._number})
            while True:
                line = self._ray.get(self._answers.get())
                self._say({"from": self._number, "line": line})
        except self._ray.exceptions.RayError as error:
            self._say({"gone": self._number, "why": _why(error)})


def _why(error: Exception) -> str:
    """What ended an actor: the last line of Ray's story, without its advice."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    detail = lines[-1].rpartition("Worker exit detail: ")[2].removeprefix("The actor is dead because ")
    return _short(detail.partition(" Some common causes")[0].rstrip("."))


def _short(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


if __name__ == "__main__":
    relay(sys.stdin, take_stdout())
