"""Passes that are remembered: the same runs bit for bit, whoever ran before, in no more room than was given."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding import memory as memory_module
from credit_viz.decoding.base import Decision, Decoder, View
from credit_viz.decoding.clock import Moment
from credit_viz.decoding.forward import Answer, LanguageModel, Query, forward
from credit_viz.decoding.memory import PassMemory
from credit_viz.decoding.options import RunOptions, check_fit
from credit_viz.decoding.settings import knobs
from credit_viz.decoding.threshold import Threshold
from credit_viz.errors import SettingsError
from credit_viz.models.loading import load_model
from credit_viz.run import Race
from credit_viz.trace.record import CELL_FIELDS, EVENT_FIELDS, Trace
from tests.cases import FEWER, cases, knob_names
from tests.decoding.test_decoding_uniform import UNIFORM, NoiseModel
from tests.support import MASK_DECODERS, PROMPT, MockModel, decoders

FAMILIES = ("llada", "llada_peaky", "llada_moe", "dream", "llada2", "embedded")
OTHER_PROMPT = (3, 2)


def run(model: Any, decoder: Decoder, ask: Any = forward, prompt_ids: Sequence[int] = PROMPT, **options: Any) -> Trace:
    fixed = options.pop("fixed", None)
    race = Race.start(model, [decoder], RunOptions(**options), prompt_ids=prompt_ids, fixed=fixed, ask=ask)
    for _ in race.steps():
        pass
    return race.trace(0)


def assert_same_run(one: Trace, other: Trace) -> None:
    """Everything but seconds, to the last bit."""
    assert one.info == other.info
    names = (*CELL_FIELDS, *EVENT_FIELDS, "cell_counts", "block_starts", "block_ends")
    arrays = [(getattr(one, name), getattr(other, name)) for name in names]
    assert one.channels.keys() == other.channels.keys()
    arrays += [(one.channels[name], other.channels[name]) for name in one.channels]
    for ours, theirs in arrays:
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


def test_every_field_is_compared() -> None:
    seconds = {"info", "channels", "forward_seconds", "decoder_seconds"}
    compared = {*CELL_FIELDS, *EVENT_FIELDS, "cell_counts", "block_starts", "block_ends", *seconds}
    assert compared == {field.name for field in dataclasses.fields(Trace)}


# ------------------------------------------------------------------ the same runs


class Watched:
    """A memory that checks after each run that what it remembers is what the model said."""

    def __init__(self, max_bytes: int = 1 << 28) -> None:
        self.memory = PassMemory(max_bytes)
        self.said: list[tuple[Answer, list[Tensor]]] = []

    def __call__(self, model: LanguageModel, queries: Sequence[Query]) -> list[Answer]:
        answers = self.memory(model, queries)
        self.said += [(answer, [part.clone() for part in parts_of(answer)]) for answer in answers]
        return answers

    def check(self) -> None:
        for answer, before in self.said:
            assert all(torch.equal(now, then) for now, then in zip(parts_of(answer), before, strict=True))
        self.said.clear()


def parts_of(answer: Answer) -> list[Tensor]:
    return [part for part in (answer.logits, answer.shadow) if part is not None]


def ways(name: str) -> list[dict[str, Any]]:
    """The defaults, every preset, warm, and guided."""
    found = [{}, *(preset.to_dict() for preset in DECODERS[name].presets.values())]
    names = knob_names(name)
    found += [{"temperature": 0.7}] if "temperature" in names else []
    found += [{"guidance": 1.5}, {"guidance": 1.5, "temperature": 0.7}] if "guidance" in names else []
    return found


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, fixtures: Path) -> Any:
    source = None if request.param == "embedded" else fixtures / request.param
    return load_model(source, device="cpu", dtype="float32")


def test_every_decoder_of_every_family(family: Any) -> None:
    """One memory for all of them, with the options that change what the model is asked."""
    block = family.block_length or 8
    options = [
        {"gen_length": max(16, block), "block_length": block},
        {"gen_length": block, "block_length": block, "logits_to_keep": "needed", "record": "block", "seed": 3},
    ]
    watched, served, number = Watched(), set(), 0
    ids = family.encode("hello")
    for name in DECODERS:
        for values in ways(name):
            decoder, chosen = make_decoder(name, values), options[number % 2]
            try:
                check_fit(family, decoder, RunOptions(**chosen))
            except SettingsError:
                continue
            served.add(name)
            number += 1
            assert_same_run(run(family, decoder, watched, ids, **chosen), run(family, decoder, forward, ids, **chosen))
            watched.check()
    assert served == {name for name, kind in MASK_DECODERS.items() if kind().needs.abilities <= family.abilities}
    assert watched.memory.recalled > watched.memory.computed / 2, "worth its room"


@pytest.mark.parametrize("name", sorted(MASK_DECODERS))
@FEWER
@given(data=st.data())
def test_any_settings_after_any_run(name: str, data: st.DataObject) -> None:
    """Another decoder has run on this prompt, and the same one on another prompt, with a memory of any size."""
    case = data.draw(cases(name))
    kept = data.draw(st.sampled_from(["all", "needed"]))
    record = data.draw(st.sampled_from(["all", "block", "none"]))
    options = {**case.options, "logits_to_keep": kept, "record": record}
    before = data.draw(decoders(options["gen_length"], options["block_length"]))
    watched = Watched(data.draw(st.sampled_from([0, 600, 5000, 1 << 20])))
    alone = run(case.model, case.decoder, **options)
    for decoder, prompt in ((before, PROMPT), (case.decoder, OTHER_PROMPT)):
        try:
            run(case.model, decoder, watched, prompt, **options)
        except SettingsError:  # the drawn decoder does not fit blocks that the prompt cuts
            continue
    for _ in range(2):
        assert_same_run(run(case.model, case.decoder, watched, **options), alone)
    watched.check()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions(dtype: torch.dtype) -> None:
    model, watched = MockModel(dtype=dtype), Watched()
    for name in MASK_DECODERS:
        for values in ways(name):
            decoder = make_decoder(name, values)
            alone = run(model, decoder, gen_length=16, block_length=8)
            assert_same_run(run(model, decoder, watched, gen_length=16, block_length=8), alone)
    watched.check()


@pytest.mark.parametrize("name", UNIFORM)
def test_random_tokens_are_not_remembered(name: str) -> None:
    watched = Watched()
    alone = run(NoiseModel(), make_decoder(name), gen_length=16, block_length=8)
    for _ in range(2):
        assert_same_run(run(NoiseModel(), make_decoder(name), watched, gen_length=16, block_length=8), alone)
    watched.check()
    assert (watched.memory.computed, watched.memory.recalled) == (2 * alone.forward_passes, 0)
    assert not watched.memory._kept


@pytest.mark.parametrize(
    ("checkpoint", "mode"), [("llada_peaky", "prefix"), ("llada_peaky", "dual"), ("llada2", "block")]
)
def test_caches_have_a_past_and_are_not_remembered(fixtures: Path, checkpoint: str, mode: str) -> None:
    model = load_model(fixtures / checkpoint, device="cpu", dtype="float32")
    block = model.block_length or 8
    options = {"gen_length": 2 * block, "block_length": block, "cache": mode}
    memory = PassMemory()
    alone = run(model, make_decoder("credit"), prompt_ids=model.encode("hello"), **options)
    for _ in range(2):
        assert_same_run(run(model, make_decoder("credit"), memory, model.encode("hello"), **options), alone)
    assert (memory.computed, memory.recalled) == (2 * alone.forward_passes, 0)


def test_batches_are_not_remembered() -> None:
    """A batch changes the last bits of the logits, so its passes are nobody else's."""
    model, memory = MockModel(), PassMemory()
    options = RunOptions(gen_length=8, block_length=8)
    lanes = [make_decoder("vanilla"), make_decoder("credit", {"threshold": 2.0})]
    race = Race.start(model, lanes, options, prompt_ids=PROMPT, batched=True, ask=memory)
    assert len([*race.steps()]) == 16
    assert (memory.computed, memory.recalled, model.calls) == (8, 0, 8)
    assert not memory._kept


