"""One self-contained HTML page of one or more saved runs: nothing is fetched, and no token text is markup.

The figures and plotly.js travel as base64(gzip) and are unpacked by the browser; a content security policy in the file
forbids every request. Light and dark follow the reader's preference.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.utils import PlotlyJSONEncoder

from credit_viz.errors import TraceError
from credit_viz.figures import FIGURES, draw
from credit_viz.figures.labels import counted, guess_grid, visible
from credit_viz.figures.plotlyjs import plotly_js
from credit_viz.figures.rows import event_mark
from credit_viz.figures.style import lane_color, mark, surface
from credit_viz.trace.record import Trace

__all__ = ["Heights", "render_page", "write_page"]


class Heights(NamedTuple):
    """What a heatmap draws, for the browser."""

    bytes: str  #: base64 of (rows, columns) uint8, see `_bytes`
    shape: tuple[int, int]


def write_page(runs: Mapping[str, Trace], path: str | Path) -> None:
    """`render_page` into a file.

    Raises:
        TraceError: the file cannot be written.
    """
    page = render_page(runs)
    try:
        Path(path).write_text(page, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"cannot write {path}: {error}") from error


def render_page(runs: Mapping[str, Trace]) -> str:
    """The page as text. runs: traces by their names for people, at least one."""
    first = next(iter(runs.values()))
    return Template(_asset("page.html")).substitute(
        title=_text(f"Credit Viz: {', '.join(runs)}"),
        heading="How a diffusion language model made up its mind",
        colors=_colors(len(runs)),
        css=_asset("page.css"),
        js=_asset("page.js"),
        facts=_facts(first),
        runs="\n".join(_card(name, trace, lane, runs) for lane, (name, trace) in enumerate(runs.items())),
        key=_key(runs.values()),
        footer=_footer(first),
        figures=_packed(_figures_json(runs)),
        plotly=_plotly(),
    )


def _asset(name: str) -> str:
    return files("credit_viz.figures").joinpath(name).read_text(encoding="utf-8")


def _text(text: str) -> str:
    """Untrusted text as HTML: visible, line breaks kept."""
    return "\n".join(html.escape(visible(line)) for line in text.split("\n"))


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


@cache
def _plotly() -> str:
    """plotly.js, packed once per process: it takes longer than everything else on the page."""
    return _packed(plotly_js())


def _colors(lanes: int) -> str:
    """CSS variables of both themes."""
    blocks = []
    for theme in ("light", "dark"):
        names = {f"--{name}": color for name, color in surface(theme).items()}
        names |= {f"--lane-{lane}": lane_color(lane, theme) for lane in range(lanes)}
        blocks.append(":root {" + " ".join(f"{name}: {color};" for name, color in names.items()) + "}")
    return f"{blocks[0]}\n@media (prefers-color-scheme: dark) {{ {blocks[1]} }}"


def _facts(trace: Trace) -> str:
    info = trace.info
    prompt = info.prompt if info.prompt is not None else f"{len(info.prompt_ids)} token ids"
    layout = f"{info.gen_length} positions in blocks of {info.block_length}"
    facts = {
        "Model": f"{info.model} ({info.family}, {info.dtype} on {info.device})",
        "Prompt": prompt,
        "Canvas": layout,
    }
    rows = (f'<dt>{name}</dt><dd tabindex="0">{_text(value)}</dd>' for name, value in facts.items())
    return "\n".join(rows)


def _card(name: str, trace: Trace, lane: int, runs: Mapping[str, Trace]) -> str:
    """What a run came to, in words."""
    info = trace.info
    settings = ", ".join(f"{key} {_setting(value)}" for key, value in info.settings.items())
    decoder = f"decoder {info.decoder}" + (f": {settings}" if settings else "")
    if info.switches:
        decoder += f" · with {', '.join(info.switches)}"
    text = trace.text.strip() or "(no text)"
    passes = counted(trace.forward_passes, "forward pass", "forward passes")
    return (
        f'<article class="run" style="--lane: var(--lane-{lane})">\n<h3>{_text(name)}</h3>\n'
        f'<p class="big">{passes}</p>\n<p>{_text(_verdict(trace, runs))}</p>\n'
        f'<p class="quiet">{_text(decoder)}</p>\n<pre tabindex="0" dir="auto">{_text(text)}</pre>\n</article>'
    )


def _setting(value: float | str | None) -> str:
    if value is None:
        return "auto"
    return value if isinstance(value, str) else f"{value:g}"


def _verdict(trace: Trace, runs: Mapping[str, Trace]) -> str:
    words = [f"{trace.tokens_per_forward:.2f} tokens per pass", f"mean wait {trace.mean_wait:.1f} steps"]
    if trace.taken_back:
        words.append(f"{counted(trace.taken_back, 'token')} taken back")
    if trace.edited:
        words.append(f"{trace.edited} edited")
    if not trace.complete:
        open_positions = trace.gen_length - len(trace.info.fixed)
        words.append(f"unfinished: {int((trace.commit_step > 0).sum())} of {open_positions} tokens")
    # the yardstick is the slowest finished run of the same task
    rivals = {name: rival for name, rival in runs.items() if rival.complete and _same_task(trace, rival)}
    slowest = max(rivals, key=lambda name: rivals[name].forward_passes, default="")
    if trace.complete and rivals[slowest].forward_passes > trace.forward_passes:
        words.append(f"{rivals[slowest].forward_passes / trace.forward_passes:.2f}x fewer passes than {slowest}")
    return " · ".join(words)


def _same_task(a: Trace, b: Trace) -> bool:
    names = ("model", "prompt_ids", "gen_length", "block_length", "early_stop")
    return all(getattr(a.info, name) == getattr(b.info, name) for name in names)


def _key(traces: Iterable[Trace]) -> str:
    """The marks that occur; on the map of waits the bar says when a token settled."""
    marks = {
        "settled": "the best guess became the final token and stayed it",
        "written": "the token was put on the canvas",
        "taken_back": "a written token became a mask again",
        "edited": "a written token was replaced by another",
        "by_hand": "a person wrote a token or took one back",
    }
    seen = {event_mark(reason) for trace in traces for reason in trace.event_reasons.tolist()}
    return " ".join(
        f'<span class="{name}">{_swatch(mark(name))}{mark(name)["name"]}: {text}</span>'
        for name, text in marks.items()
        if name in seen | {"settled", "written"}
    )


#: the marks as paths in a square of 16
_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "tick": "M8 3V13",
        "dot": "M8 4.5A3.5 3.5 0 1 1 8 11.5A3.5 3.5 0 1 1 8 4.5Z",
        "cross": "M4.5 4.5L11.5 11.5M11.5 4.5L4.5 11.5",
        "diamond": "M8 3L13 8L8 13L3 8Z",
        "square": "M4.5 4.5H11.5V11.5H4.5Z",
    }
)


def _swatch(style: Mapping[str, str]) -> str:
    """A mark as it is drawn, outline first."""
    path = _PATHS[style["shape"]]
    strokes = ((style["outline"], 4), (style["color"], 2))
    drawn = "".join(
        f'<path d="{path}" stroke="{color}" stroke-width="{width}" fill="{color}"/>' for color, width in strokes
    )
    return f'<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">{drawn}</svg>'


def _footer(trace: Trace) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in trace.info.versions.items())
    return _text(f"Drawn from saved traces by Credit Viz. {versions}")


def _figures_json(runs: Mapping[str, Trace]) -> str:
    """{"maps": per-run figures, "rest": the others, "guesses": (L, T) labels per run, "heights": of all heatmaps}."""
    entries: dict[str, list[Any]] = {"maps": [], "rest": []}
    heights: dict[Heights, int] = {}
    for name, figure in FIGURES.items():
        pairs = zip(draw(name, runs, "light"), draw(name, runs, "dark"), strict=True)
        words = {"name": name, "title": figure.title, "question": figure.question, "help": figure.help}
        packed = words | {"runs": [_themes(*pair, heights) for pair in pairs]}
        entries["maps" if figure.per_run else "rest"].append(packed)
    entries["guesses"] = [guess_grid(trace) for trace in runs.values()]
    entries["heights"] = [found._asdict() for found in heights]
    return json.dumps(entries, cls=PlotlyJSONEncoder, ensure_ascii=False, separators=(",", ":"))


def _themes(light: go.Figure, dark: go.Figure, heights: dict[Heights, int]) -> dict[str, Any]:
    """A figure in light colours, and what to change in the dark. Its heatmaps move to `heights`, numbered."""
    changes = list(_changes(light.to_plotly_json(), dark.to_plotly_json(), []))
    for trace in light.select_traces({"type": "heatmap"}):
        # several maps of a run are equal (fused is confidence where there is no credit): each travels once
        code = base64.b64encode(_bytes(trace.z, trace.zmax).tobytes()).decode("ascii")
        place = heights.setdefault(Heights(code, trace.z.shape), len(heights))
        trace.update(z=None, text=None, meta=place)
    return {"figure": light.to_plotly_json(), "dark": changes}


def _bytes(heights: NDArray[np.float32], top: float) -> NDArray[np.uint8]:
    """0..254 for 0..top, 255 for nothing recorded: a quarter of the size, and finer than a hover's two digits."""
    share = np.clip(np.nan_to_num(heights, nan=0.0) / top, 0.0, 1.0)
    return np.where(np.isnan(heights), 255, np.rint(share * 254)).astype(np.uint8)


def _changes(light: Any, dark: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], Any]]:
    """(path, value) of every leaf that another theme changes; data does not depend on the theme."""
    if isinstance(light, dict):
        for key in light:
            yield from _changes(light[key], dark[key], [*path, key])
    elif isinstance(light, (list, tuple)) and light and isinstance(light[0], dict):
        for index, item in enumerate(light):
            yield from _changes(item, dark[index], [*path, index])
    elif isinstance(light, str) and light != dark:
        yield path, dark
