"""The embedded model: a small masked diffusion LM, trained from scratch on text this package makes.

Knows which prompts show the shipped checkpoint well. Importing it loads no torch: training and evaluation are
commands (`python -m credit_viz.tiny.train`, `python -m credit_viz.tiny.evaluate`).
"""

from __future__ import annotations

import random

from credit_viz.tiny.tasks import Example, held_out_example

__all__ = ["Example", "examples"]

#: (family, seed): each names one held-out prompt that reads nicely.
_SHOWN = (("story", 3), ("arithmetic", 2), ("json", 4), ("code", 1), ("story", 8), ("arithmetic", 5))


def examples() -> list[Example]:
    """Prompts for a first look, at least one per family; none of them occurs in training."""
    return [held_out_example(task, random.Random(seed)) for task, seed in _SHOWN]
