from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import calendering, web_field
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


def _normals(key, n):
    out = np.empty(n, np.float32)
    fill_normal(np.uint64(key), 5, out)
    return out


def test_gap_error_is_noise_and_roll():
    law, out = web_field.ou_coefficients(3.4, 2.0), np.empty(50, np.float32)
    calendering.gap_error_um(5, np.uint64(1), np.uint64(2), 0.7, tuple(law), 0.3, out)
    noise = np.empty(50, np.float32)
    web_field.ou_segment_means(_normals(1, 51), _normals(2, 50), *law, noise)
    assert out == pytest.approx(0.7 * noise + 0.3, abs=1e-6)


@pytest.mark.parametrize(("fixed", "slope"), [(160.0, 0.0), (13.0, 5.8)])
@pytest.mark.parametrize("room", [0, 150])
def test_pressed_web_equals_slow_twin(fixed, slope, room):
    rng = np.random.default_rng(1)
    across, along = np.array([-0.5, 0.0, 0.6], np.float32), rng.normal(0, 1, 50).astype(np.float32)
    loading = rng.normal(25.5, 0.2, 150).astype(np.float32)
    code = np.zeros(150, np.int16)
    code[::2] = 9
    thickness, porosity = np.empty(room, np.float32), np.empty(150, np.float32)
    off = calendering.press_web(
        5, 61, across, along, fixed, slope, 13.0, 4.53, np.uint64(3), 0.3, 160.0, 1.5, 4, loading, porosity, thickness,
        code,
    )  # fmt: skip
    true = (fixed + slope * loading.reshape(3, 50) + across[:, None] + along).ravel().astype(float)
    gauge = _normals(3, 183).reshape(3, 61)[:, :50].ravel()
    expected = (np.abs(true + 0.3 * gauge - 160.0) > 1.5) & (np.arange(150) % 2 == 1)
    assert thickness == pytest.approx(true[:room], rel=1e-6)
    assert porosity == pytest.approx(calendering.porosity(loading, (true - 13.0) / 2.0, 4.53), abs=1e-5)
    assert np.array_equal(code == 4, expected)
    assert off == expected.sum() > 3


def test_a_wrinkle_comes_with_its_probability_and_length():
    # 4 000 webs of 100 m: share, mean start and mean length within 4 standard deviations.
    found = np.array([calendering.wrinkled_m(lot, np.uint64(1), 0.3, 20.0, 100.0) for lot in range(4000)])
    hit = found[found[:, 1] > found[:, 0]]
    assert len(hit) / 4000 == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 4000))
    assert hit[:, 0].mean() == pytest.approx(50.0, abs=4 * 100 / math.sqrt(12 * len(hit)))
    assert (hit[:, 1] - hit[:, 0]).mean() == pytest.approx(20.0, rel=4 / math.sqrt(len(hit)))


def test_a_stretch_takes_the_living_segments_it_touches():
    code = np.array([0, 0, 0, 0, 0, 7, 0, 0], np.int16)
    assert calendering.scrap_stretch(4.0, 8.5, 3.0, 2, 3, code) == 3
    assert code.tolist() == [0, 3, 3, 0, 0, 7, 3, 0]
    assert calendering.scrap_stretch(0.0, 0.0, 3.0, 2, 3, code) == 0
