"""Stories: five facts from the prompt, a beginning, and an end that follows from what happened.

The wordings at the start of a story are free; most of what comes later is settled by the prompt or by the
turn the story has taken. That mix is deliberate: free places show a decoder hesitating, settled ones waiting.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from credit_viz.tiny.tasks import words
from credit_viz.tiny.tasks.base import Example
from credit_viz.tiny.tasks.phrases import Part, matches, pick, render

MOODS = ("", "happy", "sad")


@dataclass(frozen=True)
class Scene:
    """The facts of a prompt. `mood` is "" where the prompt leaves it open."""

    name: str
    adjective: str
    noun: str
    place: str
    spot: str
    mood: str

    @property
    def prompt(self) -> str:
        kind = f"{self.mood} story" if self.mood else "story"
        thing = words.with_article(f"{self.adjective} {self.noun}")
        return f"Tell a {kind} about {self.name} and {thing} at the {self.place}."


def _opening(scene: Scene) -> list[Part]:
    subject = words.pronoun(scene.name).capitalize()
    thing = words.with_article(f"{scene.adjective} {scene.noun}")
    return [
        pick("One day", "One morning", "On a sunny day", weights=(3, 2, 2)),
        f", {scene.name} ",
        pick("went", "walked"),
        f" to the {scene.place}. {subject} ",
        pick("saw", "found"),
        f" {thing} {scene.spot}. ",
    ]


def _happy_endings(scene: Scene) -> Iterator[list[Part]]:
    name, noun, subject = scene.name, scene.noun, words.pronoun(scene.name)
    yield [
        f"{subject.capitalize()} picked up the {noun} and took it home. "
        f"{name} was happy with {words.possessive(name)} {scene.adjective} {noun}."
    ]
    for friend in words.NAMES:
        if friend != name:
            yield [
                f"It belonged to {friend}, so {subject} gave it back. "
                f"{friend} thanked {name} and they played with the {noun} all day."
            ]


def _sad_endings(scene: Scene) -> Iterator[list[Part]]:
    end = f"{scene.name} was sad and went home without the {scene.noun}."
    yield [f"Then the rain came and the {scene.noun} was lost. {end}"]
    yield [f"But the {scene.noun} fell into the water and was gone. {end}"]


def _draw_ending(scene: Scene, rng: random.Random) -> list[Part]:
    happy = scene.mood == "happy" or (scene.mood == "" and rng.random() < 0.6)
    if not happy:
        return rng.choice(list(_sad_endings(scene)))
    alone, *with_friend = _happy_endings(scene)
    return alone if rng.random() < 0.5 else rng.choice(with_friend)


def _endings(scene: Scene) -> Iterator[Sequence[Part]]:
    """Every ending the prompt allows."""
    if scene.mood != "sad":
        yield from _happy_endings(scene)
    if scene.mood != "happy":
        yield from _sad_endings(scene)


@dataclass(frozen=True)
class StoryExample(Example):
    task: ClassVar[str] = "story"
    scene: Scene

    def accepts(self, text: str) -> bool:
        opening = _opening(self.scene)
        return any(matches([*opening, *ending], text) for ending in _endings(self.scene))


def sample(rng: random.Random) -> StoryExample:
    place, spot = rng.choice(words.PLACES)
    scene = Scene(
        name=rng.choice(words.NAMES),
        adjective=rng.choice(words.ADJECTIVES),
        noun=rng.choice(words.NOUNS),
        place=place,
        spot=spot,
        mood=rng.choice(MOODS),
    )
    response = render([*_opening(scene), *_draw_ending(scene, rng)], rng)
    return StoryExample(scene.prompt, response, scene)
