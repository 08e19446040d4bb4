"""What each run of the embedded model's gallery has to show, in words and as a test on decoded lanes.

Knows decoders by name, tasks and traces. Does not know how prompts are searched or how a gallery is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.gallery import Spot
from credit_viz.tiny import SETTINGS
from credit_viz.tiny.evaluate import Arm
from credit_viz.tiny.tasks import Example
from credit_viz.trace.record import Reason, Trace

__all__ = ["WANTED", "Found", "Tried", "Wanted"]

_BAR = {"threshold": 0.9}
_HIGH_BAR = {"threshold": 0.95}


@dataclass
class Tried:
    """One prompt; its lanes are decoded when they are first asked for, by label."""

    example: Example
    decode: Callable[[str], Trace]
    _lanes: dict[str, Trace] = field(default_factory=dict)

    def __getitem__(self, label: str) -> Trace:
        if label not in self._lanes:
            self._lanes[label] = self.decode(label)
        return self._lanes[label]

    def passes(self, label: str) -> int:
        """Forward passes of a lane."""
        return self[label].forward_passes

    def right(self, label: str) -> bool:
        """Does the task's checker accept what the lane wrote?"""
        return self.example.accepts(self[label].text)

    def same(self, *labels: str) -> bool:
        """Did these lanes write the same tokens everywhere?"""
        first, *others = (self[label].token_ids for label in labels)
        return all(np.array_equal(first, other) for other in others)


class Found(NamedTuple):
    """A prompt that came out as wanted."""

    rank: float  #: the least is shown
    label: str  #: lane to look at
    step: int
    position: int
    words: Mapping[str, Any] = {}  #: for the sentence


@dataclass(frozen=True)
class Wanted:
    """One run of the gallery: its words, and which prompts come out like it."""

    name: str
    title: str
    look: str  #: what to look at; {label} is a lane's passes, {found} and {tried} count prompts
    task: str
    shown: tuple[Arm, ...]
    judge: Callable[[Tried], Found | None]
    beside: tuple[Arm, ...] = ()  #: decoded to judge by, not shown
    block_length: int = 32
    map: str = "waiting"

    def arm(self, label: str) -> Arm:
        """The arm with this label."""
        return next(arm for arm in (*self.shown, *self.beside) if arm.label == label)

    def spot(self, found: Found) -> Spot:
        """Where to look."""
        return Spot(found.step, found.position, [arm.label for arm in self.shown].index(found.label), self.map)


def _vanilla() -> Arm:
    return Arm("vanilla", "vanilla")


def _threshold(settings: Mapping[str, float]) -> Arm:
    return Arm("threshold", "threshold", dict(settings))


def _credit(settings: Mapping[str, float]) -> Arm:
    return Arm("credit", "credit", dict(settings))


def _control(settings: Mapping[str, float]) -> Arm:
    return Arm("control", "credit", dict(settings), "no history")


def _word(trace: Trace, token: int) -> str:
    return trace.info.token_text.get(int(token), f"[{token}]").strip()


def _by_credit(trace: Trace) -> list[int]:
    """Text positions written thanks to credit."""
    return [int(i) for i in np.flatnonzero((trace.reason == Reason.CREDIT) & trace.content_mask)]


def _held(trace: Trace) -> NDArray[np.int32]:
    """(L,) passes from the first in which a position could earn credit for its final guess to the one that wrote it."""
    inside = (trace.block_starts[:, None] <= np.arange(trace.gen_length)) & (
        trace.block_ends[:, None] > np.arange(trace.gen_length)
    )
    opened = inside.argmax(0) + 1
    return np.asarray(trace.commit_step - np.maximum(trace.converge_step, opened), np.int32)


def _longest_held(trace: Trace, rank: float) -> Found | None:
    """Look at the word that credit wrote after the longest wait; None where it wrote none that had won before."""
    held = _held(trace)
    words = [i for i in _by_credit(trace) if held[i] > 0 and _word(trace, trace.token_ids[i]).isalpha()]
    if not words:
        return None
    position = max(words, key=lambda i: held[i])
    step = int(trace.commit_step[position])
    guess = trace.explain(step, position).guess
    told = {
        "token": _word(trace, guess.token_id),
        "p": f"{guess.raw_p:.3f}",
        "fused": f"{guess.fused_p:.3f}",
        "since": step - int(held[position]),
        "step": step,
    }
    return Found(rank - int(held[position]) / 100, "credit", step, position, told)


