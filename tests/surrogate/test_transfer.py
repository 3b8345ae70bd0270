"""What was measured elsewhere, on the scale of a few values."""

from __future__ import annotations

import numpy as np
import pytest

from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.knowledge import Known, Space
from prerank.surrogate.metrics import spearman

TEXTS = [f"block_m={m} block_n={n} warps={w}" for m in (16, 32, 64, 128) for n in (16, 32, 64, 128) for w in (1, 2, 4)]
TIMES = np.array([(m + 3 * n) / w for m in (16, 32, 64, 128) for n in (16, 32, 64, 128) for w in (1.0, 2.0, 4.0)])
ASKED, MEASURED = TEXTS[30:], np.random.default_rng(0).permutation(30)
BY_METRIC = [Problem("a space of mine", f"latency_ms {device}") for device in ("old", "new")]
BY_CONTEXT = [Problem(f"a space of mine\n{device}", "latency_ms") for device in ("old", "new")]


def taught(surrogate: RLMSurrogate, old: Problem) -> RLMSurrogate:
    """A surrogate that was told 24 values of another device."""
    surrogate.observe(old, [TEXTS[place] for place in MEASURED[:24]], TIMES[MEASURED[:24]])
    return surrogate


@pytest.mark.parametrize(("old", "new"), [BY_METRIC, BY_CONTEXT])
def test_from_the_fifth_value_on_both_devices_tell(surrogate: RLMSurrogate, old: Problem, new: Problem) -> None:
    taught(surrogate, old).observe(new, [TEXTS[place] for place in MEASURED[24:]], 50 * TIMES[MEASURED[24:]])
    after = surrogate.predict(new, ASKED)
    assert spearman(after.mean, TIMES[30:]) > 0.8
    assert np.median(np.abs(np.log(after.mean / TIMES[30:] / 50))) < 0.5


@pytest.mark.parametrize(("old", "new"), [BY_METRIC, BY_CONTEXT])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_first_values_of_a_device_keep_the_ranking_of_another_and_tell_the_scale(
    surrogate: RLMSurrogate, old: Problem, new: Problem, count: int
) -> None:
    before = taught(surrogate, old).predict(new, ASKED)
    surrogate.observe(new, [TEXTS[place] for place in MEASURED[24 : 24 + count]], 50 * TIMES[MEASURED[24 : 24 + count]])
    after = surrogate.predict(new, ASKED)
    assert spearman(after.mean, before.mean) > 0.999
    assert np.median(np.abs(np.log(after.mean / TIMES[30:] / 50))) < 0.5
    assert np.mean((after.quantile(0.05) < 50 * TIMES[30:]) & (50 * TIMES[30:] < after.quantile(0.95))) > 0.6
    assert surrogate.trust(new) == after.trust[0]


def test_failures_of_the_device_itself_count(surrogate: RLMSurrogate) -> None:
    old, new = BY_METRIC
    narrow = ["warps=1" in text for text in TEXTS]
    taught(surrogate, old).observe(new, TEXTS[:30], np.where(narrow, np.nan, 50 * TIMES)[:30])
    surrogate.forget(new, [text for text, fails in zip(TEXTS[3:30], narrow[3:30], strict=True) if not fails])
    fails = surrogate.predict(new, ASKED).p_fail
    assert fails[narrow[30:]].mean() > fails[~np.array(narrow[30:])].mean() + 0.02


def test_what_was_learnt_is_forgotten_with_the_values_of_either(surrogate: RLMSurrogate) -> None:
    old, new = BY_METRIC
    taught(surrogate, old).observe(new, TEXTS[:2], 50 * TIMES[:2])
    both = surrogate.predict(new, ASKED).mean
    surrogate.observe(old, TEXTS[3:9], TIMES[3:9])
    assert (surrogate.predict(new, ASKED).mean != both).any()
    surrogate.forget(old, TEXTS)
    assert spearman(surrogate.predict(new, ASKED).mean, both) < 0.999


def test_values_of_another_device_that_are_not_positive_are_no_hindrance(surrogate: RLMSurrogate) -> None:
    old, new = BY_CONTEXT
    surrogate.observe(old, TEXTS[:24], -TIMES[:24])
    before = surrogate.predict(new, ASKED).mean
    surrogate.observe(new, TEXTS[24:27], -50 * TIMES[24:27])
    assert spearman(surrogate.predict(new, ASKED).mean, before) > 0.999


def test_other_devices_are_left_out_where_the_weights_know_the_metric(surrogate: RLMSurrogate) -> None:
    old, new = BY_METRIC
    surrogate._knowledge.spaces[new.context] = Space({"latency_ms known": Known(0.9)})
    alone = surrogate.fork()
    for own in (alone, taught(surrogate, old)):
        own.observe(new, TEXTS[:2], 50 * TIMES[:2])
    assert (surrogate.predict(new, ASKED).mean == alone.predict(new, ASKED).mean).all()


@pytest.mark.parametrize("count", [2, 24])
def test_other_objectives_are_left_out(surrogate: RLMSurrogate, count: int) -> None:
    one, other = (Problem("a space of mine", f"objective {number}") for number in (0, 1))
    alone = surrogate.fork()
    for own in (alone, taught(surrogate, one)):
        own.observe(other, TEXTS[:count], 50 / TIMES[:count])
    assert (surrogate.predict(other, ASKED).mean == alone.predict(other, ASKED).mean).all()
