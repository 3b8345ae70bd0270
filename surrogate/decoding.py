"""Numbers read off the model without sampling: the tree of heads and digits is walked breadth-first.

All candidates advance together, one level of the tree at a time, each level one pass of the writer over the keys and
values of the levels before (a branch sees its ancestors alone). A branch is split into its ten digits as long as its
mass times its width exceeds `TOLERANCE` standard deviations of the candidate's distribution; the part of its mass below
that stays on it as a leaf. So the mean is exact to a few hundredths of a standard deviation, and every number varies
continuously with the scores: rounding differences between batches cannot flip a decision.

Shapes: n candidates, B branches a candidate (the most any of them has; others are padded with mass 0), k digits so far,
D the width of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .codec import DIGITS, FAILED, FIRST, HEADS, ZERO, interval
from .model import RLM, KeysValues, Memory
from .prediction import standard_deviation

TOLERANCE = 0.02
HEAD_FLOOR = 3e-3
"""Taken off each head's probability, so that the many heads of no consequence, however far out, weigh nothing."""
_MOST_HEADS = 32
_OUTLINED = 2  # heads of an outline

Floats = NDArray[np.float64]
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

    symbols: NDArray[np.int64]
    mass: Floats
    visible: NDArray[np.bool_]

    def heaviest(self, count: int) -> Branches:
        """The branches of most mass."""
        order = np.argsort(-self.mass, axis=1, kind="stable")[:, :count]
        rows = np.arange(len(order))[:, None]
        return Branches(self.symbols[rows, order], self.mass[rows, order], self.visible[rows, order])

    def leaves(self) -> Leaves:
        """The branches as intervals of numbers."""
        flat = self.symbols.reshape(-1, self.symbols.shape[-1])
        lower, upper = interval(flat[:, 0], flat[:, 1:])
        return lower.reshape(self.mass.shape), upper.reshape(self.mass.shape), self.mass


@torch.inference_mode()
def decode(model: RLM, metric: Tensor, candidates: Memory, allowed: NDArray[np.bool_]) -> tuple[Leaves, Floats]:
    """Distribution of one metric.

    Args:
        model: The language model.
        metric: Embedded metric, (D,).
        candidates: What the reader made of n candidates.
        allowed: Heads that the number may have, (HEADS,).

    Returns:
        The leaves, whose masses sum to 1 for each candidate, and the probability of failure, (n,).
    """
    count = candidates.mask.shape[0]
    itself = torch.ones(count, 1, 1, 1, dtype=torch.bool, device=metric.device)
    states, cache = model.write(metric.expand(count, 1, -1), itself, candidates)
    branches, p_fail = _heads(_among(allowed, model.logits(states[:, 0], 0)))
    leaves: list[Leaves] = []
    for _ in range(DIGITS):
        leaf, branches = _divide(branches, leaves)
        leaves.append(leaf)
        if branches.mass.shape[1] == 0:
            break
        branches, cache = _grow(model, branches, cache, candidates)
    return _pack([*leaves, branches.leaves()]), p_fail


@torch.inference_mode()
def outline(model: RLM, metrics: Tensor, candidates: Memory, allowed: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """What many metrics of a candidate are about: cheap means, of the likeliest heads and two digits.

    Args:
        model: The language model.
        metrics: Embedded metrics, (M, D).
        candidates: What the reader made of n candidates.
        allowed: Heads that the number of each metric may have, (M, HEADS).

    Returns:
        The means, (n, M), and the states that precede the numbers, (n, M, D).
    """
    count, size = candidates.mask.shape[0], len(metrics)
    apart = torch.eye(size, dtype=torch.bool, device=metrics.device).expand(count, -1, -1)
    states, cache = model.write(metrics.expand(count, -1, -1), apart[:1], candidates)
    mass, heads = _among(allowed, model.logits(states, 0))[..., ZERO + 1 :].double().softmax(dim=-1).topk(_OUTLINED)
    mass = (mass - torch.clamp(mass[..., :1] / 2, max=HEAD_FLOOR)).clamp(min=0)  # a far-out head must weigh nothing
    heads = (heads + ZERO + 1).flatten(1)  # (n, M * heads)
    seen = _appended(apart.repeat_interleave(_OUTLINED, dim=1))
    following, cache = model.write(model.tokens(heads), seen.unsqueeze(1), candidates, cache)
    digits = model.logits(following, 1)[..., 1:].double().softmax(dim=-1)  # a mantissa never begins with 0
    weights = (mass.unsqueeze(-1) * digits.view(count, size, _OUTLINED, 9)).flatten(2)  # (n, M, heads * 9)
    likely, chosen = weights.topk(_OUTLINED, dim=-1)
    parents = chosen // 9 + _OUTLINED * torch.arange(size, device=heads.device)[:, None]  # which head of all
    parents, first = parents.flatten(1), chosen.flatten(1) % 9 + 1
    seen = _appended(seen.gather(1, parents.unsqueeze(-1).expand(-1, -1, seen.shape[2])))
    following, _ = model.write(model.tokens(first + int(FIRST[1])), seen.unsqueeze(1), candidates, cache)
    second = model.logits(following, 2).double().softmax(dim=-1).view(count, size, _OUTLINED, 10)
    return _means(heads, heads.gather(1, parents), first, weights.scatter(2, chosen, 0.0), likely, second), (
        states.double().cpu().numpy()
    )


def _among(allowed: NDArray[np.bool_], scores: Tensor) -> Tensor:
    """Scores of heads with those that are not allowed far below the others."""
    return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -1e4)


