from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prerank.surrogate import Problem, RLMSurrogate, Row, Training, adaptations, belief, checkpoint
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space
from prerank.surrogate.metrics import spearman

PROBLEM = Problem("space\ndetails", "latency_ms pixel 3")
POOL = [f"a{n} b{n * n % 7}" for n in range(40)]
VALUES = [float(n * n % 7) + 1 for n in range(40)]


def test_every_number_of_texts_has_its_answer(surrogate: RLMSurrogate) -> None:
    assert len(surrogate.predict(PROBLEM, [])) == 0
    assert surrogate.predict(PROBLEM, []).mean.shape == (0,)
    assert len(surrogate.predict(PROBLEM, [""])) == 1
    twice = surrogate.predict(PROBLEM, ["a", "b", "a"]).mean
    assert twice[0] == twice[2]


def test_the_chunks_of_a_large_batch_keep_the_order(surrogate: RLMSurrogate) -> None:
    texts = [f"a{n % 50}" for n in range(600)]
    mean = surrogate.predict(PROBLEM, texts).mean
    assert mean[:50] == pytest.approx(mean[550:], rel=1e-5)


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["a"]])
def test_what_is_no_text_is_named(surrogate: RLMSurrogate, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"text 1 is .*to_text must return strings"):
        surrogate.predict(PROBLEM, ["a", wrong])


def test_a_single_string_is_no_list_of_texts(surrogate: RLMSurrogate) -> None:
    with pytest.raises(ValueError, match="give a list"):
        surrogate.predict(PROBLEM, "abc")


def test_values_must_match_texts(surrogate: RLMSurrogate) -> None:
    with pytest.raises(ValueError, match=r"shape \(1,\) for 2 texts"):
        surrogate.observe(PROBLEM, ["a", "b"], [1.0])


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a", "'a'"), (1j, "1j"), (10**5000, "larger than any float"), ([2.0], r"\[2\.0\]"), ({}, r"\{\}")],
    ids=["word", "complex", "huge", "list", "mapping"],
)
def test_a_value_that_is_no_number_is_named_with_its_text(surrogate: RLMSurrogate, value: Any, shown: str) -> None:
    values: Any = [None, value, 1.0]
    with pytest.raises(ValueError, match=f"the value of 'y' is {shown}; give a number, nan where"):
        surrogate.observe(PROBLEM, ["x", "y", "z"], values)
    assert surrogate.observed == []


def test_values_that_are_no_list_of_numbers_are_shown(surrogate: RLMSurrogate) -> None:
    with pytest.raises(ValueError, match="the value of 'x' is 1j"):
        surrogate.observe(PROBLEM, ["x"], np.array([1j]))
    several: Any = iter([1.0])
    with pytest.raises(ValueError, match=r"values are <list_it.*>; give a list of numbers"):
        surrogate.observe(PROBLEM, ["x"], several)


@pytest.mark.parametrize("measured", [0, 3, 8])
def test_trust_is_that_of_every_prediction(surrogate: RLMSurrogate, measured: int) -> None:
    surrogate._inference.knowledge = Knowledge({"space": Space({"latency_ms": Known(0.8)})})
    surrogate.observe(PROBLEM, POOL[:measured], VALUES[:measured])
    for problem in (PROBLEM, Problem("space", "latency_ms"), Problem("elsewhere", "latency_ms")):
        assert (surrogate.predict(problem, ["a1 b1", "b"]).trust == surrogate.trust(problem)).all()
    assert surrogate.trust(PROBLEM) > 0


def test_observations_inform_their_family_and_no_other(surrogate: RLMSurrogate) -> None:
    surrogate.observe(PROBLEM, POOL, VALUES)
    assert surrogate.trust(PROBLEM) > 0
    assert surrogate.trust(Problem("space\nother details", "latency_ms pixel 4")) > 0
    for other in (Problem("another space", PROBLEM.metric), Problem(PROBLEM.context, "energy_mj")):
        assert surrogate.trust(other) == 0


def test_what_is_observed_does_not_depend_on_which_way_is_better(surrogate: RLMSurrogate) -> None:
    turned = Problem(PROBLEM.context, PROBLEM.metric, "maximize")
    surrogate.observe(turned, POOL, VALUES)
    before = surrogate.predict(PROBLEM, POOL).mean
    assert np.array_equal(before, surrogate.predict(turned, POOL).mean)
    surrogate.observe(PROBLEM, POOL, VALUES[::-1])
    assert np.array_equal(surrogate.predict(turned, POOL).mean, surrogate.predict(PROBLEM, POOL).mean)
    assert not np.array_equal(surrogate.predict(turned, POOL).mean, before)


