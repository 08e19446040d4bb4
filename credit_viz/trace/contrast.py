"""Why two runs of one prompt differ: passes, waits, tokens by reason, and where their texts part. Knows traces only.

One prompt is one case: there are no intervals, and nothing here says what other prompts would do. Sweeps do, see
`credit_viz.lab.contrast`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from credit_viz.errors import TraceError
from credit_viz.text import value_text
from credit_viz.trace.divergence import Divergence, first_divergence
from credit_viz.trace.reasons import written_by
from credit_viz.trace.record import Trace

__all__ = ["MEASURES", "RunContrast", "contrast_runs"]

#: properties of a trace that are compared.
MEASURES = ("forward_passes", "content_tokens_per_forward", "mean_wait", "redundant_guesses")
_OPTIONS = ("model", "decoder", "gen_length", "block_length", "seed", "early_stop", "cache", "logits_to_keep", "dtype")
_CREDIT = {"alpha", "beta", "gamma"}
_NONE = "–"  #: value of a knob that a decoder does not have


@dataclass(frozen=True)
class RunContrast:
    """Two runs beside each other; differences are second - first."""

    traces: tuple[Trace, Trace]
    names: tuple[str, str]
    differs: Mapping[str, tuple[str, str]]  #: options and knobs that the two do not have in common
    measures: Mapping[str, tuple[float, float]]  #: by name in `MEASURES`
    reasons: Mapping[str, tuple[int, int]]  #: tokens, see `written_by`; those that occur
    same_text: bool
    divergence: Divergence | None  #: where they first hold two tokens; None: nowhere, or their lengths differ

    @property
    def sentence(self) -> str:
        """The answer in words."""
        return " ".join([f"{self._passes()}; {self._texts()}.", *self._credit(), "One prompt says nothing of others."])

    def _passes(self) -> str:
        (first, second), (one, other) = self.names, map(int, self.measures["forward_passes"])
        unfinished = [n for n, trace in zip(self.names, self.traces, strict=True) if not trace.complete]
        said = f" ({' and '.join(unfinished)} did not finish)" if unfinished else ""
        if one == other:
            return f"{second} and {first} need as many passes, {one}{said}"
        more = _counted(abs(other - one), "more" if other > one else "fewer", "pass", "passes")
        return f"{second} needs {more} than {first}, {other} instead of {one}{said}"

    def _texts(self) -> str:
        where = "" if self.divergence is None else self._parting(self.divergence)
        if self.same_text:
            return "both wrote the same text" + (f", though in between they part{where}" if where else "")
        return f"their texts part{where}" if where else "they wrote different texts"

    def _parting(self, found: Divergence) -> str:
        tokens = zip(self.traces, found.tokens, strict=True)
        one, other = (trace.info.token_text.get(token, f"[{token}]") for trace, token in tokens)
        return f" in step {found.step} at position {found.position}, with {one!r} and {other!r}"

    def _credit(self) -> Iterator[str]:
        """What the reasons say of credit, and what they cannot say."""
        for name, trace, count in zip(self.names, self.traces, self.reasons.get("credit", (0, 0)), strict=True):
            settings = trace.info.settings
            if not settings.keys() >= _CREDIT or settings["alpha"] == 0:
                continue
            if count == 0:
                yield f"Credit alone lifted no token of {name} over the bar."
                continue
            wrote = f"Only credit lifted {_counted(count, '', 'token', 'tokens')} of {name} over the bar"
            if settings["beta"] == 0:
                yield f"{wrote}; it keeps no history, so that is a lower bar."
            else:
                yield f"{wrote}; whether by memory or as a lower bar would, credit-viz attribute tells on many prompts."


def _counted(count: int, kind: str, one: str, many: str) -> str:
    return " ".join(filter(None, [str(count), kind, one if count == 1 else many]))


def contrast_runs(first: Trace, second: Trace, names: Sequence[str] | None = None) -> RunContrast:
    """Compare two runs of one prompt.

    Args:
        names: of the two, in sentences; by default their decoders.

    Raises:
        TraceError: the runs decoded different prompts.
    """
    if _prompt(first) != _prompt(second):
        raise TraceError("these runs decoded different prompts; valid: two runs of the same one")
    one, other = names or (first.info.decoder, second.info.decoder)
    counts = written_by(first), written_by(second)
    measures = {name: (float(getattr(first, name)), float(getattr(second, name))) for name in MEASURES}
    return RunContrast(
        traces=(first, second),
        names=(one, other),
        differs=MappingProxyType(dict(_differs(first, second))),
        measures=MappingProxyType(measures),
        reasons=MappingProxyType({n: (counts[0][n], counts[1][n]) for n in counts[0] if counts[0][n] or counts[1][n]}),
        same_text=first.text == second.text,
        divergence=first_divergence(first, second) if first.gen_length == second.gen_length else None,
    )


def _prompt(trace: Trace) -> Any:
    """The text, where there is one: another model has other ids for it."""
    return trace.info.prompt if trace.info.prompt is not None else trace.info.prompt_ids


def _differs(first: Trace, second: Trace) -> Iterator[tuple[str, tuple[str, str]]]:
    for name in _OPTIONS:
        one, other = (str(getattr(trace.info, name)) for trace in (first, second))
        if one != other:
            yield name, (one, other)
    settings = first.info.settings, second.info.settings
    for knob in dict.fromkeys((*settings[0], *settings[1])):
        one, other = (value_text(own[knob]) if knob in own else _NONE for own in settings)
        if one != other:
            yield knob, (one, other)
    changed = [str(len(trace.info.interventions)) for trace in (first, second)]
    if first.info.interventions != second.info.interventions:
        yield "changes by hand", (changed[0], changed[1])
