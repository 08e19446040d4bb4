"""Columns of results as people read them: names, units, which way is better, and numbers as text. Knows no tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Metric", "metric", "number_text", "with_interval"]


class Metric(NamedTuple):
    """A column of results."""

    title: str
    better: str | None  #: "more" or "less"; None where neither is
    unit: str  #: "share" for 0..1

    @property
    def is_share(self) -> bool:
        """Is it read best in per cent?"""
        return self.unit == "share"


_METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "forward_passes": Metric("forward passes", "less", "passes"),
        "tokens_per_forward": Metric("tokens per pass", "more", "tokens"),
        "content_tokens": Metric("text tokens", None, "tokens"),
        "content_tokens_per_forward": Metric("text tokens per pass", "more", "tokens"),
        "exact_match": Metric("exact match", "more", "share"),
        "token_agreement": Metric("agreement with vanilla", "more", "share"),
        "text_agreement": Metric("same text as vanilla", "more", "share"),
        "log_likelihood": Metric("log-likelihood (nats per token)", "more", "nats"),
        "mean_wait": Metric("mean wait (steps)", "less", "steps"),
        "redundant_guesses": Metric("redundant guesses", "less", "guesses"),
        "seconds": Metric("seconds", "less", "s"),
        "taken_back": Metric("tokens taken back", None, "tokens"),
        "edited": Metric("tokens edited", None, "tokens"),
        "written_confident": Metric("tokens written as confident", None, "tokens"),
        "written_credit": Metric("tokens written by credit", None, "tokens"),
        "written_forced": Metric("tokens written as the best left", None, "tokens"),
        "written_scheduled": Metric("tokens written on schedule", None, "tokens"),
        "written_filled": Metric("tokens filled in at the end", None, "tokens"),
        "written_answered": Metric("tokens written as the answer", None, "tokens"),
    }
)


def metric(name: str) -> Metric:
    """What is known of a column; its name alone where nothing is."""
    return _METRICS[name] if name in _METRICS else Metric(name.replace("_", " "), None, "")


def number_text(name: str, value: float) -> str:
    """A value without its unit: per cent of a share, three digits or so of anything else; "–" where there is none."""
    if math.isnan(value):
        return "–"
    if metric(name).is_share:
        return _percent(value)
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def _percent(share: float) -> str:
    """Neither all nor nothing is said of what is not."""
    if 0.99 < share < 1 or 0 < share < 0.01:
        return f"{min(max(100 * share, 0.1), 99.9):.1f}"
    return f"{100 * share:.0f}"


def with_interval(name: str, value: float, low: float, high: float) -> str:
    """Such as 94 % [90, 97]."""
    if math.isnan(value):
        return "–"
    unit = " %" if metric(name).is_share else ""
    ends = "" if math.isnan(low) else f" [{number_text(name, low)}, {number_text(name, high)}]"
    return f"{number_text(name, value)}{unit}{ends}"
