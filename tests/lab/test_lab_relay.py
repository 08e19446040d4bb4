"""What the relay says to its parent, with a stand-in for Ray."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from credit_viz.lab import relay as relay_module


class RayError(Exception):
    """As Ray's."""


class Answer:
    def __init__(self, value: Any) -> None:
        self.value = value


class Method:
    def __init__(self, answer: Any) -> None:
        self.remote = lambda *words: Answer(answer(*words))


class Ray:
    """Actors that answer in capitals, and die of "die"."""

    def __init__(self, refusal: BaseException | None = None) -> None:
        self.exceptions = SimpleNamespace(RayError=RayError)
        self.asked: list[Any] = []
        self._refusal = refusal

    def init(self, **options: Any) -> None:
        self.asked.append(options["address"])
        if self._refusal:
            raise self._refusal

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 2.0}}, {"Alive": False, "Resources": {"CPU": 9.0}}]

    def remote(self, **options: Any) -> Any:
        self.asked.append(options)
        actor = SimpleNamespace(answer=Method(self._answer), __ray_ready__=Method(lambda: True))
        return lambda _: SimpleNamespace(remote=lambda: actor)

    @staticmethod
    def _answer(line: str) -> Any:
        return (
            RayError("a long story\nThe actor is dead because it was killed by `ray.kill`.")
            if line == "die"
            else line.upper()
        )

    def get(self, answer: Answer) -> Any:
        if isinstance(answer.value, Exception):
            raise answer.value
        return answer.value

    def kill(self, _actor: Any) -> None:
        self.asked.append("kill")

    def shutdown(self) -> None:
        self.asked.append("shutdown")


class Out(io.StringIO):
    """Lets the other side wait for so many lines."""

    def __init__(self) -> None:
        super().__init__()
        self.grown = threading.Condition()

    def flush(self) -> None:
        with self.grown:
            self.grown.notify_all()

    def wait_for(self, count: int) -> None:
        with self.grown:
            assert self.grown.wait_for(lambda: len(self.messages()) >= count, 60)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


def test_messages_are_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    ray, out = Ray(), Out()
    monkeypatch.setattr(relay_module, "import_module", lambda _: ray)

    def lines() -> Iterator[str]:
        yield json.dumps({"address": "auto"})
        yield json.dumps({"start": 0, "cpus": 2, "gpus": 0.5})
        yield json.dumps({"to": 0, "line": "a"})
        yield json.dumps({"to": 0, "line": "b"})
        out.wait_for(4)
        yield json.dumps({"to": 0, "line": "die"})
        out.wait_for(5)
        yield json.dumps({"end": 0})

    relay_module.relay(lines(), out)
    assert out.messages() == [
        {"nodes": [{"CPU": 2.0}]},
        {"placed": 0},
        {"from": 0, "line": "A"},
        {"from": 0, "line": "B"},
        {"gone": 0, "why": "it was killed by `ray.kill`"},
    ]
    assert ray.asked == ["auto", {"num_cpus": 2, "num_gpus": 0.5, "max_restarts": 0}, "kill", "shutdown"]


@pytest.mark.parametrize("error", [ConnectionError("no \n one"), RuntimeError("no one"), RayError("no one")])
def test_why_there_is_no_cluster(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    out = Out()
    monkeypatch.setattr(relay_module, "import_module", lambda _: Ray(error))
    relay_module.relay(iter([json.dumps({"address": "auto"})]), out)
    assert out.messages() == [{"error": "no one"}]


DIED = """The actor died unexpectedly before finishing this task.
	class_name: Server
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker \
unexpectedly exits with a connection error code 2. End of file. Some common causes include: (1) a kill"""


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (DIED, "Worker unexpectedly exits with a connection error code 2. End of file"),
        ("The actor died because of ...\n  File ...\nImportError: No module x\n", "ImportError: No module x"),
        ("", "RayError"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_why_an_actor_is_gone(story: str, told: str) -> None:
    assert relay_module._why(RayError(story)) == told
