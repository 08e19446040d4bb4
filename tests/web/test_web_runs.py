"""The store of runs: bounded, per visitor, and exact numbers come out of it."""

from __future__ import annotations

import pytest

from credit_viz.backend.base import LaneFinished, RunStarted, StepTaken
from credit_viz.errors import BackendError, TraceError
from credit_viz.trace.build import build_trace
from credit_viz.trace.codec import encode_traces, open_packet
from credit_viz.trace.record import Trace
from credit_viz.web.request import default_choice
from credit_viz.web.runs import KeptRun, RunStore
from tests.web.fake import FakeBackend


def kept(run: str, owner: str = "a", steps: int = 3) -> KeptRun:
    request = default_choice().request("kite")
    events = FakeBackend().stream(request)
    started = next(events)
    assert isinstance(started, RunStarted)
    result = KeptRun(run, owner, request, started.lanes)
    for _ in range(steps):
        event = next(events)
        assert isinstance(event, StepTaken)
        result.add(event.lane, event.record, event.tokens)
    return result


def held(store: RunStore, *runs: str) -> list[str]:
    found = []
    for run in runs:
        try:
            found.append(store.get(run).run)
        except BackendError:
            continue
    return found


def test_the_least_recently_used_run_goes_first() -> None:
    store = RunStore(max_runs=2, max_per_owner=9)
    store.keep(kept("1"))
    store.keep(kept("2"))
    store.get("1")
    store.keep(kept("3"))
    assert held(store, "1", "2", "3") == ["1", "3"]


def test_a_visitor_keeps_a_few_runs_and_none_after_leaving() -> None:
    store = RunStore(max_per_owner=2)
    for run in "123":
        store.keep(kept(run))
    store.keep(kept("4", "b"))
    assert held(store, *"1234") == ["2", "3", "4"]
    store.free("a")
    assert held(store, *"1234") == ["4"]


def test_bytes_are_bounded_but_the_newest_run_stays() -> None:
    store = RunStore(max_bytes=1)
    store.keep(kept("1"))
    store.keep(kept("2"))
    assert held(store, "1", "2") == ["2"]
    assert store.nbytes > 1


def test_bytes_grow_with_the_records() -> None:
    assert kept("1", steps=4).nbytes > kept("1", steps=2).nbytes > 1000


def test_exact_numbers_of_a_running_lane() -> None:
    packet = open_packet(kept("1", steps=4).position(5))
    assert [lane["n"] for lane in packet.header["lanes"]] == [2, 2]


def test_tickets_are_remembered_but_not_for_ever() -> None:
    store = RunStore()
    store.cancel("first")
    assert store.is_cancelled("first")
    assert not store.is_cancelled("")
    for index in range(1100):
        store.cancel(str(index))
    assert not store.is_cancelled("first")


def test_an_unknown_run_is_a_clear_error() -> None:
    with pytest.raises(BackendError, match="run it again"):
        RunStore().get("nothing")


def test_a_kept_run_gives_its_traces_finished_or_not() -> None:
    request = default_choice().request("kite")
    events = list(FakeBackend().stream(request))
    started, *rest = events
    assert isinstance(started, RunStarted)
    whole, half = KeptRun("1", "a", request, started.lanes), KeptRun("2", "a", request, started.lanes)
    for event in rest:
        if isinstance(event, StepTaken):
            whole.add(event.lane, event.record, event.tokens)
            if event.record.step <= 3:
                half.add(event.lane, event.record, event.tokens)
        elif isinstance(event, LaneFinished):
            whole.finish(event.lane, event.trace)
    assert [trace.complete for trace in whole.traces()] == [True, True]
    assert all(trace.forward_passes == 3 and not trace.complete for trace in half.traces())
    for cut, trace in zip(half.traces(), whole.traces(), strict=True):
        assert (cut.event_ids == trace.event_ids[: len(cut.event_ids)]).all()
        assert cut.info.text
        assert set(cut.info.token_text) >= set(cut.candidate_ids.ravel().tolist())
    with pytest.raises(TraceError, match=r"lane 2 is out of range; valid: 0\.\.1"):
        whole.trace(2)


def finished(steps: int | None = None) -> list[Trace]:
    """The lanes of a run, cut off after `steps`."""
    started, *rest = FakeBackend().stream(default_choice().request("kite"))
    assert isinstance(started, RunStarted)
    if steps is None:
        return [event.trace for event in rest if isinstance(event, LaneFinished)]
    records = [[e.record for e in rest if isinstance(e, StepTaken) and e.lane == i][:steps] for i in range(2)]
    return [build_trace(info, each) for info, each in zip(started.lanes, records, strict=True)]


def test_saved_traces_become_a_kept_run() -> None:
    traces = finished()
    opened = KeptRun.of_traces("saved", traces, {"file": "x.safetensors"})
    assert opened.packets == encode_traces("saved", traces, {"prompt": "kite", "file": "x.safetensors"})
    assert opened.traces() == tuple(traces)
    assert opened.request.lanes[1].settings == traces[1].info.settings
    assert open_packet(opened.position(4)).header["lanes"][1]["n"] > 0
    assert opened.nbytes > 0


def test_saved_traces_that_were_cut_off_say_so() -> None:
    opened = KeptRun.of_traces("saved", finished(3))
    assert open_packet(opened.packets[-1]).header["state"] == "cancelled"


def test_traces_of_different_runs_are_no_run() -> None:
    with pytest.raises(TraceError, match="no traces; valid: 1 or more"):
        KeptRun.of_traces("saved", [])
    (one, _), other = finished(), FakeBackend().stream(default_choice().request("other"))
    (foreign, *_) = [event.trace for event in other if isinstance(event, LaneFinished)]
    with pytest.raises(TraceError, match="differ in prompt; valid: lanes of one run"):
        KeptRun.of_traces("saved", [one, foreign])
