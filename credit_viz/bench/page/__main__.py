"""Prints the tables of `make bench-page`, or JSON with --json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version

from credit_viz.bench.machine import processor
from credit_viz.bench.page.browser import chromium
from credit_viz.bench.page.figures import FIGURES, Options
from credit_viz.bench.table import Section, to_json, to_text
from credit_viz.errors import CreditVizError


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where a browser is missing."""
    asked = _parser().parse_args(arguments)
    options = Options(asked.length, tuple(asked.lengths), asked.rounds, asked.seconds)
    measured: list[Section] = []
    try:
        with chromium() as visitors:
            about = _machine(visitors.version)
            if not asked.json:
                print("measured on: " + ", ".join(f"{key} {value}" for key, value in about.items()))
            for name in asked.only or FIGURES:
                print(f"measuring: {name}", file=sys.stderr, flush=True)
                for section in FIGURES[name](visitors, options):
                    measured.append(section)
                    if not asked.json:
                        print("\n" + to_text(section), flush=True)
    except CreditVizError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps({"machine": about, "sections": to_json(measured)}, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-page", description=__doc__)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--only", nargs="+", choices=list(FIGURES), help="measure these only; default: everything")
    parser.add_argument("--length", type=int, default=256, help="positions and steps of a run (default 256)")
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 256, 512, 1024], help="the same for scrubbing")
    parser.add_argument("--rounds", type=int, default=3, help="first visits (default 3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of scrubbing (default 3)")
    return parser


def _machine(browser: str) -> dict[str, str]:
    return {
        "runs": "synthetic",
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "load": " ".join(f"{each:.1f}" for each in os.getloadavg()),
        "browser": f"Chromium {browser}",
        "python": platform.python_version(),
        "gradio": version("gradio"),
        "plotly": version("plotly"),
    }


if __name__ == "__main__":
    sys.exit(main())