def test_what_is_forgotten_was_never_observed(surrogate: RLMSurrogate) -> None:
    untold = surrogate.predict(PROBLEM, POOL).mean
    surrogate.observe(PROBLEM, POOL[:6], VALUES[:6])
    few = surrogate.predict(PROBLEM, POOL).mean
    surrogate.observe(PROBLEM, POOL[6:], VALUES[6:])
    assert not np.array_equal(surrogate.predict(PROBLEM, POOL).mean, few)
    surrogate.forget(PROBLEM, POOL[6:])
    assert np.array_equal(surrogate.predict(PROBLEM, POOL).mean, few)
    surrogate.forget(PROBLEM, POOL)
    assert np.array_equal(surrogate.predict(PROBLEM, POOL).mean, untold)


KNOWN = {"latency_ms pixel 3": Known(0.8, 1.0, 50.0), "params": Known(0.9)}


def test_what_is_measured_on_one_device_leaves_known_ones_alone(surrogate: RLMSurrogate) -> None:
    surrogate._inference.knowledge = Knowledge({"space": Space(KNOWN)})
    before = surrogate.predict(PROBLEM, POOL)
    surrogate.observe(Problem(PROBLEM.context, "latency_ms server"), POOL, [1e-4 * value for value in VALUES])
    after = surrogate.predict(PROBLEM, POOL)
    assert (after.mean == before.mean).all()
    surrogate.observe(PROBLEM, POOL, VALUES)
    assert surrogate.predict(PROBLEM, POOL).mean == pytest.approx(VALUES, rel=0.9)


def test_a_device_never_measured_hears_of_others_only_where_the_model_knows_none(surrogate: RLMSurrogate) -> None:
    server, board = (Problem(PROBLEM.context, f"latency_ms {name}") for name in ("server", "board"))
    unknown = surrogate.fork()
    unknown.observe(server, POOL, VALUES)
    assert unknown.trust(board) > 0
    assert np.isfinite(unknown.predict(board, POOL).mean).all()
    surrogate._inference.knowledge = Knowledge({"space": Space(KNOWN)})
    before = surrogate.predict(board, POOL).mean
    surrogate.observe(server, POOL, VALUES)
    assert surrogate.trust(board) == belief.trust(surrogate._knowledge, board)
    assert (surrogate.predict(board, POOL).mean == before).all()


def test_measured_elsewhere_the_ranking_is_as_sure_and_the_scale_is_not(surrogate: RLMSurrogate) -> None:
    """A kernel that is not known was measured at one size: all of another size may be off by one factor."""
    surrogate._inference.knowledge = Knowledge({"matmul": Space({"latency_ms": Known(0.8, 1.0, 50.0)})})
    measured, other = (Problem(f"matmul fp8\nm={size}", "latency_ms") for size in (512, 513))
    surrogate.observe(measured, POOL, VALUES)
    here, there = surrogate.predict(measured, POOL), surrogate.predict(other, POOL)
    assert (np.log(there.std / there.mean) > np.log(here.std / here.mean)).all()
    assert (there.quantile(0.95) / there.quantile(0.05) > 3).all()  # a factor's own 90 %, whatever else is unsure
    surrogate.observe(other, POOL[:1], [np.nan])  # says nothing of the scale
    assert (surrogate.predict(other, POOL).quantile(0.95) > 3 * surrogate.predict(other, POOL).quantile(0.05)).all()


def test_a_fork_learns_alone(surrogate: RLMSurrogate) -> None:
    fork = surrogate.fork()
    fork.observe(PROBLEM, POOL, VALUES)
    assert fork.trust(PROBLEM) > 0 == surrogate.trust(PROBLEM)
    assert fork.fork().trust(PROBLEM) == fork.trust(PROBLEM)


