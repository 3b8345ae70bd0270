"""Numbers read off the model without sampling: the tree of heads and digits is walked breadth-first.

Candidates advance together, one level of the tree at a time, each level one pass of the writer over the keys and values
of the levels before (a branch sees its ancestors alone); those of few branches do not wait for those of many. A branch
stays a leaf where its mass times its width is below `TOLERANCE` standard deviations of the candidate's distribution;
beyond that ever less of its mass stays on it, and from twice as much on it is split into its ten digits whole. So mean
and deviation are exact to about a hundredth of the deviation, and every number varies continuously with the scores:
rounding differences between batches cannot flip a decision.

Shapes: n candidates, B branches a candidate (the most any of them has; others are padded with mass 0), k digits so far,
D the width of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .codec import DECADES, DIGITS, FAILED, FIRST, HEADS, ZERO, interval
from .network import Bools, Floats, Ids, Rows, Writer
from .prediction import standard_deviation

TOLERANCE = 0.02
HEAD_FLOOR = 3e-3
"""Taken off each head's probability, so that the many heads of no consequence, however far out, weigh nothing."""
_MOST_HEADS = 32
_RISE, _MOST_DECADES = 3.0, 40  # of the floor, for each decade beyond the next one to the median
_OUTLINED = 2  # heads of an outline
_PASS = 64  # branches that are written while another pass of the writer starts

Leaves = tuple[Floats, Floats, Floats]
"""Lower ends, upper ends and masses, (n, leaves) each."""


@dataclass(frozen=True)
class Branches:
    """Prefixes of numbers.

    Args:
        symbols: Head and first digits, (n, B, 1 + k).
        mass: Probability of each prefix, (n, B).
        visible: The positions written before that are its ancestors, (n, B, positions).
    """

    symbols: Ids
    mass: Floats
    visible: Bools

    @property
    def count(self) -> NDArray[np.intp]:
        """Branches of each candidate that have mass, (n,)."""
        return (self.mass > 0).sum(axis=1)

    def of(self, rows: Rows) -> Branches:
        """Those of some candidates."""
        return Branches(self.symbols[rows], self.mass[rows], self.visible[rows]).packed()

    def packed(self) -> Branches:
        """Those that have mass, the heaviest first."""
        order = np.argsort(-self.mass, axis=1, kind="stable")[:, : int(self.count.max(initial=0))]
        rows = np.arange(len(order))[:, None]
        return Branches(self.symbols[rows, order], self.mass[rows, order], self.visible[rows, order])

    def leaves(self) -> Leaves:
        """The branches as intervals of numbers."""
        flat = self.symbols.reshape(-1, self.symbols.shape[-1])
        lower, upper = interval(flat[:, 0], flat[:, 1:])
        return lower.reshape(self.mass.shape), upper.reshape(self.mass.shape), self.mass


def decode(writer: Writer, allowed: Bools) -> tuple[Leaves, Floats]:
    """Distribution of one metric.

    Args:
        writer: What writes numbers of this metric, of n candidates.
        allowed: Heads that the number may have, (HEADS,).

    Returns:
        The leaves, whose masses sum to 1 for each candidate, and the probability of failure, (n,).
    """
    probability, _ = writer.start(allowed[None])
    branches, p_fail = _heads(probability[:, 0])
    nothing = np.empty((len(p_fail), 0))
    return _pack(_written(writer, branches, (nothing, nothing, nothing))), p_fail


