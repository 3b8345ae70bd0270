"""Measure networks in 32-bit floats, 8-bit integers and half precision on this machine: a table to learn from.

python benchmarks/measure_precisions.py [--count 105] [--out FILE]

The networks are those of measure_networks.py, a third of them; a third of these in the other number formats too (see
precisions.py). An interrupted run goes on when called again. Run it on a quiet machine; it takes a second a network.
"""

from __future__ import annotations

from collections.abc import Iterator

from families import FAMILIES, drawn
from measure_networks import measure, network, parse
from measured_networks import FLOATS
from precisions import PRECISIONS

from prerank.integrations.onnxruntime import Conditions, Network

EVERY = 3
"""One network in so many is measured, and of these one in so many in other formats too."""


def main() -> None:
    """Measure, say what failed."""
    arguments = parse(__doc__, count=105, out="precisions.jsonl")
    total = len(list(numbers(arguments.count))) * len(FAMILIES)
    measure(networks(arguments.count), Conditions(), arguments, total)


def numbers(count: int) -> Iterator[tuple[int, str]]:
    """Which network of a family is measured next, in which format."""
    for number in range(0, count, EVERY):
        yield number, FLOATS
        if number % EVERY**2 == 0:
            yield from ((number, precision) for precision in PRECISIONS)


def networks(count: int) -> Iterator[Network]:
    """One family after the other in turn, so that a part of them is as diverse as all."""
    for number, precision in numbers(count):
        for family in FAMILIES:
            model, made = drawn(family, number)
            model = PRECISIONS[precision](model) if precision in PRECISIONS else model
            yield network({"family": family, "precision": precision, **made}, model)


if __name__ == "__main__":
    main()
