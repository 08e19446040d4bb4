"""What self-contained HTML files are made of: packed text, plotly.js, escaped words, a nonce. Knows no figure.

Nothing in such a file is fetched; its content security policy lets only the scripts run that carry the file's nonce.
`unpack_js` is the half that runs in the browser.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Template

from credit_viz.figures.labels import visible
from credit_viz.figures.plotlyjs import plotly_js

__all__ = ["escaped", "filled", "packed", "packed_plotly", "unpack_js"]


def packed(text: str) -> str:
    """Base 85 of gzip, without a character that could begin a tag; the same for the same text."""
    return base64.b85encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).replace(b"<", b"[").decode("ascii")


@cache
def packed_plotly() -> str:
    """plotly.js, packed once per process: it takes longer than everything else in such a file."""
    return packed(plotly_js())


def unpack_js() -> str:
    """Script text that defines `textOf(id)` and `unpack(id)`: promises of an element's text, and of what it packs."""
    return files("credit_viz.figures").joinpath("unpack.js").read_text(encoding="utf-8")


def escaped(text: str) -> str:
    """Untrusted text as HTML: visible, line breaks kept."""
    return "\n".join(html.escape(visible(line)) for line in text.split("\n"))


def filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with its parts and `$nonce`.

    The nonce is a hash of everything in the file, so that no text in it can hold it.
    """
    digest = hashlib.sha256("".join(parts.values()).encode("utf-8", "replace")).digest()
    return Template(template).substitute(parts, nonce=base64.b64encode(digest[:18]).decode())
