from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from cellfab.kernels import extremes
from cellfab.kernels.random import normals_of_words

NORMAL = NormalDist()


def _exact_highest(z, mean):
    above = -math.log(NORMAL.cdf(z)) / mean
    return extremes.FLOOR if above >= 1.0 else max(-NORMAL.inv_cdf(above), extremes.FLOOR)


def _slow_interpolate(z, table):
    points = np.arange(len(table)) / extremes._PER_UNIT - extremes._REACH
    return np.interp(z.astype(float), points, table)


def _highest(z, mean):
    out = np.empty_like(z)
    extremes.interpolate(z, extremes.highest(mean), out)
    return out


def test_lowest_against_brute_force():
    # 20 000 minima of 200 values; the mean of the minimum within z = 4 (s.d. of the minimum about 0.43).
    rng = np.random.default_rng(3)
    brute = rng.standard_normal((20_000, 200)).min(axis=1)
    words, ours = rng.integers(0, 2**32, 200_000, np.uint32), np.empty(200_000, np.float32)
    extremes.lowest_of_words(words, extremes.lowest_by_word(200.0), ours)
    assert ours.mean() == pytest.approx(brute.mean(), abs=4 * 0.43 / math.sqrt(20_000) * 1.1)
    assert ours.std() == pytest.approx(brute.std(), rel=4 / math.sqrt(2 * 20_000) * 1.3)


@pytest.mark.parametrize("mean", [0.02, 0.24, 2.4, 50.0])
def test_highest_of_a_poisson_number(mean):
    z = np.linspace(-5.5, 5.5, 1501).astype(np.float32)
    exact = np.array([_exact_highest(float(value), mean) for value in z])
    ours = _highest(z, mean)
    high = exact > 0.0
    assert ours[high] == pytest.approx(exact[high], abs=1e-3)
    # Below, the table rounds the corner at "none"; its order stays.
    assert np.all(np.diff(ours) >= -1e-6)
    assert np.all(ours >= extremes.FLOOR - 1e-6)


def test_highest_of_none_is_the_floor():
    z = np.linspace(-3.0, 3.0, 7).astype(np.float32)
    assert _highest(z, 0.0) == pytest.approx(np.full(7, extremes.FLOOR), abs=1e-5)


def test_interpolation_equals_slow_twin():
    table = np.linspace(-4.0, 9.0, extremes._POINTS)
    z = np.array([-6.5, -6.34, -1.03, 0.0, 2.2, 6.34, 6.5], np.float32)
    out = np.empty_like(z)
    extremes.interpolate(z, table, out)
    assert out == pytest.approx(_slow_interpolate(z, table), rel=1e-5)


@pytest.mark.parametrize("count", [1.0, 7.5, 60.0, 1000.0, 1e5])
def test_lowest_by_word_is_the_order_statistic(count):
    tails = np.array([0, 1, 2, 3, 5, 1000, 2**31 - 1, 2**31, 2**32 - 1000, 2**32 - 2, 2**32 - 1], np.uint64)
    words = np.concatenate([tails, np.linspace(0, 2**32 - 1, 4001).astype(np.uint64)]).astype(np.uint32)
    out = np.empty(words.size, np.float32)
    extremes.lowest_of_words(words, extremes.lowest_by_word(count), out)
    normal = NormalDist()
    for word, found in zip(words.tolist(), out.tolist(), strict=True):
        above = (2.0**32 - word - 0.5) / 2.0**32
        log_above = math.log(above) if above < 0.5 else math.log1p(-(word + 0.5) / 2.0**32)
        assert found == pytest.approx(normal.inv_cdf(-math.expm1(log_above / count)), abs=1e-4)


@pytest.mark.parametrize("count", [1.0, 20.0, 120.0])
def test_farthest_is_the_order_statistic(count):
    z = np.linspace(-5.5, 5.5, 1501).astype(np.float32)
    out = np.empty_like(z)
    extremes.interpolate(z, extremes.farthest(count), out)
    normal = NormalDist()
    for value, found in zip(z.tolist(), out.tolist(), strict=True):
        log_below = math.log(normal.cdf(value)) if value < 0 else math.log1p(-normal.cdf(-value))
        exact = -normal.inv_cdf(-0.5 * math.expm1(log_below / count))
        assert found == pytest.approx(exact, abs=2e-4)


def test_pairs_are_read_as_their_table_is():
    words = np.concatenate([[0, 1, 2**31, 2**32 - 1], np.arange(7, 2**32, 2**21 + 1)]).astype(np.uint32)
    z, table = np.empty(words.size, np.float32), np.exp(0.35 * extremes.highest(2.0)).astype(np.float32)
    normals_of_words(words, z)  # the farthest included
    pairs, plain, paired = np.empty(table.size - 1, np.int64), np.empty_like(z), np.empty_like(z)
    extremes.pair_up(table, pairs)
    extremes.interpolate(z, table, plain)
    extremes.interpolate_pairs(z, pairs, np.empty(z.size, np.int64), paired)
    assert np.array_equal(paired, plain)
