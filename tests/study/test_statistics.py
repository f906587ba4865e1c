"""Intervals that cover what they should, pairs, numbers of replicates, warm-up cuts and bands against slow twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cellfab.study.statistics import (
    independent_difference,
    mean_interval,
    paired_difference,
    quantile_band,
    required_replicates,
)

VALUES = [4.1, 5.6, 3.3, 7.0, 5.2]
OTHERS = [4.0, 5.1, 3.5, 6.1, 5.0]
finite = st.floats(-1e6, 1e6)


def shares_covered(intervals, truth):
    return sum(one.low <= truth <= one.high for one in intervals) / len(intervals)


def test_interval_is_students():
    interval = mean_interval(VALUES, 0.9)
    low, high = stats.t.interval(0.9, len(VALUES) - 1, np.mean(VALUES), stats.sem(VALUES))
    assert interval == pytest.approx((np.mean(VALUES), low, high, (high - low) / 2, 5), rel=1e-12)
    assert interval.share == pytest.approx(interval.half_width / interval.mean)


@pytest.mark.parametrize("n", [2, 5, 30])
def test_95_percent_interval_covers_95_percent(n):
    # 4000 samples: standard error of the share 0.34 %; z-limit 4, so 93.6 to 96.4 %. Intervals 2 % too narrow or wide
    # move the share by 0.5 % only; an interval of the normal law instead of Student's covers 70 % (n = 2) or 88 % (5).
    draws = np.random.default_rng(1).normal(10.0, 2.0, (4000, n)).tolist()
    covered = shares_covered([mean_interval(row) for row in draws], 10.0)
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(("customers", "least"), [(1000, 0.92), (10, 0.85)])
def test_interval_of_a_queue_covers_its_known_wait(customers, least):
    # M/M/1 at 50 % load, begun in its steady state, so that the mean wait is 1 service time exactly; 20 replicates a
    # study, 1000 studies: standard error of the share 0.8 %; z-limit 4. Of long replicates 93 % are covered; means of
    # 10 customers are skewed so much that only 88 % are, as `mean_interval` says.
    generator = np.random.default_rng(2)
    n = 20_000
    wait = np.where(generator.random(n) < 0.5, generator.exponential(2.0, n), 0.0)
    total = wait.copy()
    for _ in range(customers - 1):
        wait = np.maximum(0.0, wait + generator.standard_exponential(n) - 2.0 * generator.standard_exponential(n))
        total += wait
    studies = (total / customers).reshape(1000, 20).tolist()
    covered = shares_covered([mean_interval(study) for study in studies], 1.0)
    assert least <= covered <= least + 0.06


def test_same_values_are_known_exactly():
    interval = mean_interval([0.1] * 7)
    assert interval == (0.1, 0.1, 0.1, 0.0, 7)
    assert interval.share == 0.0
    assert mean_interval([-1.0, 1.0]).share == math.inf


@given(st.lists(finite, min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_order_of_replicates_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    assert mean_interval(shuffled) == mean_interval(values)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_too_few_or_unknown_values_are_refused(values):
    with pytest.raises(ValueError, match=r"at least two values|not a finite number"):
        mean_interval(values)


def test_confidence_is_a_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval(VALUES, 95)


# ---- differences ------------------------------------------------------------------------------------------------


def test_paired_difference_by_hand():
    found = paired_difference(VALUES, OTHERS)
    pairs = stats.ttest_rel(VALUES, OTHERS).confidence_interval(0.95)
    assert found.interval[1:3] == pytest.approx((pairs.low, pairs.high), rel=1e-9)
    assert found.correlation == pytest.approx(np.corrcoef(VALUES, OTHERS)[0, 1], rel=1e-12)
    apart = np.var(VALUES, ddof=1) + np.var(OTHERS, ddof=1)
    assert found.variance_ratio == pytest.approx(apart / np.var(np.subtract(VALUES, OTHERS), ddof=1), rel=1e-9)


def test_independent_n_is_the_first_that_reaches_the_half_width():
    found = paired_difference(VALUES, OTHERS)
    spread = np.array([np.var(VALUES, ddof=1), np.var(OTHERS, ddof=1)])

    def half_width(n):
        freedom = (n - 1) * spread.sum() ** 2 / (spread**2).sum()
        return stats.t.ppf(0.975, freedom) * math.sqrt(spread.sum() / n)

    assert half_width(found.independent_n) <= found.interval.half_width < half_width(found.independent_n - 1)


def test_pairs_with_correlation_0_9_need_a_tenth_of_the_replicates():
    # Equal variances: the ratio is 1 / (1 - rho) = 10. 20 000 pairs: its standard error is 2 / sqrt(20 000) = 1.4 % at
    # most (two chi-squared variances); z-limit 4.
    common, own_a, own_b = np.random.default_rng(3).normal(size=(3, 20_000))
    a, b = (math.sqrt(0.9) * common + math.sqrt(0.1) * own for own in (own_a, own_b))
    found = paired_difference((a + 1.0).tolist(), b.tolist())
    assert found.variance_ratio == pytest.approx(10.0, rel=4 * 0.014)
    assert found.independent_n == pytest.approx(10 * 20_000, rel=4 * 0.014)
    assert found.interval.low < 1.0 < found.interval.high


def test_pairs_that_differ_by_the_same_need_no_more_replicates():
    found = paired_difference([2.0, 3.0, 5.0], [1.0, 2.0, 4.0])
    assert found.interval == (1.0, 1.0, 1.0, 0.0, 3)
    assert (found.variance_ratio, found.independent_n) == (math.inf, None)
    assert found.correlation == pytest.approx(1.0)


def test_pairs_without_any_scatter():
    found = paired_difference([2.0, 2.0], [1.0, 1.0])
    assert found == ((1.0, 1.0, 1.0, 0.0, 2), None, 1.0, 2)


def test_variants_with_other_numbers_of_replicates_are_no_pairs():
    with pytest.raises(ValueError, match="5 and 4 replicates"):
        paired_difference(VALUES, OTHERS[:4])


def test_independent_difference_is_welchs():
    interval = independent_difference(VALUES, OTHERS[:3], 0.9)
    expected = stats.ttest_ind(VALUES, OTHERS[:3], equal_var=False).confidence_interval(0.9)
    assert interval[1:3] == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert interval.n == 3


def test_independent_difference_without_scatter():
    assert independent_difference([3.0, 3.0], [1.0, 1.0]) == (2.0, 2.0, 2.0, 0.0, 2)


# ---- how many ---------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(1.0, 100.0), min_size=2, max_size=8), st.sampled_from([0.3, 0.05, 0.01]))
def test_required_replicates_is_the_first_that_is_enough(values, share):
    found = required_replicates(values, share)
    error, mean = np.std(values, ddof=1), np.mean(values)
    enough = stats.t.ppf(0.975, found - 1) * error / math.sqrt(found) <= share * mean * (1 + 1e-9)
    assert enough
    if found > 2:
        assert stats.t.ppf(0.975, found - 2) * error / math.sqrt(found - 1) > share * mean * (1 - 1e-9)


def test_no_number_of_replicates_brings_a_share_of_nothing():
    assert required_replicates([-1.0, 1.0], 0.1) is None
    assert required_replicates([3.0, 3.0], 0.1) == 2
    with pytest.raises(ValueError, match="above 0"):
        required_replicates(VALUES, 0.0)


# ---- curves -----------------------------------------------------------------------------------------------------


def test_band_of_an_exact_ladder():
    # Values 1 ... 9 in any order: definition 8 puts share p at (9 + 1/3) p + 1/3.
    curves = np.array([np.random.default_rng(week).permutation(np.arange(1.0, 10.0)) for week in range(4)]).T
    band = quantile_band(curves, (0.1, 0.5, 0.9))
    assert band.values == pytest.approx(np.tile([[0.1 * 28 / 3 + 1 / 3], [5.0], [0.9 * 28 / 3 + 1 / 3]], 4))
    assert band.n.tolist() == [9] * 4


def test_band_leaves_out_replicates_without_a_value():
    nan = math.nan
    band = quantile_band([[1.0, nan, nan], [3.0, 5.0, nan], [2.0, 7.0, nan]], (0.5,))
    assert band.n.tolist() == [3, 2, 0]
    assert band.values[0, :2].tolist() == [2.0, 6.0]
    assert math.isnan(band.values[0, 2])


def test_median_of_a_band_is_median_unbiased():
    # Of 4000 weeks with 7 replicates each, half have the sample's quantile above the true one: standard error 0.8 %;
    # z-limit 4. (numpy's default for the 10 % quantile is above it in 57 % of the weeks.)
    curves = np.random.default_rng(5).exponential(size=(7, 4000))
    band = quantile_band(curves, (0.1, 0.5))
    for values, truth in zip(band.values, (-math.log(0.9), math.log(2.0)), strict=True):
        assert abs((values > truth).mean() - 0.5) < 4 * 0.0079


def test_band_needs_curves():
    with pytest.raises(ValueError, match="at least one"):
        quantile_band(np.empty((0, 5)))


def test_rounding_is_no_difference():
    same = paired_difference([0.3, 7.0], [0.1 + 0.2, 7.0])
    assert 0.1 + 0.2 != 0.3
    assert same.interval.mean == same.interval.half_width == 0.0
    assert paired_difference([0.3, 7.0], [0.3 + 1e-9, 7.0]).interval.mean < 0.0
