"""Texts longer than the reader reads, among short ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import Problem, RLMSurrogate, Row, Training
from prerank.surrogate.backends import Backend
from prerank.surrogate.inference import Inference
from prerank.surrogate.joint import batches, joint
from prerank.surrogate.network import CANDIDATE_WORDS, CONTEXT_WORDS
from prerank.surrogate.table import Table
from prerank.surrogate.tokenizer import TruncationWarning
from prerank.surrogate.training_run import loss_of

PROBLEM = Problem("space\nc", "m")
LONG = CANDIDATE_WORDS + 10
MIXED = ["a b", "a " * LONG, "", "b " * (LONG + 300) + "a", "b a b", "a b " * LONG]


LONGS = ["a " * (LONG + 300), "b " * LONG]  # the longest is not the last


def close(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_order_and_batch_do_not_matter(surrogate: RLMSurrogate) -> None:
    together = surrogate.predict(PROBLEM, MIXED).mean
    close(together[::-1], surrogate.predict(PROBLEM, MIXED[::-1]).mean)
    close(together, np.concatenate([surrogate.predict(PROBLEM, [text]).mean for text in MIXED]))
    close(np.tile(together, 50), surrogate.predict(PROBLEM, MIXED * 50).mean)


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_nor_do_they_where_all_are_long(surrogate: RLMSurrogate, tmp_path: Path, backend: Backend) -> None:
    surrogate.save(tmp_path)
    saved = RLMSurrogate.load(tmp_path, backend=backend)
    together = saved.predict(PROBLEM, LONGS).mean
    close(together[::-1], saved.predict(PROBLEM, LONGS[::-1]).mean)
    close(together, np.concatenate([saved.predict(PROBLEM, [text]).mean for text in LONGS]))
    assert abs(together[0] - together[1]) > 1e-3 * abs(together[0])


def test_short_texts_are_answered_as_without_long_ones(surrogate: RLMSurrogate) -> None:
    short = [text for text in MIXED if len(text) < CANDIDATE_WORDS]
    own = [len(text) < CANDIDATE_WORDS for text in MIXED]
    close(surrogate.predict(PROBLEM, MIXED).mean[own], surrogate.predict(PROBLEM, short).mean)


@pytest.mark.parametrize("before", [CANDIDATE_WORDS, CONTEXT_WORDS, 3 * CONTEXT_WORDS])
def test_the_last_word_of_a_long_text_is_read(surrogate: RLMSurrogate, before: int) -> None:
    one, other = surrogate.predict(PROBLEM, ["a " * before + "b", "a " * before + "BLOCK_M=64"]).mean
    assert one != other
    assert one != surrogate.predict(Problem("space\nd", "m"), ["a " * before + "b"]).mean[0]


def test_a_text_too_long_for_the_encoder_is_cut_and_said_to_be(surrogate: RLMSurrogate) -> None:
    with pytest.warns(TruncationWarning, match="1 of 1"):
        surrogate.predict(PROBLEM, ["a " * 3000])


def test_no_text_has_no_answer(surrogate: RLMSurrogate) -> None:
    assert surrogate.predict(PROBLEM, []).mean.shape == (0,)


@given(st.lists(st.integers(1, 3000), max_size=60))
def test_batches_hold_every_text_once_and_are_bounded(lengths: list[int]) -> None:
    found = [batch.tolist() for batch in batches(np.array(lengths, dtype=np.int64))]
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= 8192 for batch in found)


def test_among_long_texts_the_short_ones_are_read_either_way(inference: Inference) -> None:
    rows = [Row("space\nc", (text, f"{text} b"), {"m": n + 1.0}) for n, text in enumerate(MIXED)]
    table, sizes = Table(rows, inference.tokenizer), set[tuple[int, int]]()
    for seed in range(30):
        batch = table.draw(np.random.default_rng(seed), contexts=4, candidates=12, metrics=1)
        sizes.add((len(batch.contexts), len(batch.candidates)))
        if batch.contexts.shape[1] > CANDIDATE_WORDS:
            lengths = (batch.contexts > 0).sum(dim=1)
            assert set(lengths.tolist()) <= {words(joint("space\nc", text)) for row in rows for text in row.texts}
            assert not batch.candidates.any()
    assert sizes == {(1, 12), (12, 12)}


def words(text: str) -> int:
    return len(text.split())


def test_a_row_may_have_short_and_long_texts(inference: Inference) -> None:
    table = Table([Row("c", ("a", "a " * LONG), {"m": 1.0})], inference.tokenizer)
    drawn = [table.draw(np.random.default_rng(seed), 1, 1, 1) for seed in range(20)]
    assert {batch.contexts.shape[1] for batch in drawn} == {1, 2, LONG + 1}


def test_training_and_asking_read_a_long_text_alike(inference: Inference) -> None:
    batch = Table([Row("space\nc", (MIXED[1],), {"m": 2.0})], inference.tokenizer).draw(
        np.random.default_rng(0), 1, 1, 1
    )
    model = inference.model
    with torch.inference_mode():
        embedded = model.words(batch.pieces)
        trained = model.read_candidates(embedded, batch.candidates, model.encode(batch.context_pieces, batch.contexts))
        (asked,) = inference._read(PROBLEM, [MIXED[1]])
    torch.testing.assert_close(trained.layers[0].keys, asked.layers[0].keys)


def long_rows(count: int, seed: int) -> list[Row]:
    """Long texts whose value is told by their last words alone."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, 9, count).tolist()
    return [Row(PROBLEM.context, ("b " * LONG + "a " * number,), {"m": float(number)}) for number in numbers]


def tiny() -> RLMSurrogate:
    return RLMSurrogate.untrained(
        ["a b m"], vocabulary=270, width=32, heads=2, encoder_layers=1, reader_layers=1, writer_layers=1
    )


def test_training_on_long_texts_lowers_the_loss() -> None:
    surrogate = tiny()
    table = Table(long_rows(40, 1), surrogate._inference.tokenizer)
    batch = table.draw(np.random.default_rng(0), 1, 64, 1)
    before = float(loss_of(surrogate._inference.model, batch).detach())
    surrogate.fit(long_rows(40, 0), Training(15, candidates=16, rate=0.02, adam_rate=0.01))
    assert float(loss_of(surrogate._inference.model, batch).detach()) < before - 1


def test_what_was_observed_of_long_texts_is_learnt(surrogate: RLMSurrogate) -> None:
    texts = [row.texts[0] for row in long_rows(24, 0)]
    values = np.array([float(text.count("a")) for text in texts])
    before = np.abs(surrogate.predict(PROBLEM, texts).mean - values).mean()
    surrogate.observe(PROBLEM, texts, values)
    after = surrogate.predict(PROBLEM, texts)
    assert np.isfinite(after.mean).all()
    assert np.abs(after.mean - values).mean() < before
