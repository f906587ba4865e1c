"""Swings, rank correlations, and the inputs that matter most."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cellfab.study.sensitivity import morris_design, morris_effects, sobol_design, sobol_indices
from cellfab.study.tornado import associations, largest, size_of, tornado


def test_swings_are_differences_to_the_base_the_longest_first():
    found = tornado([10.0], {"a": ([9.0], [11.0]), "b": ([13.0], [12.0]), "c": (None, [10.5])})
    assert [swing.name for swing in found] == ["b", "a", "c"]
    assert [swing.size for swing in found] == [3.0, 2.0, 0.5]
    assert found[0].at_low == (3.0, None)
    assert found[2].at_low is None


def test_replicates_that_the_base_or_an_end_lacks_are_left_out():
    base = [10.0, 14.0, math.nan, 9.0]
    found = tornado(base, {"a": ([11.0, math.nan, 20.0], [math.nan] * 4), "b": ([12.0, 16.0], [12.0, 16.0, 0.0, 11.0])})
    assert [swing.name for swing in found] == ["b", "a"]
    assert found[0].at_low == found[0].at_high == (2.0, 0.0)
    assert found[1].at_low == (1.0, None)
    assert found[1].at_high is None


def test_swings_of_replicates_are_paired():
    base, low = [10.0, 14.0, 9.0], [9.1, 12.9, 8.0]
    (found,) = tornado(base, {"a": (low, base)})
    interval = stats.ttest_rel(low, base).confidence_interval(0.95)
    assert found.at_low == pytest.approx((-1.0, (interval.high - interval.low) / 2))
    assert found.at_high == (0.0, 0.0)


def test_correlations_are_spearmans():
    generator = np.random.default_rng(1)
    points = generator.random((50, 3))
    values = np.exp(3.0 * points[:, 0]) - points[:, 1] + generator.normal(0.0, 1.0, 50)
    for place, found in enumerate(associations("abc", points, values)):
        assert found.correlation == pytest.approx(stats.spearmanr(points[:, place], values).statistic)
        assert found.low < found.correlation < found.high
    exact = associations("abc", points, np.exp(points[:, 0]))
    assert exact[0] == ("a", 1.0, 1.0, 1.0, 50)


def test_correlation_interval_covers_95_percent():
    # 1000 samples of 60 points of a normal pair of correlation 0.6, whose ranks correlate with (6 / pi) asin(0.3):
    # standard error of the share 0.7 %; z-limit 4.
    generator = np.random.default_rng(2)
    truth = 6.0 / math.pi * math.asin(0.3)
    covered = 0
    for _ in range(1000):
        first, own = generator.normal(size=(2, 60))
        (found,) = associations("a", first[:, None], 0.6 * first + 0.8 * own)
        covered += found.low <= truth <= found.high
    assert abs(covered / 1000 - 0.95) < 4 * 0.007


def test_points_without_a_value_do_not_count():
    values = np.array([1.0, 2.0, math.nan, 3.0, 4.0, 5.0])
    (found,) = associations("a", np.arange(6.0)[:, None], values)
    assert (found.correlation, found.n) == (1.0, 5)
    (constant,) = associations("a", np.arange(6.0)[:, None], np.ones(6))
    assert constant.correlation == 0.0
    with pytest.raises(ValueError, match="at least four"):
        associations("a", np.arange(6.0)[:, None], np.full(6, math.nan))
    with pytest.raises(ValueError, match="belong together"):
        associations("ab", np.arange(6.0)[:, None], values)


def test_ten_of_thirty_assumptions_are_found_by_every_measure():
    # y = sum of c_i x_i with the ten largest c_i at places that have nothing to do with their order.
    names = [f"x{place:02}" for place in range(30)]
    weights = np.array([10.0 - place if place < 10 else 0.1 for place in range(30)])[np.arange(30) * 7 % 30]
    expected = [names[place] for place in np.argsort(-weights)[:10]]

    screening = morris_design(30, 4, seed=1)
    assert [one.name for one in largest(morris_effects(names, screening, screening @ weights))] == expected
    shares = sobol_indices(names, sobol_design(30, 1024, seed=1) @ weights, bootstraps=10)
    assert [one.name for one in largest(shares)] == expected
    ends = {name: ([-weight / 2], [weight / 2]) for name, weight in zip(names, weights.tolist(), strict=True)}
    assert [one.name for one in tornado([0.0], ends)][:10] == expected
    cube = np.random.default_rng(1).random((20_000, 30))
    found = largest(associations(names, cube, cube @ weights), 8)  # the ninth and tenth of 2 and 1 are too close
    assert [one.name for one in found] == expected[:8]


def test_equal_ones_keep_the_order_of_the_alphabet():
    swings = tornado([0.0], {"b": ([1.0], [0.0]), "a": ([0.0], [1.0]), "c": ([3.0], [0.0])})
    assert [swing.name for swing in largest(swings, 2)] == ["c", "a"]
    assert size_of(swings[0]) == 3.0
