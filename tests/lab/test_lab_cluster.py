"""Workers on a real Ray cluster of this machine: the same results as in this process, whoever dies on the way."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab import Arm, InlineCrew, ModelSource, RayCrew, SweepResult, stream, sweep
from credit_viz.lab import cluster as cluster_module
from credit_viz.lab import team as team_module
from tests.lab.conftest import PEAKY, peaky_plan, small_plan
from tests.lab.test_lab_crew import COMMAND, ROOT, kill, lines
from tests.lab.test_lab_running import assert_equal

pytestmark = pytest.mark.slow
SECONDS = 300  #: that anything may take here; a busy machine is slow
HEAD = (
    *("--head", "--block", "--port=0", "--num-cpus=2", "--object-store-memory=80000000"),
    *("--include-dashboard=false", "--disable-usage-stats"),
)


class Cluster:
    """One head with two CPUs, on a free port, in a session of its own."""

    def __init__(self, folder: str) -> None:
        self._told = Path(folder, "told")
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_memory_monitor_refresh_ms": "0"}
        with self._told.open("wb") as told:
            self._head = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", *HEAD, "--temp-dir", folder],
                env=environment,
                stdout=told,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.address = str(wait_for(self._address))

    def _address(self) -> str | None:
        told = self._told.read_text(encoding="utf-8")
        assert self._head.poll() is None, told
        found = re.search(r"ray start --address='([\d.:]+)'", told)
        return found and found[1]

    def _processes(self) -> dict[int, str]:
        """Of the session: process id -> what it calls itself."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has just ended
                state, _, _, session = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
                if int(session) == self._head.pid and state != "Z":
                    found[int(folder.name)] = (folder / "cmdline").read_text(encoding="utf-8")
        return found

    @property
    def actors(self) -> list[int]:
        """Process ids of what our sweeps have started."""
        return [pid for pid, name in self._processes().items() if name.startswith("ray::Server")]

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._head.pid, signal.SIGKILL)
        self._head.wait()
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def wait_for(what: Callable[[], Any]) -> Any:
    until = time.monotonic() + SECONDS
    while not (found := what()):
        assert time.monotonic() < until, "this takes too long"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if find_spec("ray") is None:
        assert not os.environ.get("CI"), "Ray is missing"
        pytest.skip("Ray is not installed")
    folder = tempfile.mkdtemp(prefix="ray-")  # short: the paths of sockets may have 107 characters
    started = Cluster(folder)
    try:
        yield started
    finally:
        started.end()
        shutil.rmtree(folder, ignore_errors=True)


def test_two_sweeps_on_one_cluster_give_what_this_process_gives(
    tmp_path: Path, cluster: Cluster, here: InlineCrew, capfd: pytest.CaptureFixture[str]
) -> None:
    plans = [peaky_plan(compare="always"), peaky_plan(prompts=("four", "five"))]
    crews = [RayCrew(cluster.address, workers=1, tell=print) for _ in plans]
    sweeps = [stream(plan, tmp_path / str(n), crew) for n, (plan, crew) in enumerate(zip(plans, crews, strict=True))]
    with closing(sweeps[0]), closing(sweeps[1]):
        for events in sweeps:
            next(events)
        assert len(cluster.actors) == 2
        for events in sweeps:
            next(events)
        for events in sweeps:
            assert [*events][-1].failed == 0
    for n, plan in enumerate(plans):
        assert_equal(SweepResult.load(tmp_path / str(n)), sweep(plan, workers=here))
    wait_for(lambda: not cluster.actors)
    assert capfd.readouterr().err == ""


def test_actors_that_are_killed_cost_nothing(tmp_path: Path, cluster: Cluster, here: InlineCrew) -> None:
    """KILLS=10 kills ten times, as the sweep grows; once without it."""
    kills = int(os.environ.get("KILLS", "1"))
    rng = random.Random(5)
    crew = RayCrew(cluster.address)
    for death in range(1, kills + 1):
        plan = peaky_plan(prompts=[f"number {n}" for n in range(3 * death)])
        with closing(stream(plan, tmp_path, crew)) as events:
            first = next(events)
            assert first.done * death == first.total * (death - 1), "what is done is kept"
            moment = first.done + rng.randrange(1, 20)
            assert crew._room() == 2
            wait_for(lambda: len(cluster.actors) == 2)
            for event in events:
                if event.done == moment:
                    os.kill(rng.choice(cluster.actors), signal.SIGKILL)
        assert crew._started == 3 * death
    found = SweepResult.load(tmp_path)
    assert len(found.failed) == 0
    assert_equal(found, sweep(plan, workers=here))