def _same_story(tried: Tried) -> Found | None:
    saved = tried.passes("threshold") - tried.passes("credit")
    if saved < 1 or not tried.right("credit") or not tried.same("threshold", "credit", "vanilla"):
        return None
    return _longest_held(tried["credit"], -saved)


def _memory_pays(tried: Tried) -> Found | None:
    threshold, control, credit = (tried.passes(label) for label in ("threshold", "control", "credit"))
    if not threshold > control > credit or not tried.right("credit"):
        return None
    same = tried.same("threshold", "credit", "vanilla", "control")
    return _longest_held(tried["credit"], -(threshold - credit)) if same else None


def _control_pays_as_well(tried: Tried) -> Found | None:
    threshold, control, credit = (tried.passes(label) for label in ("threshold", "control", "credit"))
    if not threshold > control == credit or not tried.right("credit"):
        return None
    same = tried.same("threshold", "credit", "control")
    return _longest_held(tried["credit"], -(threshold - credit)) if same else None


def _credit_errs(tried: Tried) -> Found | None:
    """The first wrong word of the credit lane was written thanks to credit."""
    if tried.right("credit") or not tried.right("threshold") or not tried.right("vanilla"):
        return None
    credit, threshold = tried["credit"], tried["threshold"]
    differ = np.flatnonzero(credit.token_ids != threshold.token_ids)
    first = credit.commit_step[differ].min()
    # words that the threshold alone, at that step, would have gone on waiting for
    doubted = (credit.commit_step == first) & (threshold.commit_step > first) & threshold.content_mask
    telling = [i for i in _by_credit(credit) if i in differ and doubted[i]]
    if not telling:
        return None
    position = telling[0]
    words = {
        "token": _word(credit, credit.token_ids[position]),
        "other": _word(threshold, threshold.token_ids[position]),
        "step": first,
        "later": threshold.commit_step[position],
    }
    return Found(len(differ), "credit", int(first), position, words)


def _saves_nothing(tried: Tried) -> Found | None:
    if tried.passes("credit") != tried.passes("threshold") or not tried.same("credit", "threshold"):
        return None
    credit = tried["credit"]
    if not tried.right("credit") or _by_credit(credit):
        return None
    last = int(np.where(credit.content_mask, credit.commit_step, 0).argmax())
    return Found(-credit.content_tokens, "credit", int(credit.commit_step[last]), last)


def _sum_is_wrong(tried: Tried) -> Found | None:
    """Every lane writes the same wrong result."""
    if tried.right("credit") or not tried.same("credit", "threshold", "vanilla"):
        return None
    trace = tried["credit"]
    texts = [_word(trace, token) for token in trace.token_ids]
    for position in range(4, len(texts)):
        found = re.fullmatch(r"(\d+) ([+-]) (\d+) = (\d+)", " ".join(texts[position - 4 : position + 1]))
        if found:
            left, sign, right, result = found.groups()
            answer = int(left) + int(right) if sign == "+" else int(left) - int(right)
            if answer != int(result):
                words = {"sum": f"{left} {sign} {right}", "result": result, "answer": answer}
                return Found(0, "vanilla", int(tried["vanilla"].commit_step[position]), position, words)
    return None


def _takes_back(tried: Tried) -> Found | None:
    wino = tried["wino"]
    if tried.right("threshold") or not tried.right("wino") or wino.taken_back < 3:
        return None
    back = wino.event_reasons == Reason.REMASKED
    steps, counts = np.unique(wino.event_steps[back], return_counts=True)
    step, count = int(steps[counts.argmax()]), int(counts.max())
    standing = wino.canvas(step - 1)
    positions = [int(i) for i in wino.event_positions[back & (wino.event_steps == step)]]
    position = next((i for i in positions if _word(wino, standing[i]).isalpha()), positions[0])
    words = {"step": step, "count": count, "token": _word(wino, standing[position])}
    return Found(tried.passes("wino") - tried.passes("threshold"), "wino", step, position, words)


