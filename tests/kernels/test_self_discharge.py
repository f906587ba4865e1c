from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.kernels import self_discharge

# mV/day from the short alone at 100 Ohm, 1, 10 and 100 kOhm, as many digits as printed: what a test is designed with.
K_TABLE = {
    "NMC 23 Ah": (23.0, 3.7, 8.0, "31 3.1 0.31 0.03"),
    "LFP 23 Ah, low charge": (23.0, 3.15, 6.0, "20 2.0 0.20 0.02"),
    "LFP 146 Ah, low charge": (146.0, 3.15, 6.0, "3.1 0.31 0.031 0.003"),
    "LFP 314 Ah, 8 %": (314.0, 3.15, 6.0, "1.4 0.14 0.014 0.001"),
    "LFP 314 Ah, plateau": (314.0, 3.3, 0.3, "0.076 0.008"),
    "NFPP 160 Ah": (160.0, 2.9, 8.0, "3.5 0.35 0.035 0.003"),
}


@pytest.mark.parametrize("cell", K_TABLE)
def test_k_values_of_soft_shorts(cell: str) -> None:
    capacity_ah, volt, slope, printed = K_TABLE[cell]
    for ohm, text in zip((100.0, 1e3, 1e4, 1e5), printed.split(), strict=False):
        found = self_discharge.k_value_mv_per_d(volt / ohm, capacity_ah, slope)
        assert found == pytest.approx(float(text), abs=0.5 * 10.0 ** -len(text.partition(".")[2]))


def test_the_plateau_hides_a_short_that_low_charge_shows() -> None:
    noise = self_discharge.reading_noise_mv_per_d(0.10, 0.5, 0.15, 7.0)
    assert noise == pytest.approx(0.0253, abs=0.001)
    low = self_discharge.detectable_ohm(3.15, 314.0, 6.0, 5.0 * noise)
    plateau = self_discharge.detectable_ohm(3.3, 314.0, 0.3, 5.0 * noise)
    assert 1000.0 < low < 1300.0
    assert plateau < 70.0


def test_settling_factor_is_the_mean_of_the_decay() -> None:
    days = np.linspace(3.0, 13.0, 200_001)
    mean = np.trapezoid(1.0 + 3.0 * np.exp(-days / 2.0), days) / 10.0
    assert self_discharge.settling_factor(3.0, 13.0, 3.0, 2.0) == pytest.approx(mean, rel=1e-8)


def test_arrhenius_factor_of_the_measured_currents() -> None:
    assert self_discharge.arrhenius_factor(50.0, 20.0, 0.40) == pytest.approx(620.0 / 142.0, rel=0.02)


def test_tray_limits_equal_the_slow_twin() -> None:
    rng = np.random.default_rng(2)
    position = np.flatnonzero(rng.random(1500) < 0.9).astype(np.int32)
    values = rng.normal(1.0, 0.1, position.size).astype(np.float32)
    values[::50] += 3.0
    expected = np.empty(values.size)
    for tray in np.unique(position // 64):
        inside = position // 64 == tray
        middle = np.median(values[inside])
        expected[inside] = middle + 4.0 * 1.4826 * np.median(np.abs(values[inside] - middle))
    np.testing.assert_allclose(self_discharge.tray_limits(values, position, 64, 4.0), expected, rtol=1e-5)


def test_a_nearly_empty_tray_borrows_the_limit_of_the_lot() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(1.0, 0.1, 67).astype(np.float32)
    position = np.arange(67, dtype=np.int32)
    limits = self_discharge.tray_limits(values, position, 64, 4.0)
    middle = np.median(values)
    of_lot = middle + 4.0 * 1.4826 * np.median(np.abs(values - middle))
    np.testing.assert_allclose(limits[64:], of_lot, rtol=1e-5)
    assert not math.isclose(limits[0], of_lot, rel_tol=1e-3)


def test_no_cells_have_no_limits() -> None:
    empty = np.empty(0, np.float32)
    assert self_discharge.tray_limits(empty, np.empty(0, np.int32), 64, 4.0).size == 0
