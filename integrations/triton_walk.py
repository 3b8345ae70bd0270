"""A walk through a kernel's source: the tiles of its matrix products, and which loads are regular.

A branch may be taken or not, and a loop goes on until nothing new is learnt.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from .triton_evaluation import Evaluation, operation
from .triton_source_values import UNKNOWN, Value, joined

_ROUNDS = 8  # of a loop, until what is known of it must be settled


def walked(tree: ast.AST, arguments: Mapping[str, Value]) -> Evaluation:
    """What a walk through a kernel's source sees.

    Args:
        tree: The source.
        arguments: What is known of each argument.
    """
    seen = Evaluation(arguments)
    walk = _Walk(seen)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        walk.steps(function.body)
    return seen


class _Walk:
    """From statement to statement, on what is known of the names at each."""

    def __init__(self, seen: Evaluation) -> None:
        self._seen = seen

    def steps(self, body: Sequence[ast.stmt]) -> None:
        """Take statements in order."""
        for step in body:
            self._step(step)

    def _step(self, step: ast.stmt) -> None:
        match step:
            case ast.Assign(targets=[target]):
                self._assign(target, step.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(step.target, value)
            case ast.AugAssign():
                value = operation(step.op, self._seen.value(step.target), self._seen.value(step.value))
                self._name(step.target, value)
            case ast.If():
                self._seen.value(step.test)
                self._branches(step.body, step.orelse)
            case ast.For() | ast.While():
                self._loop(step)
            case ast.Expr():
                self._seen.value(step.value)
            case _:
                for node in ast.walk(step):
                    self._name(node, UNKNOWN)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        found = self._seen.value(value)
        if not isinstance(target, ast.Tuple):
            return self._name(target, found)
        several = value.elts if isinstance(value, ast.Tuple) else []
        for own, its in zip_longest(target.elts, several):
            if own is not None:
                self._name(own, self._seen.value(its) if its is not None else found)
        return None

    def _name(self, target: ast.AST, value: Value) -> None:
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
            self._seen.names[target.id] = value

    def _branches(self, *bodies: Sequence[ast.stmt]) -> None:
        """Bodies one of which is run."""
        before, after = self._seen.names, dict[str, Value]()
        for body in bodies:
            self._seen.names = dict(before)
            self.steps(body)
            after = {**self._seen.names, **after, **_joined(after, self._seen.names)}
        self._seen.names = after

    def _loop(self, loop: ast.For | ast.While) -> None:
        for _ in range(_ROUNDS):
            before = dict(self._seen.names)
            if isinstance(loop, ast.For):
                self._name(loop.target, self._seen.counter(loop.iter))
            else:
                self._seen.value(loop.test)
            self._branches([], loop.body)
            if self._seen.names == before:
                return
        self._seen.names = dict.fromkeys(self._seen.names, UNKNOWN)
        self.steps(loop.body)


def _joined(one: Mapping[str, Value], other: Mapping[str, Value]) -> dict[str, Value]:
    return {name: joined(value, other[name]) for name, value in one.items() if name in other}