def _appended(visible: Tensor) -> Tensor:
    """What each position of a level sees, (n, B, positions), and itself."""
    itself = torch.eye(visible.shape[1], dtype=torch.bool, device=visible.device)
    return torch.cat([visible, itself.expand(len(visible), -1, -1)], dim=2)


def _means(heads: Tensor, parents: Tensor, first: Tensor, rest: Tensor, likely: Tensor, second: Tensor) -> Floats:
    """Means of the branches with two digits and of the rest with one, over their total mass, (n, M)."""
    one, two = _middles()
    mass, fine = rest.cpu().numpy(), (likely.unsqueeze(-1) * second).cpu().numpy()
    coarse = one[heads.cpu().numpy()].reshape(mass.shape)
    exact = two[parents.cpu().numpy(), first.cpu().numpy() - 1].reshape(fine.shape)
    total: Floats = (mass * coarse).sum(axis=2) + (fine * exact).sum(axis=(2, 3))
    return total / (mass.sum(axis=2) + fine.sum(axis=(2, 3)))


@lru_cache(maxsize=1)
def _middles() -> tuple[Floats, Floats]:
    """Middles of the numbers of each head and first digit, (HEADS, 9), and of two digits, (HEADS, 9, 10)."""
    digits = np.array([(first, second) for first in range(1, 10) for second in range(10)])
    heads = np.repeat(np.arange(HEADS), len(digits))
    lower, upper = interval(heads, np.tile(digits, (HEADS, 1)))
    two = (lower / 2 + upper / 2).reshape(HEADS, 9, 10)
    return (two / 10).sum(axis=2), two  # divided first: the sum of the largest would overflow


def _heads(scores: Tensor) -> tuple[Branches, Floats]:
    """Branches of the first tokens, scores (n, HEADS), and the probability of failure."""
    probability = scores.double().softmax(dim=-1).cpu().numpy()
    p_fail = probability[:, FAILED].copy()
    probability[:, FAILED] = 0
    probability /= probability.sum(axis=1, keepdims=True)
    ranked = np.sort(probability, axis=1)[:, ::-1]
    floor = np.minimum(np.maximum(HEAD_FLOOR, ranked[:, _MOST_HEADS]), ranked[:, 0] / 2)
    mass = np.maximum(probability - floor[:, None], 0)
    mass /= mass.sum(axis=1, keepdims=True)
    symbols = np.tile(np.arange(mass.shape[1], dtype=np.int64)[None, :, None], (len(mass), 1, 1))
    branches = Branches(symbols, mass, np.ones((*mass.shape, 1), dtype=bool))
    return branches.heaviest(int((mass > 0).sum(axis=1).max(initial=0))), p_fail


def _divide(branches: Branches, leaves: list[Leaves]) -> tuple[Leaves, Branches]:
    """What of each branch remains a leaf, and the branches that deserve another digit."""
    lower, upper, mass = branches.leaves()
    half = np.maximum(upper / 2 - lower / 2, np.finfo(np.float64).tiny)
    spread = standard_deviation(*_joined([*leaves, (lower, upper, mass)]))[:, None]
    with np.errstate(over="ignore"):
        coarse = np.minimum(mass, TOLERANCE / 2 * spread / half)
    rest = Branches(branches.symbols, mass - coarse, branches.visible)
    return (lower, upper, coarse), rest.heaviest(int((rest.mass > 0).sum(axis=1).max(initial=0)))


def _grow(
    model: RLM, branches: Branches, cache: list[KeysValues], candidates: Memory
) -> tuple[Branches, list[KeysValues]]:
    """Split every branch into its ten digits."""
    count, breadth, position = branches.symbols.shape
    tokens = torch.from_numpy(branches.symbols[:, :, -1] + FIRST[position - 1])
    own = np.broadcast_to(np.eye(breadth, dtype=bool), (count, breadth, breadth))
    visible = np.concatenate([branches.visible, own], axis=2)
    device = candidates.mask.device
    mask = torch.from_numpy(visible).to(device).unsqueeze(1)
    states, cache = model.write(model.tokens(tokens.to(device)), mask, candidates, cache)
    digits = model.logits(states, position).double().softmax(dim=-1).cpu().numpy()  # (n, B, 10)
    if position == 1:  # a mantissa never begins with 0; its interval would lie outside the head's
        digits[:, :, 0] = 0
        digits /= digits.sum(axis=2, keepdims=True)
    last = np.broadcast_to(np.arange(10)[:, None], (count, breadth, 10, 1))
    symbols = np.concatenate([np.repeat(branches.symbols[:, :, None], 10, axis=2), last], axis=3)
    mass = branches.mass[:, :, None] * digits
    return (
        Branches(symbols.reshape(count, -1, position + 1), mass.reshape(count, -1), np.repeat(visible, 10, axis=1)),
        cache,
    )


def _joined(leaves: list[Leaves]) -> Leaves:
    """Leaves of several levels side by side."""
    lower, upper, mass = (np.concatenate(part, axis=1) for part in zip(*leaves, strict=True))
    return lower, upper, mass


def _pack(leaves: list[Leaves]) -> Leaves:
    """All leaves of each candidate with the empty ones left out, the heaviest first."""
    lower, upper, mass = _joined(leaves)
    order = np.argsort(-mass, axis=1, kind="stable")[:, : int((mass > 0).sum(axis=1).max(initial=0))]
    lower, upper, mass = (np.take_along_axis(part, order, axis=1) for part in (lower, upper, mass))
    empty = mass <= 0
    return np.where(empty, 0.0, lower), np.where(empty, 0.0, upper), mass
