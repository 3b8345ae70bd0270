"""Numbers inside words, as features of their size, so that a number never seen lies between those seen.

Digits alone make ``512`` three pieces that say little about its distance from 256. `features` reads every decimal
number of a word: a thermometer of its binary logarithm (each unit fills as the number grows through one octave: linear
between trained numbers, flat beyond them), the logarithm itself (which goes on beyond), and how often two divides the
number, which decides alignment on hardware. The digits of longer numbers are not embedded besides
(`without_long_numbers`): spelled ``5 1 2``, a number that training never met would be noise.

Shapes: U words of PLACES pieces.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .tokenizer import DIGIT_ZERO, PAD, POINT

_OCTAVES = 24
_TWOS = 7
FEATURES = _OCTAVES + 1 + _TWOS + 1
_LARGEST = 1e12


def features(pieces: Tensor) -> Tensor:
    """Features of the number that starts at each place, zeros where none does: (U, PLACES) -> (U, PLACES, FEATURES).

    A point between digits is decimal; a sign is a piece of its own.
    """
    value, starts, ends = _read(pieces - DIGIT_ZERO, _is_digit(pieces), pieces == POINT)
    size = torch.log2(1 + value)
    octaves = (size.unsqueeze(-1) - torch.arange(_OCTAVES, device=pieces.device)).clamp(0, 1)
    twos = value.unsqueeze(-1).remainder(2.0 ** torch.arange(1, _TWOS + 1, device=pieces.device)) == 0
    found = torch.cat([octaves, size.unsqueeze(-1) / 10, twos, torch.ones_like(octaves[..., :1])], dim=-1)
    found = (found * ends.unsqueeze(-1)).float()
    return torch.zeros_like(found).scatter_add(1, starts.unsqueeze(-1).expand_as(found), found)


def without_long_numbers(pieces: Tensor) -> Tensor:
    """The pieces without the digits of numbers of two or more, which only their size stands for, (U, PLACES)."""
    is_digit = _is_digit(pieces)
    before, after = torch.zeros_like(is_digit), torch.zeros_like(is_digit)
    before[:, 1:], after[:, :-1] = is_digit[:, :-1], is_digit[:, 1:]
    return pieces.masked_fill(is_digit & (before | after), PAD)


def _is_digit(pieces: Tensor) -> Tensor:
    return (pieces >= DIGIT_ZERO) & (pieces <= DIGIT_ZERO + 9)


def _read(digit: Tensor, is_digit: Tensor, is_point: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value of the number up to each place, the place where that number starts, and where numbers end."""
    value, scale = (torch.zeros(digit.shape[0], dtype=torch.float64, device=digit.device) for _ in range(2))
    inside = torch.zeros_like(is_digit[:, 0])
    start = torch.zeros_like(digit[:, 0])
    values: list[Tensor] = []
    starts: list[Tensor] = []
    goes_on: list[Tensor] = []  # whether the piece at each place belongs to the number before it
    for place in range(digit.shape[1]):
        point = is_point[:, place] & inside & (scale == 0) & _next(is_digit, place)
        goes_on.append(inside & (is_digit[:, place] | point))
        value, scale = value * inside, scale * inside
        grown = torch.where(scale > 0, value + digit[:, place] * scale, 10 * value + digit[:, place])
        value = torch.where(is_digit[:, place], grown, value * point).clamp(0, _LARGEST)
        scale = torch.where(point, 0.1, torch.where(is_digit[:, place], scale / 10, 0.0))
        start = torch.where(inside, start, place)
        inside = is_digit[:, place] | point
        values.append(value)
        starts.append(start)
    after = torch.stack([*goes_on[1:], torch.zeros_like(inside)], dim=1)
    return torch.stack(values, dim=1), torch.stack(starts, dim=1), is_digit & ~after


def _next(is_digit: Tensor, place: int) -> Tensor:
    last = place + 1 == is_digit.shape[1]
    return torch.zeros_like(is_digit[:, 0]) if last else is_digit[:, place + 1]
