"""Spreads against formulas that are known, and against scipy."""

import numpy as np
import pytest
from scipy import stats

from i2i.evaluation.statistics import around, halves, percentiles, resamples, sign_flip

VALUES = np.random.default_rng(3).normal(2, 1, 60)


def test_resamples_have_as_many_items_and_repeat_some() -> None:
    draws = resamples(60)
    assert len(draws) == 1000
    assert {len(draw) for draw in draws} == {60}
    assert min(draw.min() for draw in draws) == 0
    assert max(draw.max() for draw in draws) == 59
    # an item is left out of a draw with probability (1 - 1/n)^n
    left_out = np.mean([1 - len(set(draw)) / 60 for draw in draws])
    assert left_out == pytest.approx((1 - 1 / 60) ** 60, abs=0.01)


def test_halves_repeat_no_item() -> None:
    for draw in halves(61):
        assert len(draw) == len(set(draw)) == 30


def test_draws_depend_on_the_seed_alone() -> None:
    assert all((a == b).all() for a, b in zip(resamples(20), resamples(20), strict=True))
    assert any((a != b).any() for a, b in zip(resamples(20), resamples(20, 1), strict=True))


def test_interval_of_a_mean_is_near_the_one_of_the_t_distribution() -> None:
    low, high = percentiles([np.array([VALUES[draw].mean()]) for draw in resamples(60)])
    wanted = stats.t.interval(0.95, 59, VALUES.mean(), stats.sem(VALUES))
    assert (low[0], high[0]) == pytest.approx(wanted, abs=0.05)


def test_interval_of_halves_is_near_the_standard_error_of_a_mean() -> None:
    """Halves drawn without replacement vary as much as the mean of all does: (n - b)/(b n) is 1/n where b is n/2."""
    mean = np.array([VALUES.mean()])
    low, high = around(mean, [np.array([VALUES[draw].mean()]) for draw in halves(60, times=4000)])
    assert (high - low)[0] / 2 == pytest.approx(1.96 * stats.sem(VALUES), rel=0.05)
    assert (high + low)[0] / 2 == pytest.approx(mean[0])


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.5])
def test_sign_flips_agree_with_scipys_permutation_test(shift: float) -> None:
    differences = np.random.default_rng(1).normal(shift, 1, 25)
    wanted = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    ).pvalue
    assert sign_flip(differences) == pytest.approx(wanted, abs=0.015)


def test_sign_flips_of_few_items_are_the_exact_test() -> None:
    """Of three differences of one sign, one in four of the eight ways to sign them is as far from 0."""
    assert sign_flip(np.array([1.0, 2.0, 3.0])) == pytest.approx(0.25, abs=0.02)
    assert sign_flip(np.array([1.0, np.nan, 2.0, 3.0])) == sign_flip(np.array([1.0, 2.0, 3.0]))
    assert np.isnan(sign_flip(np.array([np.nan])))


def test_equal_models_are_never_told_apart_by_sign_flips() -> None:
    assert sign_flip(np.zeros(10)) == 1.0
