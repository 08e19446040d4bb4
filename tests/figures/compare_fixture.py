"""Runs and what comparing them must find: the page's own comparison is held to it.

python -m tests.figures.compare_fixture writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from credit_viz.decoding import make_decoder
from credit_viz.figures import decoding_step, order, reasons, settled_written, wait_histogram
from credit_viz.trace.codec import encode_traces
from credit_viz.trace.divergence import first_divergence, first_order_difference
from credit_viz.trace.record import Trace
from tests.rewriting import Fickle
from tests.support import MockModel, run

FIXTURE = Path(__file__).parents[1] / "js" / "compare.json"


def runs() -> dict[str, list[Trace]]:
    """Four decoders on one clock; given tokens; texts that end early."""
    decoders = [make_decoder("vanilla"), make_decoder("threshold", {"threshold": 0.6}), make_decoder("credit")]
    given = {0: 3, 5: 4, 6: 4, 15: 1}
    return {
        "four": [_run(MockModel(seed=4), decoder) for decoder in (*decoders, Fickle())],
        "given": [_run(MockModel(seed=5), decoder, fixed=given) for decoder in (decoders[2], Fickle())],
        "ends": [_run(MockModel(seed=16), decoder, early_stop=True) for decoder in decoders],
    }


def _run(model: MockModel, decoder: Any, **options: Any) -> Trace:
    trace = run(model, decoder, gen_length=32, block_length=16, **options)
    return replace(trace, info=replace(trace.info, versions={}))


def expected(traces: Sequence[Trace]) -> dict[str, Any]:
    """What Python finds."""
    named: Mapping[str, Trace] = {str(lane): trace for lane, trace in enumerate(traces)}
    pairs = list(product(range(len(traces)), repeat=2))
    histogram = wait_histogram.get_info(named)
    return {
        "divergence": {f"{a} {b}": _plain(first_divergence(traces[a], traces[b])) for a, b in pairs},
        "order_difference": {f"{a} {b}": _plain(first_order_difference(traces[a], traces[b])) for a, b in pairs},
        "order": [[run.in_order, run.islands] for run in order.get_info(named).runs],
        "points": [
            [run.settled.tolist(), run.written.tolist(), run.counts.tolist()]
            for run in settled_written.get_info(named).runs
        ],
        "bins": decoding_step.get_info(named).bins,
        "means": [
            [run.counts.tolist(), _numbers(run.written), _numbers(run.settled), run.mean_written, run.mean_settled]
            for run in decoding_step.get_info(named).runs
        ],
        "reasons": [
            [
                {int(reason): count for reason, count in run.counts.items()},
                run.passes,
                run.tokens_per_pass,
                run.mean_wait,
                run.redundant_guesses,
            ]
            for run in reasons.get_info(named).runs
        ],
        "histogram": [histogram.edges.tolist(), histogram.counts.tolist()],
    }


def _numbers(values: Any) -> list[float | None]:
    """JSON knows no NaN."""
    return [None if value != value else value for value in values.tolist()]


def _plain(found: Any) -> dict[str, Any] | None:
    return None if found is None else found._asdict()


def fixture() -> dict[str, Any]:
    """Packets of every run, and the truth about it."""
    return {
        name: {"packets": encode_traces(name, traces, {"prompt": "fixture"}), "expected": expected(traces)}
        for name, traces in runs().items()
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(fixture()) + "\n", "utf-8")
