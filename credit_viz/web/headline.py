"""The head of the page: what it is for, and the way between its two places. Markup that never changes; knows no run."""

from __future__ import annotations

__all__ = ["headline"]

_RACE = """
  <div class="cv-head-race">
    <h1>Watch a diffusion language model make up its mind</h1>
    <p>It guesses every word at every step, but writes only a few. <strong>CreditDecoding</strong> is quicker
    to write the guesses that keep winning.</p>
  </div>"""
_LAB = """
  <div class="cv-head-lab">
    <h1>Find the settings that suit your task</h1>
    <p>Decoders and their knobs on many prompts: what each setting costs in <strong>forward passes</strong>, and how
    good its answers are.</p>
  </div>"""
_PLACES = """
  <nav class="cv-places" aria-label="Places">
    <a href="?" data-place="race">Race</a>
    <a href="?at=lab" data-place="lab">Lab</a>
  </nav>"""


def headline(lab: bool, race: bool = True) -> str:
    """HTML of the head; which place is on show is said by static/places.js.

    Args:
        lab: there is a laboratory.
        race: there is a model, or a saved run.
    """
    return f'<header class="cv-head">{_RACE}{_LAB if lab else ""}{_PLACES if lab and race else ""}\n</header>'
