"""`python -m credit_viz.cli` is `credit-viz`."""

from __future__ import annotations

import sys

from credit_viz.cli import main

if __name__ == "__main__":
    sys.exit(main())
