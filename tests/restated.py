"""Decoding rules once more, in float64 numpy, written from the papers' rules and not from this project's code.

A rule is made fresh for every block and is told, per step, the logits (N, V), which positions are masked (N,), the
masked share of the text and which positions have a guess that may be written (N,). It answers with the winners (N,) and
the positions to write. Where a comparison is too close for float64 to settle, it raises `CloseCall`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch

from tests.support import MockModel

__all__ = ["RULES", "CloseCall", "Restated", "restated_run"]

Array = np.ndarray[Any, Any]
_CLOSE = 1e-9


class CloseCall(Exception):  # noqa: N818 - not an error
    """Two correct computations may differ here."""


class Restated(NamedTuple):
    """What a run came to."""

    ids: list[int]
    steps: list[int]
    passes: int


class Seen(NamedTuple):
    """What a rule is told of one step."""

    logits: Array
    masked: Array
    mask_ratio: float
    mask_id: int


Rule = Callable[[Seen], tuple[Array, list[int]]]


def at_least(value: float, bar: float) -> bool:
    if abs(value - bar) < _CLOSE and (value or bar):
        raise CloseCall
    return value >= bar


def softmax(logits: Array) -> Array:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def best_first(values: Array, places: list[int]) -> list[int]:
    """Places by falling value; equals from left to right."""
    order = sorted(places, key=lambda i: (-values[i], i))
    for one, two in pairwise(order):
        if values[one] != values[two] and abs(values[one] - values[two]) < _CLOSE:
            raise CloseCall
    return order


# ------------------------------------------------------------------ what is compared


@dataclass
class Plain:
    """The model's own probabilities."""

    settings: Mapping[str, Any]

    def scores(self, seen: Seen) -> Array:
        """(N, V) probabilities that decide."""
        return softmax(seen.logits)


@dataclass
class WithCredit(Plain):
    """Dense credit matrix: the top-1 alone earns."""

    credit: Array | None = field(default=None)

    def scores(self, seen: Seen) -> Array:
        free = 1 - seen.mask_ratio
        alpha, beta = (free if self.settings[k] is None else self.settings[k] for k in ("alpha", "beta"))
        if self.credit is None:
            self.credit = np.zeros_like(seen.logits)
        self.credit = self.credit * beta
        for i, p in enumerate(softmax(seen.logits)):
            if seen.masked[i]:
                self.earn(self.credit[i], p)
        return softmax(seen.logits + alpha * np.log(1 + self.credit))

    def earn(self, credit: Array, p: Array) -> None:
        credit[p.argmax()] += p.max() ** self.settings["gamma"]


class WithCreditForAll(WithCredit):
    """Every token earns; equal tokens may earn amounts that differ in the last bit."""

    def scores(self, seen: Seen) -> Array:
        fused = super().scores(seen)
        if (margins(fused) < _CLOSE).any():
            raise CloseCall
        return fused

    def earn(self, credit: Array, p: Array) -> None:
        credit += p ** self.settings["gamma"]


# ------------------------------------------------------------------ what is accepted


def able(seen: Seen, ids: Array) -> list[int]:
    return [i for i in range(len(ids)) if seen.masked[i] and ids[i] != seen.mask_id]


def or_the_best(chosen: list[int], places: list[int], values: Array) -> list[int]:
    """At least one, where one can be written at all."""
    return chosen or best_first(values, places)[:1]


