from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import calendering
from cellfab.kernels.random import fill_normal


def test_meyer_curve_and_its_inverse():
    curve = [calendering.meyer_porosity(q, 380.0, 0.42, 0.17) for q in (0.0, 380.0, 1e6)]
    assert curve == pytest.approx([0.42, 0.17 + 0.25 / math.e, 0.17])
    for porosity in (0.42, 0.3, 0.24, 0.171):
        load = calendering.meyer_line_load_n_per_mm(porosity, 380.0, 0.42, 0.17)
        assert calendering.meyer_porosity(load, 380.0, 0.42, 0.17) == pytest.approx(porosity)


@pytest.mark.parametrize("porosity", [0.17, 0.1, 0.43])
def test_no_load_reaches_an_impossible_porosity(porosity):
    with pytest.raises(ValueError, match="cannot be reached by calendering"):
        calendering.meyer_line_load_n_per_mm(porosity, 380.0, 0.42, 0.17)


def test_porosity_of_a_coating():
    # 25.5 mg/cm2 at 3.45 g/cm3 are 73.9 um; 1 - 3.45 / 4.53 = 23.8 %.
    thickness = 10 * 25.5 / 3.45
    assert calendering.porosity(25.5, thickness, 4.53) == pytest.approx(1 - 3.45 / 4.53)
    assert calendering.coating_um(25.5, 1 - 3.45 / 4.53, 4.53) == pytest.approx(thickness)


def test_porosity_spread_follows_the_differential():
    # d eps = (1 - eps) (dt / t - dw / w): 1 % of loading and 1 um of 74 um give 1.3 points of porosity.
    # 400 000 draws, z-limit 4 plus 1 % for the second order.
    rng = np.random.default_rng(8)
    thickness = 74.0 + rng.standard_normal(400_000)
    loading = 25.5 * (1 + 0.01 * rng.standard_normal(400_000))
    eps = calendering.porosity(loading, thickness, 4.53)
    expected = (1 - calendering.porosity(25.5, 74.0, 4.53)) * math.hypot(1 / 74.0, 0.01)
    assert expected == pytest.approx(0.013, abs=5e-4)
    assert eps.std() == pytest.approx(expected, rel=4 / math.sqrt(800_000) + 0.01)


@pytest.mark.parametrize(("fixed", "slope"), [(160.0, 0.0), (13.0, 5.8)])
def test_pressed_web_equals_slow_twin(fixed, slope):
    rng = np.random.default_rng(1)
    across, roll, along = np.empty(3, np.float32), np.empty(1, np.float32), rng.normal(0, 1, 50).astype(np.float32)
    fill_normal(np.uint64(11), 5, across)
    fill_normal(np.uint64(12), 5, roll)
    loading = rng.normal(25.5, 0.2, 150).astype(np.float32)
    thickness, porosity = np.empty(150, np.float32), np.empty(150, np.float32)
    calendering.press_web(
        np.uint64(11), np.uint64(12), 5, 0.5, 0.3, 0.7, along, fixed, slope, 13.0, 4.53, loading, porosity, thickness
    )
    errors = 0.5 * across[:, None] + 0.3 * roll + 0.7 * along
    true = (fixed + slope * loading.reshape(3, 50) + errors).ravel().astype(float)
    assert thickness == pytest.approx(true, rel=1e-6)
    assert porosity == pytest.approx(calendering.porosity(loading, (true - 13.0) / 2.0, 4.53), abs=1e-5)
