from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import extremes, slitting
from cellfab.kernels.random import fill_normal


def test_knives_age_along_rolls_and_start_anew_when_changed():
    for before, ages in ((0.0, (0.0, 0.5, 2.999)), (499_000.0, (499.0, 499.5, 1.999))):
        found = [slitting.knife_age_km(before, position, 500.0) for position in (0.0, 500.0, 2999.0)]
        assert found == pytest.approx(ages)


def test_burr_doubles_over_a_knife_life():
    assert [slitting.wear_factor(age, 500.0, 1.5) for age in (0.0, 125.0, 500.0)] == pytest.approx([1.0, 1.125, 2.0])


def test_medians_of_a_roll_follow_the_knives_age():
    out = np.empty(300, np.float32)
    slitting.worn_medians(3.0, 499_500.0, 10.0, 500.0, 500.0, 1.5, out)
    age = np.where(np.arange(300) < 50, 499.5, -0.5) + 0.01 * np.arange(300)
    assert out == pytest.approx(3.0 * (1.0 + (age / 500.0) ** 1.5), rel=1e-5)


def test_burrs_equal_slow_twin():
    # A roll of 61 positions of which 50 are there.
    median, burr = np.linspace(3.0, 6.0, 50).astype(np.float32), np.empty(150, np.float32)
    z = np.empty(183, np.float32)
    fill_normal(np.uint64(11), 5, z)
    highest = extremes.highest(2.0)
    factors = np.empty(highest.size - 1, np.int64)
    slitting.peak_factors(highest, 0.35, factors)
    slitting.cut_burrs(np.uint64(11), 5, 61, factors, median, burr)
    peaks = np.empty(150, np.float32)
    extremes.interpolate(z.reshape(3, 61)[:, :50].ravel(), highest, peaks)
    peaks = peaks.reshape(3, 50)
    true = median * np.exp(0.35 * peaks.astype(float))
    # Below the median peak the tables of height and of its logarithm round the corner at "none" differently.
    assert burr == pytest.approx(true.ravel(), rel=1e-2)
    high = peaks.ravel() > 0.0
    assert burr[high] == pytest.approx(true.ravel()[high], rel=1e-3)
