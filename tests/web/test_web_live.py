"""Runs become packets: complete, cancellable between steps, and every foreseen failure is one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from credit_viz.backend.base import Event, RunRequest, RunStarted, StepTaken
from credit_viz.backend.reuse import Reuse
from credit_viz.errors import BackendError
from credit_viz.trace.codec import decode_columns, open_packet
from credit_viz.web.live import Live
from credit_viz.web.request import default_choice
from credit_viz.web.runs import RunStore
from tests.web.fake import FakeBackend

Stream = Callable[[RunRequest], Iterator[Event]]


def choice(**changes: Any) -> str:
    lanes = [{"decoder": "vanilla", "settings": {}}, {"decoder": "credit", "settings": {}}]
    return json.dumps({"lanes": lanes, "gen_length": 32, "block_length": 16, "ticket": "t"} | changes)


def run(stream: Stream, prompt: str = "kite", text: str | None = None, **options: Any) -> tuple[list[str], RunStore]:
    store = RunStore()
    live = Live(stream, store, **options)
    return list(live.packets(prompt, choice() if text is None else text, "visitor")), store


def test_a_run_arrives_complete_and_in_order() -> None:
    packets, store = run(FakeBackend().stream, every=0.0)
    headers = [open_packet(packet).header for packet in packets]
    assert [header["seq"] for header in headers] == list(range(len(packets)))
    asked = json.loads(choice())
    assert headers[0]["about"] == {"prompt": "kite", "ticket": asked.pop("ticket"), "choice": asked, "kept": []}
    assert headers[-1]["state"] == "done"
    kept = store.get(headers[0]["run"])
    assert kept.packets == packets
    assert len(decode_columns(packets)) == sum(map(len, kept.records))


def test_the_choice_is_repeated_with_what_the_server_does_not_know() -> None:
    packets, _ = run(FakeBackend().stream, text=choice(novel=[1, {"a": None}]))
    assert open_packet(packets[0]).header["about"]["choice"]["novel"] == [1, {"a": None}]
    packets, _ = run(FakeBackend().stream, text=choice(novel="x" * 20_000))
    assert open_packet(packets[0]).header["about"]["choice"] == {}
    packets, _ = run(FakeBackend().stream, text="")
    assert open_packet(packets[0]).header["about"]["choice"] == {}


def test_steps_travel_together_between_two_ticks_of_the_clock() -> None:
    ticks = iter(range(10_000))
    slow, _ = run(FakeBackend().stream, every=20.0, clock=lambda: float(next(ticks)))
    fast, _ = run(FakeBackend().stream, every=0.0)
    assert len(slow) < len(fast) / 5
    assert len(decode_columns(slow)) == len(decode_columns(fast))


def test_a_run_after_a_small_change_shows_kept_lanes_again_and_travels_whole() -> None:
    reuse = Reuse(FakeBackend().stream)
    live = Live(reuse.afresh, RunStore(), every=0.0, again=reuse.stream)
    first = list(live.packets("kite", choice(), "visitor"))
    lanes = [{"decoder": "vanilla", "settings": {}}, {"decoder": "threshold", "settings": {}}]
    start, steps, end = live.packets("kite", choice(lanes=lanes), "visitor", again=True, whole=True)
    assert open_packet(start).header["about"]["kept"] == [0]
    assert open_packet(first[0]).header["about"]["kept"] == []
    assert [entry["from"] for entry in open_packet(steps).header["lanes"]] == [1, 1]
    assert open_packet(end).header["state"] == "done"
    seconds = open_packet(end).header["seconds"]
    assert seconds[0] == open_packet(first[-1]).header["seconds"][0]
    assert seconds[1]["forward"] > 0


def test_a_refusal_says_whose_it_is() -> None:
    (packet,), _ = run(FakeBackend().stream, "")
    assert open_packet(packet).header["ticket"] == "t"
    (packet,), _ = run(FakeBackend().stream, "kite", choice(gen_length=-5))
    assert open_packet(packet).header["ticket"] == "t"


@pytest.mark.parametrize(
    ("prompt", "changes", "message"),
    [
        ("", {}, "the prompt is empty"),
        ("x" * 10_000, {}, "the prompt has 10000 characters"),
        ("kite", {"gen_length": 30}, "gen_length=30 is not divisible by block_length=16"),
        ("kite", {"lanes": []}, "a run of 0 decoders"),
    ],
)
def test_what_cannot_run_is_refused_in_one_sentence(prompt: str, changes: dict[str, Any], message: str) -> None:
    (packet,), store = run(FakeBackend().stream, prompt, choice(**changes))
    header = open_packet(packet).header
    assert (header["kind"], header["state"]) == ("end", "refused")
    assert message in header["message"]
    with pytest.raises(BackendError, match="no longer keeps"):
        store.get(header["run"])


def test_cancelling_keeps_what_was_done() -> None:
    store, closed = RunStore(), []

    def stream(request: RunRequest) -> Iterator[Event]:
        try:
            yield from FakeBackend().stream(request)
        finally:
            closed.append(True)

    packets = []
    for packet in Live(stream, store, every=0.0).packets("kite", choice(), "visitor"):
        packets.append(packet)
        if len(packets) == 6:
            store.cancel("t")
    assert open_packet(packets[-1]).header["state"] == "cancelled"
    assert len(decode_columns(packets)) == 5
    assert closed


def test_a_run_cancelled_in_the_queue_takes_no_step() -> None:
    store = RunStore()
    store.cancel("t")
    packets = list(Live(FakeBackend().stream, store).packets("kite", choice(), "visitor"))
    assert [open_packet(packet).header["kind"] for packet in packets] == ["start", "end"]


def test_closing_the_page_closes_the_backend() -> None:
    closed = []

    def stream(request: RunRequest) -> Iterator[Event]:
        try:
            yield from FakeBackend().stream(request)
        finally:
            closed.append(True)

    packets = Live(stream, RunStore(), every=0.0).packets("kite", choice(), "visitor")
    next(packets), next(packets)
    packets.close()  # type: ignore[attr-defined]
    assert closed


def test_a_failure_on_the_way_keeps_the_steps_before_it() -> None:
    def stream(request: RunRequest) -> Iterator[Event]:
        for index, event in enumerate(FakeBackend().stream(request)):
            if index == 4:
                raise BackendError("the worker is gone; valid: try again")
            yield event

    packets, _ = run(stream, every=0.0)
    assert open_packet(packets[-1]).header["state"] == "failed"
    assert "the worker is gone" in open_packet(packets[-1]).header["message"]
    assert len(decode_columns(packets)) == 3


def test_a_backend_must_start_with_its_lanes() -> None:
    def stream(request: RunRequest) -> Iterator[Event]:
        return (event for event in FakeBackend().stream(request) if not isinstance(event, RunStarted))

    (packet,), _ = run(stream)
    assert "did not say which lanes" in open_packet(packet).header["message"]


def test_an_iterator_without_close_will_do() -> None:
    packets, _ = run(lambda request: iter(list(FakeBackend().stream(request))))
    assert open_packet(packets[-1]).header["state"] == "done"


def test_the_first_finished_welcome_run_stays() -> None:
    store = RunStore()
    live = Live(FakeBackend().stream, store, welcome=default_choice().request("kite"))
    list(live.packets("other", "", "a"))
    assert store.pinned is None
    first = list(live.packets("kite", "", "a"))
    list(live.packets("kite", "", "b"))
    assert store.pinned is not None
    assert store.pinned.packets == first
    store.free("a")
    assert store.get(store.pinned.run) is store.pinned


def test_the_fake_says_what_it_shows_once() -> None:
    told: set[int] = set()
    request = default_choice().request("kite")
    for event in FakeBackend().stream(request):
        if isinstance(event, StepTaken):
            assert not told & set(event.tokens)
            told |= set(event.tokens)
