"""The loop's own contract: options, canvases, cancelling, early stop, and what decoders may rely on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Block, Decision, View
from credit_viz.decoding.loop import Canvas, Lane, denoise
from credit_viz.decoding.options import RunOptions
from credit_viz.decoding.threshold import Threshold
from credit_viz.errors import PromptError, SettingsError
from credit_viz.trace.record import Reason
from tests.support import MockModel, lane_records, run


@pytest.mark.parametrize("name", ["gen_length", "block_length", "top_k"])
@pytest.mark.parametrize("bad", [0, -1, 2.0, "8", None, True])
def test_sizes_are_positive_whole_numbers(name: str, bad: Any) -> None:
    with pytest.raises(SettingsError, match=name):
        RunOptions(**{name: bad})


@pytest.mark.parametrize("bad", [-1, 2**63, 1.0, "1", None, True])
def test_seeds_have_a_range(bad: Any) -> None:
    with pytest.raises(SettingsError, match="seed"):
        RunOptions(seed=bad)


def test_the_largest_seed_works() -> None:
    assert run(MockModel(), make_decoder("threshold"), seed=2**63 - 1, gen_length=2, block_length=2).complete


def test_a_block_length_that_does_not_divide_lists_those_that_do() -> None:
    with pytest.raises(SettingsError, match=r"gen_length=12 .*block_length=5.*1, 2, 3, 4, 6, 12"):
        RunOptions(gen_length=12, block_length=5)


def test_an_absurd_length_is_refused_at_once() -> None:
    began = time.perf_counter()
    with pytest.raises((SettingsError, PromptError)) as raised:
        run(MockModel(), make_decoder("threshold"), gen_length=20_000_003, block_length=32)
    assert time.perf_counter() - began < 0.25
    assert len(str(raised.value)) < 500


def test_unknown_record_mode_lists_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match=r"'some'.*all, block, none"):
        RunOptions(record="some")


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(PromptError, match="empty"):
        Canvas.blank(MockModel(), (), 4)


@pytest.mark.parametrize("bad", [-1, 11, 10**12])
def test_unknown_prompt_ids_are_refused(bad: int) -> None:
    with pytest.raises(PromptError, match=rf"{bad}.*0\.\.10"):
        Canvas.blank(MockModel(token_limit=11), (1, bad), 4)


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    model = MockModel(max_positions=10)
    assert len(Canvas.blank(model, [1] * 6, 4).ids) == 10
    with pytest.raises(PromptError, match=r"7 tokens.*4 generated.*10 positions.*at most 6"):
        Canvas.blank(model, [1] * 7, 4)
    with pytest.raises(PromptError, match="at most 0"):
        Canvas.blank(model, [1], 40)


def test_closing_the_generator_stops_the_model() -> None:
    model = MockModel()
    steps = denoise(model, [Lane(model, (1,), make_decoder("vanilla"), RunOptions(gen_length=8, block_length=8))])
    for _ in range(3):
        next(steps)
    steps.close()
    assert model.calls == 3


def test_the_first_step_is_computed_only_when_asked_for() -> None:
    model = MockModel()
    denoise(model, [Lane(model, (1,), make_decoder("vanilla"), RunOptions(gen_length=8, block_length=8))])
    assert model.calls == 0


@dataclass(frozen=True)
class Spy(Threshold):
    """Threshold decoding that remembers what it was given."""

    seen: list[tuple[torch.Tensor, np.ndarray]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    name = "spy"

    def start(self, block: Block) -> Any:
        self.blocks.append(block)
        return block

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        self.seen.append((view.masked, view.masked.numpy().copy()))
        assert state is self.blocks[-1]
        return replace(super().step(view, None, rng), state=state)


def test_the_mask_given_to_a_decoder_is_not_changed_behind_its_back() -> None:
    spy = Spy()
    lane_records(MockModel(), spy, gen_length=8, block_length=4)
    for given, copy in spy.seen:
        np.testing.assert_array_equal(given.numpy(), copy)


def test_every_block_starts_fresh() -> None:
    spy = Spy()
    lane_records(MockModel(), spy, gen_length=12, block_length=4)
    assert [(b.index, b.count, b.length, b.gen_length) for b in spy.blocks] == [
        (0, 3, 4, 12),
        (1, 3, 4, 12),
        (2, 3, 4, 12),
    ]


def test_early_stop_fills_the_rest_with_the_token_that_ended_the_text() -> None:
    model = MockModel(eos_ids=(1, 5), favour={5: 99.0})
    trace = run(model, make_decoder("vanilla"), gen_length=8, block_length=4, early_stop=True)
    # all guesses are equally sure: the leftmost is written first, and it ends the text
    assert trace.forward_passes < 8
    assert (trace.token_ids == 5).all()
    assert (trace.reason[trace.commit_step == trace.forward_passes] == Reason.FILLED).sum() >= 4
    assert trace.content_tokens == 0


def test_no_early_stop_while_a_mask_is_left_before_the_end_token() -> None:
    model = MockModel(favour={12: -99.0})
    model._place[:, 1] = -50
    model._place[5 * 7 % 97, 1] = 90  # canvas position 5 = generated position 3 ends the text, and is surest
    trace = run(model, make_decoder("vanilla"), gen_length=6, block_length=6, early_stop=True)
    assert trace.event_positions[0] == 3
    assert trace.event_ids[0] == 1
    last = trace.forward_passes
    assert set(trace.event_positions[trace.event_reasons != Reason.FILLED].tolist()) >= {0, 1, 2, 3}
    assert last >= 4


def test_more_candidates_than_tokens_are_refused_before_the_first_forward() -> None:
    model = MockModel(vocab_size=13, token_limit=11)
    with pytest.raises(SettingsError, match=r"top_k=12.*1\.\.11"):
        run(model, make_decoder("credit"), gen_length=4, block_length=4, top_k=12)
    assert model.calls == 0


@pytest.mark.parametrize("record", ["all", "block", "none"])
@pytest.mark.parametrize("top_k", [1, 2, 11])
def test_as_many_candidates_as_there_are_tokens_can_be_recorded(record: str, top_k: int) -> None:
    model = MockModel(vocab_size=13, token_limit=11)
    trace = run(model, make_decoder("credit"), gen_length=4, block_length=2, top_k=top_k, record=record)
    assert trace.candidate_ids.shape[1] == top_k


def test_candidates_are_distinct_and_sorted_also_where_all_tie() -> None:
    model = MockModel(sharpness=0.0)
    trace = run(model, make_decoder("credit"), gen_length=6, block_length=3, top_k=4)
    for ids, p in zip(trace.candidate_ids, trace.candidate_p, strict=True):
        assert len(set(ids.tolist())) == 4
        assert ids[0] == 0, "the raw top-1 is the lowest id among equals"
        assert (np.diff(p) <= 0).all()


def test_timings_are_recorded() -> None:
    trace = run(MockModel(), make_decoder("credit"), gen_length=6, block_length=3)
    assert (trace.forward_seconds > 0).all()
    assert (trace.decoder_seconds > 0).all()
