"""One self-contained HTML page of saved runs: the live page's own modules, the data and plotly.js; it fetches nothing.

The modules of web/static travel as they are; only the names by which they import each other change, so that an import
map can find them. What needs a server is left out by the modules themselves (`boot.can`). No token text is markup, and
a content security policy in the file forbids every request. Knows no gradio.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from credit_viz.decoding import DECODERS
from credit_viz.errors import TraceError
from credit_viz.figures.labels import counted
from credit_viz.figures.offline import escaped, filled, packed, packed_plotly, unpack_js
from credit_viz.trace.cells import encode_cells
from credit_viz.trace.record import Trace
from credit_viz.web.assets import imported_by, static_texts, style_sheets
from credit_viz.web.catalogue import boot
from credit_viz.web.names import lane_names
from credit_viz.web.request import Choice
from credit_viz.web.runs import KeptRun

__all__ = ["SIZE", "render_page", "write_page"]

SIZE = 2_290_000  #: characters; exact numbers are kept as completely as fits into them
_IMPORT = re.compile(r'(\bfrom\s*|\bimport\s*\(?\s*)"\./([\w-]+\.js)"')
_RUN = "saved"


def write_page(traces: Sequence[Trace], path: str | Path) -> None:
    """`render_page` into a file.

    Raises:
        TraceError: no traces, more than can be lanes of one run, or the file cannot be written.
    """
    page = render_page(traces)
    try:
        Path(path).write_text(page, encoding="utf-8")
    except OSError as error:
        raise TraceError(f"cannot write {path}: {error}") from error


def render_page(traces: Sequence[Trace], size: int = SIZE) -> str:
    """The page as text, the same for the same traces.

    Args:
        traces: lanes of one run, in order.
        size: characters it may take; exact numbers that do not fit are left out, and the page says so.

    Raises:
        TraceError: no traces, or of different prompts or lengths.
    """
    contents = _contents(traces)
    parts = {
        "title": escaped(f"Credit Viz: {', '.join(lane_names(traces))}"),
        "icon": base64.b64encode(_static()["favicon.svg"].encode()).decode(),
        "css": "\n".join(_static()[name] for name in style_sheets(_static())),
        "facts": _facts(traces[0]),
        "results": "\n".join(map(_result, lane_names(traces), traces)),
        "page": packed(json.dumps(contents)),
        "unpack": unpack_js(),
        "start": _template("start.js"),
        "plotly": packed_plotly(),
    }
    left = size - sum(map(len, parts.values()))
    parts["cells"] = encode_cells(_RUN, traces, left)
    return filled(_template("page.html"), parts)


def _contents(traces: Sequence[Trace]) -> dict[str, Any]:
    """Modules, what the page knows from the start, and the run."""
    kept = KeptRun.of_traces(_RUN, traces)
    asked = kept.request
    choice = Choice(asked.lanes, asked.gen_length, asked.block_length, asked.seed, asked.early_stop, asked.cache)
    used = {trace.info.decoder for trace in traces}
    decoders = {name: decoder for name, decoder in DECODERS.items() if name in used}
    return {
        "modules": {f"credit-viz/{name}": _IMPORT.sub(_by_name, text) for name, text in _modules()},
        "boot": boot(traces[0].info.model, decoders, (), choice, None, can={"run": False, "ask": False}),
        "packets": kept.packets,
    }


def _by_name(found: re.Match[str]) -> str:
    return f'{found[1]}"credit-viz/{found[2]}"'


@cache
def _static() -> dict[str, str]:
    return static_texts()


def _modules() -> list[tuple[str, str]]:
    return [(name, _static()[name]) for name in imported_by("standalone.js", _static())]


def _template(name: str) -> str:
    return files("credit_viz.web").joinpath("template", name).read_text(encoding="utf-8")


def _facts(trace: Trace) -> str:
    info = trace.info
    facts = {
        "Prompt": info.prompt if info.prompt is not None else f"{len(info.prompt_ids)} token ids",
        "Model": f"{info.model} ({info.dtype} on {info.device})",
        "Canvas": f"{info.gen_length} positions in blocks of {info.block_length}",
        "Saved by": ", ".join(f"{name} {version}" for name, version in info.versions.items()) or "Credit Viz",
    }
    return "\n".join(f'<div><dt>{name}</dt><dd dir="auto">{escaped(value)}</dd></div>' for name, value in facts.items())


def _result(name: str, trace: Trace) -> str:
    """What a run came to, for readers without JavaScript."""
    passes = counted(trace.forward_passes, "forward pass", "forward passes")
    words = f"{passes}, {trace.tokens_per_forward:.2f} tokens per pass, mean wait {trace.mean_wait:.1f} steps"
    if trace.info.switches:
        words += f", with {', '.join(trace.info.switches)}"
    text = escaped(trace.text.strip() or "(no text)")
    return f'<h2>{escaped(name)}</h2>\n<p>{escaped(words)}</p>\n<pre dir="auto">{text}</pre>'