def outline(writer: Writer, allowed: Bools) -> tuple[Floats, Floats]:
    """What many metrics of a candidate are about: cheap means, of the likeliest heads and two digits.

    Args:
        writer: What writes numbers of M metrics, of n candidates.
        allowed: Heads that the number of each metric may have, (M, HEADS).

    Returns:
        The means, (n, M), and the states that precede the numbers, (n, M, D).
    """
    probability, states = writer.start(allowed, ZERO + 1)
    count, size = probability.shape[:2]
    mass, heads = _likeliest(probability)
    mass = np.maximum(mass - np.minimum(mass[..., :1] / 2, HEAD_FLOOR), 0)  # a far-out head must weigh nothing
    heads = (heads + ZERO + 1).reshape(count, -1)  # (n, M * heads)
    seen = np.broadcast_to(np.eye(size, dtype=np.bool_).repeat(_OUTLINED, axis=0), (count, size * _OUTLINED, size))
    seen = _appended(seen)
    digits = writer.grow(heads, seen, 1).reshape(count, size, _OUTLINED, 9)  # a mantissa never begins with 0
    weights = (mass[..., None] * digits).reshape(count, size, -1)  # (n, M, heads * 9)
    likely, chosen = _likeliest(weights)
    place: Ids = _OUTLINED * np.arange(size, dtype=np.int64)[:, None]
    parents = (chosen // 9 + place).reshape(count, -1)  # which head of all
    first = chosen.reshape(count, -1) % 9 + 1
    seen = _appended(np.take_along_axis(seen, parents[..., None], axis=1))
    second = writer.grow(first + int(FIRST[1]), seen).reshape(count, size, _OUTLINED, 10)
    np.put_along_axis(weights, chosen, 0.0, axis=2)
    return _means(heads, np.take_along_axis(heads, parents, axis=1), first, weights, likely, second), states


def _likeliest(mass: Floats) -> tuple[Floats, Ids]:
    """The `_OUTLINED` largest of each row, the largest first, and their places."""
    rest, places = mass.copy(), list[Ids]()
    for _ in range(_OUTLINED):
        places.append(rest.argmax(axis=-1, keepdims=True))
        np.put_along_axis(rest, places[-1], -1.0, axis=-1)
    chosen = np.concatenate(places, axis=-1)
    return np.take_along_axis(mass, chosen, axis=-1), chosen


def _appended(visible: Bools) -> Bools:
    """What each position of a level sees, (n, B, positions), and itself."""
    count, breadth = visible.shape[:2]
    own = np.broadcast_to(np.eye(breadth, dtype=np.bool_), (count, breadth, breadth))
    return np.concatenate([visible, own], axis=2)


def _means(heads: Ids, parents: Ids, first: Ids, rest: Floats, likely: Floats, second: Floats) -> Floats:
    """Means of the branches with two digits and of the rest with one, over their total mass, (n, M)."""
    one, two = _middles()
    fine = likely[..., None] * second
    coarse = one[heads].reshape(rest.shape)
    exact = two[parents, first - 1].reshape(fine.shape)
    total: Floats = (rest * coarse).sum(axis=2) + (fine * exact).sum(axis=(2, 3))
    return total / (rest.sum(axis=2) + fine.sum(axis=(2, 3)))


@lru_cache(maxsize=1)
def _middles() -> tuple[Floats, Floats]:
    """Middles of the numbers of each head and first digit, (HEADS, 9), and of two digits, (HEADS, 9, 10)."""
    digits = np.array([(first, second) for first in range(1, 10) for second in range(10)])
    heads = np.repeat(np.arange(HEADS), len(digits))
    lower, upper = interval(heads, np.tile(digits, (HEADS, 1)))
    two = (lower / 2 + upper / 2).reshape(HEADS, 9, 10)
    return (two / 10).sum(axis=2), two  # divided first: the sum of the largest would overflow


def _heads(probability: Floats) -> tuple[Branches, Floats]:
    """Branches of the first tokens, of probabilities (n, HEADS), and the probability of failure."""
    probability = probability.copy()
    p_fail = probability[:, FAILED].copy()
    probability[:, FAILED] = 0
    probability /= probability.sum(axis=1, keepdims=True)
    ranked = np.sort(probability, axis=1)[:, ::-1]
    most = ranked[:, :1] / 2
    floor = np.minimum(np.maximum(HEAD_FLOOR, ranked[:, _MOST_HEADS, None]), most)
    mass = _without_tails(np.maximum(probability - floor, 0), floor, most)
    mass /= mass.sum(axis=1, keepdims=True)
    symbols = np.tile(np.arange(mass.shape[1], dtype=np.int64)[None, :, None], (len(mass), 1, 1))
    return Branches(symbols, mass, np.ones((*mass.shape, 1), dtype=bool)).packed(), p_fail


def _without_tails(mass: Floats, floor: Floats, most: Floats) -> Floats:
    """Masses of heads, (n, HEADS), less more than a floor the more decades they lie from the median, at most so much.

    One in two hundred that a network of 0.04 ms takes 1,000 ms would be all that its mean tells.
    """
    heads = np.flatnonzero((mass > 0).any(axis=0) & np.isfinite(DECADES))
    if not len(heads):
        return mass
    heads = heads[np.argsort(DECADES[heads], kind="stable")]
    reached = np.cumsum(mass[:, heads], axis=1)
    median = DECADES[heads][(reached >= reached[:, -1:] / 2).argmax(axis=1)]
    away = np.clip(np.abs(DECADES[heads] - median[:, None]) - 1, 0, _MOST_DECADES)
    mass = mass.copy()
    mass[:, heads] = np.maximum(mass[:, heads] - (np.minimum(floor * _RISE**away, most) - floor), 0)
    return mass


def _written(writer: Writer, branches: Branches, leaves: Leaves) -> Leaves:
    """The leaves there are, and those of the branches, written to the end."""
    if branches.symbols.shape[2] > DIGITS:
        return _joined(leaves, branches.leaves())
    coarse, rest = _divide(branches, leaves)
    whole, groups = _joined(leaves, coarse), _alike(rest.count)

    def part(rows: Rows) -> Leaves:
        own, few = _of(whole, rows), rest.of(rows)
        if not few.mass.shape[1]:
            return own
        some = writer.of(rows)
        return _written(some, _grow(some, few), own)

    return _together(groups, [part(rows) for rows in groups])


def _alike(breadth: NDArray[np.intp]) -> list[Rows]:
    """Rows in groups of about as many branches, (n,): apart where more than a pass would be spent on padding."""
    order, cuts = np.argsort(breadth, kind="stable"), [0]
    steps = np.diff(breadth[order])
    for place in np.flatnonzero(steps).tolist():
        if (place + 1 - cuts[-1]) * steps[place] > _PASS:
            cuts.append(place + 1)
    return [np.sort(rows) for rows in np.split(order, cuts[1:])]


def _divide(branches: Branches, leaves: Leaves) -> tuple[Leaves, Branches]:
    """What of each branch remains a leaf, and the branches that deserve another digit."""
    lower, upper, mass = branches.leaves()
    half = np.maximum(upper / 2 - lower / 2, np.finfo(np.float64).tiny)
    spread = standard_deviation(*_joined(leaves, (lower, upper, mass)))[:, None]
    with np.errstate(over="ignore"):
        bearable = np.minimum(TOLERANCE / 2 * spread / half, 1)
    coarse = np.clip(2 * bearable - mass, 0, mass)
    return (lower, upper, coarse), Branches(branches.symbols, mass - coarse, branches.visible)


def _grow(writer: Writer, branches: Branches) -> Branches:
    """Split every branch into its ten digits."""
    count, breadth, position = branches.symbols.shape
    visible = _appended(branches.visible)
    digits = writer.grow(branches.symbols[:, :, -1] + FIRST[position - 1], visible)  # (n, B, 10)
    if position == 1:  # a mantissa never begins with 0; its interval would lie outside the head's
        digits[:, :, 0] = 0
        digits /= digits.sum(axis=2, keepdims=True)
    last = np.broadcast_to(np.arange(10)[:, None], (count, breadth, 10, 1))
    symbols = np.concatenate([np.repeat(branches.symbols[:, :, None], 10, axis=2), last], axis=3)
    mass = branches.mass[:, :, None] * digits
    repeated = np.repeat(visible, 10, axis=1)
    return Branches(symbols.reshape(count, -1, position + 1), mass.reshape(count, -1), repeated)


def _joined(*leaves: Leaves) -> Leaves:
    """Leaves of several levels side by side."""
    lower, upper, mass = (np.concatenate(part, axis=1) for part in zip(*leaves, strict=True))
    return lower, upper, mass


def _of(leaves: Leaves, rows: Rows) -> Leaves:
    """Those of some candidates."""
    lower, upper, mass = (part[rows] for part in leaves)
    return lower, upper, mass


def _together(groups: Sequence[Rows], parts: Sequence[Leaves]) -> Leaves:
    """Leaves of groups of candidates in the candidates' order, padded with mass 0."""
    shape = sum(map(len, groups)), max(mass.shape[1] for *_, mass in parts)
    lower, upper, mass = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for rows, part in zip(groups, parts, strict=True):
        for whole, own in zip((lower, upper, mass), part, strict=True):
            whole[rows, : own.shape[1]] = own
    return lower, upper, mass


def _pack(leaves: Leaves) -> Leaves:
    """All leaves of each candidate with the empty ones left out, the heaviest first."""
    *_, mass = leaves
    order = np.argsort(-mass, axis=1, kind="stable")[:, : int((mass > 0).sum(axis=1).max(initial=0))]
    lower, upper, mass = (np.take_along_axis(part, order, axis=1) for part in leaves)
    empty = mass <= 0
    return np.where(empty, 0.0, lower), np.where(empty, 0.0, upper), mass
