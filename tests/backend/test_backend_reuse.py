"""Kept lanes: only what is new is decoded, what is kept is the same again, and nothing unfinished is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from credit_viz.backend.base import Event, LaneFinished, LaneRequest, RunRequest, RunStarted, StepTaken
from credit_viz.backend.reuse import Reuse
from credit_viz.errors import BackendError, SettingsError
from credit_viz.trace.build import build_trace
from tests.web.fake import FakeBackend

VANILLA, CREDIT = LaneRequest("vanilla"), LaneRequest("credit")
THRESHOLD = LaneRequest("threshold", {"threshold": 0.8})


class CountingBackend(FakeBackend):
    """Says which lanes it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, ...]] = []

    def stream(self, request: RunRequest) -> Iterator[Event]:
        """As the fake."""
        self.asked.append(tuple(lane.decoder for lane in request.lanes))
        return super().stream(request)


@pytest.fixture
def backend() -> CountingBackend:
    return CountingBackend()


def request(*lanes: LaneRequest, prompt: str = "kite", **options: int) -> RunRequest:
    return RunRequest(prompt, lanes, **{"gen_length": 16, "block_length": 8} | options)  # type: ignore[arg-type]


def finished(events: list[Event]) -> dict[int, LaneFinished]:
    return {event.lane: event for event in events if isinstance(event, LaneFinished)}


def check_events(events: list[Event], lanes: int) -> None:
    """One start, every step in order, a lane's end after its last step, every text told once and in time."""
    started = events[0]
    assert isinstance(started, RunStarted)
    assert len(started.lanes) == lanes
    told: set[int] = set()
    records: dict[int, list[int]] = {lane: [] for lane in range(lanes)}
    for event in events[1:]:
        assert not isinstance(event, RunStarted)
        if isinstance(event, StepTaken):
            records[event.lane].append(event.record.step)
            assert not told & set(event.tokens)
            told |= set(event.tokens)
            assert set(event.record.candidate_ids.ravel().tolist()) <= told
        else:
            assert records[event.lane] == list(range(1, event.trace.forward_passes + 1))
    assert set(finished(events)) == set(range(lanes))


def test_only_the_lane_that_changed_is_decoded(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    first = list(reuse.stream(request(VANILLA, CREDIT)))
    second = list(reuse.stream(request(VANILLA, THRESHOLD)))
    assert backend.asked == [("vanilla", "credit"), ("threshold",)]
    assert isinstance(second[0], RunStarted)
    assert second[0].kept == {0}
    check_events(first, 2)
    check_events(second, 2)
    assert finished(second)[0].trace.same_run(finished(first)[0].trace)


def test_the_same_run_again_decodes_nothing_and_is_the_same_to_the_last_number(backend: CountingBackend) -> None:
    ticks = iter(range(10_000))
    reuse = Reuse(backend.stream, clock=lambda: float(next(ticks)))
    first, again = (list(reuse.stream(request(VANILLA, CREDIT))) for _ in range(2))
    assert len(backend.asked) == 1
    check_events(again, 2)
    assert isinstance(again[0], RunStarted)
    assert isinstance(first[0], RunStarted)
    assert (again[0].lanes, again[0].kept) == (first[0].lanes, {0, 1})
    for lane, info in enumerate(again[0].lanes):
        runs = [[e.record for e in run if isinstance(e, StepTaken) and e.lane == lane] for run in (first, again)]
        traces = [build_trace(info, records) for records in runs]
        assert traces[0].same_run(traces[1])
        assert (traces[0].forward_seconds == traces[1].forward_seconds).all()
    seconds = finished(first)[0].seconds
    assert seconds
    assert finished(again)[0].seconds == seconds


def test_a_run_afresh_decodes_every_lane_and_keeps_it(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    for _ in range(2):
        events = list(reuse.afresh(request(VANILLA, CREDIT)))
        assert isinstance(events[0], RunStarted)
        assert events[0].kept == frozenset()
        check_events(events, 2)
    list(reuse.stream(request(CREDIT, VANILLA)))
    assert backend.asked == [("vanilla", "credit")] * 2


def test_kept_lanes_keep_step_with_the_others(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    list(reuse.stream(request(VANILLA)))
    events = list(reuse.stream(request(CREDIT, VANILLA)))
    check_events(events, 2)
    ends = next(i for i, event in enumerate(events) if isinstance(event, LaneFinished))
    steps = [(event.record.step, event.lane) for event in events[:ends] if isinstance(event, StepTaken)]
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)
    assert {lane for _, lane in steps} == {0, 1}


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "gate"},
        {"seed": 1},
        {"gen_length": 24},
        {"block_length": 4},
        {"early_stop": True},
        {"top_k": 4},
        {"cache": "dual"},
    ],
)
def test_whatever_the_result_depends_on_tells_lanes_apart(backend: CountingBackend, other: dict[str, int]) -> None:
    reuse = Reuse(backend.stream)
    list(reuse.stream(request(CREDIT)))
    list(reuse.stream(replace(request(CREDIT), **other)))  # type: ignore[arg-type]
    assert len(backend.asked) == 2


