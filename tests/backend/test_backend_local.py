"""The local backend: events in order, nothing computed after a cancel, errors before the first event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from credit_viz.backend.base import Event, LaneFinished, LaneRequest, RunRequest, RunStarted, StepTaken
from credit_viz.backend.local import LocalBackend
from credit_viz.decoding import make_decoder
from credit_viz.errors import CreditVizError, PromptError, SettingsError
from credit_viz.models.base import DiffusionLM, ModelInfo
from credit_viz.trace.build import build_trace
from credit_viz.trace.intervention import Intervention
from tests.support import MockModel, run

BOTH = (LaneRequest("vanilla"), LaneRequest("credit", {"threshold": 0.5}))


def request(**changes: Any) -> RunRequest:
    return RunRequest(**{"prompt": "hi", "lanes": BOTH, "gen_length": 8, "block_length": 4, **changes})


def events_of(model: MockModel, **changes: Any) -> list[Event]:
    return list(LocalBackend(model).stream(request(**changes)))  # type: ignore[arg-type]


def test_events_come_in_order() -> None:
    first, *rest = events_of(MockModel())
    assert isinstance(first, RunStarted)
    assert [info.decoder for info in first.lanes] == ["vanilla", "credit"]
    steps: dict[int, int] = {0: 0, 1: 0}
    finished: set[int] = set()
    for event in rest:
        assert isinstance(event, (StepTaken, LaneFinished))
        assert event.lane not in finished
        if isinstance(event, StepTaken):
            steps[event.lane] += 1
            assert event.record.step == steps[event.lane]
        else:
            assert event.trace.forward_passes == steps[event.lane]
            finished.add(event.lane)
    assert finished == {0, 1}


def test_the_first_event_comes_before_any_forward_pass() -> None:
    model = MockModel()
    stream = LocalBackend(model).stream(request())  # type: ignore[arg-type]
    assert isinstance(next(iter(stream)), RunStarted)
    assert model.calls == 0


def test_a_request_s_options_reach_the_run(peaky: DiffusionLM) -> None:
    asked = request(cache="prefix", logits_to_keep="needed", early_stop=True, seed=5, top_k=3)
    first = next(iter(LocalBackend(peaky).stream(asked)))
    assert isinstance(first, RunStarted)
    for info in first.lanes:
        assert (info.cache, info.logits_to_keep, info.early_stop) == ("prefix", "needed", True)
        assert (info.seed, info.top_k, info.gen_length, info.block_length) == (5, 3, 8, 4)


def test_lanes_share_a_clock() -> None:
    lanes = [event.lane for event in events_of(MockModel()) if isinstance(event, StepTaken)]
    assert lanes[:4] == [0, 1, 0, 1]


@pytest.mark.parametrize("after", [1, 2, 5])
def test_closing_the_stream_stops_the_model(after: int) -> None:
    model = MockModel()
    stream = LocalBackend(model).stream(request())  # type: ignore[arg-type]
    taken = 0
    for event in stream:
        taken += isinstance(event, StepTaken)
        if taken == after:
            break
    stream.close()  # type: ignore[attr-defined]
    assert model.calls == after


def test_the_finished_trace_is_the_run() -> None:
    finished = [event for event in events_of(MockModel(3)) if isinstance(event, LaneFinished)]
    for event in finished:
        lane = BOTH[event.lane]
        alone = run(
            MockModel(3),
            make_decoder(lane.decoder, lane.settings),
            MockModel().encode("hi"),
            gen_length=8,
            block_length=4,
        )
        np.testing.assert_array_equal(event.trace.token_ids, alone.token_ids)
        np.testing.assert_array_equal(event.trace.commit_step, alone.commit_step)
        assert event.trace.complete
        assert event.trace.info.prompt == "hi"


def test_the_events_rebuild_the_finished_trace() -> None:
    _, *rest = events_of(MockModel(5))
    for lane in (0, 1):
        records = [event.record for event in rest if isinstance(event, StepTaken) and event.lane == lane]
        (trace,) = [event.trace for event in rest if isinstance(event, LaneFinished) and event.lane == lane]
        assert build_trace(trace.info, records).same_run(trace)


def test_every_token_text_is_sent_before_or_with_its_first_use_and_only_once() -> None:
    known: dict[int, str] = {}
    for event in events_of(MockModel(1)):
        if isinstance(event, StepTaken):
            assert not set(event.tokens) & set(known)
            known.update(event.tokens)
            record = event.record
            for array in (record.candidate_ids, record.winner_ids, record.event_ids):
                assert set(array.ravel().tolist()) <= set(known)
        if isinstance(event, LaneFinished):
            assert known.items() <= {**event.trace.info.token_text, **known}.items()


BAD_REQUESTS: list[tuple[dict[str, Any], type[CreditVizError], str]] = [
    ({"lanes": ()}, SettingsError, "1 or more"),
    ({"lanes": (LaneRequest("greedy"),)}, SettingsError, "credit"),
    ({"lanes": (LaneRequest("credit", {"alhpa": 1}),)}, SettingsError, "alpha"),
    ({"lanes": (LaneRequest("credit", {"alpha": -1}),)}, SettingsError, r"0\.\.10"),
    ({"lanes": (LaneRequest("vanilla", {"steps": 9}),)}, SettingsError, "steps=9"),
    ({"gen_length": 9}, SettingsError, "divisible"),
    ({"gen_length": 0}, SettingsError, "gen_length"),
    ({"seed": -1}, SettingsError, "seed"),
    ({"top_k": 99}, SettingsError, "top_k"),
    ({"prompt": "x" * 60}, PromptError, "60 tokens"),
    ({"prompt": ""}, PromptError, "empty"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD_REQUESTS)
def test_a_bad_request_fails_before_the_first_event(
    changes: dict[str, Any], error: type[CreditVizError], message: str
) -> None:
    model = MockModel()
    with pytest.raises(error, match=message):
        next(iter(LocalBackend(model).stream(request(**changes))))  # type: ignore[arg-type]
    assert model.calls == 0


class FailingModel(MockModel):
    """Runs out of memory in its third forward pass."""

    def token_logits(self, canvas: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
        if self.calls == 2:
            raise torch.OutOfMemoryError("no room")
        return super().token_logits(canvas, rows)


def test_a_failure_of_the_model_reaches_the_reader() -> None:
    stream: Iterator[Event] = LocalBackend(FailingModel()).stream(request())  # type: ignore[arg-type]
    with pytest.raises(Exception, match="no room"):
        list(stream)


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("embedded", 1_742_000, "embedded model, 1.7 M parameters"),
        ("GSAI-ML/LLaDA-8B-Instruct", 8_015_581_184, "GSAI-ML/LLaDA-8B-Instruct, 8.0 B parameters"),
    ],
)
def test_the_model_has_a_name_for_people(name: str, parameters: int, expected: str) -> None:
    model = MockModel()
    model.info = ModelInfo(name, "llada", None, parameters, "float32")
    assert LocalBackend(model).model_name == expected  # type: ignore[arg-type]


def test_lanes_take_turns_on_a_cpu() -> None:
    first, *_ = LocalBackend(MockModel()).stream(request(lanes=BOTH))  # type: ignore[arg-type]
    assert isinstance(first, RunStarted)
    assert [info.lanes for info in first.lanes] == [1, 1]


# ------------------------------------------------------------------ by hand, given, with gaps


def test_each_lane_has_its_own_changes_by_hand() -> None:
    change = Intervention(2, 0, 3)
    lanes = (LaneRequest("vanilla"), LaneRequest("vanilla", {}, (change,)))
    first, *rest = events_of(MockModel(), lanes=lanes)
    assert isinstance(first, RunStarted)
    assert [info.interventions for info in first.lanes] == [(), (change,)]
    plain, changed = sorted((e for e in rest if isinstance(e, LaneFinished)), key=lambda event: event.lane)
    assert changed.trace.canvas(2)[0] == 3
    assert plain.trace.canvas(2)[0] != 3


class KeepsAll:
    """An iterator that remembers what it gave."""

    def __init__(self, events: Iterator[Event]) -> None:
        self.events = events
        self.seen: list[Event] = []

    def __iter__(self) -> Iterator[Event]:
        for event in self.events:
            self.seen.append(event)
            yield event


def test_a_lane_that_was_not_changed_as_asked_is_no_finished_one() -> None:
    lanes = (LaneRequest("vanilla", {}, (Intervention(99, 0, 3),)), LaneRequest("vanilla"))
    events = LocalBackend(MockModel()).stream(request(lanes=lanes))  # type: ignore[arg-type]
    kept = KeepsAll(events)
    with pytest.raises(SettingsError, match=r"the run was finished after 8 steps; valid: steps 1\.\.8"):
        list(kept)
    assert [event.lane for event in kept.seen if isinstance(event, LaneFinished)] == [1]
    assert sum(isinstance(event, StepTaken) for event in kept.seen) == 16


def test_texts_are_given_at_their_positions_and_gaps_are_filled(peaky: DiffusionLM) -> None:
    backend = LocalBackend(peaky)
    pieces = backend.pieces("abc")
    assert [piece.id for piece in pieces] == peaky.encode_text("abc")
    assert [piece.text for piece in pieces] == [peaky.token_text(piece.id) for piece in pieces]
    assert backend.pieces("") == ()
    first = next(iter(backend.stream(request(given=((2, "abc"),), gen_length=16, block_length=16))))
    assert isinstance(first, RunStarted)
    assert first.lanes[0].fixed == {2 + place: piece.id for place, piece in enumerate(pieces)}
    first = next(iter(backend.stream(request(prompt="ab [MASK:3] c", infill=True))))
    assert isinstance(first, RunStarted)
    assert first.lanes[0].gen_length == 3 + len(backend.pieces(" c"))
    with pytest.raises(PromptError, match="write it into the prompt, between the gaps"):
        backend.stream(request(prompt="ab [MASK:3] c", infill=True, given=((2, "abc"),)))
