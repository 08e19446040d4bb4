"""Token texts and prompts that try to be more than text, made from a seed; and a backend that writes them.

Every one that would run does the same, `window.pwned = 1`, so that a test sees it.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator

from credit_viz.backend.base import Event, LaneFinished, RunRequest, RunStarted, StepTaken
from credit_viz.trace.record import RunInfo
from tests.web.fake import TEXTS, VOCABULARY, FakeBackend

__all__ = ["HostileBackend", "hostile_texts", "packs"]

PWN = "window.pwned=1"


def hostile_texts(count: int, seed: int = 0) -> list[str]:
    """That many different texts, of all kinds in turn."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found.setdefault(KINDS[len(found) % len(KINDS)](rng))
    return list(found)


def _markup(rng: random.Random) -> str:
    event = rng.choice(["onerror", "onload", "onfocus autofocus tabindex=1", "onmouseover", "ontoggle open"])
    name = rng.choice(["img src=x", "svg", "body", "details", "input", "video src=x", "iframe src=x", "style", "math"])
    return f"{rng.choice(['', '>', chr(34) + '>', chr(39) + '>', '-->', ']]>'])}<{name} {event}={PWN}//{rng.random()}>"


def _script(rng: random.Random) -> str:
    end = rng.choice(
        ["", "</script>", "</title>", "</style>", "</textarea>", "</template>", "<!--<script>", "</dialog>"]
    )
    return f"{end}<script{rng.choice(['', ' type=module', '/x'])}>{PWN}//{rng.random()}</script>"


def _template(rng: random.Random) -> str:
    code = rng.choice([PWN, f"constructor.constructor('{PWN}')()", f"this.constructor.constructor('{PWN}')()"])
    left, right = rng.choice(
        [("{{", "}}"), ("${", "}"), ("{%", "%}"), ("<%=", "%>"), ("#{", "}"), ("{{{", "}}}"), ("[[", "]]")]
    )
    return f"{left}{code}/*{rng.random()}*/{right}"


def _entity(rng: random.Random) -> str:
    name = rng.choice(["&lt;", "&#60;", "&#x3c;", "&lt", "\\u003c", "%3C", "&amp;lt;"])
    return (
        f"{name}img src=x onerror={PWN}{name.replace('lt', 'gt').replace('60', '62').replace('3c', '3e')}{rng.random()}"
    )


def _plotly(rng: random.Random) -> str:
    return rng.choice(
        [
            f"<a href='javascript:{PWN}' target=_blank>{rng.random()}</a>",
            f"<b>{rng.random()}</b><br><i>x</i>",
            f"$\\href{{javascript:{PWN}}}{{{rng.random()}}}$",
            f"<span style='background:url(//{rng.random()}.example/x)'>%{{x}}</span>",
            f"%{{y}}<extra>{rng.random()}</extra>",
            f"<sup>{rng.random()}</sup><sub>",
        ]
    )


def _bidi(rng: random.Random) -> str:
    marks = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    return "".join(rng.choice([rng.choice(marks), rng.choice("abcאבגدهو")]) for _ in range(rng.randint(2, 30)))


def _control(rng: random.Random) -> str:
    return "".join(
        chr(rng.choice([*range(32), *range(127, 160), 0x2028, 0xFEFF, 0xFFFE])) for _ in range(rng.randint(1, 9))
    )


def _surrogate(rng: random.Random) -> str:
    return f"{rng.random()}{chr(rng.randint(0xD800, 0xDFFF))}{rng.choice(['', 'x', chr(rng.randint(0xD800, 0xDFFF))])}"


def _combining(rng: random.Random) -> str:
    marks = "".join(chr(rng.randint(0x300, 0x36F)) for _ in range(rng.randint(1, 60)))
    people = "\u200d".join(rng.choice("👩👨👧👦🏽❤🚀🏳🌈") for _ in range(rng.randint(1, 9)))
    return rng.choice([f"Z{marks}", people, "🏽" * rng.randint(1, 5), "🇦" * rng.randint(1, 9)]) + str(rng.random())[2:6]


def _address(rng: random.Random) -> str:
    return rng.choice(
        [
            f"javascript:{PWN}//{rng.random()}",
            f"data:text/html,<script>{PWN}</script>{rng.random()}",
            f"//{rng.random()}.example/?a=1&b=2#c",
            f"url(https://{rng.random()}.example/x.png)",
            f"}}</style><style>*{{background:url(//{rng.random()}.example)}}",
            f"../../../../etc/passwd%00{rng.random()}",
            f'";{PWN};"{rng.random()}',
            f"'-({PWN})-'{rng.random()}",
        ]
    )


def _table(rng: random.Random) -> str:
    return rng.choice(["=1+1+cmd|' /C x'!A0", "@SUM(1)", '","x";', "\r\n,\r\n", "-2+3", "\t=x"]) + str(rng.random())


def _huge(rng: random.Random) -> str:
    return f"{rng.random()}" + rng.choice(["x", "<b>", "ﷺ", " ", "\n", "&amp;", "𝒳"]) * rng.choice([40, 400, 4000])


def _name(rng: random.Random) -> str:
    """Names that objects have of their own."""
    return rng.choice(["__proto__", "constructor", "toString", "hasOwnProperty", "null", "NaN", "undefined", ""]) + (
        rng.choice(["", " ", ".x"]) + str(rng.randint(0, 9999)) * rng.randint(0, 1)
    )


KINDS: tuple[Callable[[random.Random], str], ...] = (
    *(_markup, _script, _template, _entity, _plotly, _bidi, _control, _surrogate, _combining, _address, _table, _name),
    *(_markup, _template, _plotly, _address, _huge),
)


def packs(texts: list[str]) -> list[list[str]]:
    """As many at a time as a run has tokens."""
    size = len(VOCABULARY)
    return [texts[start : start + size] for start in range(0, len(texts), size)]


class HostileBackend(FakeBackend):
    """Writes the texts of pack n where the prompt begins with n."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.packs = packs(texts)

    def stream(self, request: RunRequest) -> Iterator[Event]:
        number = request.prompt.split(" ", 1)[0]
        pack = self.packs[int(number) if number.isdigit() else 0]
        texts = {**TEXTS, **{i: pack[i % len(pack)] for i in range(len(VOCABULARY))}}

        def named(info: RunInfo) -> RunInfo:
            return dataclasses.replace(info, token_text=texts)

        for event in super().stream(request):
            if isinstance(event, RunStarted):
                yield dataclasses.replace(event, lanes=tuple(map(named, event.lanes)))
            elif isinstance(event, StepTaken):
                yield dataclasses.replace(event, tokens={i: texts[i] for i in event.tokens})
            elif isinstance(event, LaneFinished):
                yield dataclasses.replace(event, trace=dataclasses.replace(event.trace, info=named(event.trace.info)))
