"""One sentence about a person in, one line of JSON out.

The order of the keys is free (a reader of JSON does not care): a few are taught, all are accepted.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import ClassVar

from credit_viz.tiny.tasks import words
from credit_viz.tiny.tasks.base import Example

ORDERS = (("name", "age", "job", "city"), ("name", "job", "city", "age"), ("name", "city", "job", "age"))
ORDER_WEIGHTS = (3, 1, 1)
AGE_RANGE = (18, 79)


@dataclass(frozen=True)
class Person:
    """The facts of a prompt. `hobby` is "" where none is told."""

    first: str
    last: str
    age: int
    job: str
    city: str
    hobby: str

    def record(self) -> dict[str, str | int]:
        fields: dict[str, str | int] = {
            "name": f"{self.first} {self.last}",
            "age": self.age,
            "job": self.job,
            "city": self.city,
        }
        return fields | {"hobby": self.hobby} if self.hobby else fields


def _told(person: Person, rng: random.Random) -> str:
    name, job = f"{person.first} {person.last}", words.with_article(person.job)
    sentence = rng.choice(
        (
            f"{name}, {person.age}, is {job} in {person.city}.",
            f"{name} is {person.age} and works as {job} in {person.city}.",
            f"Meet {name}, {job} from {person.city}, aged {person.age}.",
        )
    )
    likes = f" {words.pronoun(person.first).capitalize()} likes {person.hobby}." if person.hobby else ""
    return f"Extract JSON: {sentence}{likes}"


def _answer(person: Person, rng: random.Random) -> str:
    record = person.record()
    order = rng.choices(ORDERS, ORDER_WEIGHTS)[0] + (("hobby",) if person.hobby else ())
    return json.dumps({key: record[key] for key in order})


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """`json` keeps the last of two equal keys; an extraction that says `age` twice is wrong."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


@dataclass(frozen=True)
class JsonExample(Example):
    task: ClassVar[str] = "json"
    person: Person

    def accepts(self, text: str) -> bool:
        try:
            found: object = json.loads(text, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError):  # JSONDecodeError is a ValueError
            return False
        # Compare as JSON text: True == 1 and 34.0 == 34 in Python, but not for a reader of JSON.
        return json.dumps(found, sort_keys=True) == json.dumps(self.person.record(), sort_keys=True)


@dataclass(frozen=True)
class FactExample(Example):
    """A name with one fact: the shortest way to learn that ` Lima` in a text is `"Lima"` in JSON."""

    task: ClassVar[str] = "json"

    def accepts(self, text: str) -> bool:
        return text == self.response


def exercise(rng: random.Random) -> FactExample:
    name, job, city = rng.choice(words.NAMES), rng.choice(words.JOBS), rng.choice(words.CITIES)
    told, key, value = rng.choice(
        (
            (f"{name} is in {city}", "city", city),
            (f"{name} is from {city}", "city", city),
            (f"{name} works as {words.with_article(job)}", "job", job),
        )
    )
    return FactExample(f"Extract JSON: {told}.", json.dumps({"name": name, key: value}))


def sample(rng: random.Random) -> JsonExample:
    person = Person(
        first=rng.choice(words.NAMES),
        last=rng.choice(words.SURNAMES),
        age=rng.randint(*AGE_RANGE),
        job=rng.choice(words.JOBS),
        city=rng.choice(words.CITIES),
        hobby=rng.choice(words.HOBBIES) if rng.random() < 0.4 else "",
    )
    return JsonExample(_told(person, rng), _answer(person, rng), person)
