from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.metrics import coverage
from prerank.surrogate.prediction import Prediction
from prerank.surrogate.scale_correction import ScaleCorrection


def sure(mean: list[float], error: float = 0.1) -> Prediction:
    """Predictions that are off by a tenth."""
    points, ones = np.array(mean)[:, None], np.ones(len(mean))
    return Prediction(points, points, ones[:, None], 0 * ones, ones).rescaled(error)


def scale(prediction: Prediction, values: list[float], trust: float, error: float = 0.0) -> ScaleCorrection:
    """What some values say of the first predictions."""
    count = len(values)
    return ScaleCorrection(prediction.mean[:count], prediction.std[:count], np.array(values), trust, error)


@pytest.mark.parametrize("unit", [1e-3, 7.0, 1e6])
def test_another_unit_is_seen_at_the_first_value(unit: float) -> None:
    truth = unit * np.array([2.0, 3.0, 5.0, 8.0])
    prediction = sure([2.0, 3.0, 5.0, 8.0])
    moved = scale(prediction, truth[:1].tolist(), 0.9)(prediction)
    assert moved.mean == pytest.approx(truth, rel=0.05)
    assert coverage(moved, truth) == 1


def test_what_is_within_the_errors_changes_little() -> None:
    prediction = sure([2.0, 3.0, 5.0])
    moved = scale(prediction, [2.1, 2.8], 0.95)(prediction)
    assert moved.mean == pytest.approx(prediction.mean, rel=0.01)


def test_four_values_on_an_unsure_scale_say_more_than_one() -> None:
    prediction = sure([2.0, 3.0, 5.0, 8.0, 13.0], error=0.5)
    truth = [6.0, 9.0, 15.0, 24.0, 39.0]
    moved = [scale(prediction, truth[:n], 0.7)(prediction) for n in (1, 2, 4)]
    assert np.diff([float((own.std / own.mean).mean()) for own in moved]).max() < 0
    assert abs(np.log(39.0 / moved[-1].mean[-1])) < 0.2


