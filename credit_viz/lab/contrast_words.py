"""A comparison of two settings in words: what is known, what is not told apart, and what these runs cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from credit_viz.lab.controls import AS_FEW, NO_HISTORY, WITHOUT, Control, grants_credit
from credit_viz.lab.numbers import size_told, sure, told
from credit_viz.tiny.statistics import Interval

if TYPE_CHECKING:
    from credit_viz.lab.contrasting import Contrast

__all__ = ["sentence"]

_TITLES = {"exact_match": "exact match", "token_agreement": "agreement with vanilla"}


def sentence(found: Contrast) -> str:
    """The passes and the quality, what differs, and how much of it is memory, as far as the controls say."""
    parts = [f"{_passes(found)}; {_quality(found)}.", _differs(found)]
    parts += [part for place in (0, 1) for part in _credit(found, place)]
    return " ".join(parts)


def _passes(found: Contrast) -> str:
    (first, second), passes = found.names, found.passes
    one, other = (f"{value:.1f}" for value in passes.values)
    if passes.prompts == 1:
        return f"On the one prompt that both have {second} needs {other} passes, {first} {one}"
    if passes.same:
        return f"On {passes.prompts} prompts {second} and {first} need as many passes on each, {one} on average"
    if not sure(passes.difference):
        return (
            f"On {passes.prompts} prompts the passes of {second} and {first} are not told apart: {other} and {one}, "
            f"{told(passes.difference)}"
        )
    more = f"{size_told(passes.difference)} {'more' if passes.difference.value > 0 else 'fewer'} passes"
    return f"On {passes.prompts} prompts {second} needs {more} than {first}: {other} instead of {one}"


def _quality(found: Contrast) -> str:
    if found.quality is None:
        return "nothing says how good the texts are"
    title, quality = _TITLES[found.quality], found.measures[found.quality]
    one, other = (f"{100 * value:.1f}" for value in quality.values)
    on = "" if quality.prompts == found.prompts else f" (on {quality.prompts} of them)"
    if quality.prompts == 1:
        return f"{title} {other} and {one} %, and one prompt says nothing of others{on}"
    if quality.same:
        return f"{title} is the same on each, {one} % in all{on}"
    return f"{title} is {_verdict(quality.difference)}, {other} and {one} %: {told(quality.difference, 100)} points{on}"


def _differs(found: Contrast) -> str:
    if any(control.role == WITHOUT and control.number == _other(found, control) for control in found.controls):
        return "They differ in credit alone."
    shared = [difference.knob.replace("_", " ") for difference in found.differs if difference.shared]
    if len(found.differs) == 1:
        return f"They differ in {shared[0]} alone."
    if len(shared) == 1:
        return f"They differ in the {shared[0]} and its knobs."
    return f"They differ in {_listed(shared)} at once, and this does not say which of them matters."


def _credit(found: Contrast, place: int) -> Iterator[str]:
    """What is memory in one of the two, and what the rule alone does at as few passes."""
    side, other = found.settings[place], found.settings[1 - place]
    if not grants_credit(side):
        return
    # a decoder's name is enough where the other has another one
    name = found.names[place] if side.setting.decoder == other.setting.decoder else side.setting.decoder
    roles = {control.role: control for control in found.controls if control.of == place}
    if NO_HISTORY in roles:
        yield _memory(found, name, roles[NO_HISTORY], roles[WITHOUT])
    else:
        yield f"{_capital(name)} keeps no history: what credit saves in it is a lower bar."
    if not grants_credit(other):
        yield from _rival(found, name, roles[AS_FEW])


def _memory(found: Contrast, name: str, forgetful: Control, without: Control) -> str:
    if forgetful.passes is None:
        return f"Nothing here tells memory from a lower bar in {name}; credit-viz attribute would."
    if forgetful.number == _other(found, forgetful):
        return f"So memory of earlier steps {_saves(forgetful.passes.difference, ' passes')}."
    needs = f"Without history {name} needs {forgetful.passes.values[1]:.1f}"
    if forgetful.passes.same:
        return f"{needs}, as many on each prompt: what credit saves in it is a lower bar."
    whole = without.passes is not None and without.number == _other(found, without)
    of_these = " of these" if whole and without.passes and sure(without.passes.difference) > 0 else ""
    return f"{needs}: memory {_saves(forgetful.passes.difference, of_these)}."


def _saves(saved: Interval, what: str) -> str:
    if sure(saved) < 0:
        return f"costs {size_told(saved)} passes"
    return f"saves {size_told(saved)}{what}" if sure(saved) else f"saves {told(saved)}{what}, not told from none"


def _rival(found: Contrast, name: str, rival: Control) -> Iterator[str]:
    """The rule alone where it needs about as few passes."""
    if rival.passes is None:
        return
    if rival.number == _other(found, rival):
        yield f"The other is the rule alone at about as few passes, so it is the fair rival of {name}."
        return
    needs = f"The rule alone needs about as few at {rival.name}, {rival.passes.values[1]:.1f}"
    if rival.quality is None or found.quality is None:
        yield f"{needs}."
        return
    worse = rival.quality.difference
    title, better = _TITLES[found.quality], Interval(-worse.value, -worse.high, -worse.low)
    if rival.quality.same:
        yield f"{needs}, with the same {title} on each prompt."
    else:
        yield f"{needs}; against that, {title} of {name} is {_verdict(better)}: {told(better, 100)} points."


def _other(found: Contrast, control: Control) -> int:
    """Number of the setting whose control it is not."""
    return found.settings[1 - control.of].number


def _verdict(difference: Interval) -> str:
    return ("not told apart", "higher", "lower")[sure(difference)]


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