def test_failures_are_isolated(
    tmp_path: Path, cluster: Cluster, here: InlineCrew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that kills its actor twice, and one that raises on it."""
    wait_for(lambda: not cluster.actors)  # of the sweep before; Ray ends them in its own time
    send = cluster_module._Actor.send

    def harm(actor: Any, line: str) -> None:
        message = json.loads(line)
        run = message[0] if isinstance(message, list) else {"prompt": None}
        place = run["prompt"], run.get("settings", {}).get("threshold")
        if place == ("2", 0.5):
            (pid,) = cluster.actors
            os.kill(pid, signal.SIGKILL)
        if place == ("3", 0.6):
            run["settings"]["threshold"] = 7
        send(actor, json.dumps(message))

    monkeypatch.setattr(cluster_module._Actor, "send", harm)
    monkeypatch.setattr(team_module, "_AHEAD", 1)
    plan = peaky_plan(
        arms=(Arm("threshold", {"threshold": (0.4, 0.5, 0.6)}),),
        options={"gen_length": 8, "block_length": 8},
        compare="never",
    )
    result = sweep(plan, tmp_path, RayCrew(cluster.address, workers=1))
    (killed, raised) = result.failed[["setting", "prompt", "failed"]].to_numpy().tolist()
    assert killed[:2] == ["threshold threshold=0.5", "2"]
    assert killed[2].startswith("its worker process died 2 times (Ray: Worker unexpectedly exits")
    assert raised[:2] == ["threshold threshold=0.6", "3"]
    assert "threshold=7" in raised[2]
    fine = result.frame["failed"].isna()
    columns = ["setting", "prompt", "forward_passes", "text"]
    assert result.frame[fine][columns].equals(sweep(plan, workers=here).frame[fine][columns])


def start(folder: Path, cluster: Cluster) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "credit_viz", *COMMAND, "--seeds", "0", "--ray", cluster.address]
    words += ["--out", str(folder)]
    return subprocess.Popen(
        words,
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # tests that run in the background are born deaf to Ctrl-C, and so would be what they start
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (takes no lock)
    )


def test_a_sweep_that_is_stopped_or_killed_goes_on(tmp_path: Path, cluster: Cluster, here: InlineCrew) -> None:
    """Ctrl-C, then kill -9: the actors end, the cluster stays, and the table is that of an undisturbed sweep."""
    wait_for(lambda: not cluster.actors)
    stopped = start(tmp_path, cluster)
    wait_for(lambda: lines(tmp_path) > 10)
    wait_for(lambda: len(cluster.actors) == 2)
    stopped.send_signal(signal.SIGINT)
    _, told = stopped.communicate(timeout=SECONDS)
    assert stopped.returncode == 130
    assert "what is done is kept" in told
    assert all(line.startswith("credit-viz: ") for line in told.splitlines() if line), "Ray's own words stay away"
    wait_for(lambda: not cluster.actors)

    killed = start(tmp_path, cluster)
    before = lines(tmp_path)
    wait_for(lambda: lines(tmp_path) > before + 10)
    kill(killed)
    killed.communicate()
    wait_for(lambda: not cluster.actors)

    last = start(tmp_path, cluster)
    last.communicate(timeout=SECONDS)
    assert last.returncode == 0
    found = SweepResult.load(tmp_path)
    assert found.missing == 0
    assert_equal(found, sweep(found.plan, workers=here))


def test_no_such_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(cluster_module, "_CONNECT", 0.5)
        monkeypatch.setattr(cluster_module, "GOODBYE", 0.1)
        with pytest.raises(BackendError, match=f"no Ray cluster at '{silent}': no answer within 0.5 s; valid: auto"):
            sweep(peaky_plan(), tmp_path, RayCrew(silent))
    with pytest.raises(BackendError, match=f"no Ray cluster at '{silent}': Connection refused; valid: auto"):
        sweep(peaky_plan(), tmp_path, RayCrew(silent))
    assert not (tmp_path / "manifest.json").exists()


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "find_spec", lambda _: None)
    with pytest.raises(BackendError, match=r"a cluster needs Ray; install it with: pip install -e '\.\[ray\]'"):
        sweep(peaky_plan(), tmp_path, RayCrew())


@pytest.mark.parametrize("address", ["", "here", "ray://here:1", "here:", "here:70000", ":1", "local"])
def test_no_address(address: str) -> None:
    with pytest.raises(SettingsError, match="is no address of a Ray cluster; valid: auto, or HOST:PORT"):
        RayCrew(address)


def test_bad_numbers() -> None:
    with pytest.raises(SettingsError, match="workers=0 is out of range"):
        RayCrew(workers=0)
    with pytest.raises(SettingsError, match="threads=0 is out of range"):
        RayCrew(threads=0)
    with pytest.raises(SettingsError, match="gpus=0 is out of range"):
        RayCrew(gpus=0)


def crew_on(nodes: list[dict[str, float]], **options: Any) -> RayCrew:
    crew = RayCrew(**options)
    crew._nodes = nodes
    return crew


def loaded(crew: RayCrew, device: str) -> list[str]:
    return [source.device for source in crew._sources(small_plan(model=ModelSource(device=device)))]


CPUS = {"CPU": 5.0, "memory": 1e9}
GPUS = {"CPU": 8.0, "GPU": 2.0}


@pytest.mark.parametrize(
    ("nodes", "options", "device", "devices", "gpus"),
    [
        ([CPUS, CPUS], {}, "auto", ["cpu"] * 10, 0),
        ([CPUS, CPUS], {"threads": 2}, "auto", ["cpu"] * 4, 0),
        ([CPUS, GPUS], {}, "auto", ["cuda"] * 2, 1),
        ([CPUS, GPUS], {"gpus": 0.5}, "cuda", ["cuda"] * 4, 0.5),
        ([CPUS, GPUS], {}, "cpu", ["cpu"] * 13, 0),
        ([CPUS, GPUS], {"workers": 3}, "auto", ["cuda"] * 3, 1),
        ([], {"workers": 2}, "cuda", ["cuda"] * 2, 1),
    ],
)
def test_as_many_workers_as_there_is_room_for(
    nodes: list[dict[str, float]], options: dict[str, Any], device: str, devices: list[str], gpus: float
) -> None:
    crew = crew_on(nodes, **options)
    assert loaded(crew, device) == devices
    assert crew._gpus == gpus


def test_no_room() -> None:
    with pytest.raises(BackendError, match="no node of the Ray cluster at auto has 6 CPUs for a worker"):
        loaded(crew_on([CPUS], threads=6), "auto")
    with pytest.raises(BackendError, match="has 1 CPUs and 1 GPUs for a worker"):
        loaded(crew_on([CPUS]), "cuda")
    with pytest.raises(SettingsError, match="device 'cuda:1': Ray chooses which GPU"):
        loaded(crew_on([GPUS]), "cuda:1")


def test_a_folder_is_named_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PEAKY.parent)
    for source, told in ((PEAKY.name, str(PEAKY)), ("somebody/model", "somebody/model"), (None, None)):
        (found,) = crew_on([CPUS], workers=1)._sources(small_plan(model=ModelSource(source)))
        assert found.source == told


class Relay:
    """In place of the child process."""

    def __init__(self) -> None:
        self.placed = threading.Event()
        self.sent: list[dict[str, Any]] = []
        self.why: dict[int, str] = {}

    def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


def test_waiting_for_a_place_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def tell(message: str) -> None:
        told.append(message)
        crew._heard.put((0, "a"))
        crew._heard.put((0, "b"))

    monkeypatch.setattr(cluster_module, "_PATIENCE", 0.01)
    crew = RayCrew("node-1:6379", tell=tell)
    crew._relay = Relay()  # type: ignore[assignment]
    assert (crew._hear(), crew._hear()) == ((0, "a"), (0, "b"))
    assert told == ["waiting for the Ray cluster at node-1:6379 to place a worker"]


def test_a_cluster_that_is_lost_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module.sys, "executable", "true")
    crew = RayCrew()
    with pytest.raises(BackendError, match="no Ray cluster at 'auto': Ray ended before it was connected"):
        crew.open(peaky_plan())
    with pytest.raises(BackendError, match="the Ray cluster at auto is gone; what is done is kept"):
        crew._hear()
    crew.close()
    crew.close()