def test_a_factor_common_to_all_is_known_after_a_few_values() -> None:
    means = [2.0, 3.0, 5.0, 8.0, 13.0]
    unsure = sure(means).rescaled(1.0)
    truth = [2.2 * mean for mean in means]
    widths = [
        float(np.log(moved.quantile(0.95) / moved.quantile(0.05)).mean())
        for n in (1, 2, 4)
        for moved in [scale(unsure, truth[:n], 0.9, error=1.0)(unsure)]
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < np.log(unsure.quantile(0.95) / unsure.quantile(0.05)).mean() / 3
    assert coverage(scale(unsure, truth[:2], 0.9, error=1.0)(unsure), np.array(truth)) == 1


def test_values_that_scatter_make_predictions_less_sure() -> None:
    prediction = sure([2.0, 3.0, 5.0, 8.0])
    alike, scattered = ([2.1, 2.9, 5.1, 7.8], [4.0, 1.5, 9.0, 3.0])
    stds = [scale(prediction, values, 0.9)(prediction).std.mean() for values in (alike, scattered)]
    assert stds[1] > 2 * stds[0]


@pytest.mark.parametrize(("error", "own", "trust"), [(0.5, 0.2, 0.9), (1.0, 0.3, 0.8), (0.5, 0.5, 1.0)])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_intervals_and_medians_hold_where_the_model_is_right(
    error: float, own: float, trust: float, count: int
) -> None:
    rng, held, below = np.random.default_rng(0), [], []
    medians = np.exp(rng.normal(size=60))
    prediction = sure((medians * np.exp(own**2 / 2)).tolist(), own).rescaled(error)
    for _ in range(60):
        truth = medians * np.exp(rng.normal(0, error) + rng.normal(0, own, 60))
        moved = scale(prediction, truth[:count].tolist(), trust, error)(prediction)[np.arange(count, 60)]
        held.append(coverage(moved, truth[count:]))
        below.append(np.mean(truth[count:] < moved.quantile(0.5)))
    assert 0.8 < np.mean(held) < 0.97
    assert 0.4 < np.mean(below) < 0.6


@pytest.mark.parametrize("scatter", [0.1, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e6])
def test_intervals_without_trust_hold_however_far_values_scatter(scatter: float, unit: float) -> None:
    rng, held, centres = np.random.default_rng(0), [], []
    prediction = sure(np.exp(rng.normal(size=60)).tolist())
    for _ in range(60):
        truth = unit * np.exp(rng.normal(0, scatter, 60))
        moved = scale(prediction, truth[:4].tolist(), 0.0, 1.0)(prediction)[np.arange(4, 60)]
        held.append(coverage(moved, truth[4:]))
        centres.append(np.log(moved.quantile(0.5)[0] / unit))
    assert 0.8 < np.mean(held) < 0.98
    assert abs(np.mean(centres)) < scatter


def test_the_mean_after_one_value_is_near_it() -> None:
    prediction = sure([2.0, 3.0, 5.0])
    moved = scale(prediction, [100.0], 0.0, 1.0)(prediction)
    assert np.abs(np.log(moved.mean / 100)).max() < 0.4
    assert (moved.quantile(0.95) / moved.quantile(0.05) > 5).all()  # one value does not show how far others scatter


@pytest.mark.parametrize("shift", [0.0, 1.0, -3.0])
@pytest.mark.parametrize("count", [2, 4])
def test_intervals_of_values_of_either_sign_hold(shift: float, count: int) -> None:
    rng, held = np.random.default_rng(1), []
    prediction = sure([1.0] * 60)
    for _ in range(60):
        truth = rng.normal(shift, 1.0, 60)
        truth[0] = -abs(truth[0])
        moved = scale(prediction, truth[:count].tolist(), 0.0)(prediction)[np.arange(count, 60)]
        held.append(coverage(moved, truth[count:]))
    assert 0.7 < np.mean(held) < 0.99


def test_a_prediction_below_zero_keeps_its_distribution_and_its_place() -> None:
    prediction = sure([2.0, 3.0, 5.0, -1.0, 8.0])
    moved = scale(prediction, [2000.0, 3000.0], 0.9)(prediction)
    assert moved.mean == pytest.approx(1000 * prediction.mean, rel=0.05)
    assert moved.std[3] == pytest.approx(1000 * prediction.std[3], rel=0.05)


def test_of_no_candidate_nothing_is_said() -> None:
    nothing = sure([2.0])[:0]
    assert len(scale(sure([2.0]), [3.0], 0.9)(nothing)) == 0


def test_another_size_of_what_was_measured_is_less_sure() -> None:
    prediction = sure([2.0, 3.0, 5.0])
    learnt = scale(prediction, [2.0, 3.0], 0.9)
    assert (learnt(prediction, 0.5).std > 2 * learnt(prediction).std).all()


@pytest.mark.parametrize("values", [[-1.0], [0.0], []])
def test_what_has_no_logarithm_says_nothing(values: list[float]) -> None:
    prediction = sure([2.0, 3.0])
    assert scale(prediction, values, 0.5)(prediction) is prediction


@pytest.mark.parametrize("values", [[-5.0, -5.0], [-4.5, -5.5]])
def test_several_values_of_which_none_is_positive_are_believed_of_any_model(values: list[float]) -> None:
    prediction = sure([2.0, 3.0])
    moved = scale(prediction, values, 0.98)(prediction)
    assert np.abs(moved.mean + 5).max() < 1
    assert moved.mean[0] < moved.mean[1]


def test_a_zero_among_others_does_not_hide_the_factor() -> None:
    prediction = sure([0.88, 0.92, 0.9, 0.91])
    moved = scale(prediction, [0.0, 92.0, 90.0, 91.0], 0.98)(prediction)
    assert moved.mean == pytest.approx(100 * prediction.mean, rel=0.02)


@given(st.lists(st.floats(1e-200, 1e200), min_size=1, max_size=6), st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))
def test_the_ranking_stays_and_all_is_finite(values: list[float], trust: float, error: float) -> None:
    prediction = sure([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    moved = scale(prediction, values, trust, error)(prediction)
    assert np.isfinite(moved.mean).all()
    assert (np.diff(moved.mean) > 0).all()
    assert moved.mass.sum(axis=1) == pytest.approx(np.ones(6))


def test_ratios_without_trust_say_next_to_nothing() -> None:
    prediction = sure([1.0, 300.0, 20.0, 5000.0])
    moved = scale(prediction, [500.0, 510.0, 490.0], 0.0)(prediction)
    assert np.abs(np.log(moved.mean / 500)).max() < 0.5
    assert (np.argsort(moved.mean) == np.argsort(prediction.mean)).all()
    trusted = scale(prediction, [500.0, 510.0, 490.0], 0.9)(prediction)
    assert trusted.mean[3] / trusted.mean[0] == pytest.approx(5000, rel=0.01)


@pytest.mark.parametrize("values", [[-5.0], [-5.0, -6.0, -4.0], [0.0, 0.0], [0.0, 3.0], [-1e160, -2e160]])
def test_values_that_are_not_positive_are_learnt_without_trust(values: list[float]) -> None:
    prediction = sure([1.0, 300.0, 20.0])
    moved = scale(prediction, values, 0.0)(prediction)
    assert np.abs(moved.mean - np.mean(values)).max() <= max(np.std(values), 0.3 * abs(np.mean(values)), 1e-9)
    assert (np.argsort(moved.mean) == np.argsort(prediction.mean)).all()


def test_what_others_are_asked_with_does_not_matter_to_values_that_are_not_positive() -> None:
    prediction = sure([1.0, 300.0, 20.0, 1e6])
    learnt = scale(prediction, [-5.0, -6.0], 0.0)
    assert learnt(prediction).mean[:3] == pytest.approx(learnt(prediction[:3]).mean, rel=1e-12)


@pytest.mark.parametrize("value", [5e-3, 5.0, 5e9, -5.0])
@pytest.mark.parametrize("count", [2, 5])
def test_equal_values_are_what_is_expected_of_all(value: float, count: int) -> None:
    prediction = sure([2e-3, 3.0, 50.0, 800.0, 1e6])
    moved = scale(prediction, [value] * count, trust=0.0)(prediction)
    assert moved.mean == pytest.approx(np.full(5, value), rel=0.05)


@pytest.mark.parametrize("count", [2, 5])
def test_equal_values_of_what_should_differ_are_believed_of_any_model(count: int) -> None:
    prediction = sure([3.0, 12.0, 25.0, 10.0, 16.0])
    moved = scale(prediction, [3.14] * count, trust=0.97)(prediction)
    assert moved.mean == pytest.approx(np.full(5, 3.14), rel=0.05)
    assert np.argsort(moved.mean).tolist() == np.argsort(prediction.mean).tolist()
    alike = sure([3.0, 3.1, 25.0])
    assert scale(alike, [3.0, 3.0], trust=0.97)(alike).mean[2] > 15
