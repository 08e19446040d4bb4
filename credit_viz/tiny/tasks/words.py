"""The word lists behind the prompts, and the little English grammar they need.

Knows words. Does not know tasks, tokens or models. Every word here becomes one token of the embedded model,
so that copying a fact from the prompt means looking up one position.
"""

from __future__ import annotations


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WOMEN = _split("Mia Anna Lucy Emma Nina Rosa Ella Kate Sara Ruby Lena Zoe Ida Vera Nora Amy")
MEN = _split("Tom Ben Max Leo Sam Jack Omar Paul Ivan Hugo Finn Luis Noah Karl Amir Theo")
NAMES = WOMEN + MEN
SURNAMES = _split("Lee Stone Park Novak Silva Khan Moore Berg Costa Wolf Diaz Kim Rossi Meyer Ali Chen")
ITEMS = _split(
    "apples marbles books coins shells cards pencils stamps stickers cookies plums buttons stones balloons tickets eggs"
)
JOBS = _split(
    "baker teacher nurse pilot farmer painter driver singer chef lawyer doctor actor writer dentist artist engineer"
)
CITIES = _split("Rome Paris Oslo Lima Cairo Berlin Tokyo Madrid Dublin Quito Vienna Boston Delhi Seoul Porto Athens")
HOBBIES = _split("chess tennis music cooking hiking reading sailing dancing yoga golf football poetry")
ADJECTIVES = _split("red blue new tiny shiny broken golden green wooden strange old yellow silver heavy lovely striped")
NOUNS = _split("kite box key lamp clock ball book hat drum boat ring bell doll flute coat map")
PLACES = (
    ("park", "under a tree"),
    ("beach", "in the sand"),
    ("market", "next to a stall"),
    ("forest", "under a bush"),
    ("library", "behind a shelf"),
    ("museum", "near the door"),
    ("garden", "between the flowers"),
    ("river", "near the bridge"),
    ("school", "in the yard"),
    ("farm", "behind the barn"),
    ("station", "under a bench"),
    ("zoo", "near the gate"),
)
LISTS = _split("numbers prices ages scores points sizes weights marks grades values heights costs")


def pronoun(name: str) -> str:
    """`she` or `he`; the lists above fix which."""
    return "she" if name in WOMEN else "he"


def possessive(name: str) -> str:
    return "her" if name in WOMEN else "his"


def with_article(phrase: str) -> str:
    """`a nurse`, `an old map`."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
