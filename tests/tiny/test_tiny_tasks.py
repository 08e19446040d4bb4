"""Tasks: every right answer passes its checker, wrong ones fail, held-out prompts stay out of training."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys

import pytest

from credit_viz.tiny import examples
from credit_viz.tiny.tasks import TASKS, Example, held_out, held_out_example, is_held_out, sample_training
from credit_viz.tiny.tasks.phrases import Part, Pick, matches, pick, render

SAMPLES_PER_TASK = 500


def drawn(task: str, count: int = SAMPLES_PER_TASK, seed: int = 11) -> list[Example]:
    rng = random.Random(seed)
    return [TASKS[task].sample(rng) for _ in range(count)]


@pytest.mark.parametrize("task", TASKS)
def test_own_answer_is_accepted(task: str) -> None:
    for example in drawn(task):
        assert example.accepts(example.response), example
        assert example.task == task


@pytest.mark.parametrize("task", TASKS)
def test_a_lost_or_doubled_word_is_refused(task: str) -> None:
    rng = random.Random(5)
    for example in drawn(task, 100):
        words = example.response.split(" ")
        at = rng.randrange(len(words) - 1)
        if not words[at]:  # indentation is four empty "words": losing one of them may leave the code right
            continue
        lost = " ".join(words[:at] + words[at + 1 :])
        doubled = " ".join([*words[: at + 1], *words[at:]])
        assert not example.accepts(lost), (example.prompt, lost)
        assert not example.accepts(doubled), (example.prompt, doubled)
        assert not example.accepts("")


@pytest.mark.parametrize("task", ["arithmetic", "json"])
def test_a_wrong_number_is_refused(task: str) -> None:
    for example in drawn(task, 100):
        numbers = list(re.finditer(r"\d+", example.response))
        for found in numbers:
            wrong = int(found.group()) + 1
            text = f"{example.response[: found.start()]}{wrong}{example.response[found.end() :]}"
            assert not example.accepts(text)


@pytest.mark.parametrize("task", TASKS)
def test_the_answer_to_another_prompt_is_refused(task: str) -> None:
    first, *others = drawn(task, 60)
    wrong = [other for other in others if not first.accepts(other.response)]
    # A few code requests share their meaning or their result on every case; nearly all differ.
    assert len(wrong) >= 0.9 * len(others)


def test_mixed_story_turns_are_refused() -> None:
    story = next(e for e in drawn("story") if "rain came" in e.response)
    name = story.response.split(", ")[1].split(" ")[0]
    assert not story.accepts(story.response.replace("Then the rain came and", "But the rain came and"))
    assert not story.accepts(story.response.replace(f"{name} was sad", f"{name} was happy"))


def test_mood_of_the_prompt_binds_the_story() -> None:
    happy = next(e for e in drawn("story") if "a happy story" in e.prompt)
    head = happy.response.split(". ")[:2]
    noun = re.search(r"and (?:a|an) \w+ (\w+) at", happy.prompt)
    name = re.search(r"about (\w+) and", happy.prompt)
    assert noun is not None
    assert name is not None
    turn = f"Then the rain came and the {noun[1]} was lost."
    sad = f"{turn} {name[1]} was sad and went home without the {noun[1]}."
    assert not happy.accepts(". ".join([*head, sad]))
    free = next(e for e in drawn("story") if e.prompt.startswith("Tell a story"))
    assert free.accepts(free.response)


def test_every_step_of_a_sum_counts() -> None:
    example = next(e for e in drawn("arithmetic") if e.response.count("=") == 2)
    total = example.response.split("= ")[1].split(".")[0]
    broken = example.response.replace(f"= {total}.", f"= {int(total) + 1}.", 1)
    assert not example.accepts(broken)  # the answer is still right, the first step is not


def test_json_is_judged_by_meaning() -> None:
    example = drawn("json", 1)[0]
    record = json.loads(example.response)
    assert example.accepts(json.dumps(dict(reversed(record.items())), indent=2))
    assert not example.accepts(json.dumps(record | {"age": float(record["age"])}))
    assert not example.accepts(example.response[:-1] + ', "age": ' + str(record["age"]) + "}")
    assert not example.accepts(json.dumps([record]))
    assert not example.accepts("[" * 100_000)


@pytest.mark.parametrize("task", ["story", "arithmetic", "json"])
def test_articles_and_numbers_read_well(task: str) -> None:
    for example in drawn(task, 200):
        text = f"{example.prompt} {example.response}"
        assert not re.search(r"\ba [aeiou]", text)
        assert not re.search(r"\ban [^aeiou]", text)
        assert all(0 <= int(number) <= 99 for number in re.findall(r"\d+", text))


def test_nobody_has_fewer_than_nothing() -> None:
    for example in drawn("arithmetic", 2_000):
        assert "= -" not in example.response


@pytest.mark.parametrize("task", ["arithmetic", "json"])
def test_exercises_accept_their_answer_only(task: str) -> None:
    exercise = TASKS[task].exercise
    assert exercise is not None
    rng = random.Random(4)
    for _ in range(200):
        example = exercise(rng)
        assert example.task == task
        assert example.accepts(example.response)
        assert not example.accepts(example.response + ".")


def test_exercises_are_met_in_training_only() -> None:
    rng = random.Random(6)
    trained = [type(sample_training(rng)).__name__ for _ in range(500)]
    kept = {type(example).__name__ for example in held_out(100, seed=6)}
    assert {"EquationExample", "FactExample"} < set(trained)
    assert kept == {"StoryExample", "ArithmeticExample", "JsonExample", "CodeExample"}


def test_weights_are_shares() -> None:
    assert sum(task.weight for task in TASKS.values()) == pytest.approx(1.0)


def test_training_never_meets_a_held_out_prompt() -> None:
    rng = random.Random(0)
    trained = {sample_training(rng).prompt for _ in range(2_000)}
    kept = {example.prompt for example in held_out(200, seed=1)}
    assert all(is_held_out(prompt) for prompt in kept)
    assert not any(is_held_out(prompt) for prompt in trained)
    assert not trained & kept


def test_held_out_prompts_differ_and_take_turns() -> None:
    found = held_out(40, seed=3)
    assert len({example.prompt for example in found}) == 40
    assert [example.task for example in found[:8]] == [*TASKS, *TASKS]
    assert found == held_out(40, seed=3)
    assert held_out_example("json", random.Random(2)).task == "json"


def test_examples_cover_every_family_and_are_held_out() -> None:
    shown = examples()
    assert {example.task for example in shown} == set(TASKS)
    assert all(is_held_out(example.prompt) for example in shown)
    assert len({example.prompt for example in shown}) == len(shown)


def test_examples_load_no_torch() -> None:
    code = "import sys; from credit_viz.tiny import examples; examples(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_pick_needs_a_weight_per_option() -> None:
    with pytest.raises(ValueError, match="2 options need as many weights, got 1"):
        Pick(("a", "b"), (1,))
    parts: list[Part] = ["x ", pick("a.", "b")]
    assert {render(parts, random.Random(seed)) for seed in range(20)} == {"x a.", "x b"}
    assert matches(parts, "x a.")
    assert not matches(parts, "x ab")
