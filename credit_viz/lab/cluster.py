"""Workers on a Ray cluster that runs already. Knows how to reach them through relay.py, which alone knows Ray."""

from __future__ import annotations

import json
import math
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from credit_viz.decoding.memory import PassMemory
from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab.crew import GOODBYE, environment, package_folder
from credit_viz.lab.plan import ModelSource, Plan
from credit_viz.lab.team import Heard, Link, Team
from credit_viz.lab.work import Identity

__all__ = ["RayCrew"]

_REACH = 5.0  #: seconds until a machine that does not answer counts as not there
_CONNECT = 60.0  #: seconds that Ray has to connect
_PATIENCE = 20.0  #: seconds without a place on the cluster until that is said
_LOST = -1  #: in place of a worker's number: the cluster itself

Nodes = Sequence[Mapping[str, float]]


class RayCrew(Team):
    """Actors of a Ray cluster, with a model each. An actor that dies costs the run it was at, which is tried once more.

    Ray alone decides where an actor runs, and has it wait while nothing is free. Every node needs the same version of
    this package, and the model under the same path or hub id. The cluster itself is left as it was.

    Args:
        address: "auto", the cluster that this machine is part of, or HOST:PORT of its head.
        workers: how many; None: as many as the cluster has room for.
        threads: of each, on a CPU; so many CPUs of the cluster it takes.
        gpus: that each takes where the model runs on GPUs; with 0.5, two share one.
        memory: bytes of forward passes that each remembers, see `PassMemory`.
        tell: is told that the workers wait for a place.

    Raises:
        SettingsError: a number is out of range, or this is no address.
    """

    def __init__(
        self,
        address: str = "auto",
        workers: int | None = None,
        threads: int = 1,
        gpus: float = 1,
        memory: int = PassMemory.max_bytes,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(threads, memory)
        if workers is not None and workers < 1:
            raise SettingsError(f"workers={workers} is out of range; valid: 1 or more")
        if not 0 < gpus < math.inf:
            raise SettingsError(f"gpus={gpus:g} is out of range; valid: above 0, such as 1 or 0.5")
        self._address = address
        self._place = _host_and_port(address)
        self._count = workers
        self._share = gpus
        self._tell = tell
        self._relay: _Relay | None = None
        self._nodes: Nodes = ()
        self._gpus = 0.0  #: of each worker, for the plan at hand

    def open(self, plan: Plan) -> Identity:
        """See `crew.Crew`.

        Raises:
            BackendError: there is no Ray, no such cluster, or no room on it.
            SettingsError: the plan names a GPU by its number.
        """
        if find_spec("ray") is None:
            raise BackendError("a cluster needs Ray; install it with: pip install -e '.[ray]'")
        self._heard = queue.SimpleQueue()
        if self._place:
            _reach(self._place)
        self._relay = _Relay(self._address, self._heard)
        self._nodes = self._relay.connect()
        return super().open(plan)

    def close(self) -> None:
        """End all actors, and the connection."""
        super().close()
        if self._relay:
            self._relay.close()
            self._relay = None

    def _sources(self, plan: Plan) -> Sequence[ModelSource]:
        device = plan.model.device
        if device.startswith("cuda:"):
            raise SettingsError(f"device {device!r}: Ray chooses which GPU; valid: auto, cpu, cuda")
        has_gpus = any(node.get("GPU") for node in self._nodes)
        if device == "auto":
            device = "cuda" if has_gpus else "cpu"
        self._gpus = self._share if device == "cuda" else 0.0
        source = plan.model.source
        if source is not None and Path(source).exists():  # workers have another working directory
            source = str(Path(source).resolve())
        return [replace(plan.model, device=device, source=source)] * (self._count or self._room())

    def _room(self) -> int:
        """How many workers fit onto the nodes, were they empty."""
        room = 0
        for node in self._nodes:
            fits = [node.get("CPU", 0) // self._threads]
            if self._gpus:
                fits.append(node.get("GPU", 0) // self._gpus)
            room += int(min(fits))
        if room:
            return room
        each = f"{self._threads} CPUs" + (f" and {self._gpus:g} GPUs" if self._gpus else "")
        raise BackendError(
            f"no node of the Ray cluster at {self._address} has {each} for a worker; valid: fewer of them, or a number "
            "of workers, to wait for nodes that come"
        )

    def _link(self, number: int) -> Link:
        assert self._relay is not None
        self._relay.send({"start": number, "cpus": self._threads, "gpus": self._gpus})
        return _Actor(self._relay, number)

    def _hear(self) -> Heard:
        assert self._relay is not None
        try:
            heard = self._heard.get(timeout=None if self._relay.placed.is_set() else _PATIENCE)
        except queue.Empty:
            if self._tell:
                self._tell(f"waiting for the Ray cluster at {self._address} to place a worker")
            self._relay.placed.set()
            heard = self._heard.get()
        if heard[0] == _LOST:
            raise BackendError(f"the Ray cluster at {self._address} is gone; what is done is kept")
        return heard


class _Relay:
    """The child process that speaks with Ray."""

    def __init__(self, address: str, heard: queue.SimpleQueue[Heard]) -> None:
        self.placed = threading.Event()  #: some worker has a place
        self.why: dict[int, str] = {}  #: how a worker ended, by number
        self._address = address
        self._heard = heard
        self._hello: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "credit_viz.lab.relay"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**environment(), "RAY_USAGE_STATS_ENABLED": "0"},
            cwd=package_folder(),  # Ray has workers look for packages where its driver is
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.send({"address": address})

    def connect(self) -> Nodes:
        """What each node of the cluster has in all.

        Raises:
            BackendError: there is none.
        """
        try:
            told = self._hello.get(timeout=_CONNECT)
        except queue.Empty:
            told = {"error": f"no answer within {_CONNECT:g} s"}
        if "error" in told:
            raise BackendError(_nobody(self._address, told["error"]))
        nodes: Nodes = told["nodes"]
        return nodes

    def send(self, message: dict[str, Any]) -> None:
        assert self._popen.stdin is not None
        with suppress(OSError):  # it died: its reader will say so
            self._popen.stdin.write(json.dumps(message) + "\n")
            self._popen.stdin.flush()

    def close(self) -> None:
        """Let it end its actors, and itself."""
        assert self._popen.stdin is not None
        with suppress(OSError):
            self._popen.stdin.close()
        try:
            self._popen.wait(GOODBYE)
        except subprocess.TimeoutExpired:  # Ray's own cleanup ends the actors
            self._popen.kill()
            self._popen.wait()
        self._reader.join()
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            if not line.endswith("\n"):
                break
            self._sort(json.loads(line))
        self._hello.put({"error": "Ray ended before it was connected"})
        self._heard.put((_LOST, None))

    def _sort(self, message: dict[str, Any]) -> None:
        if "from" in message:
            self._heard.put((message["from"], message["line"]))
        elif "gone" in message:
            self.why[message["gone"]] = message["why"]
            self._heard.put((message["gone"], None))
        elif "placed" in message:
            self.placed.set()
        else:
            self._hello.put(message)


class _Actor:
    """A worker of a cluster."""

    def __init__(self, relay: _Relay, number: int) -> None:
        self._relay, self._number = relay, number

    def send(self, line: str) -> None:
        self._relay.send({"to": self._number, "line": line})

    def end(self) -> str:
        self._relay.send({"end": self._number})
        return f"Ray: {self._relay.why.get(self._number, 'ended')}"


def _host_and_port(address: str) -> tuple[str, int] | None:
    """None for "auto"."""
    if address == "auto":
        return None
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(
            f"{address!r} is no address of a Ray cluster; valid: auto, or HOST:PORT such as node-1:6379"
        )
    return host.strip("[]"), int(port)


def _reach(place: tuple[str, int]) -> None:
    """Ray itself would wait for minutes."""
    try:
        socket.create_connection(place, timeout=_REACH).close()
    except OSError as error:
        raise BackendError(_nobody(f"{place[0]}:{place[1]}", error.strerror or str(error))) from error


def _nobody(address: str, why: str) -> str:
    valid = "auto on a machine of the cluster (ray start --head makes one), or HOST:PORT of its head"
    return f"no Ray cluster at {address!r}: {why}; valid: {valid}"
