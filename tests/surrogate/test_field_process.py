from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from prerank.surrogate.field_process import FieldProcess
from prerank.surrogate.fields import Fields
from prerank.surrogate.metrics import spearman
from prerank.surrogate.reading import Reading


def texts(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 2, (count, 8)).tolist()
    switches = ["cache", "compress", "batch", "pin", "numa", "pages", "prefetch", "wait"]
    return [" ".join(f"{name}={['off', 'on'][on]}" for name, on in zip(switches, own, strict=True)) for own in drawn]


def value(text: str) -> float:
    """Two switches matter together, as neither does alone."""
    return float(("cache=on" in text) != ("batch=on" in text))


def process(known: list[str], y: NDArray[np.float64]) -> FieldProcess:
    return FieldProcess(Fields(known), known, y)


def reading(of: list[str]) -> Reading:
    nothing = np.zeros((len(of), 1))
    return Reading(of, nothing[:, 0], nothing[:, 0], nothing[:, 0], nothing, nothing)


def scores(of: list[str]) -> NDArray[np.float64]:
    return np.array([value(text) for text in of])


def test_it_finds_the_few_fields_that_matter() -> None:
    known, new = texts(40), texts(60, seed=1)
    learnt = process(known, scores(known))
    assert spearman(learnt(reading(new))[0], scores(new)) > 0.8
    assert np.mean((learnt.left_out - scores(known)) ** 2) < scores(known).var() / 4


def test_the_order_of_observing_does_not_matter() -> None:
    known = texts(20)
    y = scores(known) + np.arange(20) / 100
    forth, back = process(known, y), process(known[::-1], y[::-1])
    assert forth.left_out.tolist() == back.left_out[::-1].tolist()
    assert forth(reading(known))[0].tolist() == back(reading(known))[0].tolist()


@pytest.mark.filterwarnings("error")
def test_numbers_whose_logarithms_are_equal_say_nothing() -> None:
    known = [f"act={act} bytes={10**18 + number}" for number in range(3) for act in ("relu", "gelu")]
    learnt = process(known, np.array([0.0, 1.0] * 3))
    assert learnt(reading(known[:2]))[0].tolist() == pytest.approx([0.0, 1.0], abs=0.2)


def test_what_is_far_away_is_less_certain() -> None:
    known = [f"width={width} act={act}" for width in (32, 64, 128, 256) for act in ("relu", "gelu")]
    learnt = process(known, np.log2([float(text.split()[0][6:]) for text in known]))
    _, variances = learnt(reading(["width=64 act=relu", "width=4096 act=relu"]))
    assert variances[0] < variances[1]


@pytest.mark.parametrize(
    ("texts", "suits"),
    [
        (["same"] * 3, False),
        (["a=1", "a=2"], True),
        ([f"word{number}" for number in range(100)], False),
        (["input conv<0 output<1", "input skip<0 output<1"], False),
    ],
)
def test_it_needs_some_fields_and_no_graph(texts: list[str], suits: bool) -> None:
    assert FieldProcess.suits(Fields(texts), texts) == suits
