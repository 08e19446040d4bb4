"""Numbers and their intervals as sentences have them: signed where they are differences, and nothing has no sign."""

from __future__ import annotations

import math

from credit_viz.text import signed
from credit_viz.tiny.statistics import Interval

__all__ = ["between", "size_told", "sure", "told"]


def between(found: Interval, factor: float = 1.0, digits: int = 1) -> str:
    """The ends of an interval, such as [−0.1, +0.4]; "" where it has none."""
    if math.isnan(found.low):
        return ""
    low, high = sorted((found.low * factor, found.high * factor))
    return f"[{signed(low, digits)}, {signed(high, digits)}]"


def told(found: Interval, factor: float = 1.0) -> str:
    """A difference with its interval, such as +0.4 [−0.1, +0.9]."""
    digits = _digits(found, factor)
    return f"{signed(found.value * factor, digits)} {between(found, factor, digits)}".strip()


def size_told(found: Interval) -> str:
    """The size of a difference whose sign is known, with its interval, such as 0.4 [0.1, 0.9]."""
    digits = _digits(found, 1.0)
    near, far = sorted((abs(found.low), abs(found.high)))
    return f"{abs(found.value):.{digits}f} [{near:.{digits}f}, {far:.{digits}f}]"


def sure(found: Interval) -> int:
    """Sign of a difference, if its whole interval has it: 1 or -1. 0 where the interval holds 0, or there is none."""
    return int(found.low > 0) - int(found.high < 0)


def _digits(found: Interval, factor: float) -> int:
    """One, or more where an end that is not 0 would else read as 0, although the sign is known."""
    if not sure(found):
        return 1
    near = min(abs(found.low), abs(found.high)) * factor
    return next((digits for digits in (1, 2) if float(f"{near:.{digits}f}")), 3)