def margins(p: Array) -> Array:
    ordered = np.sort(p, -1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def entropies(p: Array) -> Array:
    return np.array([-sum(float(x) * np.log(x) for x in row if x > 0) for row in p])


def threshold(settings: Mapping[str, Any], seen: Seen, p: Array) -> list[int]:
    best, places = p.max(-1), able(seen, p.argmax(-1))
    return or_the_best([i for i in places if at_least(best[i], settings["threshold"])], places, best)


def margin(settings: Mapping[str, Any], seen: Seen, p: Array) -> list[int]:
    lead, places = margins(p), able(seen, p.argmax(-1))
    return or_the_best([i for i in places if at_least(lead[i], settings["margin"])], places, lead)


def top_n(settings: Mapping[str, Any], seen: Seen, p: Array) -> list[int]:
    return best_first(p.max(-1), able(seen, p.argmax(-1)))[: settings["count"]]


def factor(settings: Mapping[str, Any], seen: Seen, p: Array) -> list[int]:
    """The largest n with (n + 1) (1 - p(n)) <= f."""
    best, places = p.max(-1), able(seen, p.argmax(-1))
    order = best_first(best, places)
    fits = [n for n, i in enumerate(order, 1) if at_least(settings["factor"], (n + 1) * (1 - best[i]))]
    return order[: max(fits, default=1)]


def hierarchy(settings: Mapping[str, Any], seen: Seen, p: Array) -> list[int]:
    best, places = p.max(-1), able(seen, p.argmax(-1))
    low = -np.inf if settings["low"] is None else settings["low"]
    high = np.inf if settings["high"] is None else settings["high"]
    chosen = [i for i in places if not at_least(high, best[i])]
    for gap in gaps(seen.masked):
        inside = [i for i in gap if i in places]
        top = [best[i] for i in best_first(best, inside)][:1]
        chosen += [i for i in inside if best[i] == top[0] and not at_least(low, best[i])]
    return or_the_best(sorted(set(chosen)), places, best)


def gaps(masked: Array) -> Iterator[list[int]]:
    """Unbroken rows of masks."""
    row: list[int] = []
    for place, here in enumerate([*masked, False]):
        if here:
            row.append(place)
        elif row:
            yield row
            row = []


def entropy_bound(settings: Mapping[str, Any], seen: Seen, p: Array) -> list[int]:
    """The largest prefix of an order with sum H - max H <= gamma."""
    entropy = entropies(p)
    rank = {"entropy": -entropy, "confidence": p.max(-1), "margin": margins(p)}[settings["order"]]
    order = best_first(rank, able(seen, p.argmax(-1)))
    count = 0
    for n in range(1, len(order) + 1):
        together = entropy[order[:n]]
        if n == 1 or at_least(settings["gamma"], together.sum() - together.max()):
            count = n
    return order[:count]


class Vanilla(Plain):
    """LLaDA's schedule for one block in steps that divide evenly."""

    step = 0

    def count(self, size: int, steps: int) -> int:
        self.step += 1
        return size // steps + (self.step <= size % steps) if self.step <= steps else 1


def vanilla(block: Vanilla, seen: Seen, p: Array) -> list[int]:
    rank = {"confidence": p.max(-1), "entropy": -entropies(p), "margin": margins(p)}[block.settings["order"]]
    return best_first(rank, able(seen, p.argmax(-1)))[: block.count(len(p), block.settings["steps of block"])]


Accepts = Callable[[Mapping[str, Any], Seen, Array], list[int]]


def _joined(scores: type[Plain], accept: Accepts) -> Callable[[Mapping[str, Any]], Rule]:
    def make(settings: Mapping[str, Any]) -> Rule:
        half = scores(settings)

        def rule(seen: Seen) -> tuple[Array, list[int]]:
            p = half.scores(seen)
            return p.argmax(-1), accept(settings, seen, p)

        return rule

    return make


def _vanilla(settings: Mapping[str, Any]) -> Rule:
    block = Vanilla(settings)

    def rule(seen: Seen) -> tuple[Array, list[int]]:
        p = block.scores(seen)
        return p.argmax(-1), vanilla(block, seen, p)

    return rule


#: by decoder name: settings to a rule for one block.
RULES: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {
    "vanilla": _vanilla,
    "threshold": _joined(Plain, threshold),
    "margin": _joined(Plain, margin),
    "factor": _joined(Plain, factor),
    "hierarchy": _joined(Plain, hierarchy),
    "entropy-bound": _joined(Plain, entropy_bound),
    "credit": _joined(WithCredit, threshold),
    "credit-margin": _joined(WithCredit, margin),
    "credit-top-n": _joined(WithCredit, top_n),
    "credit-factor": _joined(WithCredit, factor),
    "credit-hierarchy": _joined(WithCredit, hierarchy),
    "dense-credit": _joined(WithCreditForAll, threshold),
}


# ------------------------------------------------------------------ the run


def restated_run(
    model: MockModel,
    make: Callable[[], Rule],
    gen_length: int,
    block_length: int,
    guidance: float = 0.0,
    prompt: tuple[int, ...] = (2, 3),
) -> Restated:
    """Blocks from left to right, each until it has no mask."""
    canvas = np.array([*prompt, *[model.mask_id] * gen_length])
    steps, passes = [0] * gen_length, 0
    for start in range(len(prompt), len(canvas), block_length):
        rule = make()
        block = slice(start, start + block_length)
        while (canvas[block] == model.mask_id).any():
            logits = _logits(model, canvas, len(prompt), guidance)[block]
            masked, ratio = canvas[block] == model.mask_id, float((canvas == model.mask_id).sum()) / gen_length
            ids, places = rule(Seen(logits, masked, ratio, model.mask_id))
            passes += 1
            if not places:
                ids, places = _any_text(logits, masked, model.mask_id)
            for i in places:
                canvas[start + i] = ids[i]
                steps[start - len(prompt) + i] = passes
    return Restated(canvas[len(prompt) :].tolist(), steps, passes)


def _logits(model: MockModel, canvas: Array, prompt_length: int, guidance: float) -> Array:
    own = model.token_logits(torch.from_numpy(canvas[None]))[0].double().numpy()
    if not guidance:
        return own
    without = canvas.copy()
    without[:prompt_length] = model.mask_id
    other = model.token_logits(torch.from_numpy(without[None]))[0].double().numpy()
    return np.asarray(other + (guidance + 1) * (own - other))


def _any_text(logits: Array, masked: Array, mask_id: int) -> tuple[Array, list[int]]:
    """Every guess is the mask: the best other one."""
    p = softmax(logits)
    p[:, mask_id] = -1
    best = p.max(-1)
    return p.argmax(-1), best_first(best, np.flatnonzero(masked).tolist())[:1]
