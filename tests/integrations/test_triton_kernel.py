"""Which kernel is launched, and what it consists of."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

from launches import constexpr

from prerank.integrations.triton_kernel import Kernel, is_interpreted, kernel_of


def test_the_kernel_is_found_under_decorators() -> None:
    class Decorated:
        def __init__(self, fn: Any) -> None:
            self.fn = fn

    class InterpretedFunction(Decorated): ...

    def softmax(x: Any, n: int, BLOCK: constexpr): ...  # noqa: N803

    assert is_interpreted(Decorated(InterpretedFunction(softmax)))
    assert not is_interpreted(Decorated(softmax))
    found = kernel_of(Decorated(Decorated(softmax)))
    assert found is not None
    assert (found.name, found.arguments, found.constants) == ("softmax", ("x", "n", "BLOCK"), ("BLOCK",))
    assert "def softmax" in found.source
    assert kernel_of(3) is None


def test_a_helper_that_is_edited_makes_another_kernel_of_the_same_text(tmp_path: Path) -> None:
    source = """
class Decorated:
    def __init__(self, fn):
        self.fn = fn

@Decorated
def inner(x):
    return outer(x) + {number}

@Decorated
def outer(x):
    return inner(x)

@Decorated
def kernel(x):
    return {called}(x)
"""

    def kernel(called: str, number: int) -> Kernel:
        file = tmp_path / f"{called}_{number}.py"
        file.write_text(source.format(called=called, number=number))
        found = kernel_of(runpy.run_path(str(file))["kernel"])
        assert found is not None
        return found

    one, same, other = kernel("outer", 1), kernel("outer", 1), kernel("outer", 2)
    assert one.digest == same.digest != other.digest
    assert one.source == other.source
    assert kernel("abs", 1).digest == kernel("abs", 2).digest  # it calls neither


def test_a_constant_outside_of_a_kernel_is_part_of_it(tmp_path: Path) -> None:
    """Of its module, of another one, of the function that made it; as they are now."""
    (tmp_path / "beside.py").write_text("ROUNDS = 1\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import beside  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.remove(str(tmp_path))
    module: Any = beside

    class Decorated:
        def __init__(self, fn: Any) -> None:
            self.fn = fn

    def made(rounds: int) -> Any:
        @Decorated
        def inner(x: int) -> int:
            return x * module.ROUNDS

        @Decorated
        def outer(x: Any) -> Any:
            return inner.fn(x) + rounds

        return outer

    def digest(decorated: Any) -> str:
        found = kernel_of(decorated)
        assert found is not None
        return found.digest

    one, same, other = made(1), made(1), made(2)
    assert digest(one) == digest(same) != digest(other)
    before = digest(one)
    module.ROUNDS = 2
    assert digest(one) != before
