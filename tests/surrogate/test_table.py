"""What a training step gets to see of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.codec import FAILED, decode
from prerank.surrogate.table import Batch, Row, Table
from prerank.surrogate.tokenizer import Tokenizer

TOKENIZER = Tokenizer.train(["c a b m 0123456789"], 280)
# The value says which row it is, and so does each of its texts.
ROWS = [
    Row(f"space\nc{n % 3}", (f"{n} a", f"b {n}"), {"m": n + 1.0, **({"k": -n - 1.0} if n % 4 == 0 else {})})
    for n in range(60)
]
TABLE = Table(ROWS, TOKENIZER)


def draw(seed: int, candidates: int = 8, metrics: int = 2) -> Batch:
    return TABLE.draw(np.random.default_rng(seed), 2, 2 * candidates, metrics)


def pieces(text: str) -> list[list[int]]:
    words = TOKENIZER([text], 9)
    return words.pieces[words.index[0]].tolist()


@given(st.integers(0, 1000))
def test_a_value_stays_with_its_text_its_context_and_its_metric(seed: int) -> None:
    batch = draw(seed)
    for place, (texts, asked) in enumerate(zip(batch.candidates, batch.asked, strict=True)):
        values = decode(batch.tokens[place].numpy())
        number = round(abs(values[batch.present[place].numpy()][0])) - 1
        assert batch.pieces[texts[:2]].tolist() in [pieces(text) for text in ROWS[number].texts]
        assert batch.context_pieces[batch.contexts[place // 8]].tolist() == pieces(ROWS[number].context)
        for metric, value, present in zip(asked, values, batch.present[place], strict=True):
            name = TABLE.metrics[int(metric)]
            assert batch.pieces[batch.metrics[metric]].tolist() == pieces(name)
            assert bool(present) == (name in ROWS[number].values)
            assert not present or value == ROWS[number].values[name]


def test_the_same_seed_draws_the_same_batch() -> None:
    for one, other in zip(vars(draw(5)).values(), vars(draw(5)).values(), strict=True):
        assert one.equal(other)
    assert not draw(5).tokens.equal(draw(6).tokens)


def test_a_measured_metric_comes_before_a_missing_one() -> None:
    assert all(draw(seed, metrics=1).present.all() for seed in range(20))


def test_all_texts_of_a_row_are_drawn() -> None:
    table = Table([Row("c", ("a", "b", "a b"), {"m": 1.0}), Row("c", ("m",), {"m": 2.0})], TOKENIZER)
    batch = table.draw(np.random.default_rng(0), 1, 200, 1)
    assert len({tuple(map(tuple, batch.pieces[text].tolist())) for text in batch.candidates}) == 4


def test_a_context_with_enough_rows_repeats_none() -> None:
    values = decode(draw(0, candidates=20, metrics=1).tokens[:, 0].numpy())
    assert len(set(np.abs(values))) == 40


def test_a_failure_is_a_value_and_a_missing_one_is_none() -> None:
    table = Table([Row("c", ("a",), {"m": np.nan}), Row("c", ("b",), {"k": 1.0})], TOKENIZER)
    batch = table.draw(np.random.default_rng(0), 1, 2, 2)
    failed = batch.tokens[:, :, 0] == FAILED
    assert int((failed & batch.present).sum()) == 1
    assert int(batch.present.sum()) == 2


def test_a_batch_is_of_one_space_and_shares_are_kept() -> None:
    rows = [Row(f"{space}\n{n % 2}", ("a",), {"m": n + 1.0}) for space in ("one", "other") for n in range(8)]
    table = Table(rows, TOKENIZER, {"one": 9.0, "other": 1.0})
    drawn = [table.draw(np.random.default_rng(seed), 4, 4, 1) for seed in range(200)]
    first = [{tuple(batch.context_pieces[context[0]].tolist()) for context in batch.contexts} for batch in drawn]
    assert {len(lines) for lines in first} == {1}
    share = sum(lines == {tuple(pieces("one")[0])} for lines in first) / len(first)
    assert 0.8 < share < 0.97


def test_the_contexts_share_the_candidates() -> None:
    assert draw(0, candidates=5).contexts.shape[0] == 2
    assert draw(0, candidates=5).candidates.shape[0] == 10


def test_a_batch_of_one_context_holds_texts_of_about_one_length() -> None:
    rows = [Row("c", ("a " * length,), {"m": float(length)}) for length in (2, 200) for _ in range(400)]
    table = Table(rows, TOKENIZER)
    drawn = [table.draw(np.random.default_rng(seed), 4, 400, 1) for seed in range(20)]
    lengths = [(batch.candidates > 0).sum(dim=1).tolist() for batch in drawn]
    assert all(len(own) * max(own) <= 16_384 for own in lengths)
    assert sum(own.count(2) for own in lengths) > 0 < sum(own.count(200) for own in lengths)


def test_texts_may_be_a_list() -> None:
    rows = [Row(row.context, list(row.texts), row.values) for row in ROWS]  # type: ignore[arg-type]
    assert rows == ROWS
    table = Table(rows, TOKENIZER)
    drawn, expected = (own.draw(np.random.default_rng(0), 2, 16, 2) for own in (table, TABLE))
    assert np.array_equal(drawn.candidates, expected.candidates)


@pytest.mark.parametrize(
    ("shares", "said"),
    [({"spaces": 1.0}, "spaces.*begin with.*space"), ({"space": 0.0}, "not all of them 0"), ({"space": -1.0}, "-1.0")],
)
def test_shares_of_nothing_are_named(shares: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Table(ROWS, TOKENIZER, shares)