def test_a_text_observed_again_takes_its_new_value(surrogate: RLMSurrogate) -> None:
    once, twice = surrogate.fork(), surrogate.fork()
    once.observe(PROBLEM, POOL, VALUES)
    twice.observe(PROBLEM, POOL, VALUES[::-1])
    twice.observe(PROBLEM, POOL, VALUES)
    assert np.array_equal(once.predict(PROBLEM, POOL).mean, twice.predict(PROBLEM, POOL).mean)


def test_observations_survive_saving_and_pickling(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.observe(PROBLEM, POOL, [*VALUES[:-1], np.nan])
    expected = surrogate.predict(PROBLEM, POOL)
    surrogate.save(tmp_path)
    for other in (RLMSurrogate.load(tmp_path), pickle.loads(pickle.dumps(surrogate))):
        assert np.array_equal(other.predict(PROBLEM, POOL).mean, expected.mean)
        assert np.array_equal(other.predict(PROBLEM, POOL).p_fail, expected.p_fail)


def test_two_loads_share_no_observations(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.save(tmp_path)
    one, other = RLMSurrogate.load(tmp_path), RLMSurrogate.load(tmp_path)
    one.observe(PROBLEM, POOL, VALUES)
    assert one.trust(PROBLEM) > 0 == other.trust(PROBLEM)


def test_the_fingerprint_is_that_of_model_and_observations(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    empty = surrogate.fingerprint
    student = surrogate.fork()
    student.observe(PROBLEM, ["a", "b"], [1.0, np.nan])
    told = student.fingerprint
    assert told != empty == surrogate.fingerprint
    student.save(tmp_path)
    loaded = RLMSurrogate.load(tmp_path)
    assert loaded.fingerprint == told
    loaded.save(tmp_path / "again")
    assert RLMSurrogate.load(tmp_path / "again").fingerprint == told
    loaded.predict(PROBLEM, ["a"])
    assert loaded.fingerprint == pickle.loads(pickle.dumps(loaded)).fingerprint == told
    loaded.observe(PROBLEM, ["a"], [2.0])
    assert loaded.fingerprint != told
    student.fit([Row(PROBLEM.context, (text,), {PROBLEM.metric: 1.0}) for text in POOL], Training(2, candidates=8))
    assert student.fingerprint != told


def test_the_order_of_observations_does_not_matter(surrogate: RLMSurrogate) -> None:
    forward, backward = surrogate.fork(), surrogate.fork()
    forward.observe(PROBLEM, POOL, VALUES)
    backward.observe(PROBLEM, POOL[::-1], VALUES[::-1])
    assert forward.predict(PROBLEM, POOL).mean == pytest.approx(backward.predict(PROBLEM, POOL).mean, rel=1e-4)


def test_the_same_call_gives_the_same_bits(surrogate: RLMSurrogate) -> None:
    surrogate.observe(PROBLEM, POOL, VALUES)
    answers = [surrogate.predict(PROBLEM, POOL) for _ in range(5)]
    assert len({p.mean.tobytes() + p.std.tobytes() + p.trust.tobytes() for p in answers}) == 1


def test_a_failure_observed_raises_the_expectation_of_another(surrogate: RLMSurrogate) -> None:
    before = surrogate.predict(PROBLEM, ["a7 b0"]).p_fail
    surrogate.observe(PROBLEM, POOL[:7], [np.nan, np.inf, np.nan, -np.inf, np.nan, np.nan, np.nan])
    after = surrogate.predict(PROBLEM, ["a7 b0"])
    assert after.p_fail > before + 0.1
    assert np.isfinite(after.mean).all()


@pytest.mark.parametrize("wrong", ["a", [3]])
def test_what_is_no_text_is_not_observed(surrogate: RLMSurrogate, wrong: Any) -> None:
    with pytest.raises(ValueError, match="text"):
        surrogate.observe(PROBLEM, wrong, [1.0])
    assert surrogate.trust(PROBLEM) == 0


def test_a_text_is_read_once_in_either_direction(surrogate: RLMSurrogate, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(self: Inference, problem: Problem, texts: list[str]) -> Any:
        asked.extend(texts)
        return original(self, problem, texts)

    original = Inference.read
    monkeypatch.setattr(Inference, "read", read)
    best = Problem(PROBLEM.context, PROBLEM.metric, "maximize")
    for count in (6, 7, 8):
        surrogate.observe(PROBLEM, POOL[:count], VALUES[:count])
        surrogate.predict(best, POOL)
    assert sorted(asked) == sorted(POOL)


def test_after_training_nothing_is_answered_from_before(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.observe(PROBLEM, POOL[:4], VALUES[:4])
    before = surrogate.predict(PROBLEM, POOL).mean
    rows = [Row(PROBLEM.context, (text,), {PROBLEM.metric: value}) for text, value in zip(POOL, VALUES, strict=True)]
    surrogate.fit(rows, Training(steps=40))
    surrogate.save(tmp_path)
    after = surrogate.predict(PROBLEM, POOL).mean
    assert not np.allclose(after, before, rtol=1e-4)
    assert after == pytest.approx(RLMSurrogate.load(tmp_path).predict(PROBLEM, POOL).mean, rel=1e-4)


def test_fit_changes_neither_the_file_nor_what_else_was_loaded(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.save(tmp_path)
    before = surrogate.predict(PROBLEM, POOL).mean
    one, other = RLMSurrogate.load(tmp_path), RLMSurrogate.load(tmp_path)
    rows = [Row(PROBLEM.context, (text,), {PROBLEM.metric: value}) for text, value in zip(POOL, VALUES, strict=True)]
    one.fit(rows, Training(2, candidates=8))
    assert not np.array_equal(one.predict(PROBLEM, POOL).mean, before)
    for untouched in (surrogate, other, RLMSurrogate.load(tmp_path)):
        assert np.array_equal(untouched.predict(PROBLEM, POOL).mean, before)


def test_what_is_loaded_keeps_its_model_when_the_folder_is_written_again(
    surrogate: RLMSurrogate, tmp_path: Path
) -> None:
    surrogate.save(tmp_path)
    loaded = RLMSurrogate.load(tmp_path)
    before = loaded.predict(PROBLEM, POOL).mean
    RLMSurrogate.untrained(POOL, vocabulary=280, width=32, heads=2, reader_layers=1, writer_layers=1).save(tmp_path)
    assert np.array_equal(loaded.predict(PROBLEM, POOL).mean, before)


def test_a_copy_says_that_another_checkpoint_took_its_place(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.save(tmp_path)
    loaded = RLMSurrogate.load(tmp_path)
    loaded.predict(PROBLEM, POOL)
    RLMSurrogate.untrained(POOL, vocabulary=280, width=32, heads=2, reader_layers=1, writer_layers=1).save(tmp_path)
    copied = copy.deepcopy(loaded)
    assert copied.fingerprint == loaded.fingerprint
    with pytest.warns(UserWarning, match="another checkpoint was written"):
        copied.predict(PROBLEM, POOL)
    assert copied.fingerprint == RLMSurrogate.load(tmp_path).fingerprint != loaded.fingerprint


def test_another_checkpoint_is_not_saved_as_the_one_that_was_opened(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.save(tmp_path / "one")
    loaded = RLMSurrogate.load(tmp_path / "one", backend="onnxruntime")
    loaded.predict(PROBLEM, POOL)
    loaded.save(tmp_path / "copy")
    assert RLMSurrogate.load(tmp_path / "copy").fingerprint == surrogate.fingerprint
    other = RLMSurrogate.untrained(POOL, vocabulary=280, width=32, heads=2, reader_layers=1, writer_layers=1)
    other.save(tmp_path / "one")
    with pytest.raises(ValueError, match="another checkpoint was written to"):
        loaded.save(tmp_path / "copy")


@pytest.mark.parametrize("wrong", [{"heads": 0}, {"reader_layers": 0}, {"width": 18, "heads": 2}])
def test_sizes_that_make_no_model_are_named(wrong: dict[str, int]) -> None:
    name, value = next(iter(wrong.items()))
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        RLMSurrogate.untrained(POOL, **wrong)  # type: ignore[arg-type]


def test_after_training_the_old_weights_are_let_go(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.save(tmp_path)
    loaded = RLMSurrogate.load(tmp_path)
    old = weakref.ref(loaded._inference)
    loaded.fit([Row(PROBLEM.context, (text,), {PROBLEM.metric: 1.0}) for text in POOL], Training(1, candidates=8))
    assert loaded._inference is not old()
    assert loaded._source._opened is None
    assert loaded.fork()._source._opened is None


@pytest.mark.slow
def test_a_new_process_gives_the_same_bits(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.observe(PROBLEM, POOL, [*VALUES[:-1], np.nan])
    surrogate.save(tmp_path)
    code = (
        "import sys, json; from prerank.surrogate import Problem, RLMSurrogate;"
        "folder, context, metric, texts = json.load(sys.stdin);"
        "p = RLMSurrogate.load(folder).predict(Problem(context, metric), texts);"
        "print(json.dumps([p.mean.tolist(), p.std.tolist(), p.p_fail.tolist()]))"
    )
    asked = json.dumps([str(tmp_path), PROBLEM.context, PROBLEM.metric, POOL])
    done = subprocess.run([sys.executable, "-c", code], input=asked, capture_output=True, text=True, check=True)
    p = surrogate.predict(PROBLEM, POOL)
    assert json.loads(done.stdout) == [p.mean.tolist(), p.std.tolist(), p.p_fail.tolist()]


def test_threads_may_observe_and_ask_at_once(surrogate: RLMSurrogate) -> None:
    texts = [f"conv{number} a b" for number in range(40)]

    def work(number: int) -> int:
        for step in range(6):
            place = (7 * number + step) % 40
            surrogate.observe(PROBLEM, [texts[place]], [1.0 + place])
            surrogate.predict(PROBLEM, texts[:3])
            surrogate.forget(PROBLEM, [texts[(place + 20) % 40]])
            assert surrogate.fingerprint
            pickle.dumps(surrogate)
        surrogate.observe(PROBLEM, texts, np.arange(40) + 1.0)
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    alone = surrogate.fork().predict(PROBLEM, texts).mean  # rounded otherwise: it reads all in one batch
    assert surrogate.predict(PROBLEM, texts).mean == pytest.approx(alone, rel=1e-3)


def test_of_very_many_observations_the_latest_count(surrogate: RLMSurrogate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptations, "_MOST_OBSERVED", 12)
    texts = [f"conv{number} a b" for number in range(40)]
    many, few = surrogate, surrogate.fork()
    many.observe(PROBLEM, texts, np.arange(40) + 1.0)
    few.observe(PROBLEM, texts[-12:], np.arange(28, 40) + 1.0)
    assert np.array_equal(many.predict(PROBLEM, texts).mean, few.predict(PROBLEM, texts).mean)


def test_the_latest_count_whichever_problem_they_are_of(
    surrogate: RLMSurrogate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptations, "_MOST_OBSERVED", 12)
    texts = [f"conv{number} a b" for number in range(40)]
    sibling = Problem(f"{PROBLEM.context}\nanother", PROBLEM.metric)
    many, few = surrogate, surrogate.fork()
    many.observe(PROBLEM, texts[:1], [1e6])
    many.observe(sibling, texts, np.full(40, 1e6))
    many.observe(PROBLEM, texts[-12:], np.arange(28, 40) + 1.0)
    few.observe(PROBLEM, texts[-12:], np.arange(28, 40) + 1.0)
    assert many.predict(PROBLEM, texts).mean == pytest.approx(few.predict(PROBLEM, texts).mean, rel=1e-6)


def test_nothing_observed_changes_nothing(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    before = surrogate.fingerprint
    surrogate.observe(PROBLEM, [], [])
    assert surrogate.fingerprint == before
    surrogate.save(tmp_path)
    assert not (tmp_path / "observations.json").exists()


def test_what_is_masked_was_not_measured(surrogate: RLMSurrogate) -> None:
    masked, others = surrogate.fork(), surrogate.fork()
    masked.observe(PROBLEM, POOL, np.ma.masked_equal([*VALUES[:-1], -999.0], -999.0))
    others.observe(PROBLEM, POOL[:-1], VALUES[:-1])
    assert masked.fingerprint == others.fingerprint


def test_orders_of_the_same_words_are_learnt(surrogate: RLMSurrogate) -> None:
    orders = [" ".join(order) for order in permutations(["inline", "unroll", "vectorize", "fuse"])]
    values = [1.0 + 2 * order.split().index("inline") for order in orders]
    surrogate.observe(PROBLEM, orders[::2], values[::2])
    assert spearman(surrogate.predict(PROBLEM, orders[1::2]).mean, values[1::2]) > 0.8


def test_where_nothing_can_be_saved_is_said_at_once(
    surrogate: RLMSurrogate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "save", lambda *_: pytest.fail("the model was asked first"))
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        surrogate.save(tmp_path / "file")