def test_a_default_that_is_spelled_out_is_the_same_lane(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    for settings in ({}, {"alpha": 0.7}, {"alpha": 0.7, "threshold": 0.9}, {"alpha": 0.6}):
        list(reuse.stream(request(LaneRequest("credit", settings))))
    assert len(backend.asked) == 2


def test_a_cancelled_lane_is_not_kept_but_one_that_had_finished_is(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    events = reuse.stream(request(VANILLA, CREDIT))
    assert any(isinstance(event, LaneFinished) and event.lane == 1 for event in events)
    events.close()  # type: ignore[attr-defined]
    list(reuse.stream(request(VANILLA, CREDIT)))
    assert backend.asked == [("vanilla", "credit"), ("vanilla",)]


def test_closing_closes_the_backend() -> None:
    closed = []

    def stream(asked: RunRequest) -> Iterator[Event]:
        try:
            yield from FakeBackend().stream(asked)
        finally:
            closed.append(True)

    events = Reuse(stream).stream(request(CREDIT))
    next(events), next(events)
    events.close()  # type: ignore[attr-defined]
    assert closed


def test_memory_is_bounded_and_the_lane_not_used_for_longest_goes_first(backend: CountingBackend) -> None:
    measure = Reuse(backend.stream)
    for lane in (VANILLA, CREDIT):
        list(measure.stream(request(lane)))
    reuse = Reuse(backend.stream, max_bytes=measure.nbytes)
    for lane in (VANILLA, CREDIT, VANILLA, THRESHOLD):
        list(reuse.stream(request(lane)))
        assert reuse.nbytes <= measure.nbytes
    backend.asked.clear()
    list(reuse.stream(request(VANILLA)))
    assert backend.asked == []
    list(reuse.stream(request(CREDIT)))
    assert backend.asked == [("credit",)]
    small = Reuse(backend.stream, max_bytes=10)
    for _ in range(2):
        check_events(list(small.stream(request(VANILLA))), 1)
    assert small.nbytes == 0


def test_what_cannot_run_is_refused_before_the_first_event(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    for wrong in (
        request(LaneRequest("nothing")),
        request(CREDIT, block_length=7),
        request(LaneRequest("credit", {"x": 1})),
    ):
        with pytest.raises(SettingsError):
            reuse.stream(wrong)


def test_seconds_of_lanes_that_share_a_pass_are_nobodys() -> None:
    def stream(asked: RunRequest) -> Iterator[Event]:
        for event in FakeBackend().stream(asked):
            yield (
                RunStarted(tuple(replace(i, lanes=2) for i in event.lanes)) if isinstance(event, RunStarted) else event
            )

    ends = finished(list(Reuse(stream).stream(request(VANILLA, CREDIT))))
    assert [end.seconds for end in ends.values()] == [None, None]


def test_a_backend_must_start_with_its_lanes() -> None:
    def stream(asked: RunRequest) -> Iterator[Event]:
        return (event for event in FakeBackend().stream(asked) if not isinstance(event, RunStarted))

    with pytest.raises(BackendError, match="did not say which lanes"):
        list(Reuse(stream).stream(request(VANILLA)))


def test_many_visitors_at_once_get_whole_runs(backend: CountingBackend) -> None:
    reuse = Reuse(backend.stream)
    runs: list[list[Event]] = []

    def visit(lane: LaneRequest) -> None:
        runs.append(list(reuse.stream(request(VANILLA, lane))))

    threads = [threading.Thread(target=visit, args=(lane,)) for lane in (CREDIT, THRESHOLD, CREDIT, THRESHOLD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 4
    for events in runs:
        check_events(events, 2)