def _edit_spoils(tried: Tried) -> Found | None:
    editing, threshold = tried["editing"], tried["threshold"]
    if tried.right("editing") or not tried.right("threshold"):
        return None
    edits = np.flatnonzero(editing.event_reasons == Reason.EDITED)
    for edit in edits:
        step, position = int(editing.event_steps[edit]), int(editing.event_positions[edit])
        before, after = editing.canvas(step - 1)[position], editing.event_ids[edit]
        if before == threshold.token_ids[position] and after == editing.token_ids[position] != before:
            words = {"old": _word(editing, before), "new": _word(editing, after), "step": step}
            return Found(len(edits), "editing", step, position, words)
    return None


_QUICK = _credit(SETTINGS["credit"])

WANTED: tuple[Wanted, ...] = (
    Wanted(
        "story",
        "The same story, in {credit} passes",
        "Vanilla writes one token per pass. Credit also writes what keeps winning: “{token}” has led since step "
        "{since}, so in step {step} its {p} counts as {fused}, over the bar of 0.99.",
        "story",
        (_vanilla(), _QUICK),
        _same_story,
        beside=(_threshold(SETTINGS["threshold"]),),
    ),
    Wanted(
        "memory",
        "What memory adds",
        "Most of the gain is the threshold’s: {threshold} passes instead of {vanilla}. Credit needs {credit}: in step "
        "{step} “{token}” is at {p}, below the bar of 0.90, but it has won since step {since}. "
        "Found in {found} of {tried} prompts.",
        "code",
        (_vanilla(), _threshold(_BAR), _credit(_BAR)),
        _memory_pays,
        beside=(_control(_BAR),),
        map="credit",
    ),
    Wanted(
        "control",
        "Memory, or only a lower bar?",
        "The third lane is a control: it forgets all credit after each pass, so it only lowers the bar. Here it needs "
        "{control} passes, as few as credit: memory adds nothing. Found in {found} of {tried} prompts.",
        "code",
        (_threshold(_HIGH_BAR), _credit(_HIGH_BAR), _control(_HIGH_BAR)),
        _control_pays_as_well,
        map="fused",
    ),
    Wanted(
        "wrong-word",
        "Where credit writes the wrong word",
        "In step {step} credit lifts “{token}” over the bar. The threshold lane goes on waiting, and writes “{other}” "
        "there in step {later}. Credit’s story is broken, the others are right. Found in {found} of {tried} stories.",
        "story",
        (_vanilla(), _threshold(_HIGH_BAR), _credit(_HIGH_BAR)),
        _credit_errs,
        map="fused",
    ),
    Wanted(
        "no-gain",
        "Where credit saves nothing",
        "A result cannot be guessed before its sum is written, and no word wins long enough to be written for its "
        "credit: both lanes take {credit} passes. Found in {found} of {tried} sums.",
        "arithmetic",
        (_threshold(_BAR), _credit(_BAR)),
        _saves_nothing,
    ),
    Wanted(
        "wrong-sum",
        "Wrong in every lane",
        "{sum} is {answer}, not {result}. Every lane writes the same mistake: it is the model’s own, and no decoder "
        "here mends it. So it went in {found} of {tried} sums.",
        "arithmetic",
        (_vanilla(), _threshold(_BAR), _credit(_BAR)),
        _sum_is_wrong,
        map="confidence",
    ),
    Wanted(
        "taken-back",
        "Words taken back",
        "WINO writes boldly and looks again: in step {step} it takes back {count} tokens, “{token}” among them. The "
        "threshold lane keeps what it wrote, and its story is broken. Found in {found} of {tried} stories.",
        "story",
        (_threshold(_BAR), Arm("wino", "wino")),
        _takes_back,
        block_length=64,
    ),
    Wanted(
        "second-thought",
        "A second thought that spoils it",
        "Editing may replace what it wrote: in step {step} it turns “{old}” into “{new}”. Now the story is wrong; "
        "the plain threshold’s is right. Found in {found} of {tried} stories.",
        "story",
        (_threshold(_HIGH_BAR), Arm("editing", "editing")),
        _edit_spoils,
    ),
)
