"""A trace in a notebook: its headline numbers and the waits of its tokens, as HTML that needs no script and no network.

Colours are those of the notebook (`currentColor`), so that it reads in light and dark. No text of the trace is markup.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from credit_viz.trace.record import Trace

__all__ = ["trace_html"]

_WIDTH, _ROW, _TALLEST = 640, 6, 360  #: pixels
_TEXT = 600  #: characters of prompt and text


def trace_html(trace: Trace) -> str:
    """A table of numbers, a picture of the waits, and the text."""
    info = trace.info
    numbers = {
        "forward passes": str(trace.forward_passes),
        "tokens per pass": f"{trace.tokens_per_forward:.2f}",
        "text tokens per pass": f"{trace.content_tokens_per_forward:.2f}",
        "mean wait": f"{trace.mean_wait:.1f} steps",
        "redundant guesses": str(trace.redundant_guesses),
    }
    if not trace.complete:
        numbers["unfinished"] = f"{int((trace.commit_step > 0).sum())} of {trace.gen_length - len(info.fixed)} tokens"
    head = "".join(f"<th style='text-align:right'>{name}</th>" for name in numbers)
    row = "".join(f"<td style='text-align:right'>{value}</td>" for value in numbers.values())
    settings = ", ".join(f"{name} {_value(value)}" for name, value in info.settings.items())
    title = f"{info.decoder} on {info.model}" + (f": {settings}" if settings else "")
    return (
        f"<div><p>{_text(title)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody><tr>{row}</tr></tbody></table>"
        f"{_picture(trace)}"
        f"<p style='opacity:.75'>{_text(info.prompt or '')}</p>"
        f"<pre style='white-space:pre-wrap'>{_text(trace.text.strip() or '(no text)')}</pre></div>"
    )


def _picture(trace: Trace) -> str:
    """One row per position: a bar from settled to written; pale where the token is no text."""
    length, steps = trace.gen_length, max(1, trace.forward_passes)
    height = min(_TALLEST, _ROW * length)
    words = f"Waits: a bar per token from settled to written, {length} positions by {trace.forward_passes} steps"
    bars = "".join(_bars(trace, _WIDTH / steps, height / length))
    return (
        f"<svg role='img' aria-label='{words}' width='{_WIDTH}' height='{height + 18}' "
        f"viewBox='0 0 {_WIDTH} {height + 18}' fill='currentColor' style='max-width:100%'>"
        f"<title>{words}</title><rect width='{_WIDTH}' height='{height}' fill-opacity='.05'/>{bars}"
        f"<text y='{height + 13}' font-size='11' fill-opacity='.75'>step 1</text>"
        f"<text x='{_WIDTH}' y='{height + 13}' font-size='11' fill-opacity='.75' text-anchor='end'>"
        f"step {trace.forward_passes}</text></svg>"
    )


def _bars(trace: Trace, wide: float, high: float) -> Iterator[str]:
    content = trace.content_mask
    for position, (settled, written) in enumerate(zip(trace.converge_step, trace.commit_step, strict=True)):
        if written:
            left, span = (int(settled) - 1) * wide, (int(written) - int(settled) + 1) * wide
            opacity = ".8" if content[position] else ".25"
            yield (
                f"<rect x='{left:.1f}' y='{position * high:.1f}' width='{span:.1f}' height='{0.7 * high:.1f}' "
                f"fill-opacity='{opacity}'/>"
            )


def _value(value: object) -> str:
    if value is None:
        return "auto"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(text: str) -> str:
    """Untrusted text: cut, escaped, nothing in it reorders or hides."""
    cut = text if len(text) <= _TEXT else f"{text[:_TEXT]}…"
    return html.escape("".join(c if c.isprintable() or c == "\n" else f"‹{ord(c):04X}›" for c in cut))