# ------------------------------------------------------------------ nobody writes into them


@dataclasses.dataclass(frozen=True)
class Scribbling(Threshold):
    """Works in the logits that it was shown, as a careless decoder might."""

    place: str = "logits"

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        getattr(view.predictions, self.place).mul_(2)
        return super().step(view, state, rng)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_decoder_that_writes_into_the_logits_is_stopped(dtype: torch.dtype) -> None:
    """Too late for the logits, so whoever catches the error lets the memory go."""
    model, memory = MockModel(dtype=dtype), PassMemory()
    alone = run(model, Threshold(), gen_length=8, block_length=8)
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        run(model, Scribbling(), memory, gen_length=8, block_length=8)
    assert held_by(memory)
    memory.forget()
    assert_same_run(run(model, Threshold(), memory, gen_length=8, block_length=8), alone)
    assert memory._nbytes == sum(part.untyped_storage().nbytes() for part in held_by(memory))


# ------------------------------------------------------------------ what is kept


def query(canvas: Sequence[int], **changes: Any) -> Query:
    given = {"prompt_length": 2, "rows": (2, len(canvas)), "block": (2, len(canvas))}
    return Query(torch.tensor(canvas), **{**given, **changes})


DIFFERENT = (
    query([1, 2, 3, 4]),
    query([1, 2, 4, 3]),
    query([1, 2, 3, 4, 4]),
    query([1, 2, 3, 4], rows=(3, 4)),
    query([1, 2, 3, 4], shadow=(2, 4)),
    query([1, 2, 3, 4], shadow=(3, 4)),
    query([1, 2, 3, 4], guidance=1.0),
    query([1, 2, 3, 4], guidance=1.5),
    query([1, 2, 3, 4], guidance=1.5, prompt_length=1),
)
SAME = (query([1, 2, 3, 4], block=(3, 4)), query([1, 2, 3, 4], prompt_length=1), query([1, 2, 3, 4], refresh=True))


