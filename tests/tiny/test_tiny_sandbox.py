"""The sandbox: it computes what Python computes for the tasks' functions, and refuses everything else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.tiny.tasks import TASKS
from credit_viz.tiny.tasks.sandbox import MAX_CHARS, RefusedError, run_function

VALUES = [3, -4, 7, 10, -1, 0, 2, 8]


def test_agrees_with_python_on_the_tasks_functions() -> None:
    rng = random.Random(9)
    for text in {TASKS["code"].sample(rng).response for _ in range(400)}:
        names: dict[str, object] = {}
        exec(text, names)  # text of our own making, not a model's
        function = next(value for name, value in names.items() if name != "__builtins__")
        assert callable(function)
        expected = function(list(VALUES))
        found = run_function(text, VALUES)
        assert (type(found), found) == (type(expected), expected), text


def body(*lines: str) -> str:
    return "def f(xs):\n" + "\n".join(f"    {line}" for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "import os\ndef f(xs):\n    return 1",
        body("import os", "return 1"),
        body("return __import__('os')"),
        body("return open('x')"),
        body("return eval('1')"),
        body("return xs.__class__"),
        body("return xs.pop()"),
        body("xs.clear()", "return 1"),
        body("return (lambda: 1)()"),
        body("return 2 ** 99"),
        body("return 1 << 99"),
        body("return xs * 99"),
        body("return xs + xs"),
        body("return 'a'"),
        body("return f'{xs}'"),
        body("return xs[0]"),
        body("return {1: 2}"),
        body("return (x for x in xs)"),
        body("return len(x for x in xs)"),
        body("return sum(xs, 1)"),
        body("return sum(*xs)"),
        body("return [x for x in xs for y in xs]"),
        body("return [x for x, y in xs]"),
        body("return sum([[1]])"),
        body("return 1.5"),
        body("return y"),
        body("return 1 % 0"),
        body("return 1 // 0"),
        body("return 1 in xs"),
        body("return 1 < 2 < 3"),
        body("return None > 1"),
        body("for x in 5:", "    return 1"),
        body("for x in xs:", "    x = 1", "else:", "    x = 2"),
        body("for a, b in xs:", "    x = 1"),
        body("while True:", "    x = 1"),
        body("try:", "    x = 1", "except:", "    x = 2"),
        body("with xs:", "    x = 1"),
        body("global y", "y = 1"),
        body("a = b = 1"),
        body("a: int = 1"),
        body("xs[0] = 1"),
        body("f(xs)"),
        body("return f(xs)"),
        body("yield 1"),
        body("class A: pass"),
        "async def f(xs):\n    return 1",
        "@f\ndef f(xs):\n    return 1",
        "def f(xs, ys):\n    return 1",
        "def f(xs=1):\n    return xs",
        "def f(*xs):\n    return 1",
        "def f():\n    return 1",
        "x = 1",
        "",
        "def f(xs:\n",
        "\x00",
        "(" * 500,
        "-" * 900 + "1",
        "x" * (MAX_CHARS + 1),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(RefusedError):
        run_function(text, VALUES)


@pytest.mark.parametrize(
    "text",
    [
        body("for x in xs:", "    xs.append(x)", "return xs"),
        body(*(f"{'    ' * depth}for x{depth} in xs:" for depth in range(5)), f"{'    ' * 5}y = 1"),
        body("t = 9", "for x in xs:", "    t *= t", "    t *= t", "return t"),
        body("return [a for a in xs if [b for b in xs if [c for c in xs if [d for d in xs if 1]]]]"),
    ],
)
def test_bounds_end_what_would_grow(text: str) -> None:
    with pytest.raises(RefusedError, match=r"more than|beyond"):
        run_function(text, VALUES)


def test_a_list_cannot_grow_without_bound() -> None:
    text = body("out = []", "for x in out:", "    out.append(x)", "return out")
    assert run_function(text, VALUES) == []
    with pytest.raises(RefusedError, match="more than"):
        run_function(body(*["xs.append(1)"] * 40, "return xs"), [0] * 990)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("return not 0",), True),
        (("return 0 or 5",), 5),
        (("return 0 and 5",), 0),
        (("return -3 // 2",), -2),
        (("if xs:", "    return 1", "else:", "    return 2"), 1),
        (("x = 7", "y = [x for x in xs if x > 7]", "return x"), 7),
        (("return",), None),
        (("x = 1",), None),
        (("return len([])",), 0),
        (("return None",), None),
        (("return any(xs)",), True),
        (("return [1, 2 - 3]",), [1, -1]),
    ],
)
def test_small_forms(lines: tuple[str, ...], expected: object) -> None:
    assert run_function(body(*lines), VALUES) == expected


def test_the_callers_list_is_left_alone() -> None:
    values = [1, 2]
    run_function(body("xs.append(3)", "return xs"), values)
    assert values == [1, 2]


@given(st.text(max_size=60))
def test_any_text_is_run_or_refused(text: str) -> None:
    for candidate in (text, body(text), body(f"return {text}")):
        try:
            run_function(candidate, VALUES)
        except RefusedError:
            continue
