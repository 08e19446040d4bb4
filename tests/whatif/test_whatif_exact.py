"""Two hundred random pairs of settings on the embedded model: what the record predicts is what a real re-run does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import credit_viz
from credit_viz.decoding import DECODERS
from credit_viz.decoding.settings import Knob, knobs
from credit_viz.models.base import DiffusionLM
from credit_viz.tiny.tasks import held_out
from credit_viz.trace.record import Trace
from credit_viz.whatif import Prediction, what_if

PAIRS = 200
#: what is recorded, and what is asked about; the second half of the pairs keeps the decoder and turns one knob.
RECORDED = (
    *("vanilla", "prophet", "threshold", "margin", "factor", "hierarchy", "entropy-bound", "klass", "wino", "editing"),
    *("credit", "credit-margin", "credit-top-n", "credit-factor", "credit-hierarchy", "dense-credit"),
)
ASKED = tuple(name for name in RECORDED if name not in ("klass", "wino", "editing", "dense-credit"))
#: knobs that only guidance, sampling or another device could answer.
LEFT_OUT = ("temperature", "guidance")


class Pair(NamedTuple):
    """A recorded run, a prediction from it, and the run that really follows."""

    recorded: Trace
    predicted: Prediction
    real: Trace


@pytest.fixture(scope="module")
def embedded() -> DiffusionLM:
    """The model that ships with the package."""
    return credit_viz.load_model(device="cpu")


@pytest.fixture(scope="module")
def pairs(embedded: DiffusionLM) -> list[Pair]:
    """Random prompts, decoders, knobs and options."""
    rng = random.Random(20)
    prompts = [example.prompt for example in held_out(40, seed=5)]
    return [_pair(embedded, rng, rng.choice(prompts), close=bool(number % 2)) for number in range(PAIRS)]


def _pair(model: DiffusionLM, rng: random.Random, prompt: str, close: bool) -> Pair:
    length = rng.choice((16, 32, 48))
    options: dict[str, Any] = {
        "gen_length": length,
        "block_length": rng.choice((length // 2, length)),
        "early_stop": rng.random() < 0.3,
        "seed": rng.randrange(100),
    }
    name = rng.choice(ASKED if close else RECORDED)
    settings = _settings(rng, name, length)
    recorded = credit_viz.decode(model, prompt, decoder=name, settings=settings, **options)
    if close:
        other, turned = name, rng.choice(_turned(name))
        asked = {**settings, turned.name: _nudged(rng, turned, settings[turned.name], length)}
    else:
        other = rng.choice(ASKED)
        asked = _settings(rng, other, length)
    changed = {"block_length": rng.choice((length // 4, length // 2, length))} if rng.random() < 0.15 else {}
    predicted = what_if(recorded, other, asked, **changed)
    return Pair(
        recorded, predicted, credit_viz.decode(model, prompt, decoder=other, settings=asked, **{**options, **changed})
    )


def _turned(name: str) -> list[Knob]:
    return [knob for knob in knobs(DECODERS[name].settings_class) if knob.name not in LEFT_OUT]


def _settings(rng: random.Random, name: str, length: int) -> dict[str, Any]:
    """Some knobs as they are by default, others anywhere in the part of their range that is worth dragging."""
    usual = {knob.name: knob.default for knob in _turned(name)}
    return {knob.name: _value(rng, knob, length) if rng.random() < 0.3 else usual[knob.name] for knob in _turned(name)}


def _nudged(rng: random.Random, knob: Knob, value: Any, length: int) -> Any:
    """A little more or less; another value where there is no such thing."""
    if knob.choices or knob.integer or value is None:
        return _value(rng, knob, length)
    low, high = knob.slider
    return min(
        knob.maximum, max(knob.minimum, value + rng.choice((-1, 1)) * rng.choice((0.01, 0.03, 0.1)) * (high - low))
    )


def _value(rng: random.Random, knob: Knob, length: int) -> Any:
    if knob.choices:
        return rng.choice(knob.choices)
    if knob.unset and rng.random() < 0.2:
        return None
    low, high = knob.slider
    if knob.name == "steps":
        return rng.randint(4, length)
    if knob.integer:
        return rng.randint(int(low), int(min(high, 8)))
    return round(rng.uniform(low, high), 2)


def writes(trace: Trace) -> list[set[tuple[int, int]]]:
    """(position, token) of every step."""
    steps: list[set[tuple[int, int]]] = [set() for _ in range(trace.forward_passes)]
    columns = (getattr(trace, f"event_{name}").tolist() for name in ("steps", "positions", "ids"))
    for step, *event in zip(*columns, strict=True):
        steps[step - 1].add(tuple(event))
    return steps


def first_difference(one: Trace, other: Trace) -> int | None:
    """First step that does not write the same in both, None where all do."""
    ours, theirs = writes(one), writes(other)
    for step, (mine, his) in enumerate(zip(ours, theirs, strict=False), 1):
        if mine != his:
            return step
    return None if len(ours) == len(theirs) else min(len(ours), len(theirs)) + 1


def predicted_writes(predicted: Prediction) -> Iterator[set[tuple[int, int]]]:
    for step in predicted.steps:
        yield {(write.position, write.token_id) for write in step.writes}


def test_every_predicted_write_is_made_by_the_real_run(pairs: list[Pair]) -> None:
    for pair in pairs:
        assert list(predicted_writes(pair.predicted)) == writes(pair.real)[: len(pair.predicted.steps)]


def test_the_predicted_divergence_is_the_real_one(pairs: list[Pair]) -> None:
    for pair in pairs:
        real = first_difference(pair.recorded, pair.real)
        if pair.predicted.ended == "not recorded":
            assert real is None or real > len(pair.predicted.steps)
        else:
            assert pair.predicted.diverges_at == real


def test_reasons_are_the_real_ones(pairs: list[Pair]) -> None:
    for pair in pairs:
        told = [[int(write.reason) for write in step.writes] for step in pair.predicted.steps]
        real = pair.real
        assert told == [real.event_reasons[real.event_steps == step.step].tolist() for step in pair.predicted.steps]


def test_most_can_be_told(pairs: list[Pair]) -> None:
    ends = [pair.predicted.ended for pair in pairs]
    later = sum(pair.predicted.diverges_at not in (None, 1) for pair in pairs)
    lost = ends.count("not recorded") / len(ends)
    print(f"same {ends.count('same')}, differs {ends.count('differs')} ({later} after step 1), not recorded {lost:.1%}")
    assert lost < 0.05
    assert ends.count("same") > 5
    assert later > PAIRS / 6