def test_what_makes_a_pass_another_one() -> None:
    memory, model = PassMemory(), MockModel()
    first = [memory(model, [asked])[0] for asked in DIFFERENT]
    assert (memory.computed, memory.recalled) == (len(DIFFERENT), 0)
    again = [memory(model, [asked])[0] for asked in DIFFERENT]
    assert all(one is other for one, other in zip(first, again, strict=True))
    for asked in SAME:
        (known,) = memory(model, [asked])
        assert known is first[0]
        assert torch.equal(known.logits, forward(model, [asked])[0].logits)
    assert memory.computed == len(DIFFERENT)


def test_a_canvas_that_changes_later_is_another_one() -> None:
    """The loop asks with its own canvas and writes into it afterwards."""
    memory, model = PassMemory(), MockModel()
    asked = query([1, 2, 3, 4])
    before = memory(model, [asked])[0]
    asked.canvas[3] = 5
    assert not torch.equal(memory(model, [asked])[0].logits, before.logits)
    assert memory(model, [query([1, 2, 3, 4])])[0] is before


@settings(max_examples=200)
@given(
    asked=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 5)), max_size=40),
    max_bytes=st.integers(0, 1500),
)
def test_the_least_recently_used_go_first(asked: list[tuple[int, int]], max_bytes: int) -> None:
    """Against a restatement: sizes by hand, in a plain dictionary in order of use."""
    model, memory = MockModel(vocab_size=8), PassMemory(max_bytes)
    expected: OrderedDict[tuple[int, int], int] = OrderedDict()
    recalled = 0
    for token, length in asked:
        memory(model, [query([1, 2, *[token] * length])])
        size = length * 8 * 4
        if (token, length) in expected:
            expected.move_to_end((token, length))
            recalled += 1
        elif size <= max_bytes:
            expected[token, length] = size
            while sum(expected.values()) > max_bytes:
                expected.popitem(last=False)
        kept = [np.frombuffer(key[0], np.int64)[2:] for key in memory._kept]
        assert [(int(ids[0]), len(ids)) for ids in kept] == [*expected]
        held = {part.untyped_storage().data_ptr(): part.untyped_storage().nbytes() for part in held_by(memory)}
        assert memory._nbytes == sum(held.values()) == sum(expected.values()) <= max_bytes
    assert (memory.recalled, memory.computed) == (recalled, len(asked) - recalled)


def held_by(memory: PassMemory) -> list[Tensor]:
    return [part for known in memory._kept.values() for part in parts_of(known.answer)]


def test_a_shadow_in_the_same_storage_counts_once() -> None:
    memory = PassMemory()
    memory(MockModel(vocab_size=8), [query([1, 2, 3, 4], shadow=(2, 4))])
    assert memory._nbytes == 4 * 8 * 4


def test_what_is_forgotten_is_let_go() -> None:
    """Also while the run that recalled it goes on."""
    memory, model = PassMemory(4 * 8 * 4), MockModel(vocab_size=8)
    for token in (3, 3, 4):
        memory(model, [query([1, 2, *[token] * 4])])
    model.logits.clear()
    assert memory.recalled == 1
    assert all(not isinstance(part, Tensor) for pair in memory._spared for part in pair)
    assert len(held_by(memory)) == 1


# ------------------------------------------------------------------ seconds


def test_spared_seconds_are_those_of_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is a second later than the one before, and the third pass takes ten."""
    model, memory = MockModel(), PassMemory()
    clock = iter([0.0, 1.0, 2.0, 3.0, 10.0, 20.0])
    monkeypatch.setattr(memory_module.Moment, "now", lambda _: Moment(next(clock), None))
    a, b, c = (query([1, 2, 3, token]) for token in (4, 5, 6))
    for asked in (a, b, c):
        memory(model, [asked])
    assert memory.spared_seconds() == 0
    for asked in (a, c, c):
        memory(model, [asked])
    assert memory.spared_seconds() == 1 + 10 + 10
    assert memory.spared_seconds() == 0, "asked once"


def test_seconds_of_runs_add_up() -> None:
    """A run whose every pass is recalled costs no pass, and is told what its passes took."""
    model, memory = MockModel(), PassMemory()
    first = run(model, make_decoder("credit"), memory, gen_length=8, block_length=8)
    taken = sum(known.ended.since(known.began) for known in memory._kept.values())
    memory.spared_seconds()
    calls = model.calls
    assert_same_run(run(model, make_decoder("credit"), memory, gen_length=8, block_length=8), first)
    assert model.calls == calls
    assert memory.spared_seconds() == pytest.approx(taken)


def test_every_decoder_has_a_way_here() -> None:
    """What the ways above rely on: knobs of these names, and presets that are settings."""
    assert any("guidance" in knob_names(name) for name in DECODERS)
    assert any("temperature" in knob_names(name) for name in DECODERS)
    assert any(DECODERS[name]().needs.shadow for name in MASK_DECODERS)
    for name in DECODERS:
        names = {knob.name for knob in knobs(DECODERS[name].settings_class)}
        assert all(way.keys() <= names for way in ways(name))
