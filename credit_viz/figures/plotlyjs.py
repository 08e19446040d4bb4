"""The browser half of Plotly, from the installed package, so that Python figures and the page use one version."""

from __future__ import annotations

from plotly.offline import get_plotlyjs

__all__ = ["plotly_js"]


def plotly_js() -> str:
    """Source text of plotly.js."""
    return str(get_plotlyjs())
