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


KEYS = [np.uint64(11), np.uint64(12)]
SHAPE, PLANNED, ENTITY = (3, 50), 61, 5


def _drawn(key):
    """Normal numbers of a roll of PLANNED positions of which the first 50 are there."""
    out = np.empty(SHAPE[0] * PLANNED, np.float32)
    fill_normal(key, ENTITY, out)
    return out.reshape(SHAPE[0], PLANNED)[:, : SHAPE[1]].astype(float)


def _half_dead():
    code = np.zeros(SHAPE, np.int16)
    code[:, ::2] = 9
    return code


def test_burrs_equal_slow_twin():
    median = np.linspace(3.0, 6.0, 50).astype(np.float32)
    burr, code = np.empty(150, np.float32), _half_dead()
    high = slitting.cut_burrs(
        ENTITY, PLANNED, 3, KEYS[0], extremes.highest(2.0), 0.35, median, KEYS[1], 0.15, 6.0, 4, burr, code.reshape(-1)
    )
    peaks = extremes.highest_of_poisson(_drawn(KEYS[0]).astype(np.float32), 2.0)
    true = median * np.exp(0.35 * peaks.astype(float))
    expected = (true * np.exp(0.15 * _drawn(KEYS[1])) > 6.0) & (_half_dead() == 0)
    # Below the median peak the tables of height and of its logarithm round the corner at "none" differently.
    assert burr == pytest.approx(true.ravel(), rel=1e-2)
    high_peaks = peaks.ravel() > 0.0
    assert burr[high_peaks] == pytest.approx(true.ravel()[high_peaks], rel=1e-3)
    assert np.array_equal(code == 4, expected)
    assert high == expected.sum() > 3
