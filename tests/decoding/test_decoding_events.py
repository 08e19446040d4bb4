"""What every registered decoder writes, when, and why; and what the loop refuses to write.

Decoders that rewrite may take tokens back and edit them: their runs are lists of events, which must still replay.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_viz.decoding import make_decoder
from credit_viz.decoding.base import Decision, Needs, View
from credit_viz.decoding.options import RunOptions, block_spans
from credit_viz.decoding.threshold import Threshold
from credit_viz.errors import DecoderError, SettingsError
from credit_viz.trace.record import Reason, StepRecord, Trace
from tests.cases import (
    FEWER,
    NAMES,
    Case,
    assert_same_writes,
    cases,
    for_decoders,
    for_every_decoder,
    knob_names,
    replayed,
)
from tests.support import PROMPT, MockModel, lane_records, mocks, run

ONE_THRESHOLD = [name for name in NAMES if "threshold" in knob_names(name)]


def block_of(trace: Trace, step: int) -> tuple[int, int]:
    return int(trace.block_starts[step - 1]), int(trace.block_ends[step - 1])


# ------------------------------------------------------------------ writes


@for_every_decoder
def test_every_event_changes_one_open_position(name: str, data: st.DataObject) -> None:
    """Masked positions only, unless the decoder says that it rewrites; then also what it has written itself."""
    case = data.draw(cases(name))
    trace = case.run()
    mask, states = case.model.mask_id, replayed(trace)
    assert len(set(zip(trace.event_steps.tolist(), trace.event_positions.tolist(), strict=True))) == len(
        trace.event_steps
    )
    for step, place, token, why in zip(
        trace.event_steps, trace.event_positions, trace.event_ids, trace.event_reasons, strict=True
    ):
        before = states[step - 1][place]
        assert place not in case.options["fixed"]
        assert before != token
        if before != mask:
            assert case.decoder.needs.rewrites
        assert (why == Reason.REMASKED) == (token == mask)
        assert (why == Reason.EDITED) == (token != mask != before)


@for_every_decoder
def test_only_the_active_block_is_written(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    trace = case.run()
    for step, place, why in zip(trace.event_steps, trace.event_positions, trace.event_reasons, strict=True):
        start, end = block_of(trace, step)
        assert start <= place < end or why == Reason.FILLED or (case.decoder.needs.whole and why == Reason.ANSWERED)


@for_every_decoder
def test_blocks_are_decoded_from_left_to_right(name: str, data: st.DataObject) -> None:
    """A block is active until it has no mask, and then while the decoder settles."""
    case = data.draw(cases(name))
    trace, settle = case.run(), case.decoder.needs.settle
    options = RunOptions(**{key: case.options[key] for key in ("gen_length", "block_length")})
    spans = block_spans(options, len(PROMPT), case.model.block_length)
    assert [span[0] for span in spans[1:]] == [span[1] for span in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (0, trace.gen_length)
    passes_without_mask = 0
    for step, before in enumerate(replayed(trace)[:-1], start=1):
        block = block_of(trace, step)
        assert block in spans
        if (before[slice(*block)] == case.model.mask_id).any():
            passes_without_mask = 0
            masked = np.flatnonzero(before == case.model.mask_id)
            assert block[0] <= masked[0] < block[1]
        else:
            passes_without_mask += 1
            assert block == block_of(trace, step - 1)
            assert passes_without_mask <= settle


@for_every_decoder
def test_every_step_progresses_and_no_mask_is_left(name: str, data: st.DataObject) -> None:
    """Each step fills a mask; without one it edits, or is the last of its block. So passes are bounded."""
    case = data.draw(cases(name))
    trace, mask = case.run(), case.model.mask_id
    states, masks = replayed(trace), trace.gen_length - len(case.options["fixed"])
    for step in range(1, trace.forward_passes + 1):
        before, after = states[step - 1], states[step]
        last = step == trace.forward_passes or block_of(trace, step + 1) != block_of(trace, step)
        if (before[slice(*block_of(trace, step))] == mask).any():
            assert ((before == mask) & (after != mask)).any()
        else:
            assert (before != after).any() or last
    assert trace.complete
    assert mask not in trace.token_ids
    blocks = len(set(zip(trace.block_starts.tolist(), trace.block_ends.tolist(), strict=True)))
    assert trace.forward_passes <= masks + blocks * case.decoder.needs.settle
    assert trace.forward_passes >= (masks > 0)


@for_every_decoder
def test_events_replay_to_what_the_model_saw(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    trace = case.run()
    assert case.model.calls == trace.forward_passes
    *seen_by_model, final = replayed(trace)
    for step, (canvas, expected) in enumerate(zip(case.model.canvases, seen_by_model, strict=True)):
        np.testing.assert_array_equal(canvas[0, : len(PROMPT) + trace.gen_length], [*PROMPT, *expected])
        np.testing.assert_array_equal(trace.canvas(step), expected)
    np.testing.assert_array_equal(final, trace.token_ids)
    np.testing.assert_array_equal(trace.canvas(trace.forward_passes), final)


@for_every_decoder
def test_given_tokens_stay(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    trace, given_tokens = case.run(), case.options["fixed"]
    assert not np.isin(trace.event_positions, list(given_tokens)).any()
    assert not np.isin(trace.positions, list(given_tokens)).any()
    for canvas in case.model.canvases:
        for place, token in given_tokens.items():
            assert canvas[0, len(PROMPT) + place] == token
    for place in given_tokens:
        assert trace.commit_step[place] == trace.wait[place] == trace.reason[place] == 0
    assert trace.tokens_per_forward * trace.forward_passes == pytest.approx(trace.gen_length - len(given_tokens))


@for_every_decoder
def test_the_token_written_is_the_recorded_winner(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    for record in case.run().steps():
        winners = dict(zip(record.positions.tolist(), record.winner_ids.tolist(), strict=True))
        for place, token, why in zip(record.event_positions, record.event_ids, record.event_reasons, strict=True):
            blocked = winners[place] == case.model.mask_id or winners[place] >= case.model.token_limit
            assert token == winners[place] or why == Reason.FILLED or (why == Reason.FORCED and blocked)


@for_every_decoder
def test_ids_that_have_no_text_are_never_written(name: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["mask first", "mask last", "beyond the tokenizer", "both"]))
    mask = 0 if kind == "mask first" else 8
    extra = {mask: 60.0} if kind.startswith("mask") else {10: 60.0, 11: 59.0}
    if kind == "both":
        extra = {mask: 60.0, 10: 60.0}
    model = MockModel(data.draw(st.integers(0, 1000)), 12, mask_id=mask, token_limit=10, favour=extra)
    trace = data.draw(cases(name, model)).run()
    assert trace.complete
    assert not np.isin(trace.event_ids, [10, 11]).any()
    assert set(trace.event_reasons[trace.event_ids == mask].tolist()) <= {Reason.REMASKED}


# ------------------------------------------------------------------ the end of the text


@for_every_decoder
def test_early_stop_ends_the_run_at_the_first_finished_sentence(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name, early_stop=True))
    case.model.eos_ids = (1, 3)
    stopped, whole = case.run(), case.run(early_stop=False)
    filled = stopped.event_reasons == Reason.FILLED
    count = int((~filled).sum())
    for array in ("event_steps", "event_positions", "event_ids", "event_reasons"):
        np.testing.assert_array_equal(getattr(stopped, array)[~filled], getattr(whole, array)[:count])
    states, last_step = replayed(whole), stopped.forward_passes
    for step in range(1, last_step):
        assert not (_sentence_ended(states[step], case.model) and _may_end(case, whole, step)), step
    if not last_step:
        return
    last = states[last_step]
    masked = last == case.model.mask_id
    np.testing.assert_array_equal(np.sort(stopped.event_positions[filled]), np.flatnonzero(masked))
    assert (stopped.event_steps[filled] == last_step).all()
    if last_step < whole.forward_passes:
        assert _sentence_ended(last, case.model)
        assert _may_end(case, whole, last_step)
    if filled.any():
        ends = [i for i in last[: int(masked.argmax())] if i in case.model.eos_ids]
        assert set(stopped.event_ids[filled].tolist()) == {ends[0]}


def test_a_step_that_takes_a_token_back_does_not_end_the_text() -> None:
    """The end stands with all before it written, but behind it a token is doubted: the run goes on."""
    found = 0
    for seed in range(60):
        model = MockModel(seed, eos_ids=(1, 3, 5))
        decoder, size = make_decoder("wino"), {"gen_length": 24, "block_length": 24}
        whole = run(model, decoder, **size)
        ended = [step for step in range(1, whole.forward_passes) if _sentence_ended(whole.canvas(step), model)]
        if ended and (whole.event_reasons[whole.event_steps == ended[0]] == Reason.REMASKED).any():
            found += 1
            assert run(model, decoder, early_stop=True, **size).forward_passes > ended[0]
    assert found


def _sentence_ended(canvas: np.ndarray, model: MockModel) -> bool:
    """An end-of-text token is written, and so is everything before it."""
    masked = np.flatnonzero(canvas == model.mask_id)
    first_mask = masked[0] if len(masked) else len(canvas)
    return bool(np.isin(canvas[:first_mask], model.eos_ids).any())


def _may_end(case: Case, whole: Trace, step: int) -> bool:
    """Nothing was taken back in this step, and a block that settles has settled."""
    if (whole.event_reasons[whole.event_steps == step] == Reason.REMASKED).any():
        return False
    done = step == whole.forward_passes or block_of(whole, step + 1) != block_of(whole, step)
    return done or not case.decoder.needs.settle


# ------------------------------------------------------------------ reasons


@dataclass(frozen=True)
class Judged:
    """One cell of a step: what was held against what."""

    score: float
    bar: float
    raw_p: float
    fused: float


def judged(record: StepRecord) -> dict[int, Judged]:
    score = record.channels.get("score", record.fused)
    columns = zip(score, record.channels["bar"], record.winner_p, record.fused, strict=True)
    return {int(place): Judged(*map(float, column)) for place, column in zip(record.positions, columns, strict=True)}


@for_every_decoder
def test_reasons_tell_the_truth(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name, early_stop=False))
    for record in case.run().steps():
        cells = judged(record)
        for place, why in zip(record.event_positions.tolist(), record.event_reasons.tolist(), strict=True):
            cell = cells[place]
            if why in (Reason.CONFIDENT, Reason.CREDIT, Reason.SCHEDULED, Reason.EDITED, Reason.ANSWERED):
                assert cell.score >= cell.bar
            if "score" not in record.channels:
                assert why != Reason.CONFIDENT or cell.raw_p >= cell.bar
                assert why != Reason.CREDIT or cell.raw_p < cell.bar <= cell.fused
            assert why != Reason.REMASKED or cell.score < cell.bar
            assert why != Reason.FILLED
        if Reason.FORCED in record.event_reasons:
            _check_forced(case, record, cells)


def _check_forced(case: Case, record: StepRecord, cells: dict[int, Judged]) -> None:
    """One token, because nothing passed; the best that may be written."""
    forced = record.event_positions[record.event_reasons == Reason.FORCED].tolist()
    assert len(forced) == 1
    others = record.event_reasons[record.event_reasons != Reason.FORCED]
    assert set(others.tolist()) <= {Reason.EDITED}
    masked = (record.positions >= record.block[0]) & (record.positions < record.block[1])
    masked &= ~np.isin(record.positions, record.event_positions[record.event_reasons == Reason.EDITED])
    text = (record.winner_ids != case.model.mask_id) & (record.winner_ids < case.model.token_limit)
    eligible = [int(place) for place in record.positions[masked & text]]
    if case.decoder.needs.rewrites:
        return  # written tokens are among the cells: the restatements of those decoders look closer
    assert not any(cells[place].score >= cells[place].bar for place in eligible)
    if eligible:
        best = max(eligible, key=lambda place: (cells[place].score, -place))
        assert forced == [best], "ties go to the leftmost position"


@pytest.mark.parametrize("name", ["credit", "threshold"])
@FEWER
@given(data=st.data())
def test_everything_that_passes_the_threshold_is_written(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name, early_stop=False))
    tau = np.float32(case.decoder.settings.threshold)
    for record in case.run().steps():
        inside = (record.positions >= record.block[0]) & (record.positions < record.block[1])
        passing = inside & (record.fused >= tau) & (record.winner_ids != case.model.mask_id)
        if passing.any():
            np.testing.assert_array_equal(record.event_positions, record.positions[passing])


@given(st.data())
def test_without_strength_credit_is_threshold_decoding(data: st.DataObject) -> None:
    case = data.draw(cases("credit"))
    values = case.decoder.settings
    plain = make_decoder("threshold", {"threshold": values.threshold, "temperature": values.temperature})
    assert_same_writes(case.run(type(case.decoder)(values.replace(alpha=0.0))), case.run(plain))


@for_decoders(ONE_THRESHOLD)
def test_above_one_the_threshold_fills_one_mask_per_step(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name, early_stop=False))
    tau = data.draw(st.floats(1.001, 2.0))
    trace = case.run(type(case.decoder)(case.decoder.settings.replace(threshold=tau)))
    filling = trace.event_reasons != Reason.EDITED
    assert set(trace.event_reasons[filling].tolist()) <= {Reason.FORCED}
    assert len(set(trace.event_steps[filling].tolist())) == filling.sum()
    assert filling.sum() == trace.gen_length - len(case.options["fixed"])


@for_every_decoder
def test_every_event_explains_itself(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    trace = case.run()
    for step, place, token, why in zip(
        trace.event_steps.tolist(), trace.event_positions.tolist(), trace.event_ids, trace.event_reasons, strict=True
    ):
        found, stood = trace.explain(step, place), trace.canvas(step - 1)[place]
        assert found.reason == why
        assert (found.written or found.guess).token_id == token
        assert (None if stood == case.model.mask_id else stood) == (found.stood and found.stood.token_id)
        if why in (Reason.CONFIDENT, Reason.CREDIT, Reason.SCHEDULED, Reason.EDITED, Reason.ANSWERED):
            assert found.score >= found.bar
        if why == Reason.REMASKED:
            assert found.score < found.bar


# ------------------------------------------------------------------ decoders that break the contract


@dataclass(frozen=True)
class Broken(Threshold):
    """Threshold decoding that writes position 2 first, and then `token` over it."""

    token: int = 0
    reason: int = Reason.CONFIDENT
    rewriting: bool = False
    seen: list[View] = field(default_factory=list)

    name: ClassVar[str] = "broken"

    @property
    def needs(self) -> Needs:
        return Needs(rewrites=self.rewriting)

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        decision = super().step(view, state, rng)
        self.seen.append(view)
        if len(self.seen) < 2:
            return replace(decision, commit=torch.arange(len(view.masked)) == 2)
        here = torch.arange(len(view.masked)) == 2
        return replace(
            decision,
            commit=decision.commit | here,
            winner_ids=torch.where(here, self.token, decision.winner_ids),
            reasons=torch.where(here, self.reason, decision.reasons).to(torch.uint8),
        )


def stands(model: MockModel) -> int:
    """The token that `Broken` writes at position 2 in its first step."""
    decoder = Broken(token=0)
    with pytest.raises(DecoderError):
        lane_records(model, decoder, gen_length=4, block_length=4)
    return int(decoder.seen[1].ids[2])


@pytest.mark.parametrize(
    ("token", "reason", "rewriting", "message"),
    [
        (5, Reason.CONFIDENT, False, "position 2, which is not masked"),
        (12, Reason.REMASKED, False, "position 2, which is not masked"),
        ("same", Reason.EDITED, True, "position 2, with what stands there already"),
        (11, Reason.EDITED, True, r"token 11 at position 2, with an id without a text; valid: ids 0..10"),
        (-1, Reason.EDITED, True, "token -1 at position 2, with an id without a text"),
        (12, Reason.EDITED, True, "position 2, for a wrong reason"),
        (5, Reason.REMASKED, True, "position 2, for a wrong reason"),
        (5, 0, True, "position 2, for no reason"),
        (5, 99, True, "position 2, for no reason"),
    ],
)
def test_a_broken_decoder_is_named_with_the_position(
    token: int | str, reason: int, rewriting: bool, message: str
) -> None:
    model = MockModel(4, token_limit=11)
    chosen = stands(model) if token == "same" else int(token)
    if chosen == stands(model) != token and token != "same":
        pytest.fail("the token stands there already: take another seed")
    with pytest.raises(DecoderError, match=rf"'broken'.*{message}"):
        lane_records(model, Broken(token=chosen, reason=reason, rewriting=rewriting), gen_length=4, block_length=4)


@dataclass(frozen=True)
class Blank(Threshold):
    """Writes the mask token over masks."""

    name: ClassVar[str] = "blank"

    @property
    def needs(self) -> Needs:
        return Needs(rewrites=True)

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        decision = super().step(view, state, rng)
        return replace(
            decision,
            winner_ids=torch.full_like(decision.winner_ids, view.predictions.mask_id),
            reasons=torch.full_like(decision.reasons, int(Reason.REMASKED)),
        )


def test_a_mask_cannot_be_taken_back() -> None:
    with pytest.raises(DecoderError, match=r"'blank' wrote token 12 at position .*, with what stands there already"):
        lane_records(MockModel(), Blank(), gen_length=4, block_length=4)


@dataclass(frozen=True)
class Stubborn(Threshold):
    """Writes over every position."""

    name: ClassVar[str] = "stubborn"

    @property
    def needs(self) -> Needs:
        return Needs(rewrites=True)

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        decision = super().step(view, state, rng)
        return replace(decision, commit=torch.ones_like(decision.commit), reasons=torch.ones_like(decision.reasons))


@dataclass(frozen=True)
class Restless(Threshold):
    """Takes back whatever it has written."""

    name: ClassVar[str] = "restless"

    @property
    def needs(self) -> Needs:
        return Needs(rewrites=True)

    def step(self, view: View, state: None, rng: torch.Generator) -> Decision:
        decision = super().step(view, state, rng)
        return replace(
            decision,
            commit=decision.commit | view.rewritable,
            winner_ids=torch.where(view.rewritable, view.predictions.mask_id, decision.winner_ids),
            reasons=torch.where(view.rewritable, int(Reason.REMASKED), decision.reasons).to(torch.uint8),
        )


def test_a_decoder_that_never_ends_is_stopped() -> None:
    model = MockModel()
    with pytest.raises(
        DecoderError, match=r"'restless' has masks left at positions 0\.\.3 after 32 passes; valid: .* 4 "
    ):
        lane_records(
            model, Restless(make_decoder("threshold", {"threshold": 2.0}).settings), gen_length=8, block_length=4
        )
    assert model.calls == 33


def test_given_tokens_are_defended() -> None:
    with pytest.raises(DecoderError, match=r"'stubborn' wrote token .* at position 1, which is given"):
        run(MockModel(), Stubborn(), fixed={1: 7}, gen_length=4, block_length=4)


# ------------------------------------------------------------------ blocks


@pytest.mark.parametrize(
    ("prompt", "length", "expected"),
    [
        (4, 8, [(0, 4), (4, 8)]),
        (5, 8, [(0, 3), (3, 7), (7, 8)]),
        (7, 8, [(0, 1), (1, 5), (5, 8)]),
        (3, 4, [(0, 1), (1, 4)]),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_block_causal_model_has_short_first_and_last_blocks(
    name: str, prompt: int, length: int, expected: list[tuple[int, int]]
) -> None:
    model = MockModel(3, block_length=4)
    trace = run(model, make_decoder(name), prompt_ids=[2] * prompt, gen_length=length, block_length=4)
    blocks = list(dict.fromkeys(zip(trace.block_starts.tolist(), trace.block_ends.tolist(), strict=True)))
    assert blocks == expected[: len(blocks)], "a decoder that answers early may skip blocks"
    assert trace.complete
    with pytest.raises(SettingsError, match=r"block_length=2 .*valid: 4"):
        run(model, make_decoder(name), gen_length=8, block_length=2)


def test_the_strategies_reach_every_kind_of_event() -> None:
    seen: set[int] = set()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(mocks, st.sampled_from(["wino", "editing", "prophet", "credit", "vanilla"]), st.booleans())
    def collect(model: MockModel, name: str, early_stop: bool) -> None:
        trace = run(model, make_decoder(name), gen_length=12, block_length=12, early_stop=early_stop)
        seen.update(trace.event_reasons.tolist())

    collect()
    assert seen == {int(reason) for reason in Reason} - {int(Reason.INTERVENED)}
