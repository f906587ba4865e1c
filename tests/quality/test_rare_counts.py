"""Intervals of rare counts against the exact ones, and how often they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from cellfab.quality.rare_counts import weighted_rate


def counted(counts, base=1_000.0):
    counts = np.asarray(counts, float)
    return weighted_rate(counts, counts, np.full(counts.size, base), 1.0, counts.sum())


@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_plain_counts_have_garwoods_interval(count):
    counts = np.full(1, float(count))
    found = weighted_rate(counts, counts, np.array([1e6]), 1.0, count)
    assert found.value == pytest.approx(count * 1e-6)
    assert found.low == pytest.approx(chi2.ppf(0.025, 2 * count) / 2e6 if count else 0.0)
    assert found.high == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2e6)


def test_equal_weights_only_scale():
    plain, light = counted([3, 4, 2, 5]), np.array([3, 4, 2, 5]) * 0.01
    found = weighted_rate(light, light * 0.01, np.full(4, 1_000.0), 0.01, 14)
    for a, b in zip(found[:3], plain[:3], strict=True):
        assert a == pytest.approx(0.01 * b)


def test_lots_that_scatter_widen_the_interval():
    even, patchy = counted([10] * 8), counted([0, 0, 0, 80, 0, 0, 0, 0])
    assert even.value == patchy.value
    assert patchy.high - patchy.low > 2 * (even.high - even.low)


def test_the_interval_of_weighted_events_covers():
    """2 000 samples of 12 lots with events of weight 0.05 and 1: at least 95 % less 4 x 0.5 %."""
    rng = np.random.default_rng(5)
    means, weights = np.array([20.0, 0.3]), np.array([0.05, 1.0])
    truth = float(means @ weights) * 12 / 12_000
    hits = 0
    for _ in range(2_000):
        events = rng.poisson(means, (12, 2))
        found = weighted_rate(events @ weights, events @ weights**2, np.full(12, 1_000.0), 1.0, events.sum())
        hits += found.low <= truth <= found.high
    assert hits / 2_000 > 0.95 - 4 * 0.005


def test_no_cells_no_rate():
    assert np.isnan(weighted_rate(np.zeros(2), np.zeros(2), np.zeros(2), 1.0, 0).value)
