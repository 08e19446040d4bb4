"""The paper's claim, measured: decoders on benchmarks through lm-evaluation-harness (the extra `eval`).

Importing this package needs no harness; its modules `language_model`, `local_tasks`, `tasks` and `compare` do. Knows
models, decoders and the harness. Does not know terminals.
"""

from __future__ import annotations

from importlib.util import find_spec

from credit_viz.errors import BackendError

__all__ = ["require_harness"]


def require_harness() -> None:
    """Check that the harness is installed.

    Raises:
        BackendError: it is not; the message says what to install.
    """
    if find_spec("lm_eval") is None:
        raise BackendError("lm-evaluation-harness is not installed; install it with: pip install -e '.[eval]'")
