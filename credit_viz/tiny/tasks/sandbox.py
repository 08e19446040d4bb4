"""Run a small Python function without trusting it: a tiny interpreter for the few forms the tasks use.

Knows Python's syntax trees. Does not know tasks. Nothing is ever passed to `exec` or `eval`: a form that is
not written here cannot run, and steps, numbers and lists are bounded, so no text can hang, import, or grow.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from credit_viz.errors import CreditVizError

MAX_CHARS = 1_000
MAX_STEPS = 2_000
MAX_NUMBER = 10**15
MAX_LIST = 1_000

Value = int | bool | list[int] | None


class RefusedError(CreditVizError, ValueError):
    """The text is not a function this sandbox runs, or it ran into a bound."""


@dataclass(frozen=True)
class _Returned:
    value: Value


_ARITHMETIC: Mapping[type[ast.operator], Callable[[int, int], int]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Mod: operator.mod,
        ast.FloorDiv: operator.floordiv,
    }
)
_ORDER: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = MappingProxyType(
    {
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
    }
)
# The flag: whether a generator may be handed over instead of a list, as in Python.
_FUNCTIONS: Mapping[str, tuple[Callable[[list[int]], int], bool]] = MappingProxyType(
    {"sum": (sum, True), "any": (any, True), "all": (all, True), "len": (len, False)}
)


def run_function(text: str, argument: Sequence[int]) -> Value:
    """What the one function in `text` returns for a list.

    Raises:
        RefusedError: the text is no such function, uses a form that is not allowed, fails, or hits a bound.
    """
    function = _parse(text)
    returned = _Run({function.args.args[0].arg: list(argument)}).block(function.body)
    return returned.value if returned else None


def _parse(text: str) -> ast.FunctionDef:
    if len(text) > MAX_CHARS:
        raise RefusedError(f"{len(text)} characters; at most {MAX_CHARS} are run")
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(f"not Python: {error}") from error
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise RefusedError("the text must be one function and nothing else")
    function, args = body[0], body[0].args
    starred = (args.vararg, args.kwarg)
    extras = (args.posonlyargs, args.kwonlyargs, args.defaults, function.decorator_list, *starred)
    if any(extras) or len(args.args) != 1:
        raise RefusedError("the function must take one plain argument")
    return function


class _Run:
    """One call: its local names and what is left of its budget."""

    def __init__(self, names: dict[str, Value]) -> None:
        self._names = names
        self._steps = MAX_STEPS

    def _spend(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise RefusedError(f"more than {MAX_STEPS} steps")

    def block(self, body: Sequence[ast.stmt]) -> _Returned | None:
        for statement in body:
            returned = self._statement(statement)
            if returned:
                return returned
        return None

    def _statement(self, node: ast.stmt) -> _Returned | None:
        self._spend()
        match node:
            case ast.Return(value=value):
                return _Returned(None if value is None else self.value(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._names[name] = self.value(value)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                self._names[name] = _combine(op, self._name(name), self.value(value))
            case ast.If(test=test, body=body, orelse=orelse):
                return self.block(body if self.value(test) else orelse)
            case ast.For(target=ast.Name(id=name), iter=values, body=body, orelse=[]):
                return self._for(name, values, body)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method, args=[item], keywords=[])):
                self._append(self._appended(method), self.value(item))
            case _:
                raise RefusedError(f"{type(node).__name__} is not allowed here")
        return None

    def _for(self, name: str, values: ast.expr, body: Sequence[ast.stmt]) -> _Returned | None:
        # Iterates the list itself, as Python does; the step budget ends a loop that feeds itself.
        for element in _list(self.value(values)):
            self._names[name] = element
            returned = self.block(body)
            if returned:
                return returned
        return None

    def _appended(self, method: ast.Attribute) -> list[int]:
        """The list of `name.append`; no other attribute exists here."""
        if method.attr != "append" or not isinstance(method.value, ast.Name):
            raise RefusedError(f"attribute {method.attr!r} is not allowed")
        return _list(self._name(method.value.id))

    def _append(self, values: list[int], item: Value) -> None:
        if len(values) >= MAX_LIST:
            raise RefusedError(f"more than {MAX_LIST} elements")
        values.append(_number(item))

    def value(self, node: ast.expr) -> Value:
        self._spend()
        match node:
            case ast.Constant(value=bool() | int() | None as constant):
                return constant if constant is None else _bounded(constant)
            case ast.Name(id=name):
                return self._name(name)
            case ast.List(elts=elements):
                return [_number(self.value(element)) for element in elements]
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -_number(self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return _combine(op, self.value(left), self.value(right))
            case ast.BoolOp(op=op, values=values):
                return self._logic(op, values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _compare(op, self.value(left), self.value(right))
            case ast.ListComp(elt=element, generators=[loop]):
                return list(self._comprehension(element, loop))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
                return self._call(name, argument)
        raise RefusedError(f"{type(node).__name__} is not allowed here")

    def _name(self, name: str) -> Value:
        if name not in self._names:
            raise RefusedError(f"{name!r} is not defined")
        return self._names[name]

    def _logic(self, op: ast.boolop, values: Sequence[ast.expr]) -> Value:
        found: Value = None
        for node in values:
            found = self.value(node)
            if bool(found) is isinstance(op, ast.Or):
                break
        return found

    def _comprehension(self, element: ast.expr, loop: ast.comprehension) -> Iterator[int]:
        if not isinstance(loop.target, ast.Name) or loop.is_async:
            raise RefusedError("a comprehension must loop over one plain name")
        name, outer = loop.target.id, dict(self._names)
        for value in list(_list(self.value(loop.iter))):
            self._names[name] = value
            if all(self.value(test) for test in loop.ifs):
                yield _number(self.value(element))
        self._names = outer  # the loop variable is local to the comprehension

    def _call(self, name: str, argument: ast.expr) -> Value:
        function, takes_generator = _FUNCTIONS[name]
        match argument:
            case ast.GeneratorExp(elt=element, generators=[loop]) if takes_generator:
                values = list(self._comprehension(element, loop))
            case _:
                values = _list(self.value(argument))
        found = function(values)
        return found if isinstance(found, bool) else _bounded(found)


def _bounded(number: int) -> int:
    if abs(number) > MAX_NUMBER:
        raise RefusedError(f"a number beyond {MAX_NUMBER}")
    return number


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise RefusedError(f"a number is needed, not {type(value).__name__}")
    return value


def _list(value: Value) -> list[int]:
    if not isinstance(value, list):
        raise RefusedError(f"a list is needed, not {type(value).__name__}")
    return value


def _combine(op: ast.operator, left: Value, right: Value) -> int:
    function = _ARITHMETIC.get(type(op))
    if function is None:
        raise RefusedError(f"operator {type(op).__name__} is not allowed")
    if isinstance(op, ast.Mod | ast.FloorDiv) and right == 0:
        raise RefusedError("division by zero")
    return _bounded(function(_number(left), _number(right)))


def _compare(op: ast.cmpop, left: Value, right: Value) -> bool:
    function = _ORDER.get(type(op))
    if function is None:
        raise RefusedError(f"comparison {type(op).__name__} is not allowed")
    return function(_number(left), _number(right))
