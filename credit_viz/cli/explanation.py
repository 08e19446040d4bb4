"""One decision in numbers: a small table and the sum in one sentence, or plain JSON. Knows traces, no torch."""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table
from rich.text import Text

from credit_viz.cli.words import plain_console, visible
from credit_viz.figures.style import reason_words
from credit_viz.text import rounded
from credit_viz.trace.explain import Explanation, Guess
from credit_viz.trace.record import Reason, Trace

__all__ = ["explanation_json", "print_explanation", "sentence"]

_ROUNDING = 2**-20  #: what two float32 probabilities may be off together


def explanation_json(label: str, trace: Trace, explained: Explanation) -> dict[str, Any]:
    """Plain JSON types; null where a number does not apply."""
    values = {name: _plain(value) for name, value in explained._asdict().items()}
    return {"run": label, "decoder": trace.info.decoder, "score_name": trace.info.score, **values}


def _plain(value: Any) -> Any:
    if isinstance(value, Guess):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, Reason):
        return value.name.lower()
    # JSON has no nan and no infinity
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_explanation(label: str, trace: Trace, explained: Explanation) -> None:
    """The guesses as a table, then the sum, on stdout."""
    console = plain_console()
    console.print(Text(f"{visible(label)}, step {explained.step}, position {explained.position}", style="bold"))
    console.print(_table(explained, with_credit="credit" in trace.channels))
    console.print(Text(visible(sentence(trace, explained))), soft_wrap=True)
    if explained.boost > 0 and math.isfinite(explained.effective_threshold):
        enough = _number(explained.effective_threshold)
        console.print(Text(f"With this credit p ≥ {enough} would do, had no other token any."), soft_wrap=True)
    if ";" in trace.info.score and explained.score != explained.guess.fused_p:
        console.print(Text(f"score: {visible(trace.info.score)}", style="dim"), soft_wrap=True)


def _table(explained: Explanation, with_credit: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("token")
    for name in ("p", *(["credit", "fused p"] * with_credit)):
        table.add_column(name, justify="right")
    for what, guess in _guesses(explained):
        numbers = [_number(guess.raw_p), _number(guess.credit, 2), _number(guess.fused_p)]
        table.add_row(what, Text(f'"{visible(guess.text)}"'), *numbers[: 3 if with_credit else 1])
    return table


def _guesses(explained: Explanation) -> list[tuple[str, Guess]]:
    named = {
        "stood here": explained.stood,
        "best guess": explained.guess,
        "runner-up": explained.runner_up,
        "written": explained.written,
        "by hand": explained.by_hand,
    }
    return [(what, guess) for what, guess in named.items() if guess is not None]


def sentence(trace: Trace, explained: Explanation) -> str:
    """The sum, from the raw probability over credit to the comparison and what followed.

    For example "p 0.800, credit 2.40 → odds × 2.36 → fused 0.904 ≥ 0.900: written, only Trace Credit lifted it ...".
    """
    guess = explained.guess
    by_probability = explained.score == guess.fused_p
    score, comparison = _compared(explained)
    fused = score if by_probability else _number(guess.fused_p)
    if explained.boost > 0:
        parts = [f"p {_number(guess.raw_p)}", f"credit {_number(guess.credit, 2)} → {_odds(explained)} → fused {fused}"]
    else:
        parts = [f"p {fused}"]
    if not by_probability:
        parts.append(f"{'score' if ';' in trace.info.score else trace.info.score} {score}")
    return f"{', '.join(parts)}{comparison}: {_outcome(trace, explained)}{_by_hand(trace, explained)}"


def _odds(explained: Explanation) -> str:
    """What credit did to the odds p / (1 - p): its own factor, and what rivals' credit took back."""
    own = math.exp(explained.boost)
    raw, fused = explained.guess.raw_p, explained.guess.fused_p
    text = f"odds × {own:.2f}"
    if not (0 < raw < 1 and 0 < fused < 1):
        return text
    taken = fused / (1 - fused) / (raw / (1 - raw)) / own
    # odds of a probability next to 1 are known no better than its last digits
    doubt = 0.005 + _ROUNDING / (1 - max(raw, fused))
    return f"{text}, × {taken:.2f} for rivals' credit" if taken < 1 - doubt else text


def _compared(explained: Explanation) -> tuple[str, str]:
    """The score, and its comparison with the bar, with as many digits as tell them apart; "" where none was made."""
    score, bar = explained.score, explained.bar
    if math.isnan(bar):
        return _number(score), ""
    digits = next((d for d in range(3, 9) if score == bar or _number(score, d) != _number(bar, d)), 9)
    return _number(score, digits), f" {'≥' if score >= bar else '<'} {_number(bar, digits)}"


def _outcome(trace: Trace, explained: Explanation) -> str:
    """What happened to the position in this step."""
    if explained.reason is not None:
        verb = {Reason.REMASKED: "taken back", Reason.EDITED: "edited", Reason.FILLED: "filled in"}
        return f"{verb.get(explained.reason, 'written')}, {reason_words(explained.reason)}"
    if explained.stood is not None:
        return "it stands"
    if math.isnan(explained.bar):
        return "not written, its block is not being written yet"
    if explained.guess.token_id == trace.info.mask_id:
        return "not written, the mask token never is"
    return "not written yet"


def _by_hand(trace: Trace, explained: Explanation) -> str:
    """What a person did right after."""
    if explained.by_hand is None:
        return ""
    if explained.by_hand.token_id == trace.info.mask_id:
        return "; then taken back by hand"
    return f'; then "{explained.by_hand.text}" was written by hand'


def _number(value: float, least: int = 3) -> str:
    """`least` decimals, or as many as keep it from reading 0 or 1 where it is not; a dash where there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    exact = (d for d in range(least, 10) if value in (0, 1) or float(f"{value:.{d}f}") not in (0, 1))
    return rounded(value, next(exact, 9))
